"""The poses that SmoothNet's authors released: sequences of one benchmark and estimator in a `.npz`.

`joints_2d`, `keypoints_2d`, `joints_3d` or `keypoints_3d` [frames, numbers per frame], or `pose` of SMPL, an axis times
an angle for each joint; of each an array of objects, one per sequence, or one dense array.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from base.shown import cut
from base.words import plural
from data.recordings.array_layout import without_missing
from data.recordings.npz_file import NpzFile
from data.recordings.pickled import array_of, objects_of
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.smpl import JOINTS
from data.recordings.stored import Stored, as_float64, rounding_note, writer
from data.recordings.turning import Part, check_part, turning_recording
from data.recordings.zipped import array_names

_DIMS = {f"{kind}_{dims}d": dims for dims in (2, 3) for kind in ("joints", "keypoints")}
_POSE, _SHAPE = "pose", "shape"


def guess(path: Path) -> int:
    """Say whether a file is a zip with arrays of these names."""
    names = array_names(path)
    return BY_CONTENT if ("imgname" in names and names & {*_DIMS, _POSE}) or {_POSE, _SHAPE} <= names else 0


def read(path: Path) -> Recording:
    """Read all sequences; each is a person, whose frames count from 0.

    Raises
    ------
    InputError
        There are no poses, or not all of them have the same number of joints.
    """
    file = NpzFile(path)
    key = next((key for key in (*_DIMS, _POSE) if key in file.names), None)
    if key is None:
        there = cut(", ".join(sorted(file.names)))
        raise InputError(f"{path}: holds {there}; expected {', '.join(_DIMS)} or {_POSE}")
    where = f"{path}: {key}"
    found, dims = _sequences(file, key, where), _DIMS.get(key, 3)
    shapes = [_frames_of(each.value, dims) for each in found]
    widths = {width for _, width in shapes}
    if len(widths) > 1 or min(widths) % dims:
        raise InputError(
            f"{where}: found shapes {', '.join(str(each.value.shape) for each in found[:3])}, expected sequences of "
            f"[frames, joints times {dims}], of one number of joints"
        )
    joint_count = min(widths) // dims
    lengths = [length for each in shapes for length in each[0]]
    who: dict[str, Any] = {
        "frame": np.concatenate([np.arange(length) for length in lengths]),
        "person": np.repeat(np.arange(len(lengths)), lengths),
        "notes": (
            f"holds {plural(len(lengths), 'sequence')}, each of which is refined as a person",
            *rounding_note(found[0].value),
        ),
    }

    def view(array: np.ndarray) -> np.ndarray:
        return array.reshape(-1, joint_count, dims)

    if key == _POSE:
        part = check_part(Part("axis_angles", found, JOINTS, view), where)
        return turning_recording(where, [part], file.replaced, **who)
    joints = without_missing(np.concatenate([as_float64(view(each.value)) for each in found]))
    return Recording(joints, write=writer(where, found, view, joints, file.replaced), **who)


def _frames_of(array: np.ndarray, dims: int) -> tuple[list[int], int]:
    """Return how many frames each sequence in an array has, and how many numbers a frame."""
    if array.ndim == 3 and array.shape[-1] != dims:  # several of one length
        return [array.shape[1]] * len(array), array.shape[2]
    return [len(array)], array.size // len(array)


def _sequences(file: NpzFile, key: str, where: str) -> list[Stored]:
    dense = file.numbers(key)
    if dense is not None and dense.value.ndim in (2, 3) and dense.value.size:
        return [dense]
    found = [] if dense is not None else [_sequence(value, key, where) for value in objects_of(file.objects(key))]
    if not found:
        raise InputError(f"{where}: holds no sequences, expected [frames, numbers per frame] of each")
    return found


def _sequence(value: Any, key: str, where: str) -> Stored:
    stored = array_of(value)
    if stored is None or not stored.value.size or stored.value.ndim not in (2, 3):
        raise InputError(f"{where}: holds something that is no array of numbers, expected [frames, numbers per frame]")
    return replace(stored, member=key)


RECORDINGS.add(
    "smoothnet",
    RecordingKind("SmoothNet", "SmoothNet's detected poses in .npz (joints_3d, pose, ...)", guess, read, several=True),
)
