"""Tables whose columns have names: a row per person and frame, or a row per joint."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from base.errors import InputError

AXES = ("x", "y", "z")

_SCORES = ("score", "confidence", "conf", "likelihood", "visibility", "vis", "probability", "prob", "c")
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

_MOST_ABSENT = 64
"""So many times the joints that there are may be needed for all joints of everybody in every frame."""


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
    plain = [re.sub(r"[ .\-]+", "_", name.strip().lower()) for name in header]
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


def frames_of_times(times: np.ndarray) -> np.ndarray:
    """Number times by their order, int64 [n]."""
    return np.unique(times, return_inverse=True)[1].astype(np.int64)


def codes(words: Sequence[tuple[str, ...]]) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """Number what rows are called, in the order in which it appears; return int64 [R] and the words of each number."""
    numbers: dict[tuple[str, ...], int] = {}
    found = np.array([numbers.setdefault(word, len(numbers)) for word in words], np.int64)
    return found, list(numbers)


def groups_of(models: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Return the joints of each model, of which each is called by its model; none if there is one model only."""
    found: dict[str, list[int]] = {}
    for at, model in enumerate(models):
        found.setdefault(model, []).append(at)
    return tuple(map(tuple, found.values())) if len(found) > 1 else ()


def gather(
    frame: np.ndarray, person: np.ndarray | None, joint: np.ndarray, where: str
) -> tuple[np.ndarray, np.ndarray]:
    """Put the rows of joints together that are one person's in one frame.

    Parameters
    ----------
    frame, person
        int64 [R]: the frame and the person of each row; no person if there is one only.
    joint
        int64 [R]: which joint, from 0.
    where
        How messages begin.

    Returns
    -------
    first
        int64 [N]: a row of each person in each frame, in the order of the table.
    rows
        int64 [N, J]: the row of each joint; -1 for none.

    Raises
    ------
    InputError
        A joint is there twice, or people have few joints in common.
    """
    keys = np.stack([frame, np.zeros_like(frame) if person is None else person], axis=1)
    _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    at = place[group.ravel()]
    count = int(joint.max(initial=-1)) + 1
    if len(first) * count > _MOST_ABSENT * len(frame):
        raise InputError(f"{where}: its {len(first)} poses share few of {count} joints; is the column of joints one?")
    rows = np.full((len(first), count), -1, np.int64)
    rows[at, joint] = np.arange(len(frame))
    twice = np.flatnonzero(rows[at, joint] != np.arange(len(frame)))
    if len(twice):
        row = int(twice[0])
        who = "" if person is None else f" of person {person[row]}"
        raise InputError(
            f"{where}: found a joint{who} twice in frame {frame[row]}, expected a column that tells people"
        )
    return first[order], rows


def _first(plain: list[str], pattern: re.Pattern[str]) -> int | None:
    return next((at for at, name in enumerate(plain) if pattern.fullmatch(name)), None)


def _joints(header: Sequence[str], patterns: Sequence[re.Pattern[str]]) -> dict[str, dict[str, int]]:
    """Return the columns of each joint that has an x and a y, by what they hold; the first of several is taken."""
    found: dict[str, dict[str, int]] = {}
    for at, name in enumerate(header):
        match = next((match for pattern in patterns if (match := pattern.fullmatch(name.strip()))), None)
        if match is not None:
            joint = match["joint"] or match["number"]
            found.setdefault(joint, {}).setdefault(match["kind"].lower(), at)
    return {joint: places for joint, places in found.items() if {"x", "y"} <= set(places)}
