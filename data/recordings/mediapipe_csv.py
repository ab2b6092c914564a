"""MediaPipe's landmarks as people write them to tables: a row per frame, or a row per landmark."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.shown import cut
from data.recordings.clock import CAPITALS, as_seconds, says_time
from data.recordings.joint_sets import BLAZEPOSE_33, COCO_17
from data.recordings.landmarks import landmark_set, measure
from data.recordings.peek import HEAD, head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.rows import as_confidence, missing_at_zero
from data.recordings.table_text import Table, delimiter_of, read_table
from data.recordings.wide import frame_numbers

_SURE = ("visibility", "vis", "v", "presence", "confidence", "conf", "score", "likelihood")
_VALUES = "|".join(sorted(("x", "y", "z", *_SURE), key=len, reverse=True))
_LAST = re.compile(rf"(.*[a-z\d])[ _.\-]({_VALUES})|(.*\d)({_VALUES})")
_FIRST = re.compile(rf"({_VALUES})[ _.\-]?(\d+)|({_VALUES})[_.]([a-z][a-z_ \d]*)")
_NOISE = frozenset(("landmark", "landmarks", "lm", "mediapipe", "pose", "joint", "keypoint", "kp", "point", "p", ""))
_FRAME = re.compile(r"(?:frame|image|img)(?:_?(?:no|num|number|id|idx|index|count))?")
_LANDMARK = re.compile(r"landmark(?:_?(?:no|num|number|id|idx|index|name))?")
_PERSON = re.compile(r"(?:person|track|pose|hand)_?(?:id|idx|index|number)|person|hand|handedness")
_COUNTS = frozenset((21, 33, 42, 75, 468, 478, 501, 543, 553))
"""Landmarks of a hand, a pose, two hands, faces, and what are taken together."""
_OWN = frozenset(BLAZEPOSE_33.names) - frozenset(COCO_17.names)
"""Names that other pose estimators do not have."""
_FEWEST_OWN = 5
_HANDS = ("left hand", "right hand")
_PARTS = ("pose", "world", *_HANDS, "face")
_MOST_EMPTY = 4
"""Landmarks that may be absent for each that there is."""


@dataclass(frozen=True)
class _Rows:
    """What stands where: `slots` int64 [N, J, 4] of x, y, z and confidence, and `times` [N]; -1 for nowhere."""

    frame: np.ndarray
    person: np.ndarray | None
    slots: np.ndarray
    times: np.ndarray
    parts: dict[str, tuple[str, ...]]


def guess(path: Path) -> int:
    """Say whether a file is a table with landmarks in its header."""
    start = head(path)
    lines = [] if b"\0" in start else start.removeprefix(b"\xef\xbb\xbf").splitlines()
    first = next((line for line in lines if line.strip()), b"")
    names = _snakes([cell.strip(' "') for cell in first.decode("utf-8", "replace").split(delimiter_of(start).decode())])
    return BY_CONTENT if _long_columns(names) or _is_mediapipe(names, _wide_columns(names)) else 0


def read(path: Path) -> Recording:
    """Read a table of landmarks.

    Either there is a row per frame, with columns such as `landmark_0_x`, `x0`, `NOSE_x`, `left_shoulder_visibility` or
    `world_landmark_0_z`, or a row per landmark, with columns of its frame, its number or name, x and y. `frame` and
    times are taken if there are such columns, and so is who it is. A landmark without a coordinate, or at exactly zero,
    is missing.

    Raises
    ------
    InputError
        The header has no landmarks, something other than a number stands where one should, or frames run backwards.
    """
    table = read_table(path)
    names = _snakes(table.row(0)) if len(table) else []
    table.check_widths(np.arange(1, len(table)), len(names))
    long = _long_columns(names)
    rows = _long_rows(table, names, long) if long else _wide_rows(table, names)
    values = table.values(rows.slots)
    depth = np.isfinite(values[..., 2]) | np.isnan(values[..., 0])
    dims = 3 if depth.all() else 2
    joints = missing_at_zero(values[..., :dims])
    joints[np.isnan(joints).any(axis=-1)] = np.nan
    seen = np.isfinite(joints).any(axis=(1, 2))
    joints, slots, frame = joints[seen], rows.slots[seen][..., :dims], rows.frame[seen]
    scores = values[seen][..., 3]
    known, groups = landmark_set(rows.parts)
    unit, scale, notes = measure(joints, rows.parts)

    def write(new: np.ndarray, output: Path) -> None:
        output.write_bytes(table.patched(slots, joints, new))

    return Recording(
        joints,
        frame,
        write,
        person=None if rows.person is None else rows.person[seen],
        confidence=as_confidence(np.where(np.isnan(scores), 1, scores)) if np.isfinite(scores).any() else None,
        seconds=_seconds(table, rows.times[seen], frame, names),
        names=known.names,
        bones=known.bones,
        groups=groups,
        scale=scale,
        unit=unit,
        notes=notes,
    )


def _snakes(header: list[str]) -> list[str]:
    """Return the names of columns in small letters, with `_` before what were capitals inside them."""
    return [CAPITALS.sub("_", name.strip()).lower() for name in header]


def _long_columns(names: list[str]) -> dict[str, int]:
    """Return the columns of a table with a row per landmark by what they are; none if it is something else."""
    patterns = {"frame": _FRAME, "landmark": _LANDMARK, "person": _PERSON}
    patterns |= {axis: re.compile(axis) for axis in ("x", "y", "z")}
    found = {what: _first(names, pattern.fullmatch) for what, pattern in patterns.items()}
    found["sure"] = next((names.index(name) for name in _SURE if name in names), -1)
    needed = min(found[what] for what in ("frame", "landmark", "x", "y"))
    return {} if needed < 0 or {"type", "model"} & set(names) else found


def _wide_columns(names: list[str]) -> dict[tuple[str, str], list[int]]:
    """Return the columns of x, y, z and confidence of each landmark by its part and name, -1 for none."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for at, name in enumerate(names):
        last, first = _LAST.fullmatch(name), _FIRST.fullmatch(name)
        if last is not None:
            key, value = last[1] or last[3], last[2] or last[4]
        elif first is not None:
            key, value = first[2] or first[4], first[1] or first[3]
        else:
            continue
        found.setdefault(_part_of(key), {}).setdefault(value, at)
    numbered = any(name.isdecimal() for _, name in found)
    known = {
        (part, name): columns
        for (part, name), columns in found.items()
        if columns.keys() >= {"x", "y"}
        and (name.isdecimal() if numbered else name in BLAZEPOSE_33.names or part in _HANDS)
    }
    return {
        key: [known[key].get(axis, -1) for axis in "xyz"]
        + [next((known[key][one] for one in _SURE if one in known[key]), -1)]
        for key in sorted(known, key=lambda key: _PARTS.index(key[0]))
    }


