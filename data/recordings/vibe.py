"""What VIBE, SPIN and WHAM say of people: a pickle, of joblib or plain, of SMPL's parameters for each person.

Each person has `pose`, an axis times an angle for each joint [frames, 72] or matrices, `frame_ids` if frames are
missing, and the root's path `trans`; WHAM also `pose_world` and `trans_world`.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from base.shown import shown
from data.recordings.pickled import PickleFile, array_of, pickle_head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.smpl import DERIVED, smpl_part
from data.recordings.stored import Stored, read_content
from data.recordings.turning import turning_recording

_KEYS = ("trans", "trans_world", "global_orient", "pose", "pose_world")
_OTHERS = (b"tracked_ids", b"smpl_poses", b"frame_dir")
"""Of other formats of pickles."""

_POSE = re.compile(rb"[\x04\x00]pose(?![_a-z0-9])|pred_cam")


def guess(path: Path) -> int:
    """Say whether a file is a pickle with such keys."""
    start = pickle_head(path)
    return BY_CONTENT if _POSE.search(start) and not any(other in start for other in _OTHERS) else 0


def read(path: Path) -> Recording:
    """Read all people by their numbers.

    Raises
    ------
    InputError
        It is no such pickle, names what it may not, or people have different parameters.
    """
    file = PickleFile(read_content(path), path)
    people = _people(file.root, path)
    arrays = [_arrays(person, f"{path}: person {shown(name)}") for name, person in people.items()]
    keys = list(arrays[0])
    for name, each in zip(people, arrays, strict=True):
        if list(each) != keys:
            raise InputError(f"{path}: person {shown(name)} has {', '.join(each)}, others {', '.join(keys)}")
    frames = [
        _frames(person, len(next(iter(each.values())).value), f"{path}: person {shown(name)}")
        for (name, person), each in zip(people.items(), arrays, strict=True)
    ]
    parts = [smpl_part(key, [each[key] for each in arrays], f"{path}: {key}") for key in keys]
    return turning_recording(
        str(path),
        parts,
        file.replaced,
        frame=np.concatenate(frames),
        person=np.repeat(_numbers(people), [len(each) for each in frames]),
        notes=(DERIVED,),
    )


def _people(root: Any, path: Path) -> dict[Any, dict[Any, Any]]:
    people = (
        {name: person for name, person in root.items() if isinstance(person, dict)} if isinstance(root, dict) else {}
    )
    people = {name: person for name, person in people.items() if "pose" in person}
    if not people:
        raise InputError(f"{path}: holds no person with a `pose`, expected a table of people as VIBE and WHAM have it")
    return people


def _numbers(people: dict[Any, Any]) -> np.ndarray:
    """Return the people's numbers: their own if all of them have one."""
    own = [int(name) if isinstance(name, int | np.integer) and abs(int(name)) < 1 << 60 else -1 for name in people]
    return np.array(own if len(set(own)) == len(own) else range(len(own)), np.int64)


def _arrays(person: dict[Any, Any], where: str) -> dict[str, Stored]:
    found = {key: stored for key in _KEYS if key in person and (stored := array_of(person[key])) is not None}
    lengths = {len(each.value) if each.value.ndim else 0 for each in found.values()}
    if "pose" not in found or len(lengths) != 1 or lengths == {0}:
        raise InputError(f"{where}: expected a `pose` of numbers, and as many frames of everything")
    return found


def _frames(person: dict[Any, Any], count: int, where: str) -> np.ndarray:
    stored = array_of(person.get("frame_ids"))
    if stored is None:
        return np.arange(count)
    if stored.value.shape != (count,) or not np.isfinite(stored.value).all() or np.abs(stored.value).max() > 1e15:
        raise InputError(f"{where}: frame_ids: found shape {shown(stored.value.shape)}, expected {count} numbers")
    return stored.value.astype(np.int64)


RECORDINGS.add("vibe", RecordingKind("VIBE", "pickles of VIBE, SPIN and WHAM", guess, read))
