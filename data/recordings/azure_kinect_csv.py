"""Azure Kinect's joints in a table with a cell of x, y and z for each, as SDK examples in C# write them."""

import re
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.shown import shown
from base.words import plural
from data.recordings.joint_sets import AZURE_32, JointSet
from data.recordings.patching import Numbers
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.table_text import Table, read_table
from data.recordings.wide import wide_recording

_NUMBER = rb"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|nan"
_POINT = re.compile(rb"(%s) +(%s) +(%s)" % ((_NUMBER,) * 3), re.IGNORECASE)
_FEWEST = 5
"""Joints that a table has at least."""


def guess(path: Path) -> int:
    """Say whether a file is a table with a header and cells of three numbers."""
    lines = [line.split(b",") for line in head(path).splitlines() if line.strip()][:2]
    if len(lines) < 2 or any(_is_point(cell) for cell in lines[0]):
        return 0
    return BY_CONTENT if sum(_is_point(cell) for cell in lines[1]) >= _FEWEST else 0


def read(path: Path) -> Recording:
    """Read a row per frame, of one person.

    The columns are those that have three numbers in the first row; all others stay as they are. An empty cell, or a
    joint at exactly zero, is missing.

    Raises
    ------
    InputError
        Rows have different numbers of cells, or something other than three numbers stands in one of them.
    """
    table = read_table(path, b",")
    if len(table) < 2:
        raise InputError(f"{path}: has {plural(len(table), 'line')}, expected a header and a line per frame")
    names = table.row(0)
    table.check_widths(np.arange(1, len(table)), len(names))
    first = table.first[1]
    columns = [at for at in range(len(names)) if _POINT.fullmatch(table.cell(int(first) + at))]
    if not columns:
        raise InputError(f"{path}: line {table.lines[1]} has no cell of three numbers, expected one for each joint")
    values, spans = _points(table, table.slots(slice(1, None), np.array(columns)))
    numbers = Numbers(table.text, spans.reshape(-1, 2))
    slots = np.where(np.isnan(values), -1, np.arange(values.size).reshape(values.shape))
    known = _joint_set([names[at] for at in columns])

    def write(after: np.ndarray, output: Path) -> None:
        output.write_bytes(numbers.patched(slots, values, after))

    return wide_recording(
        values, None, np.arange(len(values)), write, zero_is_missing=True, names=known.names, bones=known.bones
    )


def _is_point(cell: bytes) -> bool:
    return _POINT.fullmatch(cell.strip(b' "')) is not None


def _points(table: Table, slots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of each cell [T, 1, J, 3], and where they stand [T, 1, J, 3, 2]."""
    values, spans = np.full((slots.size, 3), np.nan), np.zeros((slots.size, 3, 2), np.int64)
    for at, slot in enumerate(slots.ravel().tolist()):
        start, end = table.spans[slot].tolist()
        found = _POINT.fullmatch(table.text, start, end)
        if found is not None:
            values[at] = [float(number) for number in found.groups()]
            spans[at] = found.regs[1:]
        elif start < end:
            cell = shown(table.text[start:end])[1:]
            raise InputError(f"{table.where(slot)}: found {cell}, expected three numbers or nothing")
    shape = (len(slots), 1, slots.shape[1], 3)
    return values.reshape(shape), spans.reshape(*shape, 2)


def _joint_set(header: list[str]) -> JointSet:
    plain = [name.replace(" ", "").lower() for name in header]
    place = {name.replace(" ", ""): at for at, name in enumerate(AZURE_32.names)}
    ours = {place[name]: at for at, name in enumerate(plain) if name in place}
    bones = tuple((ours[a], ours[b]) for a, b in AZURE_32.bones if a in ours and b in ours)
    return JointSet(tuple(header), bones)


RECORDINGS.add(
    "azure_kinect_csv",
    RecordingKind("Azure Kinect", "Azure Kinect's joints in a table with x, y and z in a cell (.csv)", guess, read),
)
