"""Plain tables of anybody's, told by the names of their columns."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.shown import cut
from data.recordings.clock import as_seconds
from data.recordings.named_columns import AXES, Columns, codes, find_columns, frames_of_times, gather, groups_of
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_NAME, RECORDINGS, RecordingKind
from data.recordings.table_text import Table, delimiter_of, read_table
from data.recordings.wide import frame_numbers, slots_recording

_ENDINGS = (".csv", ".tsv", ".txt")
_NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_COORDINATES = re.compile(rb"[\[(]?\s*(?:%b[\s,;]+){1,2}%b\s*[\])]?" % (_NUMBER.pattern, _NUMBER.pattern))
_LETTER = re.compile(r"[^\W\d]")
_SUCH = "nose_x,nose_y,left_eye_x,... for a row per frame, or frame,joint,x,y for a row per joint"


@dataclass(frozen=True)
class _Named:
    """A table, its rows of numbers, the names of its columns, and what those are."""

    table: Table
    rows: np.ndarray
    header: list[str]
    columns: Columns
    notes: tuple[str, ...] = ()

    def slots(self, column: int | None) -> np.ndarray | None:
        """Return where the cells of a column stand, int64 [R]."""
        return None if column is None else self.table.slots(self.rows, np.array([column]))[:, 0]


def guess(path: Path) -> int:
    """Say whether a file may be a table with names above its columns; other formats of tables are surer of theirs."""
    ending = path.suffix.lower()
    lines = [line for line in head(path).removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()]
    if ending not in _ENDINGS or len(lines) < 2 or b"\0" in lines[0]:
        return 0
    mark = delimiter_of(b"\n".join(lines[:20]))
    names = [cell.strip(b' \t"').decode("utf-8", "replace") for cell in lines[0].split(None if mark == b" " else mark)]
    if find_columns(names) is not None:
        return BY_NAME
    # What `read` refuses with advice; a .txt may be anything.
    return BY_NAME if ending != ".txt" and (_is_headerless(names) or _COORDINATES.search(lines[1])) else 0


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
        raise InputError(f"{path}: has {len(table)} lines, expected names of columns and numbers below them")
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
    named = _fitting(table, header, columns)
    return _read_poses(named) if columns.joint is None else _read_joints(named)


def _is_headerless(header: list[str]) -> bool:
    return any(map(str.strip, header)) and not any(
        _LETTER.search(re.sub(r"(?i)nan|\de[-+]?\d", "", cell)) for cell in header
    )


def _fitting(table: Table, header: list[str], columns: Columns) -> _Named:
    """Check that rows have the cells that the header promises.

    A header with one name less than all rows have cells names all but the first, which names the row; with one more,
    its last may be of nothing, if it is no joint's. A row that ends before its first coordinate has nobody.

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
    elif (widths == width - 1).all() and max(
        columns.coordinates.max(), *(columns.sure if columns.sure is not None else [0])
    ) < width - 1:
        notes = (f"the header has one name more than rows have cells: {cut(header[-1])} is taken for the one",)
        width -= 1
    absent = widths <= columns.coordinates.min()
    table.check_widths(rows[~absent], width)
    return _Named(table, rows, header, columns, notes)


def _read_poses(named: _Named) -> Recording:
    """Read rows of which each is one person in one frame."""
    columns, table, rows = named.columns, named.table, named.rows
    frame, seconds, notes = _times(named)
    person = _people(named)
    if person is None and len(np.unique(frame)) == len(frame):
        person = np.zeros_like(frame)
    return slots_recording(
        table,
        table.slots(rows, columns.coordinates[None]),
        None if columns.sure is None else table.slots(rows, columns.sure[None]),
        frame,
        zero_is_missing=True,
        person=person,
        seconds=seconds,
        names=columns.names,
        notes=(*named.notes, *notes),
    )


def _read_joints(named: _Named) -> Recording:
    """Read rows of which each is one joint."""
    columns, table = named.columns, named.table
    frame, seconds, notes = _times(named)
    person = _people(named)
    words = [_words(named, column) for column in (columns.group, columns.joint) if column is not None]
    joint, names = codes(list(zip(*words, strict=True)))
    first, rows = gather(frame, person, joint, str(table.path))
    slots = np.where((rows >= 0)[..., None], table.slots(named.rows, columns.coordinates[0])[rows], -1)
    sure = named.slots(None if columns.sure is None else int(columns.sure[0]))
    return slots_recording(
        table,
        slots[:, None],
        None if sure is None else np.where(rows >= 0, sure[rows], -1)[:, None],
        frame[first],
        zero_is_missing=True,
        person=np.zeros(len(first), np.int64) if person is None else person[first],
        seconds=None if seconds is None else seconds[first],
        names=tuple(" ".join(name) for name in names),
        groups=groups_of([name[0] for name in names]) if columns.group is not None else (),
        notes=(*named.notes, *notes),
    )


def _words(named: _Named, column: int) -> list[str]:
    slots = named.slots(column)
    assert slots is not None
    return [named.table.cell(slot).decode("utf-8", "replace") for slot in slots.tolist()]


def _times(named: _Named) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """Return the frame and the time of each row, int64 and float64 [R]; no times if none are known."""
    columns, table, count = named.columns, named.table, len(named.rows)
    frames = named.slots(columns.frame)
    clock = named.slots(columns.time)
    times, notes = None, tuple[str, ...]()
    if clock is not None:
        try:
            times = table.values(clock)
        except InputError:
            notes = (f"its column {cut(named.header[columns.time or 0])} is of no numbers, which are no times here",)
    if frames is not None:
        frame = frame_numbers(table, frames)
    elif times is not None and columns.joint is not None:
        frame = frames_of_times(times)
    else:
        frame = _index(named) if columns.frame is None else np.arange(count)
    if times is None or not np.isfinite(times).any():
        return frame, None, notes
    name = named.header[columns.time or 0]
    seconds = as_seconds(times, frame, name)
    if seconds is None:
        notes = (
            *notes,
            f"its column {cut(name)} gives no times: one is missing, or their unit cannot be told",
        )
    return frame, seconds, notes


def _index(named: _Named) -> np.ndarray:
    """Return the numbers of rows: those of a first column without a name if they count, or else from 0."""
    count = np.arange(len(named.rows))
    if named.header[0].strip().lower() not in ("", "index", "unnamed: 0"):
        return count
    slots = named.slots(0)
    assert slots is not None
    try:
        found = frame_numbers(named.table, slots)
    except InputError:
        return count
    return found if (np.diff(found) > 0).all() else count


def _people(named: _Named) -> np.ndarray | None:
    """Return who each row is of, int64 [R]: the file's numbers, or numbers for its names; None if it does not say."""
    column = named.columns.person
    if column is None:
        return None
    words = _words(named, column)
    person, names = codes([(word,) for word in words])
    if named.header[column].strip().lower() == "id" and len(names) == len(words) > 1:
        return None  # of rows, not of people
    if all(word.isdecimal() and len(word) < 16 for (word,) in names):
        return np.array([int(word) for (word,) in names], np.int64)[person]
    return person


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
