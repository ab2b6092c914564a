"""Reading and writing the `.skeleton` text of NTU RGB+D.

```
<frame count>
per frame:   <body count>
per body:    <10 fields, the first is the body's id>
             25
per joint:   x y z depthX depthY colorX colorY orientationW orientationX orientationY orientationZ trackingState
```
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.errors import InputError
from data.ntu.decimals import parse_decimals

JOINT_COUNT = 25
BODY_FIELDS = 10
JOINT_FIELDS = 12
MAX_BYTES = 256 * 2**20
"""The largest clip's text is some 4 MB; a hundred times that is no clip."""

# Where a body's fields stand, counted from its id.
_BODY_FIELDS_IN_ALL = BODY_FIELDS + 1 + JOINT_COUNT * JOINT_FIELDS
_JOINTS = BODY_FIELDS + 1 + JOINT_FIELDS * np.arange(JOINT_COUNT)
_COORDINATES = (_JOINTS[:, None] + np.arange(3)).ravel()
_STATES = _JOINTS + JOINT_FIELDS - 1
_LAST_OF_LINE = np.concatenate([[BODY_FIELDS - 1, BODY_FIELDS], _STATES])

# Kinect v2, nominal: focal length and image centre of the depth and of the colour camera, pixels.
_DEPTH = (365.5, 256.0, 212.0)
_COLOUR = (1060.0, 960.0, 540.0)


@dataclass(frozen=True)
class Body:
    """One body id of a clip, in the n frames in which it is seen.

    Parameters
    ----------
    id
        The Kinect's id, an integer near 2^56 (as floating-point numbers, two bodies of one clip can be the same).
    frames
        int64 [n], rising, the clip's frames from 0.
    joints
        float32 [n, 25, 3], metres: x right, y up, z away from the camera.
    tracked
        uint8 [n, 25]: 0 not tracked, 1 inferred, 2 tracked.
    """

    id: int
    frames: np.ndarray
    joints: np.ndarray
    tracked: np.ndarray


@dataclass(frozen=True)
class Skeleton:
    """The content of one `.skeleton` file: its number of frames and its bodies, in order of first appearance."""

    frames: int
    bodies: tuple[Body, ...]


class _UnusualError(Exception):
    """The text is not laid out exactly as expected; the careful reader decides whether it is wrong."""


def read_skeleton(text: bytes, where: str) -> Skeleton:
    """Read the text of a `.skeleton` file.

    Only body ids, positions and tracking states become numbers: the other columns are never looked at (some of them
    hold NaN in the released files).

    Parameters
    ----------
    text
        The file's bytes; lines end in LF or CRLF.
    where
        The file's name, for messages.

    Raises
    ------
    InputError
        The text is truncated or malformed, or a joint has no usable position; the message names the line.
    """
    try:
        parsed = _parse(text)
    except (_UnusualError, ValueError, IndexError, OverflowError):
        parsed = _parse_carefully(text, where)
    frames, ids, time, joints, tracked = parsed
    _check_values(joints, tracked, time, where)
    body = np.array(ids, np.int64)
    bodies = []
    for identity in dict.fromkeys(ids):
        rows = np.flatnonzero(body == identity)
        if np.any(np.diff(time[rows]) == 0):
            frame = time[rows][np.flatnonzero(np.diff(time[rows]) == 0)[0]]
            raise InputError(
                f"{where}: frame {frame + 1}: body {identity} appears twice; a body may appear once a frame; "
                "restore the file from the data set"
            )
        bodies.append(Body(identity, time[rows], joints[rows].astype(np.float32), tracked[rows].astype(np.uint8)))
    return Skeleton(frames, tuple(bodies))


_Parsed = tuple[int, list[int], np.ndarray, np.ndarray, np.ndarray]
"""Frames of the clip; then per body and frame: body id, frame [n], joints [n, 25, 3], tracking states [n, 25]."""


