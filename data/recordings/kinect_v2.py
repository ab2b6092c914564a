"""The second Kinect's joints in a table without a header: 25 times x, y, z and tracking state."""

import re
from pathlib import Path

import numpy as np

from base.errors import InputError
from data.recordings.joint_sets import KINECT_25
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.table_text import read_table
from data.recordings.wide import wide_recording

_JOINTS = 25
_CELLS = 4 * _JOINTS
_TRACKED = 2
"""The state of a joint that is seen; 1 is inferred, 0 is not tracked."""
_STATES = frozenset((b"0", b"1", b"2"))
_NUMBER = re.compile(rb"-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")


def guess(path: Path) -> int:
    """Say whether a file begins with a line of joints and their tracking states."""
    first = next((line for line in head(path).splitlines() if line.strip()), b"")
    cells = first.strip().removesuffix(b",").split(b",")
    known = len(cells) == _CELLS and set(cells[3::4]) <= _STATES
    return BY_CONTENT if known and all(map(_NUMBER.fullmatch, cells)) else 0


def read(path: Path) -> Recording:
    """Read a row per frame, as KIMORE has them; empty lines are no frames.

    A joint at exactly zero is missing. An inferred joint is half as sure as one that is tracked.

    Raises
    ------
    InputError
        A line has not 100 numbers, or a state is not 0, 1 or 2.
    """
    table = read_table(path, b",")
    if not len(table):
        raise InputError(f"{path}: is empty, expected a line of {_CELLS} numbers per frame")
    table.check_widths(np.arange(len(table)), _CELLS)
    rows = slice(None)
    slots = table.slots(rows, np.arange(_CELLS).reshape(1, _JOINTS, 4))
    values, places = table.values(slots), slots[..., :3]
    states = values[..., 3]
    wrong = np.flatnonzero(~np.isin(states, (0, 1, _TRACKED)))
    if len(wrong):
        where = table.where(int(slots[..., 3].ravel()[wrong[0]]))
        raise InputError(f"{where}: found {states.ravel()[wrong[0]]:g}, expected a tracking state of 0, 1 or 2")

    def write(after: np.ndarray, output: Path) -> None:
        output.write_bytes(table.patched(places, values[..., :3], after))

    return wide_recording(
        values[..., :3],
        states / _TRACKED,
        np.arange(len(table)),
        write,
        zero_is_missing=True,
        names=KINECT_25.names,
        bones=KINECT_25.bones,
        unit="m",
    )


RECORDINGS.add("kinect_v2", RecordingKind("Kinect v2", "the second Kinect's joints in a table (.csv)", guess, read))
