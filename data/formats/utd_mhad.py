"""UTD-MHAD's skeletons, a folder of `aX_sY_tZ_skeleton.mat`, as clips like NTU RGB+D's.

Its 861 clips are performed by 8 people (27 actions, 4 trials), seen by a Kinect v1 at 30 frames a second: 20 joints in
metres. They get 25 joints and names as NTU RGB+D's clips have, so that every network and rule for these takes them.
Actions keep their numbers, which are not NTU RGB+D's; trials 1 to 4 become setups 1 and 2 with replications 1 and 2.

Source: Chen, Jafari and Kehtarnavaz, UTD-MHAD: A multimodal dataset for human action recognition utilizing a depth
camera and a wearable inertial sensor, ICIP 2015.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from base.errors import InputError
from data.debris import is_debris
from data.formats.clips import Incoming, NextClip, ReadClip, as_tracks, check_length, found_twice, known
from data.formats.mat_file import read_variable
from data.formats.options import ReadOptions
from data.formats.registry import BY_NAME, FORMATS, FormatKind
from data.ntu.names import ClipName
from data.skeletons.layouts import NTU25

_NAME = re.compile(r"a(\d{1,3})_s(\d{1,3})_t(\d)_skeleton\.mat")
_ACTIONS = 27
_JOINTS, _DIMS = 20, 3
_HEAD, _HIPS = 0, 3
_TAKEN = {0: 3, 1: 2, 3: 0, 20: 1, **{joint: joint for joint in range(4, 20)}}
"""By joint of NTU RGB+D's, the one of UTD-MHAD's: head, centre of shoulders, spine, centre of hips, then the limbs in
the same order."""
_BETWEEN = {2: (1, 0, 0.35), 21: (6, 7, 1.8), 22: (6, 7, 1.3), 23: (10, 11, 1.8), 24: (10, 11, 1.3)}
"""By joint that a Kinect v1 does not have: from which joint it lies how far towards which, or beyond: the neck
between the shoulders and the head, tips of hands and thumbs beyond the hands."""
_DECIMALS = 5
"""As many as the 27-class set's `.skeleton` files have: 0.01 mm."""


def to_ntu25(joints: np.ndarray) -> np.ndarray:
    """Return a Kinect v1's joints in UTD-MHAD's order [T, 20, 3] as NTU RGB+D's [T, 25, 3].

    Of its joints 22 to 25 (tips of hands and thumbs) and 3 (the neck) nothing was measured.
    """
    mapped = np.empty((len(joints), len(NTU25.joints), _DIMS))
    for joint, taken in _TAKEN.items():
        mapped[:, joint] = joints[:, taken]
    for joint, (near, far, share) in _BETWEEN.items():
        mapped[:, joint] = joints[:, near] + share * (joints[:, far] - joints[:, near])
    return np.round(mapped, _DECIMALS)


def read_utd_mhad(folder: Path) -> Incoming:
    """Read a folder of UTD-MHAD's skeletons, to any depth.

    Raises
    ------
    InputError
        There is none; reading a clip does where its file is damaged, misnamed or laid out otherwise.
    """
    files = sorted(_files(folder))
    if not files:
        raise InputError(f"{folder}: found no file such as a1_s1_t1_skeleton.mat")

    names = [_name(file) for file in files]
    if twice := found_twice([name for name in names if isinstance(name, ClipName)]):
        raise InputError(f"{folder}: holds two files of clip {twice}; leave one out")

    def clips() -> Iterator[NextClip]:
        for name, file in sorted(zip(names, files, strict=True), key=lambda pair: str(pair[0])):
            yield file.name, partial(_read_clip, name, file)

    return Incoming(NTU25, len(files), clips())


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*_skeleton.mat") if path.is_file() and not is_debris(path.name))


def _name(file: Path) -> ClipName | InputError:
    found = _NAME.fullmatch(file.name)
    action, subject, trial = map(int, found.groups()) if found else (0, 0, 0)
    if not action or not subject or not trial:
        return InputError(f"{file}: expected a name such as a1_s1_t1_skeleton.mat, of action, subject and trial")
    if action > _ACTIONS:
        return InputError(f"{file}: found action {action}, expected 1 to {_ACTIONS}; rename or remove it")
    return ClipName((trial + 1) // 2, 1, subject, 2 - trial % 2, action)


def _read_clip(named: ClipName | InputError, file: Path) -> ReadClip:
    name = known(named)
    joints = read_variable(file, "d_skel")
    if joints.shape[:2] != (_JOINTS, _DIMS) or joints.ndim > 3:
        raise InputError(f"{file}: d_skel is {list(joints.shape)}, expected [{_JOINTS}, {_DIMS}, frames]")
    joints = joints.reshape(_JOINTS, _DIMS, -1).transpose(2, 0, 1)  # of one frame, MATLAB keeps no third axis
    check_length(len(joints), str(file))
    if np.median(joints[:, _HEAD, 1] - joints[:, _HIPS, 1]) < 0:
        raise InputError(
            f"{file}: joint 1, the head, is below joint 4, the centre of hips; expected UTD-MHAD's order, and y upwards"
        )
    return name, len(joints), as_tracks(to_ntu25(joints)[None], None, str(file))


def _guess(path: Path) -> int:
    return BY_NAME * (path.is_dir() and any(_files(path)))


def _open(path: Path, options: ReadOptions) -> Incoming:
    return read_utd_mhad(path)


FORMATS.add(
    "utd_mhad",
    FormatKind(
        "UTD-MHAD", "UTD-MHAD's folder of skeletons (.mat)", _guess, _open, source="folder", parts=("_skeleton.mat",)
    ),
)
