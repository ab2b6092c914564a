"""Other people's formats: each is one file of this folder that adds itself here, `docs/adding.md` shows how."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from base.errors import InputError
from base.registry import Registry
from data.formats.clips import ACTORS, Incoming
from data.formats.options import ReadOptions
from data.formats.outputs import Output
from data.skeletons.layouts import NTU25

BY_PLACE, BY_NAME, BY_CONTENT = 1, 2, 3
"""How sure a guess is: the content of a file goes before names, and these before where files lie."""


@dataclass(frozen=True)
class FormatKind:
    """One of other people's formats.

    Parameters
    ----------
    label
        Whose it is, such as `PYSKL`.
    reads
        What of it can be imported, inside a sentence: `PYSKL's .pkl`.
    guess
        Says how sure it is that a path is of this format, by names or content: 0, `BY_PLACE`, `BY_NAME`
        or `BY_CONTENT`.
    open
        Looks at a path and returns its clips, which are read one at a time; what it cannot read it refuses with an
        InputError. None if the format can only be written.
    outputs
        The shapes it can be written in (`data.formats.outputs`), of which the first that the output's name fits is
        taken; none if it can only be read.
    source
        What is imported.
    parts
        Ends of the names of files that are one of a set, of which the folder is imported.
    layouts
        The names of the joint layouts it holds.
    actions
        The last of NTU RGB+D's actions for which it has a place; None if it has one for any.
    people
        The people of a clip for which it has a place; None if it has one for any number.
    writes_with
        The options that it takes of `WriteOptions`, with its defaults.
    reads_with
        The options that it takes of `ReadOptions`.
    """

    label: str
    reads: str
    guess: Callable[[Path], int]
    open: Callable[[Path, ReadOptions], Incoming] | None
    outputs: tuple[Output, ...] = ()
    source: Literal["file", "folder", "file or folder"] = "file or folder"
    parts: tuple[str, ...] = ()
    layouts: tuple[str, ...] = (NTU25.name,)
    actions: int | None = None
    people: int | None = ACTORS
    writes_with: Mapping[str, Any] = field(default_factory=dict)
    reads_with: frozenset[str] = frozenset()


FORMATS: Registry[FormatKind] = Registry(__package__ or "", "format", "steady.formats")
"""All kinds by the names that `--format` takes."""


def find_format(name: str) -> FormatKind:
    """Return the format of a name.

    Raises
    ------
    InputError
        There is none.
    """
    FORMATS.names()  # what is wrong with somebody's module is not the user's mistake
    try:
        return FORMATS[name]
    except ValueError as error:
        raise InputError(f"--format: {error}") from error
