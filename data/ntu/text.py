"""Reading and writing the `.skeleton` text of NTU RGB+D.

```
<frame count>
per frame:   <body count>
per body:    <10 fields, the first is the body's id>
             25
per joint:   x y z depthX depthY colorX colorY orientationW orientationX orientationY orientationZ trackingState
```
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from base.errors import InputError
from data.ntu.decimals import parse_decimals, to_float
from data.skeletons.units import METRES, Units, check_metres

JOINT_COUNT = 25
BODY_FIELDS = 10
JOINT_FIELDS = 12
MAX_BYTES = 16 * 2**20
"""The largest clip's text is some 4 MB; four times that is no clip."""

# Where a body's fields stand, counted from its id.
_BODY_FIELDS_IN_ALL = BODY_FIELDS + 1 + JOINT_COUNT * JOINT_FIELDS
_JOINTS = BODY_FIELDS + 1 + JOINT_FIELDS * np.arange(JOINT_COUNT)
_COORDINATES = (_JOINTS[:, None] + np.arange(3)).ravel()
_STATES = _JOINTS + JOINT_FIELDS - 1
_LAST_OF_LINE = np.concatenate([[BODY_FIELDS - 1, BODY_FIELDS], _STATES])

_MOST_FRAMES = 10**5
"""An hour; the data set's longest clip has 300."""
_LOOK_AHEAD = 4096
_LARGEST_ID = 2**63 - 1
_FARTHEST = 1000.0
"""Metres; a Kinect sees eight."""

RESTORE = "restore the file from the data set, or leave it out"
"""What to do with a damaged file; who reads several adds how to leave it out."""

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


def read_skeleton(text: bytes, where: str, units: Units = "m", option: str = "") -> Skeleton:
    """Read the text of a `.skeleton` file.

    Only body ids, positions and tracking states become numbers: the other columns are never looked at (some of them
    hold NaN in the released files).

    Parameters
    ----------
    text
        The file's bytes; lines end in LF or CRLF.
    where
        The file's name, for messages.
    units
        What its positions are in.
    option
        How the user says another unit, for messages; see `units.check_metres`.

    Raises
    ------
    InputError
        The text is truncated or malformed, or a joint has no usable position, in which case the message names the line;
        or the bodies have the size of none, as with another unit.
    """
    try:
        parsed = _parse(text)
    except (_UnusualError, ValueError, IndexError, OverflowError):
        parsed = _parse_carefully(text, where)
    frames, ids, time, joints, tracked = parsed
    if units != "m":
        joints = joints * METRES[units]
    _check_values(joints, tracked, time, where, option)
    joints = joints.astype(np.float32)
    different = dict.fromkeys(ids)
    if len(different) == 1:
        return Skeleton(frames, (_body(ids[0], time, joints, tracked, where),))
    body = np.array(ids, np.int64)
    bodies = []
    for identity in different:
        rows = np.flatnonzero(body == identity)
        bodies.append(_body(identity, time[rows], joints[rows], tracked[rows], where))
    return Skeleton(frames, tuple(bodies))


def _body(identity: int, time: np.ndarray, joints: np.ndarray, tracked: np.ndarray, where: str) -> Body:
    again = time[1:] == time[:-1]
    if again.any():
        raise InputError(
            f"{where}: frame {time[1:][again][0] + 1}: body {identity} appears twice; a body may appear once a frame; "
            f"{RESTORE}"
        )
    return Body(identity, time, joints, tracked)


_Parsed = tuple[int, list[int], np.ndarray, np.ndarray, np.ndarray]
"""Frames of the clip; then per body and frame: body id, frame [n], joints float64 [n, 25, 3], tracking states uint8
[n, 25]."""


def _parse(text: bytes) -> _Parsed:
    """Read text laid out as the data set's is: find all fields, walk from body to body, convert what is needed.

    What this accepts, the careful reader accepts with the same result.
    """
    windows = b"\r" in text
    if not text.endswith(b"\n"):
        text += b"\r\n" if windows else b"\n"
    characters = np.frombuffer(text, np.uint8)
    blank = characters <= ord(" ")
    ends = np.flatnonzero(blank[1:] > blank[:-1])  # a field ends where a blank follows a character
    ends += 1
    frames, position = _whole_number(text[: ends[0]]), 1
    if frames > _MOST_FRAMES:
        raise _UnusualError
    end_of = ends.item
    known: dict[bytes, int] = {}
    ids: list[int] = []
    times: list[int] = []
    heads: list[int] = []
    counts = [0]
    for frame in range(frames):
        end = end_of(position)
        bodies = text[end - 1] - ord("0")
        if not 0 <= bodies <= 9 or text[end - 2] > ord(" "):
            raise _UnusualError
        counts.append(position)
        position += 1
        for _ in range(bodies):
            token = text[end + 1 : end_of(position)]
            if token not in known:
                known[token] = _whole_number(token.lstrip())
            ids.append(known[token])
            times.append(frame)
            heads.append(position)
            position += _BODY_FIELDS_IN_ALL
            end = end_of(position - 1)
    if position != len(ends) or max(ids, default=0) > _LARGEST_ID:
        raise _UnusualError
    head = np.array(heads, np.int64)[:, None]
    last_of_line = np.zeros(len(ends), bool)
    line_fields = np.concatenate([counts, (head + _LAST_OF_LINE).ravel()])
    last_of_line[line_fields] = True
    if not np.array_equal(characters[ends] != ord(" "), last_of_line):
        raise _UnusualError
    # Now each line must end in CR LF, or each in LF, and as many blanks as there are make each field end in just one.
    line_ends = ends[line_fields]
    if np.any(characters[line_ends + windows] != ord("\n")) or (windows and np.any(characters[line_ends] != ord("\r"))):
        raise _UnusualError
    if np.count_nonzero(blank) != len(ends) + windows * len(line_ends):
        raise _UnusualError
    last = ends - 1
    counted = last[head[:, 0] + BODY_FIELDS]
    counts_25 = (characters[counted] == ord("5")) & (characters[counted - 1] == ord("2")) & blank[counted - 2]
    states = last[head + _STATES]
    if not counts_25.all() or not blank[states - 1].all():
        raise _UnusualError
    where = (head + _COORDINATES).ravel()
    starts = ends[where - 1] + 1
    starts[::3] += windows  # x is the first of its line
    ends = ends[where]
    tracked = characters[states] - np.uint8(ord("0"))
    if tracked.max(initial=0) > 9:
        raise _UnusualError
    joints = parse_decimals(characters, ends, ends - starts).reshape(-1, JOINT_COUNT, 3)
    return frames, ids, np.array(times, np.int64), joints, tracked


