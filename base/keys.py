"""Every key of a typed configuration, and every option of a command: what it means, what it may be, its default.

Nothing is written down twice: types, limits and defaults are those that a configuration is checked with, and what a key
means is the docstring below it in its class, or its entry under `Parameters`. What an option means is its help.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.models import OptionInfo

WIDTH = 110
_KINDS = {bool: "true or false", int: "whole number", float: "number", str: "text", Path: "path", Any: "any value"}
_LIMITS = {"ge": "at least {}", "gt": "more than {}", "le": "at most {}", "lt": "less than {}"}


@dataclass(frozen=True)
class Key:
    """A key of a configuration.

    Parameters
    ----------
    name
        Such as `train.epochs`.
    meaning
        In one paragraph; of a section, what it is about.
    allowed
        What its value may be; "section" where keys follow.
    default
        In YAML; None where it must be given.
    """

    name: str
    meaning: str
    allowed: str
    default: str | None


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[Key]:
    """Give the keys of a configuration in their order, values before sections, and each section before its keys."""
    meanings = _meanings(model)
    for name, field in model.model_fields.items():
        if _section(field.annotation) is None:
            allowed = _allowed(field.annotation, field.metadata)
            yield Key(f"{prefix}{name}", meanings.get(name, ""), allowed, _default(field))
    for name, field in model.model_fields.items():
        key, section = f"{prefix}{name}", _section(field.annotation)
        if section is None:
            continue
        left_out = field.get_default(call_default_factory=False) is None and not field.is_required()
        optional = " that may be left out" if left_out else ""
        yield Key(key, meanings.get(name) or _prose(section), f"section{optional}", "null" if left_out else "")
        yield from keys_of(section, f"{key}.")


def keys_of_command(command: Callable[..., Any]) -> Iterator[Key]:
    """Give the arguments and options of a command, a function whose parameters typer has annotated."""
    for name, parameter in inspect.signature(command).parameters.items():
        kind, info = get_args(parameter.annotation)
        called = next((word for word in info.param_decls or () if word.startswith("--")), f"--{name.replace('_', '-')}")
        given = parameter.default is not parameter.empty
        yield Key(
            called if isinstance(info, OptionInfo) else info.metavar or name.upper(),
            info.help or "",
            _allowed(kind, [SimpleNamespace(ge=info.min, le=info.max)]),
            _in_yaml(parameter.default) if given else None,
        )


def as_text(keys: Iterable[Key]) -> str:
    """Return keys for the terminal."""
    lines = []
    for key in keys:
        if key.allowed.startswith("section"):
            lines += ["", f"{key.name}: {key.allowed}"]
        else:
            lines.append(f"{key.name}: {key.allowed}; {_said(key)}")
        lines += textwrap.wrap(key.meaning, WIDTH, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines).strip("\n")


def as_page(commands: Mapping[str, type[BaseModel] | Callable[..., Any]]) -> str:
    """Return the page of the keys of all stages and the options of other commands in Markdown."""
    head = (
        "# Keys of the configurations, and options\n\nWritten by `python run.py keys --markdown`; `python run.py keys "
        "recognize` prints one command's. Each key may stand in a YAML file, in its section, or on the command line as "
        "`section.key=value`."
    )
    parts = (as_markdown(name, _prose(what), all_of(what)) for name, what in commands.items())
    return "\n\n".join([head, *parts])


def all_of(what: type[BaseModel] | Callable[..., Any]) -> Iterator[Key]:
    """Give the keys of a configuration, or the options of a command."""
    return keys_of(what) if isinstance(what, type) and issubclass(what, BaseModel) else keys_of_command(what)


def as_markdown(stage: str, about: str, keys: Iterable[Key]) -> str:
    """Return keys as a part of a page, a table for each section."""
    lines = [f"## {stage}", "", about]
    begun = False
    for key in keys:
        if key.allowed.startswith("section"):
            optional = " It may be left out." if key.default else ""
            lines += ["", f"### {stage}: {key.name}", "", f"{key.meaning}{optional}"]
            begun = False
            continue
        if not begun:
            lines += ["", "| key | may be | default | meaning |", "|---|---|---|---|"]
            begun = True
        default = "*must be given*" if key.default is None else f"`{key.default}`"
        cells = (f"`{key.name}`", key.allowed, default, key.meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def _said(key: Key) -> str:
    return "must be given" if key.default is None else f"default {key.default}"


def _section(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a key holds; None where it is a value."""
    kinds = [kind for kind in _members(annotation) if kind is not NoneType]
    first = kinds[0]
    return first if len(kinds) == 1 and isinstance(first, type) and issubclass(first, BaseModel) else None


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _allowed(annotation: Any, metadata: Any = ()) -> str:
    """Say what a value may be, with its limits."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = [two for one in parts[1:] for two in (one.metadata if isinstance(one, FieldInfo) else (one,))]
        return _allowed(parts[0], [*inner, *metadata])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_allowed(part, () if part is NoneType else metadata) for part in parts))
    limits = _limits(metadata)
    if annotation is NoneType:
        return "null"
    if origin is Literal:
        return " or ".join(", ".join(f"`{part}`" for part in parts).rsplit(", ", 1))
    if origin is tuple and parts[-1] is not Ellipsis:
        return "[" + ", ".join(_allowed(part) for part in parts) + "]"
    if origin in (tuple, list):
        inner_one = _allowed(parts[0])
        return f"list of ({inner_one})" if " or " in inner_one or ", " in inner_one else f"list of {inner_one}"
    if origin is dict:
        return f"mapping from {_allowed(parts[0])} to {_allowed(parts[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "keys " + ", ".join(f"`{name}`" for name in annotation.model_fields)
    return _KINDS[annotation] + (f", {limits}" if limits else "")


def _limits(metadata: Any) -> str:
    found = {name: getattr(one, name) for one in metadata for name in _LIMITS if getattr(one, name, None) is not None}
    if {"ge", "le"} <= found.keys():
        return f"{_number(found['ge'])} to {_number(found['le'])}"
    return ", ".join(_LIMITS[name].format(_number(found[name])) for name in _LIMITS if name in found)


def _number(value: float) -> str:
    power = int(value).bit_length() - 1
    if power >= 20 and value == 2**power:
        return f"2^{power}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _default(field: FieldInfo) -> str | None:
    if field.is_required():
        return None
    return _in_yaml(field.get_default(call_default_factory=True))


def _in_yaml(value: Any) -> str:
    return yaml.safe_dump(_plain(value), default_flow_style=True, width=1000)[:-1].removesuffix("\n...")


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return str(value) if isinstance(value, Path) else value


def _prose(model: object) -> str:
    """Return the docstring of a section or a command without its list of parameters, in one paragraph."""
    return _one_paragraph(re.split(r"\n *Parameters\n", inspect.getdoc(model) or "")[0])


def _one_paragraph(text: str) -> str:
    return " ".join(text.split())


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """Return what the docstrings say of the keys of a section, those of its own class before its parents'."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if one is not BaseModel and isinstance(one, type) and issubclass(one, BaseModel):
            found |= _listed(inspect.cleandoc(one.__doc__ or "")) | dict(_below(one))
    return found


def _listed(docstring: str) -> dict[str, str]:
    """Read the entries under `Parameters`; one may be of several keys."""
    _, *rest = re.split(r"^Parameters\n-+\n", docstring, maxsplit=1, flags=re.MULTILINE)
    found: dict[str, str] = {}
    for entry in re.finditer(r"^(\w[\w, ]*)\n((?:    .*\n?|\n)+)", rest[0] if rest else "", re.MULTILINE):
        found |= dict.fromkeys(entry[1].split(", "), _one_paragraph(entry[2]))
    return found


def _below(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Give the docstrings below the keys of a class."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(tree, ast.ClassDef)
    for line, after in zip(tree.body, tree.body[1:], strict=False):
        match line, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, _one_paragraph(text)
