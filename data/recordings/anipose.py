"""Anipose's tables of points in space: plain ones, beside whose coordinates errors and counts of cameras stand."""

import re
from pathlib import Path

from data.recordings import csv
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind

_HEADER = re.compile(rb"(?=[^\r\n]*_x\b)(?=[^\r\n]*_error\b)(?=[^\r\n]*_ncams\b)[^\r\n]*\bfnum\b")


def guess(path: Path) -> int:
    """Say whether a file's first line names points with errors, counts of cameras and frames' numbers."""
    return BY_CONTENT if _HEADER.match(head(path)) else 0


def read(path: Path) -> Recording:
    """Read points in the unit of the board that cameras were calibrated with.

    Scores are confidence, `fnum` numbers frames. Errors, counts of cameras, `M` and `center` stay as they are.

    Raises
    ------
    InputError
        See `data.recordings.csv.read`.
    """
    return csv.read(path)


RECORDINGS.add("anipose", RecordingKind("Anipose", "Anipose's pose_3d .csv", guess, read))
