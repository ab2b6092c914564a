"""Where a data set's `.skeleton` files come from: the official zip, or a folder."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

from data.errors import InputError
from data.ntu.names import ClipName, parse_name
from data.ntu.skeleton import MAX_BYTES


@dataclass(frozen=True)
class Entry:
    """One `.skeleton` file: its path in the folder or zip, and the clip's name, or why it is no clip."""

    path: str
    name: ClipName | None
    fault: str = ""


def list_entries(source: Path) -> list[Entry]:
    """List the `.skeleton` files of a zip or a folder (with its sub-folders), sorted by name; other files are ignored.

    Raises
    ------
    InputError
        The path does not exist, is no readable zip, holds no `.skeleton` file, holds a clip twice, or is a zip with an
        entry that would leave the folder it is unpacked to.
    """
    if source.is_dir():
        paths = [str(path.relative_to(source)) for path in source.rglob("*.skeleton") if path.is_file()]
    elif source.is_file():
        paths = _list_zip(source)
    else:
        raise InputError(f"{source}: no such file or folder; data.raw must be the NTU RGB+D zip or its unpacked folder")
    if not paths:
        raise InputError(
            f"{source}: found no .skeleton file; data.raw must be the NTU RGB+D zip or its unpacked folder"
        )
    entries = sorted(
        (_as_entry(path) for path in paths), key=lambda entry: (PurePosixPath(entry.path).name, entry.path)
    )
    for before, after in pairwise(entries):
        if after.name is not None and before.name == after.name:
            raise InputError(f"{source}: holds clip {after.name} twice ({before.path} and {after.path}); remove one")
    return entries


class Source:
    """An open zip or folder to read `.skeleton` files from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip = None if path.is_dir() else zipfile.ZipFile(path)

    def read(self, entry: str) -> bytes:
        """Return the bytes of one file.

        Raises
        ------
        InputError
            The file is unreadable, damaged, or larger than any clip.
        """
        try:
            if self._zip is None:
                with (self.path / entry).open("rb") as file:
                    text = file.read(MAX_BYTES + 1)
            else:
                with self._zip.open(entry) as packed:
                    text = packed.read(MAX_BYTES + 1)
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
            raise InputError(
                f"{self.path}: {entry}: cannot be read ({error}); restore it from the data set "
                "or leave it out with data.on_error=skip"
            ) from error
        except Exception as error:
            if type(error).__module__ != "zlib":
                raise
            raise InputError(
                f"{self.path}: {entry}: damaged compression ({error}); restore it from the data set "
                "or leave it out with data.on_error=skip"
            ) from error
        if len(text) > MAX_BYTES:
            raise InputError(
                f"{self.path}: {entry}: more than {MAX_BYTES >> 20} MiB of text, which is no clip; remove it"
            )
        return text


def _list_zip(source: Path) -> list[str]:
    try:
        with zipfile.ZipFile(source) as packed:
            names = packed.namelist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InputError(f"{source}: not a readable zip ({error}); download it again") from error
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
            raise InputError(
                f"{source}: entry {name!r} leads out of the folder; expected plain paths; do not use this zip"
            )
    return [name for name in _without_folders(names) if name.endswith(".skeleton")]


def _without_folders(names: list[str]) -> Iterator[str]:
    return (name for name in names if not name.endswith("/"))


def _as_entry(path: str) -> Entry:
    try:
        return Entry(path, parse_name(PurePosixPath(path.replace("\\", "/")).stem))
    except InputError as error:
        return Entry(path, None, str(error))
