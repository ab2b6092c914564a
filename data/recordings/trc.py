"""TRC files of markers in space, as OpenCap, Pose2Sim, Vicon and Motion Analysis write them."""

import re
from pathlib import Path

import numpy as np

from base.errors import InputError
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, BY_NAME, RECORDINGS, RecordingKind
from data.recordings.table_text import Table, read_table
from data.recordings.wide import frame_numbers, table_recording

_START = re.compile(rb'(?:\xef\xbb\xbf)?\s*"?PathFileType\b', re.IGNORECASE)
_AXIS = re.compile(r"[xyz]\d+", re.IGNORECASE)
_HEADER_ROWS = 12
_SAME_RATE = 0.1
"""Times and rate may differ by this share: rounded times do."""


def guess(path: Path) -> int:
    """Say whether a file begins as TRC files do, or is called so."""
    if _START.match(head(path)):
        return BY_CONTENT
    return BY_NAME if path.suffix.lower() == ".trc" else 0


def read(path: Path) -> Recording:
    """Read the markers of one subject.

    Rows count, not the header's number of frames. A marker at exactly (0, 0, 0) is missing. Times are taken from their
    column where the header's rate is 0, or another one.

    Raises
    ------
    InputError
        It has no row of markers' names, or another row has fewer or more numbers than those need.
    """
    table, at = _with_names(path)
    names = tuple(name for name in table.row(at)[2:] if name)
    about = _about(table, at)
    table, rows, first = _numbers(table, at, len(names))
    frame = frame_numbers(table, table.slots(rows, np.array([0]))[:, 0])
    rate, seconds, notes = _times(
        about.get("datarate", ""), table.values(table.slots(rows, np.array([1]))[:, 0]), frame
    )
    said = about.get("numframes", "")
    if said[:12].isdecimal() and int(said[:12]) != len(rows):
        notes = (*notes, f"the header says {said[:12]} frames, there are {len(rows)}")
    columns = first + np.arange(3 * len(names)).reshape(1, -1, 3)
    return table_recording(
        table,
        rows,
        columns,
        None,
        frame,
        zero_is_missing=True,
        fps=rate,
        seconds=seconds,
        names=names,
        unit=about.get("units", "")[:8],
        notes=notes,
    )


def _with_names(path: Path) -> tuple[Table, int]:
    """Return the table in which the row of markers' names has cells, and that row."""
    for delimiter in (b"\t", b",", b" "):
        table = read_table(path, delimiter)
        for row in range(min(len(table), _HEADER_ROWS)):
            if table.widths[row] > 2 and table.cell(int(table.first[row])).lower().startswith(b"frame"):
                return table, row
    raise InputError(f"{path}: has no row that begins with Frame#, Time and names of markers, expected a TRC file")


def _about(table: Table, names: int) -> dict[str, str]:
    """Return what the rows above the names say, by small letters; they may have spaces where tabs should be."""
    keys, values = (
        [word for cell in table.row(row) for word in cell.split()] for row in (max(names - 2, 0), max(names - 1, 0))
    )
    return {key.lower(): value for key, value in zip(keys, values, strict=False)}


def _numbers(table: Table, names: int, markers: int) -> tuple[Table, np.ndarray, int]:
    """Return the table in which rows have a number for each coordinate, those rows, and where coordinates begin.

    Between numbers there may be several tabs, or spaces: where every row has all numbers, those are told apart by any
    number of either. Where some are missing, columns are counted, from where the header has X1.
    """
    width = 2 + 3 * markers
    if table.delimiter == b"\t":
        spaced = read_table(table.path, b" ")
        line = table.lines[names]
        rows = np.array(
            [row for row in np.flatnonzero(spaced.lines > line).tolist() if not _is_axes(spaced, row)], np.int64
        )
        if len(rows) and (spaced.widths[rows] == width).all():
            return spaced, rows, 2
    rows = np.arange(names + 1, len(table))
    filled = np.array([table.is_full(row) and not _is_axes(table, row) for row in rows.tolist()], bool)
    axes = table.row(names + 1) if names + 1 < len(table) and _is_axes(table, names + 1) else []
    first = next((at for at, cell in enumerate(axes) if _AXIS.fullmatch(cell)), 2) if table.delimiter != b" " else 2
    rows = rows[filled]
    table.check_widths(rows, first + 3 * markers)
    return table, rows, first


def _is_axes(table: Table, row: int) -> bool:
    """Say whether a row names axes: X1, Y1, Z1, X2, ..."""
    slots = range(int(table.first[row]), int(table.first[row + 1]))
    cell = next((cell for slot in slots if (cell := table.cell(slot))), b"")
    return _AXIS.fullmatch(cell.decode("latin1")) is not None


def _times(
    rate: str, seconds: np.ndarray, frame: np.ndarray
) -> tuple[float | None, np.ndarray | None, tuple[str, ...]]:
    """Return the rate, or the times if there is no rate that agrees with them."""
    try:
        fps = float(rate.replace(",", "."))
    except ValueError:
        fps = 0.0
    fps = fps if 0 < fps < np.inf else 0.0
    steps = np.diff(seconds) / np.where(np.diff(frame) == 0, 1, np.diff(frame))
    told = len(steps) > 0 and np.isfinite(seconds).all() and (np.diff(seconds) > 0).all()
    if fps and not (told and abs(np.median(steps) * fps - 1) > _SAME_RATE):
        return fps, None, ()
    if told:
        return None, seconds, (f"the header's rate is {rate[:12] or 'absent'}: times are taken from their column",)
    return None, None, ("the file has no rate, and its times do not run forwards",)


RECORDINGS.add("trc", RecordingKind("TRC", "TRC files of OpenCap, Pose2Sim and Vicon", guess, read))
