"""UI-PRMD's positions: 22 joints a line, the root's in the room and the others' as offsets from their parents."""

import re
from pathlib import Path

import numpy as np

from base.errors import InputError
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_NAME, RECORDINGS, RecordingKind
from data.recordings.table_text import read_table
from data.recordings.wide import slots_recording

_NAMES = (
    "waist", "spine", "chest", "neck", "head", "head tip", "left collar", "left upper arm", "left forearm", "left hand",
    "right collar", "right upper arm", "right forearm", "right hand", "left upper leg", "left lower leg", "left foot",
    "left toes", "right upper leg", "right lower leg", "right foot", "right toes",
)  # fmt: skip
"""Vakanski et al., A data set of human body movements for physical rehabilitation exercises, 2018."""
_COUNT = len(_NAMES)
_NUMBER = re.compile(rb"-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")


def guess(path: Path) -> int:
    """Say whether a file is called a text of positions and begins with a line of 66 numbers; angles look alike."""
    if path.suffix.lower() != ".txt" or "positions" not in path.name.lower():
        return 0
    cells = next(iter(head(path).splitlines()), b"").split(b",")
    return BY_NAME if len(cells) == 3 * _COUNT and all(_NUMBER.fullmatch(cell.strip()) for cell in cells) else 0


def read(path: Path) -> Recording:
    """Read a line per frame. The root's path and the offsets are refined each by themselves.

    Raises
    ------
    InputError
        A line has not 66 numbers, or the file's name says that they are angles.
    """
    if "angles" in path.name.lower():
        raise InputError(f"{path}: holds angles; give the file of positions that belongs to it")
    table = read_table(path, b",")
    if not len(table):
        raise InputError(f"{path}: is empty, expected a line of {3 * _COUNT} numbers per frame")
    table.check_widths(np.arange(len(table)), 3 * _COUNT)
    slots = table.slots(slice(None), np.arange(3 * _COUNT).reshape(1, _COUNT, 3))
    return slots_recording(
        table,
        slots,
        None,
        np.arange(len(table)),
        names=_NAMES,
        groups=((0,), tuple(range(1, _COUNT))),
        notes=("joints but the root are offsets from their parents, and are refined as such; angles are a file apart",),
    )


RECORDINGS.add("ui_prmd", RecordingKind("UI-PRMD", "UI-PRMD's positions (.txt)", guess, read))