def _whole_number(token: bytes) -> int:
    if not token.isdigit():
        raise _UnusualError
    return int(token)


def _parse_carefully(text: bytes, where: str) -> _Parsed:
    """Read line by line, accept any white space, and tell the first line that is wrong."""
    lines = io.BytesIO(text)
    at = 0

    def fail(found: str, expected: str) -> InputError:
        return InputError(f"{where}: line {at}: found {found}, expected {expected}; {RESTORE}")

    def fields(count: int, what: str) -> list[bytes]:
        nonlocal at
        line = lines.readline()
        at += 1
        found = line.split(maxsplit=count)
        if not found and not lines.read(_LOOK_AHEAD).strip():
            raise fail("the end of the file", what)
        if len(found) != count:
            few = f"{len(found)} fields" if len(found) < count else f"more than {count} fields"
            raise fail(few, f"{what} ({count} fields)")
        return found

    def integer(token: bytes, what: str, low: int, high: int) -> int:
        if not token.isdigit() or len(token) > 20 or not low <= int(token) <= high:
            raise fail(_show(token), what)
        return int(token)

    def coordinate(token: bytes) -> float:
        try:
            return to_float(token)
        except ValueError:
            raise fail(_show(token), "a number in metres") from None

    if not text.strip():
        at = 1
        raise fail("an empty file", "the number of frames")
    frames = integer(fields(1, "the number of frames")[0], "the number of frames", 0, _MOST_FRAMES)
    ids: list[int] = []
    times: list[int] = []
    values: list[list[float]] = []
    states: list[int] = []
    for frame in range(frames):
        label = f"frame {frame + 1} of {frames}: the number of bodies"
        for _ in range(integer(fields(1, label)[0], label, 0, 100)):
            label = f"frame {frame + 1} of {frames}: a body's id and its other fields"
            ids.append(integer(fields(BODY_FIELDS, label)[0], label, 0, _LARGEST_ID))
            times.append(frame)
            integer(fields(1, "25 joints")[0], "25 joints", JOINT_COUNT, JOINT_COUNT)
            for joint in range(JOINT_COUNT):
                row = fields(JOINT_FIELDS, f"frame {frame + 1} of {frames}: joint {joint + 1} of {JOINT_COUNT}")
                values.append([coordinate(token) for token in row[:3]])
                states.append(integer(row[-1], "a tracking state of 0, 1 or 2", 0, 2))
    for line in lines:
        at += 1
        if line.strip():
            raise fail("more text", f"the end of the file after its {frames} frames")
    joints = np.array(values, np.float64).reshape(-1, JOINT_COUNT, 3)
    return frames, ids, np.array(times, np.int64), joints, np.array(states, np.uint8).reshape(-1, JOINT_COUNT)


def _show(token: bytes) -> str:
    return repr(token[:40].decode("ascii", "replace"))


def _check_values(joints: np.ndarray, tracked: np.ndarray, times: np.ndarray, where: str, option: str) -> None:
    def fail(wrong: np.ndarray, found: str, expected: str) -> InputError:
        row, joint = np.argwhere(wrong)[0]
        return InputError(
            f"{where}: frame {times[row] + 1}, joint {joint + 1}: found {found}, expected {expected}; {RESTORE}"
        )

    near = np.abs(joints) < _FARTHEST  # not so for NaN, either
    if not near.all():
        finite = np.isfinite(joints).all(-1)
        if not finite.all():
            raise fail(~finite, "NaN or infinity", "a position in metres")
        check_metres(joints, tracked, where, option)  # says more where all are far for being in millimetres
        raise fail(~near.all(-1), f"a position beyond {_FARTHEST:.0f} m", "a position in metres")
    if not joints.all():
        zero = (joints == 0).all(-1) & (tracked > 0)
        if zero.any():
            raise fail(zero, "0 0 0 for a joint said to be seen", "a position in metres")
    if tracked.max(initial=0) > 2:
        row, joint = np.argwhere(tracked > 2)[0]
        raise fail(tracked > 2, f"tracking state {tracked[row, joint]}", "0, 1 or 2")
    check_metres(joints, tracked, where, option)


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
    return [template % tuple(row) for row in columns.reshape(len(columns), JOINT_COUNT * columns.shape[-1]).tolist()]


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
