"""The rows of a table whose columns have names: whose joints they are, of which frame and when."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from base.errors import InputError
from base.shown import cut
from data.recordings.clock import as_seconds
from data.recordings.named_columns import Columns

_MOST_ABSENT = 64
"""So many times the joints that there are may be needed for all joints of everybody in every frame."""


@dataclass(frozen=True)
class NamedRows:
    """A table whose columns are read when they are asked for.

    Parameters
    ----------
    where
        How messages begin: the file.
    header, columns
        The names of all columns, and what they are.
    index
        int64 [R]: what rows are numbered by where nothing else numbers frames.
    numbers
        Returns the numbers of a column, float64 [R], NaN for none; an InputError if it holds something else.
    frames
        Returns the frames' numbers of a column, int64 [R]; an InputError if one is none.
    words
        Returns what stands in a column, as text.
    """

    where: str
    header: Sequence[str]
    columns: Columns
    index: np.ndarray
    numbers: Callable[[int], np.ndarray]
    frames: Callable[[int], np.ndarray]
    words: Callable[[int], list[str]]


@dataclass(frozen=True)
class Layout:
    """Where the joints of everybody in every frame are.

    Parameters
    ----------
    rows
        int64 [N, J]: the row of each joint; -1 for none.
    coordinates
        int64 [J, D]: the columns of each joint.
    sure
        int64 [J]: the columns of confidences, -1 for none; or None.
    frame
        int64 [N].
    about
        What else `Recording` takes: person, seconds, names, groups and notes.
    """

    rows: np.ndarray
    coordinates: np.ndarray
    sure: np.ndarray | None
    frame: np.ndarray
    about: dict[str, Any]

    def cells(self, grid: np.ndarray, columns: np.ndarray, absent: float) -> np.ndarray:
        """Take joints' cells out of a whole table [R, C]: [N, 1, J, ...] for columns [J, ...]."""
        at = self.rows.reshape(*self.rows.shape, *[1] * (columns.ndim - 1))
        return np.where((at >= 0) & (columns >= 0), grid[at, columns], absent)[:, None]


def lay_out(table: NamedRows) -> Layout:
    """Find the joints of everybody in every frame.

    Rows without a column of frames are counted from 0, or by their times if rows are joints. If rows are poses, several
    of one frame are of people that nobody knows again, unless a column tells who they are; if rows are joints and no
    column tells, there is one person.

    Raises
    ------
    InputError
        A frame has no whole number, or a joint is there twice.
    """
    columns = table.columns
    frame, seconds, notes = _times(table)
    person = _people(table)
    coordinates, sure, names = columns.coordinates, columns.sure, columns.names
    groups: tuple[tuple[int, ...], ...] = ()
    if columns.joint is None:
        first, rows = np.arange(len(table.index)), np.repeat(np.arange(len(table.index))[:, None], len(coordinates), 1)
        alone = len(np.unique(frame)) == len(frame)
    else:
        words = [table.words(column) for column in (columns.group, columns.joint) if column is not None]
        joint, called = codes(list(zip(*words, strict=True)))
        first, rows = gather(frame, person, joint, table.where)
        names = tuple(" ".join(each) for each in called)
        groups = groups_of([each[0] for each in called]) if columns.group is not None else ()
        coordinates = np.repeat(coordinates, len(names), 0)
        sure = None if sure is None else np.repeat(sure, len(names))
        alone = True
    if person is None and alone:
        person = np.zeros_like(frame)
    about = {
        "person": None if person is None else person[first],
        "seconds": None if seconds is None else seconds[first],
        "names": names,
        "groups": groups,
        "notes": notes,
    }
    return Layout(rows, coordinates, sure, frame[first], about)


def codes(words: Sequence[tuple[str, ...]]) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """Number what rows are called, in the order in which it appears; return int64 [R] and the words of each number."""
    numbers: dict[tuple[str, ...], int] = {}
    found = np.array([numbers.setdefault(word, len(numbers)) for word in words], np.int64)
    return found, list(numbers)


def groups_of(models: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Return the joints of each model, of which each is called by its model; none if there is one model only."""
    found: dict[str, list[int]] = {}
    for at, model in enumerate(models):
        found.setdefault(model, []).append(at)
    return tuple(map(tuple, found.values())) if len(found) > 1 else ()


def gather(
    frame: np.ndarray, person: np.ndarray | None, joint: np.ndarray, where: str
) -> tuple[np.ndarray, np.ndarray]:
    """Put the rows of joints together that are one person's in one frame.

    Parameters
    ----------
    frame, person
        int64 [R]: the frame and the person of each row; no person if there is one only.
    joint
        int64 [R]: which joint, from 0.
    where
        How messages begin.

    Returns
    -------
    first
        int64 [N]: a row of each person in each frame, in the order of the table.
    rows
        int64 [N, J]: the row of each joint; -1 for none.

    Raises
    ------
    InputError
        A joint is there twice, or people have few joints in common.
    """
    number = np.unique(frame, return_inverse=True)[1]
    if person is not None:
        persons, each = np.unique(person, return_inverse=True)
        number = number * len(persons) + each
    _, first, group = np.unique(number, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    at = place[group]
    count = int(joint.max(initial=-1)) + 1
    if len(first) * count > _MOST_ABSENT * len(frame):
        raise InputError(f"{where}: its {len(first)} poses share few of {count} joints; is the column of joints one?")
    rows = np.full((len(first), count), -1, np.int64)
    rows[at, joint] = np.arange(len(frame))
    twice = np.flatnonzero(rows[at, joint] != np.arange(len(frame)))
    if len(twice):
        row = int(twice[0])
        who = "" if person is None else f" of person {person[row]}"
        raise InputError(
            f"{where}: found a joint{who} twice in frame {frame[row]}, expected a column that tells people"
        )
    return first[order], rows


def _times(table: NamedRows) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """Return the frame and the time of each row, int64 and float64 [R]; no times if none are known."""
    columns = table.columns
    times, name, notes = None, "", tuple[str, ...]()
    if columns.time is not None:
        name = table.header[columns.time]
        try:
            times = table.numbers(columns.time)
        except InputError:
            notes = (f"its column {cut(name)} holds no numbers, and such times are not read",)
    if columns.frame is not None:
        frame = table.frames(columns.frame)
    elif times is not None and columns.joint is not None:
        frame = np.unique(times, return_inverse=True)[1].astype(np.int64)
    else:
        frame = _index(table)
    if times is None or not np.isfinite(times).any():
        return frame, None, notes
    seconds = as_seconds(times, frame, name)
    if seconds is None:
        notes = (f"its column {cut(name)} gives no times: one is missing, or their unit cannot be told",)
    return frame, seconds, notes


def _index(table: NamedRows) -> np.ndarray:
    """Return the numbers of rows: those of a first column without a name if they run forwards."""
    if table.header[0].strip().lower() not in ("", "index", "unnamed: 0"):
        return table.index
    try:
        found = table.frames(0)
    except InputError:
        return table.index
    return found if (np.diff(found) > 0).all() else table.index


def _people(table: NamedRows) -> np.ndarray | None:
    """Return who each row is of, int64 [R]: the file's numbers, or numbers for its names; None if it does not say."""
    column = table.columns.person
    if column is None:
        return None
    words = table.words(column)
    person, names = codes([(word,) for word in words])
    if table.header[column].strip().lower() == "id" and len(names) == len(words) > 1:
        return None  # of rows, not of people
    if all(word.isascii() and word.isdecimal() and len(word) < 16 for (word,) in names):
        return np.array([int(word) for (word,) in names], np.int64)[person]
    return person
