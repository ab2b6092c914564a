"""MMPose's predictions: one JSON file of a video or an image, or a folder of files, of version 1 or 0."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from data.recordings.frame_files import frame_files
from data.recordings.joint_sets import IMAGE_SETS, NO_SET, JointSet, bones_in, names_in
from data.recordings.json_text import as_list, as_numbers, as_object, as_point_lists, read_json
from data.recordings.peek import files_in, head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.rows import Row, as_confidence, frame_number, identity, missing_at_zero, stack

_KNOWN = re.compile(rb'"(?:keypoint_scores|instance_info)"\s*:|"keypoints"\s*:\s*\[\s*\[')


def guess(path: Path) -> int:
    """Say whether a file, or a folder's files, hold MMPose's predictions."""
    starts = [head(file) for file in files_in(path, ".json")[:3]] if path.is_dir() else [head(path)]
    if path.is_dir() and any(b'"frame_id"' in start for start in starts):  # each is a video of its own
        return 0
    return BY_CONTENT if any(map(_KNOWN.search, starts)) else 0


def read(path: Path) -> Recording:
    """Read MMPose's predictions.

    The root is an object with `instance_info`, or a list, of frames (`frame_id` and `instances`), of lists of
    instances, one a frame, or of the instances of one image. Joints are [x, y] or [x, y, z] with `keypoint_scores`, or
    [x, y, score] without. `track_id` tells people apart. A joint at exactly (0, 0) is missing; in space it is the root.
    A folder holds the predictions of an image in each file.

    Raises
    ------
    InputError
        The file is not MMPose's, or people have different numbers of joints.
    """
    files = frame_files(path, ".json")
    texts, found, file_of, known = [], [], [], NO_SET
    for at, file in enumerate(files.files):
        text = read_json(file)
        frames = text.root
        if isinstance(frames, dict):
            known = _meta(frames.get("meta_info"))
            frames = frames.get("instance_info")
        people = list(_rows(as_list(frames, str(file)), str(file)))
        found += files.of_one_frame(people, at) if path.is_dir() else people
        file_of += [at] * len(people)
        texts.append(text.numbers)
    rows = stack(found, str(path))
    joints, slots = rows.values[..., :-1], rows.slots[..., :-1]
    count, dims = joints.shape[1:]
    joints = missing_at_zero(joints) if dims == 2 else joints
    known = known if len(known.names) == count else IMAGE_SETS.get(count, NO_SET) if dims == 2 else NO_SET

    return Recording(
        joints,
        rows.frame,
        files.writer(texts, file_of, slots, joints),
        person=rows.person,
        confidence=as_confidence(rows.values[..., -1]),
        names=known.names,
        bones=known.bones,
        unit="px" if dims == 2 else "",
    )


def _rows(frames: list[Any], where: str) -> Iterator[Row]:
    seen: set[int] = set()
    for place, frame in enumerate(frames):
        here = f"{where}: [{place}]"
        if isinstance(frame, dict) and "instances" in frame:
            number = frame_number(frame.get("frame_id"), f"{here}.frame_id", seen)
            people, here = as_list(frame["instances"], f"{here}.instances"), f"{here}.instances"
        elif isinstance(frame, list):
            number, people = place, frame
        else:
            yield _row(0, frame, here)
            continue
        for at, person in enumerate(people):
            yield _row(number, person, f"{here}[{at}]")


def _row(frame: int, person: Any, where: str) -> Row:
    person = as_object(person, where)
    values, slots = as_point_lists(_inner(person.get("keypoints"), 2), (2, 3), f"{where}.keypoints")
    track = identity(person.get("track_id"))
    if "keypoint_scores" not in person and values.shape[1] == 3:
        return Row(frame, values, slots, track)
    scores = np.ones(len(values))
    if "keypoint_scores" in person:
        scores, _ = as_numbers(_inner(person["keypoint_scores"], 1), f"{where}.keypoint_scores")
    if len(scores) != len(values):
        raise InputError(f"{where}.keypoint_scores: found {len(scores)} for {len(values)} joints, expected one each")
    unplaced = np.full((len(values), 1), -1)
    return Row(frame, np.column_stack([values, scores]), np.column_stack([slots, unplaced]), track)


def _inner(value: Any, depth: int) -> Any:
    """Return lists of a depth: what an only list of them holds, for some versions keep the axis of people."""
    found, deepest = 0, value
    while isinstance(deepest, list):
        found, deepest = found + 1, deepest[0] if deepest else None
    return value[0] if found > depth and len(value) == 1 else value


def _meta(meta: Any) -> JointSet:
    named = meta.get("keypoint_id2name") if isinstance(meta, dict) else None
    names = names_in([named.get(str(joint)) for joint in range(len(named))]) if isinstance(named, dict) else ()
    return JointSet(names, bones_in(meta.get("skeleton_links"), len(names))) if names else NO_SET


RECORDINGS.add(
    "mmpose",
    RecordingKind(
        "MMPose", "MMPose's predictions (.json), of a video or of an image each", guess, read, "file or folder"
    ),
)
