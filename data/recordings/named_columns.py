"""Tables whose columns have names: a row per person and frame, or a row per joint."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

AXES = ("x", "y", "z")

_SCORES = (
    "score",
    "confidence",
    "conf",
    "likelihood",
    "visibility",
    "vis",
    "probability",
    "prob",
    "c",
    "v",
    "presence",
)
"""What confidences are called; the first of them that a joint has is read."""

_KINDS = "|".join((*AXES, *_SCORES))
_AFTER = re.compile(rf"(?P<joint>.+?)[._ :/-]+(?P<kind>{_KINDS})(?P<number>)", re.IGNORECASE)
_CAPITAL = re.compile(r"(?P<joint>.*[a-z0-9])(?P<kind>[XYZ])(?P<number>)")
_BEFORE = re.compile(rf"(?P<kind>{_KINDS})(?:[._ :/-]+(?P<joint>.+)|(?P<number>\d+))", re.IGNORECASE)

_FRAME = re.compile(r"(?:frame|image)(?:_?(?:number|num|no|idx|index|id|count))?|frames?#?|fnum")
_TIME = re.compile(
    r"(?:time_?stamp|time|t)s?(?:_?[(\[]?(?:s|secs?|seconds|ms|msecs?|millis|us|ns)[)\]]?)?|(?:milli)?seconds"
)
_PERSON = re.compile(
    r"(?:person|track|individual|subject|actor|player|body|instance|skeleton)(?:_?(?:id|idx|index))?|id"
)
_JOINT = re.compile(
    r"(?:joint|landmark|keypoint|body_?part|node|marker|kpt|point)(?:_?(?:name|id|idx|index|number|type))?"
)
_GROUP = re.compile("model|type")


_LONGEST = 200
"""Characters of a column's name; longer ones are none."""


@dataclass(frozen=True)
class Columns:
    """Where in a table everything is.

    Parameters
    ----------
    coordinates
        int64 [J, D]; J is 1 in a table with a row per joint.
    sure
        int64 [J]: confidences; -1 for none. None if no joint has one.
    names
        The joints; none in a table with a row per joint.
    frame, time, person, joint, group
        Columns; None if there is none. `joint` is there if rows are joints; a `group` is a name above those of joints.
    """

    coordinates: np.ndarray
    sure: np.ndarray | None
    names: tuple[str, ...]
    frame: int | None = None
    time: int | None = None
    person: int | None = None
    joint: int | None = None
    group: int | None = None


def find_columns(header: Sequence[str]) -> Columns | None:
    """Tell what columns hold by their names; None if they name no coordinates.

    A joint's coordinates are called by its name and their axis, before or after it, in any case: `nose_x`, `nose.X`,
    `nose x`, `noseX`, `x_nose`, `x1`. Where rows are joints, they are called `x`, `y` and `z`, beside a column of
    joints' names or numbers and one of frames or times. A joint without one of the axes that another one has is left
    alone.
    """
    header = [name.strip() if len(name) <= _LONGEST else "" for name in header]
    plain = [re.sub(r"[ .\-]+", "_", name.lower()) for name in header]
    frame, time, person = (_first(plain, pattern) for pattern in (_FRAME, _TIME, _PERSON))
    joint = _first(plain, _JOINT)
    axes = [plain.index(axis) for axis in AXES if axis in plain]
    if joint is not None and plain.count("x") == plain.count("y") == 1 and (frame is not None or time is not None):
        score = next((plain.index(name) for name in _SCORES if name in plain), None)
        sure = None if score is None else np.array([score])
        return Columns(np.array([axes]), sure, (), frame, time, person, joint, _first(plain, _GROUP))
    found = _joints(header, (_AFTER, _CAPITAL)) or _joints(header, (_BEFORE,))
    width = 3 if any("z" in places for places in found.values()) else 2
    joints = {name: places for name, places in found.items() if all(axis in places for axis in AXES[:width])}
    if not joints:
        return None
    coordinates = np.array([[places[axis] for axis in AXES[:width]] for places in joints.values()])
    sure = np.array([next((places[kind] for kind in _SCORES if kind in places), -1) for places in joints.values()])
    used = set(coordinates.ravel().tolist())
    frame, time, person = (None if at in used else at for at in (frame, time, person))
    return Columns(coordinates, sure if (sure >= 0).any() else None, tuple(joints), frame, time, person)


def _first(plain: list[str], pattern: re.Pattern[str]) -> int | None:
    return next((at for at, name in enumerate(plain) if pattern.fullmatch(name)), None)


def _joints(header: Sequence[str], patterns: Sequence[re.Pattern[str]]) -> dict[str, dict[str, int]]:
    """Return the columns of each joint that has an x and a y, by what they hold; the first of several is taken."""
    found: dict[str, dict[str, int]] = {}
    for at, name in enumerate(header):
        match = next((match for pattern in patterns if (match := pattern.fullmatch(name))), None)
        if match is not None:
            joint = match["joint"] or match["number"]
            found.setdefault(joint, {}).setdefault(match["kind"].lower(), at)
    return {joint: places for joint, places in found.items() if {"x", "y"} <= set(places)}
