"""Delimited text whose cells know where they stand, so that numbers in them can be replaced."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.shown import shown
from base.words import plural
from data.recordings.patching import AT_ONCE, Numbers, read_bytes
from data.recordings.peek import HEAD

MOST_CELLS = 32_000_000
"""Cells of one table: as many as `patching.LARGEST` bytes hold if they are numbers."""

_BLANKS = b" \t\r\v\f"
_BOM = b"\xef\xbb\xbf"
_QUOTED = re.compile(rb'"[^"\r\n]*"')
_NUMBER = re.compile(rb"[-+]?(?:\d++\.?\d*+|\.\d++)(?:[eE][-+]?\d++)?")
_MISSING = frozenset(
    (b"", b"nan", b"-nan", b"+nan", b"-nan(ind)", b"na", b"n/a", b"#n/a", b"null", b"none", b"-", b"<na>", b"1.#qnan")
)
"""What tools write into a cell that has no number, in small letters."""


@dataclass(frozen=True)
class Table:
    """A delimited text.

    Lines with nothing on them are no rows. Rows may have different numbers of cells.

    Parameters
    ----------
    path
        The file.
    text
        Its bytes.
    spans
        int64 [K, 2]: from where to where each cell goes, without quotes and blanks around it; row after row. -1 where
        there is none, nor can be.
    first
        int64 [R + 1]: where in `spans` each row begins; the last is K.
    lines
        int64 [R]: the line of each row, from 1.
    delimiter
        What stands between cells; a space for any number of spaces and tabs.
    """

    path: Path
    text: bytes
    spans: np.ndarray
    first: np.ndarray
    lines: np.ndarray
    delimiter: bytes

    def __len__(self) -> int:
        return len(self.lines)

    @cached_property
    def widths(self) -> np.ndarray:
        """int64 [R]: the cells of each row."""
        return np.diff(self.first)

    def cell(self, slot: int) -> bytes:
        """Return what stands in a cell; nothing for slot -1."""
        start, end = self.spans[slot].tolist() if slot >= 0 else (-1, -1)
        return self.text[start:end]

    def cells(self, slots: np.ndarray) -> list[bytes]:
        """Return what stands in some cells, int64 [n]; nothing for slot -1."""
        spans = np.where((slots >= 0)[:, None], self.spans[slots], -1).tolist()
        return [self.text[start:end] for start, end in spans]

    def row(self, row: int) -> list[str]:
        """Return the cells of a row as text."""
        slots = range(int(self.first[row]), int(self.first[row + 1]))
        return [self.cell(slot).decode("utf-8", "replace").replace('""', '"') for slot in slots]

    def slots(self, rows: np.ndarray | slice, columns: np.ndarray) -> np.ndarray:
        """Return where cells stand in `spans`.

        Parameters
        ----------
        rows
            int64 [n] or a slice: rows.
        columns
            int64 [...]: columns, from 0; -1 for none.

        Returns
        -------
        numpy.ndarray
            int64 [n, ...]; -1 where a row ends before the column, or there is none.
        """
        at = (slice(None), *[None] * columns.ndim)
        there = (columns >= 0) & (columns < self.widths[rows][at])
        return np.where(there, self.first[:-1][rows][at] + columns, -1)

    def values(self, slots: np.ndarray) -> np.ndarray:
        """Return the numbers in cells, float64 of the same shape: NaN where there is none.

        Raises
        ------
        InputError
            Something else stands there; the message names line and column.
        """
        found = np.full(slots.size, np.nan)
        there = np.flatnonzero(slots.ravel() >= 0)
        for first in range(0, len(there), AT_ONCE):
            some = there[first : first + AT_ONCE]
            found[some] = self._numbers(slots.ravel()[some])
        return found.reshape(slots.shape)

    def _numbers(self, slots: np.ndarray) -> list[float]:
        text = self.text
        cells = [text[start:end] for start, end in self.spans[slots].tolist()]
        try:
            return list(map(float, cells))
        except ValueError:  # something is missing, has a comma or is wrong: slower
            numbers = list(map(_number, cells))
        if None in numbers:
            wrong = numbers.index(None)
            where = self.where(int(slots[wrong]))
            raise InputError(f"{where}: found {shown(cells[wrong])[1:]}, expected a number or nothing")
        return [number for number in numbers if number is not None]

    def check_widths(self, rows: np.ndarray, width: int) -> None:
        """Check that some rows have so many cells; more are welcome if nothing stands in them.

        Raises
        ------
        InputError
            One has not, as where a file was cut.
        """
        more = np.flatnonzero(self.widths[rows] > width)
        full = [row for row in rows[more].tolist() if self.is_full(row, width)]
        for row in [*rows[self.widths[rows] < width].tolist(), *full][:1]:
            found = plural(int(self.widths[row]), "cell")
            raise InputError(f"{self.path}: line {self.lines[row]} has {found}, expected {width}")

    def is_full(self, row: int, width: int = 0) -> bool:
        """Say whether something stands in a row, behind so many cells."""
        spans = self.spans[self.first[row] + width : self.first[row + 1]]
        return bool((spans[:, 0] < spans[:, 1]).any())

    def where(self, slot: int) -> str:
        """Return a cell's file, line and column, as messages begin."""
        row = int(np.searchsorted(self.first, slot, "right")) - 1
        return f"{self.path}: line {self.lines[row]}, column {slot - self.first[row] + 1}"

    def patched(self, slots: np.ndarray, before: np.ndarray, after: np.ndarray) -> bytes:
        """Return the text with what has changed, see `Numbers.patched`; decimals come after a comma if they did."""
        slots = np.where((slots >= 0) & (self.spans[slots, 0] < 0), -1, slots)
        changed = slots[(slots >= 0) & np.isfinite(after) & (before != after)]
        comma = False
        if self.delimiter != b"," and len(changed):
            commas = np.flatnonzero(np.frombuffer(self.text, np.uint8) == ord(","))
            comma = bool((np.diff(np.searchsorted(commas, self.spans[changed]), axis=1) > 0).any())
        return Numbers(self.text, self.spans).patched(slots, before, after, comma)


