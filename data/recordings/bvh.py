"""BVH: a skeleton and, for each frame, its root's place and its joints' rotations as degrees about three axes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.shown import shown
from data.recordings.patching import MOST_DECIMALS, Numbers, read_bytes
from data.recordings.peek import head
from data.recordings.recording import MOST_FRAMES, Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.rotations import POINTS, euler_near, euler_points, from_points
from data.recordings.words import word_spans

_MOST_CHANNELS = 100_000
_LOOKED_AT = 5000
_DEEPEST = 500
_CHANNELS = {f"{axis}{kind}".lower(): (kind, axis) for axis in "XYZ" for kind in ("position", "rotation")}
_MOTION = re.compile(rb"^[ \t]*MOTION[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_COUNT = re.compile(rb"\s*Frames[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?\n", re.IGNORECASE)
_TIME = re.compile(rb"\s*Frame[ \t]+Time[ \t]*:[ \t]*(\S{1,40})[ \t]*(?:\r?\n|$)", re.IGNORECASE)
_TOKEN = re.compile(rb"\S+")
_DECIMALS = re.compile(rb"\.(\d+)$")


@dataclass(frozen=True)
class _Joint:
    """A joint of the hierarchy: its name, its parent, and which columns of a frame are its own.

    `places` and `rotations` are columns by axis, in the order of the file.
    """

    name: str
    parent: int
    places: dict[str, int]
    rotations: dict[str, int]


def guess(path: Path) -> int:
    """Say whether a file begins with a hierarchy."""
    start = head(path, 4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    return BY_CONTENT if start[:9].upper() == b"HIERARCHY" and b"{" in start else 0


def read(path: Path) -> Recording:
    """Read the root's path, the places of other joints that move, and the rotations of all joints that turn.

    Rotations are two points each, in a group of their own. Joints that never move or turn are left out.

    Raises
    ------
    InputError
        It is no BVH, or not all of it is there.
    """
    text = read_bytes(path)
    found = _MOTION.search(text)
    if found is None:
        raise InputError(f"{path}: has no line MOTION, expected a BVH file with frames")
    joints = _hierarchy(text[: found.start()], path)
    columns = sum(len(joint.places) + len(joint.rotations) for joint in joints)
    frames, seconds, start = _motion(text, found.end(), path)
    values, spans = _numbers(text, start, frames, columns, path)
    return _recording(joints, values, Numbers(text, spans), 1 / seconds, path)


def _hierarchy(text: bytes, path: Path) -> list[_Joint]:
    """Read the joints; what else stands there, such as their offsets, is passed over."""
    joints: list[_Joint] = []
    above: list[int] = []  # the joints whose brackets are open; -1 for an end of the last bone
    opening, columns = -1, 0
    for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), 1):
        words = line.split()
        word = words[0].upper() if words else ""

        def fail(what: str, number: int = number, line: str = line) -> InputError:
            return InputError(f"{path}: line {number}: found {shown(line.strip())}, expected {what}")

        if word in ("ROOT", "JOINT"):
            if (word == "JOINT") != bool(above):
                raise fail("JOINT within the brackets of another joint, and ROOT outside of them")
            name = line.split(None, 1)[1].strip() if len(words) > 1 else f"joint {len(joints)}"
            joints.append(_Joint(name, above[-1] if above else -1, {}, {}))
            opening = len(joints) - 1
        elif word == "END":
            opening = -1
        elif word == "{":
            above.append(opening)
            if len(above) > _DEEPEST:
                raise fail(f"no more than {_DEEPEST} joints in a row")
        elif word == "}":
            if not above:
                raise fail("as many closing brackets as opening ones")
            above.pop()
        elif word == "CHANNELS":
            columns = _channels(words, joints[above[-1]] if above and above[-1] >= 0 else None, columns, fail)
    if above or not columns:
        raise InputError(f"{path}: its hierarchy ends too early, expected joints with channels and closed brackets")
    return joints


def _channels(words: list[str], joint: _Joint | None, columns: int, fail: Callable[[str], InputError]) -> int:
    """Take down which columns are a joint's; return how many there are with these."""
    names = words[2:]
    if joint is None or joint.places or joint.rotations or len(words) < 2 or words[1] != str(len(names)):
        raise fail("CHANNELS, their number, and so many names, once for each joint")
    if columns + len(names) > _MOST_CHANNELS:
        raise fail(f"no more than {_MOST_CHANNELS} channels")
    for name in names:
        kind, axis = _CHANNELS.get(name.lower(), ("", ""))
        target = joint.places if kind == "position" else joint.rotations
        if not kind or axis in target:
            raise fail("each of Xposition, Yposition, ... Zrotation no more than once")
        target[axis] = columns
        columns += 1
    if len(joint.rotations) not in (0, 3):
        raise fail("rotations about all three axes, or about none")
    return columns


