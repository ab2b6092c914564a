"""AMASS's `.npz`: SMPL's pose vectors, the root's path, and the rate of the motion capture."""

from pathlib import Path

import numpy as np

from base.errors import InputError
from base.shown import shown
from data.recordings.npz_file import NpzFile
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.smpl import JOINTS
from data.recordings.stored import Stored, rounding_note
from data.recordings.turning import Part, check_part, turning_recording
from data.recordings.zipped import array_names

_RATES = ("mocap_framerate", "mocap_frame_rate", "fps")
_NEEDED = frozenset({"poses", "trans"})


def guess(path: Path) -> int:
    """Say whether a file is a zip with arrays of these names."""
    return BY_CONTENT if array_names(path) >= _NEEDED else 0


def read(path: Path) -> Recording:
    """Read the rotations `poses` [frames, joints times 3] and the path `trans` [frames, 3].

    Raises
    ------
    InputError
        They have other shapes.
    """
    file = NpzFile(path)
    poses, trans = (_array(file, name, path) for name in ("poses", "trans"))
    frames = len(poses.value)
    if poses.value.shape[1:] != (poses.value.size // frames,) or poses.value.size // frames % 3:
        raise InputError(f"{path}: poses: found {shown(poses.value.shape)}, expected [frames, joints times 3]")
    if trans.value.shape != (frames, 3):
        raise InputError(f"{path}: trans: found {shown(trans.value.shape)}, expected {shown((frames, 3))} as of poses")
    parts = [
        check_part(Part("places", [trans], ("root",)), f"{path}: trans"),
        check_part(Part("axis_angles", [poses], JOINTS[:22]), f"{path}: poses"),
    ]
    more = sorted(file.names & {"marker_data", "dmpls"})
    return turning_recording(
        str(path),
        parts,
        file.replaced,
        frame=np.arange(frames),
        person=np.zeros(frames, np.int64),
        fps=file.rate(*_RATES),
        notes=(*([f"{' and '.join(more)} stay as they are"] if more else []), *rounding_note(poses.value)),
    )


def _array(file: NpzFile, name: str, path: Path) -> Stored:
    stored = file.numbers(name) if name in file.names else None
    if stored is None or not stored.value.size or stored.value.ndim < 2 or stored.value.dtype.kind != "f":
        raise InputError(f"{path}: {name}: expected an array of numbers, as AMASS has it")
    return stored


RECORDINGS.add("amass", RecordingKind("AMASS", "AMASS's .npz (poses and trans of SMPL)", guess, read))
