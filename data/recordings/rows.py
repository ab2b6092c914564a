"""One person in one frame after the other, as files list them: which frame, who, where, how sure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from base.errors import InputError
from base.shown import cut, shown
from base.words import plural

_LARGEST = 2**53
"""Of whole numbers that a float holds exactly."""

_ENDING = re.compile(r"\.(?:jpe?g|png|bmp|tiff?|webp|gif|ppm|json|txt)$", re.IGNORECASE)
_LONGEST_NAME = 256
_LAST_NUMBER = re.compile(r"(\d+)\D*$")


@dataclass(frozen=True)
class Row:
    """One person in one frame.

    Parameters
    ----------
    frame
        Its number.
    values
        float64 [J, C]: coordinates, and what else the file says of each joint.
    slots
        int64 [J, C]: where they stand, -1 where nothing can be replaced.
    person
        Who it is; None if the file does not say so.
    """

    frame: int
    values: np.ndarray
    slots: np.ndarray
    person: int | None = None


@dataclass(frozen=True)
class Rows:
    """Many rows: `frame` int64 [N], `person` int64 [N] or None, `values` float64 [N, J, C], `slots` int64 [N, J, C]."""

    frame: np.ndarray
    person: np.ndarray | None
    values: np.ndarray
    slots: np.ndarray


def stack(rows: Iterable[Row], where: str) -> Rows:
    """Stack rows.

    Identities count only if every row has one and nobody is twice in a frame: a tracker's.

    Raises
    ------
    InputError
        There is no row, or they have different numbers of joints or of values.
    """
    rows = list(rows)
    if not rows:
        raise InputError(f"{where}: has nobody in any frame; there is nothing to refine")
    first = rows[0].values.shape
    for row in rows:
        if row.values.shape != first:
            raise InputError(
                f"{where}: found {_size(row.values.shape)} in frame {row.frame}, expected {_size(first)} as in frame "
                f"{rows[0].frame}; give each kind of skeleton a file of its own"
            )
    frame = np.array([row.frame for row in rows], np.int64)
    ids = [row.person for row in rows]
    known = None not in ids and len({(row.frame, row.person) for row in rows}) == len(rows)
    return Rows(
        frame,
        np.array(ids, np.int64) if known else None,
        np.stack([row.values for row in rows]),
        np.stack([row.slots for row in rows]).astype(np.int64),
    )


def _size(shape: tuple[int, ...]) -> str:
    return f"{plural(shape[0], 'joint')} of {plural(shape[1], 'number')}"


def missing_at_zero(points: np.ndarray) -> np.ndarray:
    """Return coordinates [..., D] with NaN for joints exactly at zero: so trackers write what they did not see."""
    seen = np.asarray((points != 0).any(axis=-1, keepdims=True))
    return np.where(seen, points, np.nan)


def as_confidence(scores: np.ndarray) -> np.ndarray:
    """Return scores as float32 from 0 to 1: what is larger is cut, what is no number is 0."""
    return np.clip(np.nan_to_num(scores), 0, 1).astype(np.float32)


def whole_number(value: Any) -> int | None:
    """Return a number of a file as an integer; None if it is none."""
    if isinstance(value, float) and abs(value) < _LARGEST and value == int(value):
        return int(value)
    return None


def frame_number(value: Any, where: str, seen: set[int] | None = None) -> int:
    """Return the number of a frame.

    Parameters
    ----------
    value
        What the file says.
    where
        How messages begin.
    seen
        The frames before, if each must have a number of its own; this one is added.

    Raises
    ------
    InputError
        It is no whole number, or one of a frame before.
    """
    number = whole_number(value)
    if number is None:
        raise InputError(f"{where}: found {shown(value)}, expected the number of a frame")
    if seen is not None and number in seen:
        raise InputError(f"{where}: found {number} again, expected a number of its own for each frame")
    if seen is not None:
        seen.add(number)
    return number


def identity(value: Any) -> int | None:
    """Return a person's number, which may be the only item of a list; None if it is negative or no whole number."""
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    number = whole_number(value)
    return number if number is not None and number >= 0 else None


def number_of_name(name: str) -> int:
    """Return the last number in the name of an image or a file; -1 if there is none."""
    found = _LAST_NUMBER.search(_ENDING.sub("", name[-_LONGEST_NAME:]))
    return int(found[1][-12:]) if found else -1


def numbers_of_names(names: Sequence[str], where: str) -> list[int]:
    """Return the frame that each of some different images or files is of: the last number in its name.

    One image alone is frame 0.

    Raises
    ------
    InputError
        A name has no number, or two have the same.
    """
    if len(names) == 1:
        return [0]
    numbers = [number_of_name(name) for name in names]
    first: dict[int, str] = {}
    for name, number in zip(names, numbers, strict=True):
        other = first.setdefault(number, name)
        if other != name or number < 0:
            twin = f"{cut(other)} and {cut(name)}" if other != name else cut(name)
            raise InputError(f"{where}: found {twin}, expected names that end in the number of the frame; rename them")
    return numbers