def _motion(text: bytes, at: int, path: Path) -> tuple[int, float, int]:
    """Return how many frames there are, how long each is, and where their numbers begin."""
    count = _COUNT.match(text, at)
    if count is None:
        raise InputError(f"{path}: found no `Frames: N` behind MOTION")
    time = _TIME.match(text, count.end())
    try:
        seconds = float(time[1]) if time is not None else 0.0
    except ValueError:
        seconds = 0.0
    if time is None or not 1e-6 < seconds < 1e6:
        said = shown(text[count.end() : count.end() + 40].decode("latin1").strip())
        raise InputError(f"{path}: found {said}, expected `Frame Time: SECONDS`")
    frames = int(count[1])
    if not 0 < frames <= MOST_FRAMES:
        raise InputError(f"{path}: found {frames} frames, expected 1 to {MOST_FRAMES}")
    return frames, seconds, time.end()


def _numbers(text: bytes, start: int, frames: int, columns: int, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return all numbers of all frames, float64 [T, C], and from where to where each goes, int64 [T * C, 2]."""
    spans = word_spans(text, start)
    if len(spans) != frames * columns:
        raise InputError(
            f"{path}: found {len(spans)} numbers, expected {frames * columns}, {columns} for each frame; "
            "is all of the file there?"
        )
    words = text[start:].split()
    try:
        values = np.array(words, "S").astype(np.float64) if max(map(len, words)) < 60 else np.array([])
    except ValueError:
        values = np.array([])
    if not len(values):
        number = next((number for number, word in enumerate(words) if not _is_number(word)), 0)
        line = text.count(b"\n", 0, int(spans[number, 0])) + 1
        raise InputError(f"{path}: line {line}: found {shown(words[number].decode('latin1'))}, expected a number")
    return values.reshape(frames, columns), spans


def _is_number(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return len(word) < 60


def _recording(joints: list[_Joint], values: np.ndarray, numbers: Numbers, fps: float, path: Path) -> Recording:
    if not np.isfinite(values).all():
        frame, column = np.argwhere(~np.isfinite(values))[0]
        raise InputError(f"{path}: frame {frame + 1}, channel {column + 1}: found {values[frame, column]}")
    moving = (values != values[:1]).any(0)
    if not moving.any():
        moving[:] = True
    places = [joint for joint in joints if len(joint.places) == 3 and moving[list(joint.places.values())].any()]
    turning = [joint for joint in joints if joint.rotations and moving[list(joint.rotations.values())].any()]
    roots = [joint for joint in places if joint.parent < 0]
    places = [*roots, *(joint for joint in places if joint.parent >= 0)]
    at = np.array([[joint.places[axis] for axis in "XYZ"] for joint in places], np.int64).reshape(-1, 3)
    parts = [values[:, at].reshape(len(values), -1, 3)]
    for joint in turning:
        order, columns = "".join(joint.rotations), list(joint.rotations.values())
        parts.append(euler_points(values[:, columns], order))
    read = np.concatenate(parts, axis=1)
    slots = np.arange(values.size).reshape(values.shape)
    decimals = _decimals(numbers)

    def write(new: np.ndarray, output: Path) -> None:
        after = values.copy()
        after[:, at] = np.where(np.isfinite(new[:, : len(at)]), new[:, : len(at)], values[:, at])
        for number, joint in enumerate(turning):
            order, columns = "".join(joint.rotations), list(joint.rotations.values())
            first = len(at) + POINTS * number
            points = new[:, first : first + POINTS]
            differs = (points != read[:, first : first + POINTS]).any((1, 2))
            changed = np.flatnonzero(differs & np.isfinite(from_points(points)).all((1, 2)))
            if len(changed):
                cells = np.ix_(changed, np.array(columns))
                after[cells] = euler_near(points[changed], order, values[cells])
        output.write_bytes(numbers.patched(slots, values, after, decimals=decimals))

    sizes = [len(roots), len(places) - len(roots), POINTS * len(turning)]
    ends = np.cumsum(sizes).tolist()
    groups = tuple(tuple(range(end - size, end)) for size, end in zip(sizes, ends, strict=True) if size)
    return Recording(
        read,
        np.arange(len(values)),
        write,
        person=np.zeros(len(values), np.int64),
        fps=fps,
        names=(
            *(joint.name for joint in places),
            *(f"{joint.name} {axis}" for joint in turning for axis in "xy"),
        ),
        groups=groups,
        rotations=(len(groups) - 1,) if turning else (),
    )


def _decimals(numbers: Numbers) -> int:
    """Return the most decimals of the numbers that are written without an exponent, in a part of them."""
    tokens = (numbers.text[start:end] for start, end in numbers.spans[:: 1 + len(numbers.spans) // _LOOKED_AT].tolist())
    return min(MOST_DECIMALS, max((len(found[1]) for token in tokens if (found := _DECIMALS.search(token))), default=0))


RECORDINGS.add("bvh", RecordingKind("BVH", "motion capture in .bvh", guess, read))
