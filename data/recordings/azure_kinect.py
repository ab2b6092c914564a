"""The JSON of Azure Kinect's offline processor of recordings."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from base.shown import shown
from data.recordings.joint_sets import AZURE_32, NO_SET, JointSet, names_in
from data.recordings.json_text import as_list, as_object, as_point_lists, read_json
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.rows import Row, frame_number, identity, stack

_KNOWN = re.compile(rb'"(?:k4abt_sdk_version|num_bodies|bone_list)"\s*:')


def guess(path: Path) -> int:
    """Say whether a file is of Azure Kinect's offline processor."""
    return BY_CONTENT if _KNOWN.search(head(path)) else 0


def read(path: Path) -> Recording:
    """Read what `k4abt_offline_processor` wrote: `joint_positions` of bodies in millimetres, and times.

    `body_id` tells people apart. Orientations stay as they are.

    Raises
    ------
    InputError
        The file is of something else, or bodies have different numbers of joints.
    """
    text = read_json(path)
    root = as_object(text.root, str(path))
    times: dict[int, float] = {}
    rows = stack(_rows(as_list(root.get("frames"), f"{path}: frames"), times, str(path)), str(path))
    numbers = rows.frame.tolist()
    known = _joint_set(root, rows.values.shape[1])
    joints = rows.values
    turned = b'"joint_orientations"' in text.numbers.text

    def write(new: np.ndarray, output: Path) -> None:
        output.write_bytes(text.numbers.patched(rows.slots, joints, new))

    return Recording(
        joints,
        rows.frame,
        write,
        person=rows.person,
        seconds=np.array([times[number] for number in numbers]) if times.keys() >= set(numbers) else None,
        names=known.names,
        bones=known.bones,
        unit="mm",
        notes=("orientations of joints stay as they are",) if turned else (),
    )


def _rows(frames: list[Any], times: dict[int, float], where: str) -> Iterator[Row]:
    """Give the bodies of all frames, and put when frames were seen into `times`, in seconds."""
    seen: set[int] = set()
    for place, frame in enumerate(frames):
        here = f"{where}: frames[{place}]"
        given = as_object(frame, here)
        number = frame_number(given.get("frame_id"), f"{here}.frame_id", seen)
        if "timestamp_usec" in given:
            if not isinstance(given["timestamp_usec"], float):
                found = shown(given["timestamp_usec"])
                raise InputError(f"{here}.timestamp_usec: found {found}, expected microseconds")
            times[number] = given["timestamp_usec"] / 1e6
        for at, body in enumerate(as_list(given.get("bodies"), f"{here}.bodies")):
            yield _row(number, as_object(body, f"{here}.bodies[{at}]"), f"{here}.bodies[{at}]")


def _row(frame: int, body: dict[str, Any], where: str) -> Row:
    values, slots = as_point_lists(body.get("joint_positions"), (3,), f"{where}.joint_positions")
    return Row(frame, values, slots, identity(body.get("body_id")))


def _joint_set(root: dict[str, Any], count: int) -> JointSet:
    names = names_in(root.get("joint_names"))
    if len(names) != count:
        return AZURE_32 if count == len(AZURE_32.names) else NO_SET
    place = {name: at for at, name in enumerate(names)}
    listed = root.get("bone_list")
    pairs = [names_in(pair) for pair in (listed if isinstance(listed, list) else [])]
    bones = ((place[pair[0]], place[pair[1]]) for pair in pairs if len(pair) == 2 and set(pair) <= place.keys())
    return JointSet(names, tuple(bones))


RECORDINGS.add(
    "azure_kinect", RecordingKind("Azure Kinect", "the JSON of Azure Kinect's offline processor", guess, read)
)
