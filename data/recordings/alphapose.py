"""AlphaPose's results: one JSON file of all people in all images, as a list or by image."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from base.shown import cut, shown
from data.recordings.joint_sets import IMAGE_SETS, NO_SET
from data.recordings.json_text import as_list, as_object, as_points, read_json
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.rows import Row, as_confidence, identity, missing_at_zero, numbers_of_names, stack

_IMAGE_ID = re.compile(rb'"image_id"\s*:\s*"')
_BY_IMAGE = re.compile(rb'\s*\{\s*"[^"]*\.(?:jpe?g|png|bmp)"\s*:\s*[\[{]', re.IGNORECASE)
_KEYPOINTS = ("keypoints", "pose_keypoints_2d", "joints")
"""Of AlphaPose's own format, of OpenPose's, and of CMU-Pose's, which `--format` chooses between."""


def guess(path: Path) -> int:
    """Say whether a file holds AlphaPose's results."""
    start = head(path)
    known = any(b'"%s"' % key.encode() in start for key in _KEYPOINTS)
    listed = start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[") and _IMAGE_ID.search(start)
    return BY_CONTENT if known and (listed or _BY_IMAGE.match(start)) else 0


def read(path: Path) -> Recording:
    """Read AlphaPose's results.

    The number at the end of an image's name is the frame's. A joint at exactly (0, 0) is missing, and scores beyond 1
    are 1. `idx` tells people apart if it is a whole number, each of another person in every image: pose tracking was
    on. What it is without, such as `[0.0]`, is no identity.

    Raises
    ------
    InputError
        The file is not AlphaPose's, or people have different numbers of joints.
    """
    text = read_json(path)
    found = list(_people(text.root, str(path)))
    names = list(dict.fromkeys(name for name, _, _ in found))
    numbers = dict(zip(names, numbers_of_names(names, str(path)), strict=True))
    rows = stack((_row(numbers[name], person, where) for name, person, where in found), str(path))
    joints = missing_at_zero(rows.values[..., :2])
    known = IMAGE_SETS.get(joints.shape[1], NO_SET)

    def write(new: np.ndarray, output: Path) -> None:
        output.write_bytes(text.numbers.patched(rows.slots[..., :2], joints, new))

    return Recording(
        joints,
        rows.frame,
        write,
        person=rows.person,
        confidence=as_confidence(rows.values[..., 2]),
        names=known.names,
        bones=known.bones,
        unit="px",
    )


def _people(root: Any, where: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Give each person with the image's name, and the place for messages."""
    if isinstance(root, list):
        for place, person in enumerate(root):
            here = f"{where}: [{place}]"
            name = as_object(person, here).get("image_id")
            if not isinstance(name, str):
                raise InputError(f"{here}.image_id: found {shown(name)}, expected the name of an image")
            yield name, person, here
        return
    for name, image in as_object(root, where).items():
        here = f"{where}: {cut(name)}"
        people = image
        if isinstance(image, dict):
            people = next((image[key] for key in ("people", "bodies") if key in image), None)
        for place, person in enumerate(as_list(people, here)):
            yield name, as_object(person, f"{here}[{place}]"), f"{here}[{place}]"


def _row(frame: int, person: dict[str, Any], where: str) -> Row:
    key = next((key for key in _KEYPOINTS if key in person), _KEYPOINTS[0])
    values, slots = as_points(person.get(key), 3, f"{where}.{key}")
    idx = person.get("idx")
    return Row(frame, values, slots, None if isinstance(idx, list) else identity(idx))


RECORDINGS.add("alphapose", RecordingKind("AlphaPose", "AlphaPose's results (.json)", guess, read))