def _part_of(key: str) -> tuple[str, str]:
    """Return the part that a landmark is of, and its name or number."""
    words = [word for word in re.split(r"[ _.\-]+|(?<=[a-z])(?=\d)", key) if word not in _NOISE]
    part = "pose"
    if "world" in words:
        part, words = "world", [word for word in words if word != "world"]
    elif " ".join(words[:2]) in _HANDS and len(words) > 2:
        part, words = " ".join(words[:2]), words[2:]
    elif words[:1] == ["face"] and len(words) > 1:
        part, words = "face", words[1:]
    return part, " ".join(words)


def _is_mediapipe(names: list[str], columns: dict[tuple[str, str], list[int]]) -> bool:
    if not columns:
        return False
    found = {name for _, name in columns}
    counted = all(name.isdecimal() for name in found) and len(columns) in _COUNTS
    called = any("landmark" in names[places[0]] or "mediapipe" in names[places[0]] for places in columns.values())
    return called or counted or len(found & _OWN) >= _FEWEST_OWN


def _wide_rows(table: Table, names: list[str]) -> _Rows:
    columns = _wide_columns(names)
    if not columns:
        header = cut(", ".join(names))
        raise InputError(f"{table.path}: found the columns {header}, expected those of MediaPipe's landmarks")
    rows = slice(1, None)
    frame, person = np.arange(len(table) - 1), None
    place, who = _first(names, _FRAME.fullmatch), _first(names, _PERSON.fullmatch)
    if place >= 0:
        frame = frame_numbers(table, table.slots(rows, np.array(place)))
    if who >= 0:
        person = _codes(table, table.slots(rows, np.array(who)))[0]
    back = np.flatnonzero(np.diff(frame) < 0)
    if len(back) and person is None:
        raise InputError(
            f"{table.path}: line {table.lines[back[0] + 2]}: found frame {frame[back[0] + 1]} after "
            f"{frame[back[0]]}, expected frames that run forwards; give each video a file of its own"
        )
    parts: dict[str, tuple[str, ...]] = {}
    for part, name in columns:
        parts[part] = (*parts.get(part, ()), name)
    times = table.slots(rows, np.array(_first(names, says_time)))
    return _Rows(frame, person, table.slots(rows, np.array(list(columns.values()))), times, parts)