def read_table(path: Path, delimiter: bytes | None = None) -> Table:
    """Read a table of comma, semicolon, tab or spaces, with or without quotes, of any line ends.

    Parameters
    ----------
    path
        The file.
    delimiter
        One byte, a space for any number of spaces and tabs; None to tell it from the first lines.

    Raises
    ------
    InputError
        It cannot be read, is too large or no text, or a quote is not closed.
    """
    text = read_bytes(path)
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path}: is UTF-16, expected UTF-8; save it as UTF-8")
    if b"\0" in text:
        raise InputError(f"{path}: byte {text.index(0)} is zero, expected a table in text")
    delimiter = delimiter or delimiter_of(text[:HEAD])
    separators = b" \t" if delimiter == b" " else delimiter
    if sum(text.count(mark) for mark in (*separators, *b"\r\n")) > MOST_CELLS:
        raise InputError(f"{path}: has more than {MOST_CELLS} cells; cut it into parts")
    marks = np.zeros(256, bool)
    marks[list(separators)] = True
    begin = len(_BOM) if text.startswith(_BOM) else 0
    codes = np.frombuffer(text, np.uint8)
    ends = _line_ends(text, codes)
    between = _unquoted(path, text, codes, np.flatnonzero(marks[codes]), ends)
    stops = np.sort(np.concatenate([between, ends, [len(text)]]))
    spans = np.stack([np.concatenate([[begin], stops[:-1] + 1]), stops], axis=1)
    line = np.searchsorted(ends, stops, "left") + 1  # a line's end is still on it
    _strip(text, codes, spans)
    empty = spans[:, 0] >= spans[:, 1]
    alone = np.bincount(line)[line] == 1
    kept = ~empty if delimiter == b" " else ~(empty & alone)
    spans, line = spans[kept], line[kept]
    lines, first = np.unique(line, return_index=True)
    return Table(path, text, spans, np.append(first, len(spans)), lines, delimiter)


def delimiter_of(start: bytes) -> bytes:
    """Tell what stands between cells from the beginning of a text.

    It is what the first line and half of the others have: tabs and semicolons go before commas, for those may stand in
    numbers; spaces come last.
    """
    found = [_QUOTED.sub(b"", line) for line in start.removeprefix(_BOM).splitlines() if line.strip()]
    lines = (found[:-1] if len(found) > 1 else found)[:20]  # the last one may have been cut
    marks = (b"\t", b";", b",")
    often = (
        mark for mark in marks if mark in b"".join(lines[:1]) and 2 * sum(mark in line for line in lines) >= len(lines)
    )
    return next(often, b" ")


def _line_ends(text: bytes, codes: np.ndarray) -> np.ndarray:
    """Return where lines end: at LF, and at CR if no LF comes after it; so CR LF is one end."""
    feeds = np.flatnonzero(codes == 10)
    if b"\r" not in text:
        return feeds
    returns = np.flatnonzero(codes == 13)
    alone = codes[np.minimum(returns + 1, len(codes) - 1)] != 10
    return np.sort(np.concatenate([feeds, returns[alone]]))


def _unquoted(path: Path, text: bytes, codes: np.ndarray, marks: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Leave out delimiters that an odd number of quotes stands before on their line."""
    if b'"' not in text:
        return marks
    quotes = np.flatnonzero(codes == ord('"'))
    before = np.concatenate([[0], np.searchsorted(quotes, ends), [len(quotes)]])  # each line
    odd = np.flatnonzero(np.diff(before) % 2)
    if len(odd):
        raise InputError(f"{path}: line {odd[0] + 1} has a quote that is not closed on it; close or remove it")
    return marks[(np.searchsorted(quotes, marks) - before[np.searchsorted(ends, marks)]) % 2 == 0]


def _strip(text: bytes, codes: np.ndarray, spans: np.ndarray) -> None:
    """Move the ends of cells inwards, over blanks and one pair of quotes."""
    outer = np.zeros(256, bool)
    outer[list(_BLANKS + b'"')] = True
    full = np.flatnonzero(spans[:, 0] < spans[:, 1])
    edges = spans[full]
    for at in full[outer[codes[edges[:, 0]]] | outer[codes[edges[:, 1] - 1]]].tolist():
        start, end = spans[at].tolist()
        cell = text[start:end]
        inner = cell.strip(_BLANKS)
        start += len(cell) - len(cell.lstrip(_BLANKS))
        if len(inner) > 1 and inner[:1] == inner[-1:] == b'"':
            cell = inner[1:-1]
            inner = cell.strip(_BLANKS)
            start += 1 + len(cell) - len(cell.lstrip(_BLANKS))
        spans[at] = start, start + len(inner)


def _number(cell: bytes) -> float | None:
    if _NUMBER.fullmatch(cell):
        return float(cell)
    if cell.lower() in _MISSING:
        return float("nan")
    swapped = cell.replace(b",", b".")
    return float(swapped) if b"." not in cell and _NUMBER.fullmatch(swapped) else None
