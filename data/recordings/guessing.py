"""Which tool a file is from, by its content first and its name second."""

from dataclasses import replace
from pathlib import Path

from base.errors import InputError
from base.shown import shown
from data.recordings.recording import Recording, check_recording
from data.recordings.registry import RECORDINGS, find_recording


def guess_recording(path: Path) -> str | None:
    """Return the name of the format of a file or folder; None if it is of none.

    Raises
    ------
    InputError
        It may be of several.
    """
    found = "folder" if path.is_dir() else "file"
    sure = {name: RECORDINGS[name].guess(path) for name in RECORDINGS.names() if found in RECORDINGS[name].source}
    best = max(sure.values(), default=0)
    names = [name for name, how in sure.items() if how == best and how]
    if len(names) > 1:
        raise InputError(f"{path}: may be of {', '.join(names)}; say which with --format {'|'.join(names)}")
    return names[0] if names else None


def read_recording(path: Path, format: str | None = None, timed: bool = True) -> tuple[str, Recording]:
    """Read a recording, and tell its format.

    Parameters
    ----------
    path
        A file, or a folder of a file per frame.
    format
        The format's name; None to guess it.
    timed
        Whether to go by the file's own rate and times; if not, what is wrong with them does not matter.

    Raises
    ------
    InputError
        It is of no format that is known, or cannot be read as it.
    """
    if not path.exists():
        raise InputError(f"{path}: is not there; give a file, or a folder of files")
    if format is not None:
        kind = find_recording(format)
        found = "folder" if path.is_dir() else "file"
        if found not in kind.source:
            raise InputError(f"{path}: is a {found}; {kind.label} is read from a {kind.source}")
        name = format
    else:
        guessed = guess_recording(path)
        if guessed is None:
            known = ", ".join(RECORDINGS.names())
            what = "a folder" if path.is_dir() else f"a file with the ending {shown(path.suffix)}"
            raise InputError(f"{path}: {what} whose content is of no known tool; what is read: {known}")
        name = guessed
    recording = RECORDINGS[name].read(path)
    return name, check_recording(recording if timed else replace(recording, fps=None, seconds=None), str(path))


def describe_recordings() -> list[tuple[str, str]]:
    """Return the name of each format, and what of it is read."""
    return [(name, RECORDINGS[name].reads) for name in RECORDINGS.names()]
