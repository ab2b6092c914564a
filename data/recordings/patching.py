"""Texts whose numbers are replaced, and nothing else: every other byte stays."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.files import regular_file

LARGEST = 256 << 20
"""Bytes of one text; a person's 133 joints for a day make more, cut such files."""

FEWEST_DECIMALS = 2
"""Whole pixels would put jitter back."""

MOST_DECIMALS = 15

AT_ONCE = 1 << 16
"""Numbers of a text that are taken apart, or put in, together: each takes a hundred bytes meanwhile."""

_NUMBER = re.compile(rb"[-+]?(?:\d+(?:[.,](\d*))?|[.,](\d+))(?:[eE]([-+]?\d+))?")


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """Read a whole file.

    Raises
    ------
    InputError
        It is no regular file, or larger than that.
    """
    size = regular_file(path).stat().st_size
    if size > largest:
        raise InputError(f"{path}: has {size >> 20} MiB, at most {largest >> 20} MiB are read; cut it into parts")
    try:
        with path.open("rb") as file:
            return file.read(largest + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a file that can") from error


@dataclass(frozen=True)
class Numbers:
    """A text, and where some numbers stand in it.

    Parameters
    ----------
    text
        Its bytes, in an encoding in which digits are ASCII.
    spans
        int64 [K, 2]: from where to where each number goes; they do not overlap.
    """

    text: bytes
    spans: np.ndarray

    def replaced(
        self, slots: np.ndarray, values: np.ndarray, comma: bool = False, decimals: int | None = None
    ) -> bytes:
        """Return the text with some numbers replaced.

        They get as many decimals as the one of them that has most, but at least two.

        Parameters
        ----------
        slots
            int64 [n]: which of the spans.
        values
            float64 [n]: what to write there.
        comma
            Whether decimals come after a comma.
        decimals
            How many, if not as many as that.
        """
        if not len(slots):
            return self.text
        spans = self.spans[slots]
        if decimals is None:
            decimals = most_decimals(self.text, spans)
        decimals = min(max(FEWEST_DECIMALS, decimals), MOST_DECIMALS)
        order = np.argsort(spans[:, 0], kind="stable")
        blocks, done = [], 0
        for first in range(0, len(order), AT_ONCE):
            some = order[first : first + AT_ONCE]
            starts, ends = spans[some].T.tolist()
            numbers = [f"{value:.{decimals}f}" if abs(value) < 1e15 else repr(value) for value in values[some].tolist()]
            between = zip([done, *ends[:-1]], starts, strict=True)
            parts = [b""] * (2 * len(numbers))
            parts[::2] = [self.text[start:end] for start, end in between]
            parts[1::2] = "\n".join(numbers).replace(*(".,") if comma else "..").encode().split(b"\n")
            blocks.append(b"".join(parts))
            done = ends[-1]
        return b"".join([*blocks, self.text[done:]])

    def patched(
        self,
        slots: np.ndarray,
        before: np.ndarray,
        after: np.ndarray,
        comma: bool = False,
        decimals: int | None = None,
    ) -> bytes:
        """Return the text with what has changed: where `after` is another number than `before`, and there is a slot.

        Parameters
        ----------
        slots
            int64 [...]: which of the spans; -1 where the text has no number.
        before, after
            float64 [...]: the coordinates as they were read, and as they shall be.
        comma, decimals
            See `replaced`.
        """
        changed = (slots >= 0) & np.isfinite(after) & (before != after)
        return self.replaced(slots[changed], after[changed], comma, decimals)


def most_decimals(text: bytes, spans: np.ndarray) -> int:
    """Return the most decimals of some numbers of a text; spans int64 [n, 2], n > 0."""
    codes = np.frombuffer(text, np.uint8)
    points = np.flatnonzero((codes == ord(".")) | (codes == ord(",")))
    powers = np.flatnonzero((codes | 32) == ord("e"))
    starts, ends = spans.T
    first = np.searchsorted(points, starts)
    inside = first < np.searchsorted(points, ends)
    most = int((ends[inside] - points[first[inside]] - 1).max(initial=0))
    powered = spans[np.searchsorted(powers, starts) < np.searchsorted(powers, ends)]
    if not len(powered):
        return most
    plain = spans[np.searchsorted(powers, starts) == np.searchsorted(powers, ends)]
    each = [decimals_of(text[start:end]) for start, end in powered.tolist()]
    return max(*each, most_decimals(text, plain) if len(plain) else 0)


def decimals_of(token: bytes) -> int:
    """Return the decimals that a number is written with, as if without its exponent."""
    found = _NUMBER.fullmatch(token.strip())
    if found is None:
        return 0
    digits = len(found[1] or found[2] or b"")
    return max(0, digits - int(found[3] or 0)) if len(found[3] or b"") < 4 else digits
