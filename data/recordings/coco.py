"""COCO's keypoints: results, and annotations with images and categories, each one JSON file of many images."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from data.recordings.joint_sets import IMAGE_SETS, NO_SET, JointSet, bones_in, names_in
from data.recordings.json_text import as_list, as_object, as_points, read_json
from data.recordings.peek import head
from data.recordings.recording import MOST_FRAMES, Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.rows import Row, as_confidence, frame_number, identity, missing_at_zero, stack, whole_number

_IMAGE_ID = re.compile(rb'"image_id"\s*:\s*-?\d')
_PARTS = ("keypoints", "foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts")
"""Of COCO-WholeBody, in the order of its 133 joints."""
_APART = 10_000
"""Frames between videos whose images have numbers far from each other, such as PoseTrack's."""

_STILLS = "image_id is the frame, and most are not next to each other: photographs are no motion to be refined"


def guess(path: Path) -> int:
    """Say whether a file holds results or annotations of COCO."""
    start = head(path)
    results = _IMAGE_ID.search(start) and b'"keypoints"' in start
    annotations = b'"images"' in start and (b'"file_name"' in start or b'"annotations"' in start)
    return BY_CONTENT if results or annotations else 0


def read(path: Path) -> Recording:
    """Read COCO's results (a list) or annotations (an object with `annotations`).

    The frame is `image_id`, or `frame_id` of `images` if those have one each of their own. `track_id` tells people
    apart. Where the third number of all joints is 0, 1 or 2, it is a visibility: a joint of 0 is missing, one of 1 is
    half as sure as one of 2. Otherwise it is a score, and a joint at exactly (0, 0) is missing. Annotations without
    `keypoints` are left alone.

    Raises
    ------
    InputError
        The file is not COCO's, or people have different numbers of joints.
    """
    text = read_json(path)
    known = NO_SET
    if isinstance(text.root, list):
        people, frames = text.root, {}
    else:
        root = as_object(text.root, str(path))
        people = as_list(root.get("annotations"), f"{path}: annotations")
        frames, known = _frame_ids(root), _categories(root)
    rows = stack(_rows(people, frames, str(path)), str(path))
    joints, scores = rows.values[..., :2], rows.values[..., 2]
    if np.isin(scores, (0, 1, 2)).all():
        joints = np.where(scores[..., None] == 0, np.nan, joints)
        scores = scores / max(scores.max(), 1)
    joints = missing_at_zero(joints)
    known = known if len(known.names) == joints.shape[1] else IMAGE_SETS.get(joints.shape[1], NO_SET)
    frame, notes = _within_reach(rows.frame)

    def write(new: np.ndarray, output: Path) -> None:
        output.write_bytes(text.numbers.patched(rows.slots[..., :2], joints, new))

    return Recording(
        joints,
        frame,
        write,
        person=rows.person,
        confidence=as_confidence(scores),
        names=known.names,
        bones=known.bones,
        unit="px",
        notes=notes,
    )


def _rows(people: list[Any], frames: dict[int, int], where: str) -> Iterator[Row]:
    for place, person in enumerate(people):
        here = f"{where}: [{place}]"
        given = as_object(person, here)
        parts = [as_points(given[key], 3, f"{here}.{key}") for key in _PARTS if given.get(key)]
        if not parts:  # a crowd, or some other thing
            continue
        image = frame_number(given.get("image_id"), f"{here}.image_id")
        values, slots = (np.concatenate(part) for part in zip(*parts, strict=True))
        yield Row(frames.get(image, image), values, slots, identity(given.get("track_id")))


def _frame_ids(root: dict[str, Any]) -> dict[int, int]:
    """Return the frames of images by their ids; nothing if not each image has one of its own."""
    images = root.get("images")
    images = [image for image in images if isinstance(image, dict)] if isinstance(images, list) else []
    pairs = [(whole_number(image.get("id")), whole_number(image.get("frame_id"))) for image in images]
    frames = {image: frame for image, frame in pairs if image is not None and frame is not None}
    return frames if len(frames) == len(set(frames.values())) == len(images) else {}


def _categories(root: dict[str, Any]) -> JointSet:
    """Return what the only category with keypoints says of them."""
    categories = root.get("categories")
    listed = categories if isinstance(categories, list) else []
    found = [one for one in listed if isinstance(one, dict) and "keypoints" in one]
    names = names_in(found[0]["keypoints"]) if len(found) == 1 else ()
    return JointSet(names, bones_in(found[0].get("skeleton"), len(names), first=1)) if names else NO_SET


def _within_reach(frame: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return frames that are small enough, with wide gaps between images made shorter, and what is to be told."""
    ids, place = np.unique(frame, return_inverse=True)
    steps = np.diff(ids)
    if frame.max() <= MOST_FRAMES:
        stills = len(steps) > 0 and np.median(steps) > 1
        return frame, (_STILLS,) if stills else ()
    steps = np.minimum(steps, _APART)
    short = np.concatenate([[0], np.cumsum(steps)])[place]
    return short, (f"the image with the number {ids[0]} is frame 0, and gaps of more than {_APART} frames are cut",)


RECORDINGS.add("coco", RecordingKind("COCO", "COCO's results or annotations of keypoints (.json)", guess, read))
