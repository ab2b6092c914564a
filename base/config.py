"""Typed configurations from YAML files and words of the command line."""

import difflib
import errno
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from base.errors import InputError
from base.executors.registry import known_executor
from base.files import regular_file
from base.places import check_places, find_config
from base.settings import Section
from base.shown import cut, one_line, shown

Model = TypeVar("Model", bound=BaseModel)

MOST_EPOCHS = 1_000_000
MOST_AT_ONCE = 1_000_000
HIGHEST_RATE = 1000.0
"""Limits of epochs, of what a step computes with, and of a learning rate, which nobody means to reach."""

Executor = Annotated[str, AfterValidator(known_executor)]
"""Who does the work, one file each in `base/executors`."""

LARGEST = 1 << 18
"""Characters of a configuration or a list of names."""
_DEEPEST = 40
_MOST_VALUES = 50_000
_TAGS = (None, "!", *(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "seq", "map")))
_OTHERWISE = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")


class _Loader(yaml.SafeLoader):
    """YAML in which `on`, `off`, `yes` and `no` are words, as in YAML 1.2: `train.on` is a key of ours.

    So are dates: no value of ours is one, and a folder may have one for its name.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._sizes: dict[yaml.Node, int] = {}
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a node, counting what it is when all that it refers to is written out."""
        alias = self.check_event(yaml.AliasEvent)
        if not alias and (tag := getattr(self.peek_event(), "tag", None)) not in _TAGS:
            raise yaml.YAMLError(f"has the tag {cut(str(tag))}; write plain values")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise yaml.YAMLError(f"nests more than {_DEEPEST} levels")
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is None or (alias and node not in self._sizes):
            raise yaml.YAMLError("refers to what it is part of")
        if not alias:
            parts = node.value if isinstance(node, yaml.CollectionNode) else []
            inner = (one for part in parts for one in (part if isinstance(part, tuple) else (part,)))
            self._sizes[node] = 1 + sum(self._sizes[one] for one in inner)
        if self._sizes[node] > _MOST_VALUES:
            raise yaml.YAMLError(f"has more than {_MOST_VALUES} values when its references are written out")
        return node


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _OTHERWISE]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


class _TextLoader(_Loader):
    """YAML in which all but null is text, as it was typed: `2024_11` is a path, and no number."""


_TextLoader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern) for tag, pattern in resolvers if tag in ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(text: str, loader: type[_Loader] = _Loader) -> Any:
    """Read YAML of plain values; nothing in it can make an object, and it is no larger than it looks.

    Raises
    ------
    yaml.YAMLError
        It is no YAML, too large or too deep, or has a value that is not what it seems.
    """
    if len(text) > LARGEST:
        raise yaml.YAMLError(f"has more than {LARGEST} characters")
    try:
        return yaml.load(text, loader)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        # PyYAML leaves it to Python to read numbers
        raise yaml.YAMLError(f"has a value that cannot be read ({cut(str(error), 100)})") from error


def read_yaml_file(path: Path) -> Any:
    """Read a YAML file of plain values, see `read_yaml`.

    Raises
    ------
    yaml.YAMLError, OSError, InputError
        It is no YAML; it is not there; it is no file, or a very large one.
    """
    return read_yaml(_read_text(path))


def _read_text(path: Path) -> str:
    size = regular_file(path).stat().st_size
    if size > LARGEST:
        raise InputError(f"{path}: {size} bytes, more than {LARGEST} are not read as YAML")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise yaml.YAMLError(f"is no text in UTF-8 ({error.reason} at byte {error.start})") from error


def read_kept(folder: Path) -> Any:
    """Read the configuration that a run has kept in its folder.

    Raises
    ------
    InputError
        It cannot be read.
    """
    path = folder / "config.yaml"
    try:
        return read_yaml_file(path)
    except (OSError, yaml.YAMLError) as error:
        reason = one_line(str(error), 200)
        raise InputError(f"{path}: cannot be read ({reason}); choose another run.dir, or pass --again") from error


class RunSection(Section):
    """Where a run keeps its files, on which device it computes, and its seed."""

    dir: Path
    """The folder of what the run leaves: configuration, log, checkpoints, results, figures."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute; `auto`: on an accelerator if there is one."""
    seed: int = Field(0, ge=0, lt=2**31)
    """Where all that is random comes from."""


def load_config(model: type[Model], path: Path, overrides: Sequence[str] = ()) -> Model:
    """Read a YAML file and `section.key=value` overrides into a typed configuration.

    Parameters
    ----------
    model
        The configuration's class.
    path
        The YAML file; a shipped one, such as `configs/refine/default.yaml`, is found from any folder.
    overrides
        Words such as `train.epochs=20`; values are read as YAML, so lists and null work as they do in the file.

    Raises
    ------
    InputError
        The file cannot be read; the first key that is unknown, missing or has a value that is not allowed; or data that
        an earlier version kept elsewhere.
    """
    path = find_config(Path(path))
    try:
        if not path.exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        _check_is_configuration(path, model)
        text = _read_text(path)
        values, texts = _written_out(read_yaml(text)), _written_out(read_yaml(text, _TextLoader))
    except OSError as error:
        raise InputError(
            f"{path}: cannot read the configuration ({error.strerror}); give a YAML file's path"
        ) from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {one_line(str(error), 300)}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected sections with keys, found {type(values).__name__}")
    _take_paths_as_text(model, values, texts)
    given: dict[str, str] = {}
    for override in overrides:
        key, value = _apply_override(values, override, model)
        given[key] = value
    try:
        config = model.model_validate(values)
    except ValidationError as error:
        raise InputError(_explain(error, model, path, given)) from error
    check_places(config)
    return config


