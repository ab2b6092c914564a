"""The formats of recordings: each is one file of this folder that adds itself here."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from base.errors import InputError
from base.registry import Registry
from data.recordings.recording import Recording

BY_NAME, BY_CONTENT = 1, 2
"""How sure a guess is: the content of a file goes before names."""


@dataclass(frozen=True)
class RecordingKind:
    """A format of recordings.

    Parameters
    ----------
    label
        Whose it is, such as `OpenPose`.
    reads
        What of it is read, inside a sentence: `OpenPose's folders of .json`.
    guess
        Says how sure it is that a path is of this format: 0, `BY_NAME` or `BY_CONTENT`. It must be quick (`head` in
        `data.recordings.peek`) and raise nothing, whatever the path is.
    read
        Reads a path; what it cannot read it refuses with an InputError that names the file and the place in it.
    source
        What a recording is: a file, a folder of a file per frame, or either.
    several
        Whether a file may hold several clips, whose people are numbered on: it can be refined, and is no clip then.
    """

    label: str
    reads: str
    guess: Callable[[Path], int]
    read: Callable[[Path], Recording]
    source: Literal["file", "folder", "file or folder"] = "file"
    several: bool = False


RECORDINGS: Registry[RecordingKind] = Registry("data.recordings", "format", "steady.recordings")
"""All kinds by the names that `smooth --format` takes."""


def find_recording(name: str) -> RecordingKind:
    """Return the format of a name.

    Raises
    ------
    InputError
        There is none.
    """
    RECORDINGS.names()  # what is wrong with somebody's module is not the user's mistake
    try:
        return RECORDINGS[name]
    except ValueError as error:
        raise InputError(f"--format: {error}") from error
