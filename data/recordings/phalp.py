"""What PHALP, of 4D-Humans, says of people: a pickle of joblib, a table of images with a list of people in each."""

from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from base.shown import shown
from data.recordings.pickled import PickleFile, array_of, objects_of, pickle_head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.smpl import DERIVED, JOINTS
from data.recordings.stored import Stored, read_content
from data.recordings.turning import Part, check_part, turning_recording

_SHAPES = {"global_orient": (1, 3, 3), "body_pose": (23, 3, 3)}
_NAMES = {"global_orient": JOINTS[:1], "body_pose": JOINTS[1:]}


def guess(path: Path) -> int:
    """Say whether a file is a pickle with such keys."""
    start = pickle_head(path)
    return BY_CONTENT if b"tracked_ids" in start and b"tid" in start else 0


def read(path: Path) -> Recording:
    """Read the rotations `smpl` of all people by their `tid`, in the frames that `time` counts.

    Raises
    ------
    InputError
        It is no such pickle, or names what it may not.
    """
    file = PickleFile(read_content(path), path)
    images = list(file.root.items()) if isinstance(file.root, dict) else []
    found: dict[str, list[Stored]] = {key: [] for key in _SHAPES}
    frames, people = [], []
    for number, (name, image) in enumerate(images):
        where = f"{path}: {shown(name)}"
        if not isinstance(image, dict):
            raise InputError(f"{where}: expected a table of what was found in the image, as PHALP has it")
        bodies, numbers = list(objects_of(image.get("smpl"))), list(objects_of(image.get("tid")))
        if len(bodies) != len(numbers):
            raise InputError(f"{where}: found {len(bodies)} of smpl and {len(numbers)} of tid, expected as many")
        for body, person in zip(bodies, numbers, strict=True):
            for key, stored in _rotations(body, where).items():
                found[key].append(stored)
            frames.append(_whole(image.get("time", number), f"{where}: time"))
            people.append(_whole(person, f"{where}: tid"))
    if not frames:
        raise InputError(f"{path}: nobody was found in any image; there is nothing to refine")
    parts = [
        check_part(Part("matrices", stored, _NAMES[key], lambda array: array[None]), f"{path}: smpl {key}")
        for key, stored in found.items()
    ]
    return turning_recording(
        str(path),
        parts,
        file.replaced,
        frame=np.array(frames, np.int64),
        person=np.array(people, np.int64),
        notes=(DERIVED,),
    )


def _rotations(body: Any, where: str) -> dict[str, Stored]:
    found = {}
    for key, shape in _SHAPES.items():
        stored = array_of(body.get(key)) if isinstance(body, dict) else None
        if stored is None or stored.value.shape != shape or stored.value.dtype.kind != "f":
            raise InputError(f"{where}: smpl: expected matrices {key} {shown(shape)}")
        found[key] = stored
    return found


def _whole(value: Any, where: str) -> int:
    if not isinstance(value, int | np.integer) or abs(int(value)) > 1 << 60:
        raise InputError(f"{where}: found {shown(value)}, expected a whole number")
    return int(value)


RECORDINGS.add("phalp", RecordingKind("PHALP", "pickles of PHALP (4D-Humans)", guess, read))
