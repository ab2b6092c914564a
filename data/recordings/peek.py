"""A look at the beginning of files, to tell their format."""

from itertools import islice
from pathlib import Path

HEAD = 1 << 16
"""Bytes that are looked at."""

MOST_FILES = 1_000_000
"""Entries of a folder that are looked at."""


def head(path: Path, size: int = HEAD) -> bytes:
    """Return the first bytes of a regular file; none if it is something else or cannot be read."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(size)
    except (OSError, ValueError):
        return b""


def files_in(folder: Path, ending: str) -> list[Path]:
    """Return the files of a folder that end so, in the order of their names; none if it is no folder."""
    try:
        found = [path for path in islice(folder.iterdir(), MOST_FILES) if path.name.lower().endswith(ending)]
    except (OSError, ValueError):
        return []
    return sorted(path for path in found if not path.name.startswith("."))