def _written_out(value: Any) -> Any:
    """Copy what is referred to into each place, so that a change of one place changes no other."""
    if isinstance(value, dict):
        return {key: _written_out(part) for key, part in value.items()}
    return [_written_out(part) for part in value] if isinstance(value, list) else value


def _check_is_configuration(path: Path, model: type[BaseModel]) -> None:
    """Tell what is no configuration from one that has a mistake in it, and by which key it may have been meant."""
    if path.is_file():
        try:
            with path.open("rb") as file:
                if b"\0" not in file.read(1 << 12):
                    return
        except OSError:
            return
    what = "no text" if path.is_file() else "a folder" if path.is_dir() else "no regular file"
    fields = model.model_fields
    key = ""
    if path.suffix in (".pt", ".pth", ".tar") and "train" in fields:
        key = "train.checkpoint" if "apply" in fields else "train.start_from"
    elif (path / "store.json").is_file():
        key = "apply.input" if "apply" in fields else "data.store" if "train" in fields else ""
    elif {"data", "simulate"} == fields.keys():
        key = "data.raw"
    advice = f"; to use it, give {key}={path}" if key else ""
    raise InputError(f"{path}: is {what}, expected a configuration, a YAML file{advice}")


def _kinds(annotation: Any) -> Iterator[Any]:
    """Give what a value may be, one by one."""
    if get_origin(annotation) in (Union, UnionType):
        for kind in get_args(annotation):
            yield from _kinds(kind)
    elif get_origin(annotation) is Annotated:
        yield from _kinds(get_args(annotation)[0])
    else:
        yield annotation


def _holds_paths(annotation: Any) -> bool:
    """Say whether a value is a path, or a list or dictionary of paths."""
    kinds = list(_kinds(annotation))
    return Path in kinds or any(Path in get_args(kind) for kind in kinds)


def _take_paths_as_text(model: type[BaseModel], values: Any, texts: Any) -> None:
    """Put the text of all paths in the place of what YAML takes it for."""
    for name, field in model.model_fields.items():
        if not isinstance(values, dict) or name not in values:
            continue
        if _holds_paths(field.annotation):
            values[name] = texts[name]
        for kind in _kinds(field.annotation):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                _take_paths_as_text(kind, values[name], texts[name])


def _annotation_at(model: type[BaseModel], parts: Sequence[str]) -> Any:
    """Return what the value of a key may be; None if the model does not say."""
    annotation: Any = model
    for part in parts:
        found = None
        for kind in _kinds(annotation):
            if isinstance(kind, type) and issubclass(kind, BaseModel) and part in kind.model_fields:
                found = kind.model_fields[part].annotation
            elif get_origin(kind) is dict:
                found = get_args(kind)[1]
        annotation = found
    return annotation


def _read_value(text: str, annotation: Any) -> Any:
    """Read the value of an override: YAML, but for paths, which are as they were typed."""
    if not _holds_paths(annotation):
        return read_yaml(text)
    several = any(Path in get_args(kind) for kind in _kinds(annotation))
    if text in ("", "~", "null") or text[0] in "'\"" or (several and text[0] in "[{"):
        return read_yaml(text, _TextLoader)
    return text


def _apply_override(values: dict[str, Any], override: str, model: type[BaseModel]) -> tuple[str, str]:
    key, separator, text = override.partition("=")
    parts = key.split(".")
    if not separator or not all(parts) or len(parts) > _DEEPEST:
        raise InputError(f"{cut(override, 100)}: not an override; expected section.key=value, such as train.epochs=20")
    try:
        value = _read_value(text, _annotation_at(model, parts))
    except yaml.YAMLError as error:
        raise InputError(
            f"{cut(override, 100)}: the value is not valid YAML; quote it, or write lists as [a, b]"
        ) from error
    section = values
    for part in parts[:-1]:
        if not isinstance(section.get(part), dict):
            section[part] = {}
        section = section[part]
    section[parts[-1]] = value
    return key, override


_EXPECTED = {"tuple_type": "expected a list, such as [a, b]", "path_type": "expected a path"}
"""Words for what pydantic calls by the names of Python's types."""


def _explain(error: ValidationError, model: type[BaseModel], path: Path, overrides: dict[str, str]) -> str:
    """Tell the first of the errors in one line."""
    first, *others = error.errors(include_url=False)
    parts = [str(part) for part in first["loc"]]
    key = cut(".".join(parts), 200)
    touched = [text for name, text in overrides.items() if key.startswith(name) or name.startswith(f"{key}.")]
    where = f"{path} with {cut(touched[0], 100)}" if touched else str(path)
    text = cut(_EXPECTED.get(first["type"], first["msg"].removeprefix("Value error, ")), 400)
    if first["type"] == "extra_forbidden":
        allowed = sorted(_keys(model, parts[:-1]))
        near = difflib.get_close_matches(parts[-1][:100], allowed, n=1, cutoff=0.5)
        advice = f"did you mean {near[0]!r}?" if near else f"allowed here: {', '.join(allowed)}"
        what = f"unknown key; {advice}"
    elif first["type"] == "missing":
        what = "is missing; give it a value"
    elif not parts or isinstance(first["input"], dict | BaseModel):
        what = text  # about several keys, which the message names
    else:
        what = f"found {shown(first['input'])}; {text[0].lower()}{text[1:]}"
    more = f" (and {len(others)} more)" if others else ""
    return ": ".join(filter(None, (where, key, f"{what}{more}")))


def _keys(model: type[BaseModel], parts: Sequence[str]) -> Iterator[str]:
    """Give the keys that are allowed in the section at `parts`."""
    for part in parts:
        if part not in model.model_fields:
            return
        annotation = model.model_fields[part].annotation
        inner = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
        model = next((kind for kind in inner if issubclass(kind, BaseModel)), model)
    yield from model.model_fields
