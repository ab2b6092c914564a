"""OpenPose's folders of a JSON file per frame: BODY_25, COCO-18, MPI, with hands and face, in the image or in space."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from data.recordings.frame_files import frame_files
from data.recordings.json_text import JsonText, as_points, read_json
from data.recordings.peek import files_in, head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.rows import as_confidence, identity, missing_at_zero
from data.skeletons.layouts import LAYOUTS

_PARTS = ("pose", "face", "hand_left", "hand_right")
_KEY = re.compile(rb'"people"\s*:')
_BY_IMAGE = re.compile(rb'\s*\{\s*"[^"]*"\s*:\s*\{')
"""So begins a file of another tool, of many images in OpenPose's layout."""

_BODY_25 = (
    (1, 0), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (10, 11), (8, 12), (12, 13),
    (13, 14), (0, 15), (0, 16), (15, 17), (16, 18), (14, 19), (19, 20), (14, 21), (11, 22), (22, 23), (11, 24),
)  # fmt: skip
_COCO_18 = (
    (1, 0), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (0, 14), (0, 15), (14, 16), (15, 17),
)  # fmt: skip
_MPI_15 = (
    (0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 14), (14, 8), (8, 9), (9, 10), (14, 11), (11, 12),
    (12, 13),
)  # fmt: skip
_BONES = {25: _BODY_25, 18: _COCO_18, 15: _MPI_15}
"""Of a body of so many joints (OpenPose's documentation of its output)."""
_LAYOUTS = {25: "body25", 18: "openpose18"}


@dataclass(frozen=True)
class _Person:
    """One person in one frame: [joints, D + 1] numbers of each part, and where they stand."""

    numbers: dict[str, np.ndarray]
    slots: dict[str, np.ndarray]
    ids: int | None


def guess(path: Path) -> int:
    """Say whether a folder holds OpenPose's files, or a file is one."""
    for file in files_in(path, ".json")[:3] if path.is_dir() else [path]:
        start = head(file)
        if _KEY.search(start) and not _BY_IMAGE.match(start) and (b"pose_keypoints" in start or b'"version"' in start):
            return BY_CONTENT
    return 0


def read(path: Path) -> Recording:
    """Read a folder of a file per frame, or one frame.

    A joint at exactly (0, 0) is missing, whatever its score. Hands and face go with their body. A `person_id` of -1, or
    none, is no identity.

    Raises
    ------
    InputError
        A file is not OpenPose's, or people have different numbers of joints.
    """
    files = frame_files(path, ".json")
    texts = [read_json(file) for file in files.files]
    found = [
        (at, person, where)
        for at, (file, text) in enumerate(zip(files.files, texts, strict=True))
        for person, where in _objects(file, text)
    ]
    dims = 3 if any(person.get("pose_keypoints_3d") for _, person, _ in found) else 2
    people = [(at, _person(person, dims, where)) for at, person, where in found]
    sizes = _sizes(path, [person for _, person in people])
    values = _stack([person.numbers for _, person in people], sizes, dims, np.nan)
    slots = _stack([person.slots for _, person in people], sizes, dims, -1).astype(np.int64)[..., :dims]
    joints = missing_at_zero(values[..., :dims])
    file_of = [at for at, _ in people]
    ids = [person.ids for _, person in people]
    unique = len({(at, one) for at, one in zip(file_of, ids, strict=True)}) == len(ids)
    return Recording(
        joints,
        np.array([files.frames[at] for at in file_of], np.int64),
        files.writer([text.numbers for text in texts], file_of, slots, joints),
        person=np.array(ids, np.int64) if unique and None not in ids and len(ids) else None,
        confidence=as_confidence(values[..., dims]),
        names=_names(sizes),
        bones=_BONES.get(sizes["pose"], ()),
        unit="px" if dims == 2 else "",
        notes=("joints in space are refined; those in the image stay as they are",) if dims == 3 else (),
    )


def _objects(file: Path, text: JsonText) -> Iterator[tuple[dict[str, Any], str]]:
    people = text.root.get("people") if isinstance(text.root, dict) else None
    if not isinstance(people, list):
        raise InputError(f"{file}: has no list of `people`, expected a file of OpenPose")
    for place, person in enumerate(people):
        where = f"{file}: people[{place}]"
        if not isinstance(person, dict):
            raise InputError(f"{where}: is no object, expected a person of OpenPose")
        yield person, where


def _person(person: dict[str, Any], dims: int, where: str) -> _Person:
    numbers, slots = {}, {}
    for part in _PARTS:
        keys = (f"{part}_keypoints_3d",) if dims == 3 else (f"{part}_keypoints_2d", f"{part}_keypoints")
        key = next((key for key in keys if person.get(key)), None)
        if key:
            numbers[part], slots[part] = as_points(person[key], dims + 1, f"{where}.{key}")
    return _Person(numbers, slots, identity(person.get("person_id")))


def _sizes(path: Path, people: list[_Person]) -> dict[str, int]:
    """Return the joints of each part, which all people share that have it."""
    sizes = dict.fromkeys(_PARTS, 0)
    for person in people:
        for part, found in person.numbers.items():
            if sizes[part] not in (0, len(found)):
                raise InputError(
                    f"{path}: people have {sizes[part]} and {len(found)} joints of {part}, expected one number"
                )
            sizes[part] = len(found)
    return sizes


def _names(sizes: dict[str, int]) -> tuple[str, ...]:
    """Return the joints' names, by which a body is told from its hands and face; none of an MPI body."""
    if sizes["pose"] not in _LAYOUTS:
        return ()
    rest = (f"{part} {number}" for part in _PARTS[1:] for number in range(sizes[part]))
    return (*LAYOUTS[_LAYOUTS[sizes["pose"]]].joints, *rest)


def _stack(people: list[dict[str, np.ndarray]], sizes: dict[str, int], dims: int, empty: float) -> np.ndarray:
    """Join the parts of each person, [N, J, D + 1]."""
    rows = [
        np.concatenate([person.get(part, np.full((size, dims + 1), empty)) for part, size in sizes.items()])
        for person in people
    ]
    return np.stack(rows) if rows else np.zeros((0, sum(sizes.values()), dims + 1))


RECORDINGS.add(
    "openpose",
    RecordingKind("OpenPose", "OpenPose's folders of .json, one file per frame", guess, read, "file or folder"),
)
