"""Arrays that know where their bytes lie in a file, so that numbers in them can be replaced and nothing else."""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from base.errors import InputError
from base.unpickling import as_array, read_any_header
from data.recordings.patching import read_bytes
from data.recordings.recording import Write

LARGEST = 1 << 30
"""Bytes of a file of arrays; who has more has many recordings in it."""

Order = Literal["C", "F"]


@dataclass(frozen=True)
class Stored:
    """An array of numbers, and its place in a content: a file, or an unpacked part of one.

    Parameters
    ----------
    value
        The array, of the kind of number that the file has.
    start, end
        From which byte to which one it lies there.
    order
        C: the last axis runs fastest.
    text
        Whether its bytes are characters of a text, as pickles of Python 2's protocols have them; then `start` is where
        the pickle's instruction begins.
    member
        The unpacked part of the file that it lies in, by its name.
    """

    value: np.ndarray
    start: int
    end: int
    order: Order = "C"
    text: bool = False
    member: str = ""

    def encoded(self, value: np.ndarray) -> bytes:
        """Return what shall be in the array's place when it has other values, an array of the same shape and kind."""
        content = value.tobytes(self.order)
        if not self.text:
            return content
        characters = content.decode("latin1").encode("utf-8")
        return b"X" + len(characters).to_bytes(4, "little") + characters  # BINUNICODE


def as_float64(array: np.ndarray) -> np.ndarray:
    """Return any numbers as float64; a damaged file's may be none, which is NaN here, and no warning."""
    with np.errstate(invalid="ignore", over="ignore"):
        return array.astype(np.float64)


Changes = Sequence[tuple[Stored, np.ndarray]]
"""Arrays, and what shall be there instead."""


def replace_values(array: np.ndarray, before: np.ndarray, after: np.ndarray) -> bool:
    """Put into an array what has changed, in its own kind of number, and say whether anything has.

    Whole numbers are rounded. What does not fit becomes the largest number that does.

    Parameters
    ----------
    array
        Changed in place.
    before, after
        float64, of its shape: as it was read, and as it shall be; NaN where it has no number that is a coordinate, and
        where that stays so.
    """
    changed = np.isfinite(after) & (before != after)
    if not changed.any():
        return False
    values = after[changed]
    whole = array.dtype.kind in "iu"
    limits: Any = np.iinfo(array.dtype) if whole else np.finfo(array.dtype)
    values = np.rint(values) if whole else values
    array[changed] = np.clip(values, float(limits.min), float(limits.max)).astype(array.dtype)
    return True


def spliced(content: bytes, parts: Changes) -> bytes:
    """Return a content with other values in some of its arrays."""
    pieces, done = [], 0
    for stored, value in sorted(parts, key=lambda part: part[0].start):
        pieces += [content[done : stored.start], stored.encoded(value)]
        done = stored.end
    return b"".join([*pieces, content[done:]])


def check_apart(stored: Sequence[Stored], where: str) -> None:
    """Check that no array stands for two things, which could then not be different.

    Raises
    ------
    InputError
        One does.
    """
    if len({(each.member, each.start) for each in stored}) < len(stored):
        raise InputError(f"{where}: two of its parts are one array; write each of them as an array of its own")


def writer(
    where: str,
    stored: Sequence[Stored],
    view: Callable[[np.ndarray], np.ndarray],
    joints: np.ndarray,
    put: Callable[[Changes], bytes],
) -> Write:
    """Return what writes joints back into arrays.

    Parameters
    ----------
    where
        How messages begin.
    stored
        The arrays, of which each has the next rows of joints.
    view
        Returns the coordinates of such an array, of any shape, as a view of it.
    joints
        float64 [N, J, D]: what was read.
    put
        Returns the whole file with other arrays in some places.

    Raises
    ------
    InputError
        An array stands for two things.
    """
    check_apart(stored, where)

    def write(new: np.ndarray, output: Path) -> None:
        changes, row = [], 0
        for each in stored:
            array = each.value.copy()
            seen = view(array)
            rows = slice(row, row + seen.size // math.prod(joints.shape[1:]))
            row = rows.stop
            if replace_values(seen, joints[rows].reshape(seen.shape), new[rows].reshape(seen.shape)):
                changes.append((each, array))
        output.write_bytes(put(changes))

    return write


def read_content(path: Path) -> bytes:
    """Read a whole file of arrays.

    Raises
    ------
    InputError
        It is no regular file, or too large.
    """
    return read_bytes(path, LARGEST)


def find_npy(content: bytes, where: str) -> Stored | None:
    """Find the numbers of a `.npy` content; None if it is a pickle of objects.

    Raises
    ------
    InputError
        It is none, or has more or fewer bytes than it says.
    """
    file = io.BytesIO(content)
    shape, fortran, kind = read_any_header(file, where)
    if kind.hasobject:
        return None
    start, order = file.tell(), _order(fortran)
    size = kind.itemsize * math.prod(shape)
    if len(content) - start != size:
        raise InputError(f"{where}: {len(content) - start} bytes for an array of {kind} {shape}; the file is damaged")
    return Stored(as_array(content[start:], kind, shape, order), start, len(content), order)


def _order(fortran: bool) -> Order:
    return "F" if fortran else "C"


def rounding_note(array: np.ndarray) -> tuple[str, ...]:
    """Say what a kind of number does to refined coordinates, if it does something."""
    if array.dtype.kind in "iu":
        return (f"its numbers are whole ({array.dtype}): refined ones are rounded to whole numbers",)
    if array.dtype.itemsize < 4:
        return (f"its numbers are {array.dtype}: refined ones are rounded to its three digits",)
    return ()
