"""Plain tables of anybody's, told by the names of their columns."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.shown import cut
from base.words import plural
from data.recordings.named_columns import AXES, Columns, find_columns
from data.recordings.named_rows import NamedRows, lay_out
from data.recordings.peek import HEAD, head
from data.recordings.recording import Recording
from data.recordings.registry import BY_NAME, RECORDINGS, RecordingKind
from data.recordings.table_text import Table, delimiter_of, read_table
from data.recordings.wide import frame_numbers, slots_recording

_ENDINGS = (".csv", ".tsv", ".txt")
_NUMBER = re.compile(rb"(?<![\d.])[-+]?+(?:\d++\.?+\d*+|\.\d++)(?:[eE][-+]?+\d++)?+")
_COORDINATES = re.compile(rb"(?:[\[(]\s*+)?(?:%b[\s,;]++){1,2}%b\s*+[\])]?" % (_NUMBER.pattern, _NUMBER.pattern))
_LETTER = re.compile(r"[^\W\d]")
_SUCH = "nose_x,nose_y,left_eye_x,... for a row per frame, or frame,joint,x,y for a row per joint"


def guess(path: Path) -> int:
    """Say whether a file may be a table with names above its columns; other formats of tables are surer of theirs."""
    ending = path.suffix.lower()
    start = head(path)
    lines = [line for line in start.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()]
    if ending not in _ENDINGS or not lines or b"\0" in lines[0] or (len(lines) < 2 and len(start) < HEAD):
        return 0
    mark = delimiter_of(b"\n".join(lines[:20]))
    names = [cell.strip(b' \t"').decode("utf-8", "replace") for cell in lines[0].split(None if mark == b" " else mark)]
    if find_columns(names) is not None:
        return BY_NAME
    # What `read` takes apart, or refuses with advice; a .txt may be anything.
    return (
        BY_NAME
        if ending != ".txt" and (_is_headerless(names) or _COORDINATES.search(lines[min(1, len(lines) - 1)]))
        else 0
    )


def read(path: Path) -> Recording:
    """Read a table with a row per frame, per person and frame, or per joint.

    Its first line names columns, see `data.recordings.named_columns`; where it names only joints, their cells may hold
    all coordinates, as in `[1.5, 2.5]` or `1.5 2.5`. A joint at exactly zero along all axes is missing, unless it is
    there in all frames. Without a column of frames, rows are counted from 0. A column of people tells them apart;
    without one, several rows of one frame are of people that nobody knows again.

    Raises
    ------
    InputError
        It has no names above its columns, none that names coordinates, or rows of too many or few cells; or something
        else than a number stands in a cell.
    """
    table = read_table(path)
    if len(table) < 2:
        raise InputError(f"{path}: has {plural(len(table), 'line')}, expected names of columns and numbers below them")
    header = table.row(0)
    if _is_headerless(header):
        raise InputError(
            f"{path}: line {table.lines[0]} holds {len(header)} numbers, expected names of columns; add a first line "
            f"such as {_SUCH}"
        )
    columns = find_columns(header)
    if columns is None:
        table, header = _taken_apart(table, header)
        columns = find_columns(header)
    if columns is None:
        found = cut(", ".join(header))
        raise InputError(f"{path}: line {table.lines[0]} names no coordinates ({found}), expected such as {_SUCH}")
    header, columns, notes = _fitting(table, header, columns)
    rows = _used(table, columns)
    slots = table.slots(rows, np.arange(len(header)))
    layout = lay_out(
        NamedRows(
            str(path),
            header,
            columns,
            _index(table.lines[rows]),
            numbers=lambda column: table.values(slots[:, column]),
            frames=lambda column: frame_numbers(table, slots[:, column]),
            words=lambda column: [cell.decode("utf-8", "replace") for cell in table.cells(slots[:, column])],
        )
    )
    return slots_recording(
        table,
        layout.cells(slots, layout.coordinates, -1),
        None if layout.sure is None else layout.cells(slots, layout.sure, -1),
        layout.frame,
        zero_is_missing=True,
        **layout.about | {"notes": (*notes, *layout.about["notes"])},
    )


def _is_headerless(header: list[str]) -> bool:
    return any(map(str.strip, header)) and not any(
        _LETTER.search(re.sub(r"(?i)nan|\de[-+]?\d", "", cell)) for cell in header
    )


def _fitting(table: Table, header: list[str], columns: Columns) -> tuple[list[str], Columns, tuple[str, ...]]:
    """Check that rows have the cells that the header promises; return it, its columns, and what is to be told.

    A header with one name less than all rows have cells names all but the first, which names the row. With one more,
    its last is of nothing, or its first if the last is a joint's. A row that ends before its first coordinate has
    nobody.

    Raises
    ------
    InputError
        A row has more or fewer cells.
    """
    rows, width = np.arange(1, len(table)), len(header)
    widths = table.widths[rows]
    notes: tuple[str, ...] = ()
    if (widths == width + 1).all() and all(table.is_full(row, width) for row in rows.tolist()):
        header, width = ["", *header], width + 1
        columns = find_columns(header) or columns
    elif (widths == width - 1).all():
        width -= 1
        extra, header = (header[-1], header[:-1]) if _last(columns) < width else (header[0], header[1:])
        fewer = find_columns(header)
        if fewer is None or len(fewer.coordinates) < len(columns.coordinates):
            found = f"{plural(width, 'cell')}, expected {width + 1}"
            raise InputError(f"{table.path}: line {table.lines[1]} has {found} as there are names of columns")
        columns, notes = fewer, (f"the header has a name too many, {cut(extra)}, which is left out",)
    absent = widths <= columns.coordinates.min()
    table.check_widths(rows[~absent], width)
    return header, columns, notes


def _last(columns: Columns) -> int:
    return max(int(columns.coordinates.max()), -1 if columns.sure is None else int(columns.sure.max()))


def _used(table: Table, columns: Columns) -> np.ndarray:
    """Return the rows below the header; without those of nothing but separators, if something else counts frames."""
    rows = np.arange(1, len(table))
    if columns.frame is None and columns.time is None:
        return rows
    there = np.append(0, np.cumsum(table.spans[:, 0] < table.spans[:, 1]))
    return rows[there[table.first[rows + 1]] > there[table.first[rows]]]


def _index(lines: np.ndarray) -> np.ndarray:
    """Number rows from 0; an empty line in between is a frame without anybody, unless one is after every row."""
    steps = np.diff(lines)
    even = not len(steps) or (steps == steps[0]).all()
    return np.arange(len(lines)) if even else lines - lines[0]


def _taken_apart(table: Table, header: list[str]) -> tuple[Table, list[str]]:
    """Make cells of several coordinates, as in `[1.5, 2.5]`, that many cells, and name each.

    The first row of numbers tells which columns have such cells. A cell without as many numbers has none.
    """
    kinds = [
        _NUMBER.findall(cell) if _COORDINATES.fullmatch(cell := table.cell(slot)) else []
        for slot in range(*table.first[1:3].tolist())
    ]
    if not any(kinds):
        return table, header
    table.check_widths(np.arange(1, len(table)), len(header))
    counts = [len(numbers) or 1 for numbers in kinds[: len(header)]] + [1] * (len(header) - len(kinds))
    spans: list[tuple[int, int]] = []
    for row in range(len(table)):
        cells = table.spans[table.first[row] : table.first[row] + len(header)].tolist()
        for (start, end), count in zip(cells, counts, strict=True):
            if count == 1:
                spans.append((start, end))
                continue
            numbers = [match.span() for match in _NUMBER.finditer(table.text, start, end)]
            spans += numbers if len(numbers) == count and row else [(-1, -1)] * count
    width = sum(counts)
    names = [
        f"{name}_{axis}" if count > 1 else name
        for name, count in zip(header, counts, strict=True)
        for axis in AXES[:count]
    ]
    first = np.arange(len(table) + 1) * width
    return replace(table, spans=np.array(spans, np.int64).reshape(-1, 2), first=first), names


RECORDINGS.add(
    "csv", RecordingKind("Plain table", "plain .csv with names above columns such as nose_x,nose_y", guess, read)
)
