"""A pickle of one person's parameters of SMPL, as AIST++ has them: `smpl_poses` [frames, 72] and `smpl_trans`."""

from pathlib import Path

import numpy as np

from base.errors import InputError
from base.shown import shown
from data.recordings.pickled import PickleFile, array_of, pickle_head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.smpl import smpl_part
from data.recordings.stored import read_content, rounding_note
from data.recordings.turning import turning_recording

_KEYS = ("smpl_trans", "smpl_poses")


def guess(path: Path) -> int:
    """Say whether a file is a pickle with such keys."""
    return BY_CONTENT if b"smpl_poses" in pickle_head(path) else 0


def read(path: Path) -> Recording:
    """Read the rotations and, if it is there, the root's path.

    Raises
    ------
    InputError
        It is no such pickle, or names what it may not.
    """
    file = PickleFile(read_content(path), path)
    root = file.root if isinstance(file.root, dict) else {}
    found = {key: stored for key in _KEYS if (stored := array_of(root.get(key))) is not None}
    shapes = {key: stored.value.shape for key, stored in found.items()}
    frames = {shape[0] if shape else 0 for shape in shapes.values()}
    if "smpl_poses" not in found or len(frames) != 1 or frames == {0}:
        raise InputError(f"{path}: found {shown(shapes)}, expected smpl_poses [frames, 72] and smpl_trans [frames, 3]")
    parts = [smpl_part(key, [stored], f"{path}: {key}") for key, stored in found.items()]
    count = frames.pop()
    return turning_recording(
        str(path),
        parts,
        file.replaced,
        frame=np.arange(count),
        person=np.zeros(count, np.int64),
        notes=rounding_note(found["smpl_poses"].value),
    )


RECORDINGS.add("smpl_pickle", RecordingKind("AIST++", "AIST++'s pickles of SMPL (smpl_poses)", guess, read))
