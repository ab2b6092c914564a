"""GVHMR's results, `.pt`: SMPL-X's parameters of one person, in the world and as the camera sees him."""

from functools import partial
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.shown import shown
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.smpl import JOINTS
from data.recordings.tensors import Tensor, TensorFile
from data.recordings.turning import Kind, Part, check_part, turning_recording

_VIEWS = ("smpl_params_global", "smpl_params_incam")
_KEYS: dict[str, tuple[Kind, tuple[str, ...]]] = {
    "transl": ("places", ("root",)),
    "global_orient": ("axis_angles", JOINTS[:1]),
    "body_pose": ("axis_angles", JOINTS[1:22]),
}


def guess(path: Path) -> int:
    """Say whether a file is a zip whose first member, a pickle, has such keys."""
    start = head(path, 8192)
    return BY_CONTENT if start.startswith(b"PK") and b"/data.pkl" in start and _VIEWS[0].encode() in start else 0


def read(path: Path) -> Recording:
    """Read the paths and the rotations of both views.

    Raises
    ------
    InputError
        It is no such file, or names what it may not.
    """
    file = TensorFile(path)
    parts: list[Part] = []
    lengths = set()
    for view in _VIEWS:
        table = file.root.get(view) if isinstance(file.root, dict) else None
        for key, (kind, names) in _KEYS.items():
            where = f"{path}: {view} {key}"
            tensor = table.get(key) if isinstance(table, dict) else None
            if not isinstance(tensor, Tensor) or len(tensor.shape) != 2 or tensor.shape[1] % 3:
                raise InputError(f"{where}: expected a tensor [frames, joints times 3], as GVHMR has it")
            lengths.add(tensor.shape[0])
            names = tuple(f"{view.removeprefix('smpl_params_')} {name}" for name in names)
            parts.append(check_part(Part(kind, [file.stored(tensor, where)], names, partial(_rows, tensor)), where))
    if len(lengths) > 1:
        raise InputError(f"{path}: found {shown(sorted(lengths))} frames, expected as many of everything")
    frames = lengths.pop()
    return turning_recording(
        str(path),
        parts,
        file.replaced,
        frame=np.arange(frames),
        person=np.zeros(frames, np.int64),
        notes=("of the network's outputs that it keeps (net_outputs), only what is the same tensor is refined, too",),
    )


def _rows(tensor: Tensor, storage: np.ndarray) -> np.ndarray:
    """Return a view [frames, joints, 3]."""
    frames, width = tensor.shape
    step, each = tensor.strides
    split = Tensor(tensor.storage, tensor.kind, tensor.offset, (frames, width // 3, 3), (step, 3 * each, each))
    return split.view(storage)


RECORDINGS.add("gvhmr", RecordingKind("GVHMR", "GVHMR's results in .pt", guess, read))