def _long_rows(table: Table, names: list[str], columns: dict[str, int]) -> _Rows:
    if len(table) < 2:
        raise InputError(f"{table.path}: has no row below its header; there is nothing to refine")
    rows = slice(1, None)
    frame = frame_numbers(table, table.slots(rows, np.array(columns["frame"])))
    person = np.zeros(len(frame), np.int64)
    if columns["person"] >= 0:
        person, _ = _codes(table, table.slots(rows, np.array(columns["person"])))
    landmark, known = _codes(table, table.slots(rows, np.array(columns["landmark"])))
    used, landmark = np.unique(landmark, return_inverse=True)
    _, first, row = np.unique(np.stack([frame, person], axis=1), axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)  # people in frames as the file has them
    row, first = np.argsort(order)[row.ravel()], first[order]
    if len(first) * len(used) > _MOST_EMPTY * (len(frame) + HEAD):
        raise InputError(f"{table.path}: has {len(used)} landmarks in {len(first)} frames, but {len(frame)} rows")
    place = row * len(used) + landmark
    again = np.flatnonzero(np.bincount(place) > 1)
    if len(again):
        at = int(np.flatnonzero(place == again[0])[1])
        raise InputError(f"{table.path}: line {table.lines[at + 1]}: found a landmark of frame {frame[at]} again")
    slots = np.full((len(first) * len(used), 4), -1, np.int64)
    slots[place] = table.slots(rows, np.array([columns[what] for what in ("x", "y", "z", "sure")]))
    times = table.slots(rows, np.array(_first(names, says_time)))[first]
    parts = {"pose": tuple(known.get(code, str(code)) for code in used.tolist())}
    ids = person[first] if columns["person"] >= 0 else None
    return _Rows(frame[first], ids, slots.reshape(len(first), len(used), 4), times, parts)


def _codes(table: Table, slots: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
    """Return the whole numbers in cells, int64 [n]; texts are numbered as they come first, and told by their number."""
    cells = [table.cell(slot) for slot in slots.tolist()]
    if all(cell.isdigit() and len(cell) < 16 for cell in cells):
        return np.array([int(cell) for cell in cells], np.int64), {}
    codes = {cell: code for code, cell in enumerate(dict.fromkeys(cells))}
    texts = {code: cell.decode("utf-8", "replace") for cell, code in codes.items()}
    return np.array([codes[cell] for cell in cells], np.int64), texts


def _seconds(table: Table, slots: np.ndarray, frame: np.ndarray, names: list[str]) -> np.ndarray | None:
    """Return when rows were seen; None if there is no such column, or it has something else, such as dates."""
    at = _first(names, says_time)
    if at < 0:
        return None
    try:
        return as_seconds(table.values(slots), frame, names[at])
    except InputError:
        return None


def _first(names: list[str], wanted: Callable[[str], object]) -> int:
    """Return the first column that is called so, -1 if none is."""
    return next((at for at, name in enumerate(names) if wanted(name)), -1)


RECORDINGS.add("mediapipe_csv", RecordingKind("MediaPipe", "MediaPipe's landmarks in tables (.csv)", guess, read))
