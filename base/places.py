"""Where the user's data lie, outside the code, and where earlier versions kept them, among it."""

from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from pydantic import BaseModel

from base.errors import InputError

SHIPPED = Path(__file__).parents[1]
"""The folder that holds `configs/`: the checkout, or the installed package."""


def find_config(path: Path) -> Path:
    """Return a configuration's path: as it is given, or if nothing is there, that of the shipped one of this name."""
    shipped = SHIPPED / path
    return shipped if path.parts[:1] == ("configs",) and not path.exists() and shipped.is_file() else path


def check_places(config: BaseModel) -> None:
    """Refuse a configuration that looks for data in a new place while they are where an earlier version put them.

    Parameters
    ----------
    config
        All paths in it are looked at.

    Raises
    ------
    InputError
        One begins where data lie now, nothing is there, and there is something in the earlier place.
    """
    for key, path in _paths(config):
        for new, old in _moves(path):
            if not new.exists() and old.exists():
                raise InputError(
                    f"{key}: {new.as_posix()} is not there, but {old.as_posix()} of an earlier version is: move it by "
                    f"`mkdir -p {new.parent.as_posix()} && mv {old.as_posix()} {new.as_posix()}`, or give the old path "
                    f"({key}={old.joinpath(path.relative_to(new)).as_posix()}, and wherever else it is used)"
                )


def _moves(path: PurePath) -> Iterator[tuple[Path, Path]]:
    """Give the folders, now and in earlier versions, that a path may be in."""
    match path.parts:
        case ("datasets", "poses", *_):
            yield Path("datasets", "poses"), Path("data", "poses")
        case ("datasets", "ntu", name, *_):
            yield Path("datasets", "ntu", name), Path("data", "ntu", "stores", name)
            if name.startswith("simulated"):
                yield Path("datasets", "ntu", name), Path("data", "ntu", name)


def _paths(value: Any, key: str = "") -> Iterator[tuple[str, Path]]:
    """Give the paths in a configuration, each with its key."""
    if isinstance(value, Path):
        yield key, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _paths(getattr(value, name), f"{key}.{name}".lstrip("."))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _paths(item, f"{key}.{name}")
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _paths(item, key)
