"""What may be replaced: only what this project made, of the same kind, and never what is about to be read."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from base.errors import InputError


@dataclass(frozen=True)
class Kind:
    """A kind of folder that this project makes.

    Parameters
    ----------
    name
        What it is called.
    fault
        Why a folder is none, naming a file that does not belong there; empty if all of it was made by this project.
    """

    name: str
    fault: Callable[[Path], str]


def check_replaceable(path: Path, kind: Kind | None, inputs: Iterable[Path] = (), where: str = "") -> None:
    """Make sure that a folder can be written: nothing is there, or what is there may be replaced.

    Every command that replaces a folder asks here, before it begins to work and again before it replaces.

    Parameters
    ----------
    path
        Where the folder shall be.
    kind
        As what an existing folder may be replaced; None if it may not.
    inputs
        Files and folders that are read: none of them is replaced, nor what holds it, nor what lies in it.
    where
        The key that gave the path, for the message.

    Raises
    ------
    InputError
        Something is there that must stay.
    """
    check_place(path, where)
    if not os.path.lexists(path):
        return
    named = f"{where}: {path}" if where else str(path)
    if kind is None:
        raise InputError(f"{named}: already exists; choose another folder or pass --again to replace it")
    fault = _untouchable(path, inputs)
    if not fault:
        fault = kind.fault(path) if path.is_dir() else "is a file"
    if fault:
        raise InputError(
            f"{named}: {fault}; --again replaces nothing but a {kind.name} that was made here: choose another folder"
        )


def check_place(path: Path, where: str = "") -> None:
    """Refuse a place inside a clip store, which nothing else may be in: the store could never be replaced again.

    Raises
    ------
    InputError
        A folder that holds `path` is a clip store.
    """
    for folder in path.absolute().parents:
        if (folder / "store.json").is_file() and (folder / "joints.npy").is_file():
            named = f"{where}: {path}" if where else str(path)
            raise InputError(f"{named}: lies in {folder}, a clip store; choose another folder")


def check_file_replaceable(
    path: Path, again: bool, inputs: Iterable[Path] = (), ours: Callable[[Path], bool] = lambda _: True
) -> None:
    """Make sure that a file can be written, as `check_replaceable` does for folders.

    Parameters
    ----------
    path
        Where the file shall be.
    again
        Whether one that is there may be replaced.
    inputs
        What is read.
    ours
        Says whether a file was written by this project.

    Raises
    ------
    InputError
        The file is there and `again` is false; or it is no regular file, one of the inputs, in one, or not ours.
    """
    check_place(path)
    if not os.path.lexists(path):
        return
    if not again or path.is_dir():
        raise InputError(f"{path}: already exists; choose another output or pass --again to replace it")
    fault = _untouchable(path, inputs)
    if not fault and not path.is_file():
        fault = "is no regular file"
    if not fault and not ours(path):
        fault = "was not made here, and --again replaces nothing else"
    if fault:
        raise InputError(f"{path}: {fault}; choose another output")


def check_output(path: Path, inputs: Iterable[Path] = (), where: str = "--output") -> None:
    """Make sure that a result may be written over what has its name: an earlier result, and nothing that is kept.

    Parameters
    ----------
    path
        The file.
    inputs
        What is read.
    where
        The option that gave the path, for the message.

    Raises
    ------
    InputError
        It lies in a clip store, or it is there and is a file of a run, an input, a link, or no regular file.
    """
    fault = ""
    if (path.parent / "store.json").exists():
        fault = f"lies in {path.parent}, a clip store"
    elif os.path.lexists(path):
        marks = ("run.json", "config.yaml")
        runs = (folder for folder in path.absolute().parents[:2] if all((folder / mark).exists() for mark in marks))
        run = next(runs, None)
        fault = _untouchable(path, ()) if path.is_file() else "is no regular file"
        if not fault and any(_same(path, given) for given in inputs):
            fault = "is read from"
        if not fault and run is not None:
            fault = f"is there already, in {run}, a run"
    if fault:
        raise InputError(f"{where}: {path}: {fault}; choose another output")


def _untouchable(path: Path, inputs: Iterable[Path]) -> str:
    """Say why something must stay, whatever it is; empty if nothing speaks against replacing it."""
    if path.is_symlink() or getattr(os.path, "isjunction", lambda _: False)(path):
        return "is a link to another place"
    if os.path.ismount(path):
        return "is where a disk is mounted"
    for place, name in ((Path.cwd(), "the working folder"), (_home(), "the home folder")):
        if place is not None and _holds(path, place):
            return f"is or holds {name}"
    for given in inputs:
        if _same(path, given):
            return "is read from"
        if _holds(path, given):
            return f"holds {given}, which is read"
        if _holds(given, path):
            return f"lies in {given}, which is read"
    return ""


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # of a user without one
        return None


def _holds(folder: Path, path: Path) -> bool:
    """Say whether a path is a folder or lies in it, whatever the two are called."""
    whole = Path(os.path.normpath(path.absolute()))
    return any(_same(folder, parent) for start in (whole, path.resolve()) for parent in (start, *start.parents))


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # one of them is not there
        return False