def _parse(text: bytes) -> _Parsed:
    """Read well-formed text: find all fields at once, walk from body to body, convert only what is needed."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    characters = np.frombuffer(text if text.endswith(b"\n") else text + b"\n", np.uint8)
    ends = np.flatnonzero(characters <= ord(" "))
    if ends[0] == 0 or np.any(ends[1:] - ends[:-1] == 1):  # empty fields: separators cannot tell where a field stands
        raise _UnusualError

    def integer(field: int) -> int:
        return int(text[ends[field - 1] + 1 if field else 0 : ends[field]])

    def lengths(fields: np.ndarray) -> np.ndarray:
        return ends[fields] - ends[fields - 1] - 1

    frames, position = integer(0), 1
    ids: list[int] = []
    times: list[int] = []
    heads: list[int] = []
    counts = [0]
    for frame in range(frames):
        bodies = integer(position)
        counts.append(position)
        position += 1
        for _ in range(bodies):
            ids.append(integer(position))
            times.append(frame)
            heads.append(position)
            position += _BODY_FIELDS_IN_ALL
    if position != len(ends):
        raise _UnusualError
    head = np.array(heads, np.int64)[:, None]
    last_of_line = np.zeros(len(ends), bool)
    last_of_line[counts] = True
    last_of_line[head + _LAST_OF_LINE] = True
    if not np.array_equal(characters[ends] == ord("\n"), last_of_line):
        raise _UnusualError
    counted = head[:, 0] + BODY_FIELDS
    counts_25 = (characters[ends[counted] - 2] == ord("2")) & (characters[ends[counted] - 1] == ord("5"))
    states = head + _STATES
    if np.any(lengths(counted) != 2) or not counts_25.all() or np.any(lengths(states) != 1):
        raise _UnusualError
    tracked = characters[ends[states] - 1].astype(np.int64) - ord("0")
    where = (head + _COORDINATES).ravel()
    joints = parse_decimals(characters, ends[where], lengths(where)).reshape(-1, JOINT_COUNT, 3)
    return frames, ids, np.array(times, np.int64), joints, tracked


def _parse_carefully(text: bytes, where: str) -> _Parsed:
    """Read line by line, accept any white space, and tell the first line that is wrong."""
    lines = text.split(b"\n")
    while lines and not lines[-1].strip():
        lines.pop()
    at = 0

    def fail(found: str, expected: str) -> InputError:
        return InputError(
            f"{where}: line {at + 1}: found {found}, expected {expected}; "
            "restore the file from the data set or leave it out with data.on_error=skip"
        )

    def fields(count: int, what: str) -> list[bytes]:
        nonlocal at
        if at >= len(lines):
            raise fail("the end of the file", what)
        found = lines[at].split()
        if len(found) != count:
            raise fail(f"{len(found)} fields", f"{what} ({count} fields)")
        at += 1
        return found

    def integer(token: bytes, what: str, low: int, high: int) -> int:
        nonlocal at
        try:
            number = int(token)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            at -= 1
            raise fail(_show(token), what)
        return number

    def coordinate(token: bytes) -> float:
        nonlocal at
        try:
            return float(token)
        except ValueError:
            at -= 1
            raise fail(_show(token), "a number in metres") from None

    if not lines:
        raise fail("an empty file", "the number of frames")
    frames = integer(fields(1, "the number of frames")[0], "the number of frames", 0, 10**7)
    ids: list[int] = []
    times: list[int] = []
    values: list[list[float]] = []
    states: list[int] = []
    for frame in range(frames):
        label = f"frame {frame + 1} of {frames}: the number of bodies"
        for _ in range(integer(fields(1, label)[0], label, 0, 100)):
            label = f"frame {frame + 1} of {frames}: a body's id and its other fields"
            ids.append(integer(fields(BODY_FIELDS, label)[0], label, 0, 2**63 - 1))
            times.append(frame)
            integer(fields(1, "25 joints")[0], "25 joints", JOINT_COUNT, JOINT_COUNT)
            for joint in range(JOINT_COUNT):
                row = fields(JOINT_FIELDS, f"frame {frame + 1} of {frames}: joint {joint + 1} of {JOINT_COUNT}")
                values.append([coordinate(token) for token in row[:3]])
                states.append(integer(row[-1], "a tracking state of 0, 1 or 2", 0, 2))
    if at < len(lines):
        raise fail("more text", f"the end of the file after its {frames} frames")
    joints = np.array(values, np.float64).reshape(-1, JOINT_COUNT, 3)
    return frames, ids, np.array(times, np.int64), joints, np.array(states, np.int64).reshape(-1, JOINT_COUNT)


def _show(token: bytes) -> str:
    return repr(token[:40].decode("ascii", "replace"))


def _check_values(joints: np.ndarray, tracked: np.ndarray, times: np.ndarray, where: str) -> None:
    zero = (joints == 0).all(-1) & (tracked > 0)
    for wrong, found in (
        (~np.isfinite(joints).all(-1), "NaN or infinity"),
        (zero, "0 0 0 for a joint said to be seen"),
    ):
        if wrong.any():
            row, joint = np.argwhere(wrong)[0]
            raise InputError(
                f"{where}: frame {times[row] + 1}, joint {joint + 1}: found {found}, expected a position in metres; "
                "restore the file from the data set or leave it out with data.on_error=skip"
            )
    if np.any((tracked < 0) | (tracked > 2)):
        row, joint = np.argwhere((tracked < 0) | (tracked > 2))[0]
        raise InputError(
            f"{where}: frame {times[row] + 1}, joint {joint + 1}: found tracking state {tracked[row, joint]}, expected "
            "0, 1 or 2; restore the file from the data set or leave it out with data.on_error=skip"
        )


def write_skeleton(skeleton: Skeleton) -> bytes:
    """Write a clip as `.skeleton` text.

    Positions have nine significant digits, so that reading them gives the same float32 again. The image columns are
    the projections by the Kinect v2's nominal focal lengths; orientations and the body's other fields are 0.
    """
    order = sorted(
        (int(frame), body, row) for body, b in enumerate(skeleton.bodies) for row, frame in enumerate(b.frames)
    )
    blocks: dict[int, list[bytes]] = {}
    texts = [_body_texts(body) for body in skeleton.bodies]
    for frame, body, row in order:
        blocks.setdefault(frame, []).append(texts[body][row])
    out = [b"%d\r\n" % skeleton.frames]
    for frame in range(skeleton.frames):
        bodies = blocks.get(frame, [])
        out.append(b"%d\r\n" % len(bodies))
        out += bodies
    return b"".join(out)


_JOINT_LINE = b"%.9g %.9g %.9g %.3f %.3f %.3f %.3f 0 0 0 0 %d\r\n"


def _body_texts(body: Body) -> list[bytes]:
    head = b"%d 0 0 0 0 0 0 0 0 2\r\n25\r\n" % body.id
    template = head + _JOINT_LINE * JOINT_COUNT
    joints = body.joints.astype(np.float64)
    columns = np.concatenate(
        [joints, _project(joints, _DEPTH), _project(joints, _COLOUR), body.tracked[..., None].astype(np.float64)],
        axis=-1,
    )
    return [template % tuple(row) for row in columns.reshape(len(columns), -1).tolist()]


def _project(joints: np.ndarray, camera: tuple[float, float, float]) -> np.ndarray:
    focal, x, y = camera
    depth = np.maximum(joints[..., 2:], 0.1)  # a joint behind the camera has no image
    return joints[..., :2] / depth * np.array([focal, -focal]) + np.array([x, y])


def merge_bodies(bodies: Sequence[Body]) -> Body:
    """Join bodies that never share a frame into one, in order of time; it keeps the first one's id."""
    frames = np.concatenate([body.frames for body in bodies])
    order = np.argsort(frames, kind="stable")
    joints = np.concatenate([body.joints for body in bodies])[order]
    tracked = np.concatenate([body.tracked for body in bodies])[order]
    return Body(bodies[0].id, frames[order], joints, tracked)
