"""Plain `.npy` arrays of poses: [frames, joints, 2 or 3], with people and scores if need be."""

from functools import partial
from pathlib import Path

from base.errors import InputError
from data.recordings.array_layout import read_poses
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.stored import find_npy, read_content, spliced


def guess(path: Path) -> int:
    """Say whether a file begins as numpy's do."""
    return BY_CONTENT if head(path, 6) == b"\x93NUMPY" else 0


def read(path: Path) -> Recording:
    """Read an array; see `data.recordings.array_layout` for what its axes may be.

    Raises
    ------
    InputError
        It is no array of poses.
    """
    content = read_content(path)
    stored = find_npy(content, str(path))
    if stored is None:
        raise InputError(f"{path}: holds Python's objects, expected numbers; save the array of one recording")

    return read_poses(stored, str(path), partial(spliced, content))


RECORDINGS.add("npy", RecordingKind("NumPy", "arrays of poses in .npy", guess, read))
