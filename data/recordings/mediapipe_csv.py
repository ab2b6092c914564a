"""MediaPipe's landmarks in tables: plain ones, with a row per frame or per landmark."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from base.errors import InputError
from data.recordings import csv
from data.recordings.joint_sets import BLAZEPOSE_33, COCO_17
from data.recordings.landmarks import HANDS, landmark_set, measure
from data.recordings.named_columns import find_columns
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.table_text import delimiter_of

_NOISE = frozenset(("landmark", "landmarks", "lm", "mediapipe", "pose", "joint", "keypoint", "kp", "point", "p", ""))
"""Words around the number or the name of a landmark."""
_WORD = re.compile(r"[^\W_]*landmark|lm_?\d|mediapipe", re.IGNORECASE)
_COUNTS = frozenset((21, 33, 42, 75, 468, 478, 501, 543, 553))
"""Landmarks of a hand, a pose, two hands, faces, and what are taken together."""
_OWN = frozenset(BLAZEPOSE_33.names) - frozenset(COCO_17.names)
"""Names that other pose estimators do not have."""
_FEWEST_OWN = 5


def guess(path: Path) -> int:
    """Say whether a file is a table with landmarks in its header."""
    start = head(path)
    lines = [] if b"\0" in start else start.removeprefix(b"\xef\xbb\xbf").splitlines()
    first = next((line for line in lines if line.strip()), b"")
    header = [cell.strip(' "') for cell in first.decode("utf-8", "replace").split(delimiter_of(start).decode())]
    columns = find_columns(header)
    if columns is None or columns.group is not None:
        return 0
    if columns.joint is not None:
        return BY_CONTENT if _WORD.match(header[columns.joint]) else 0
    names = [name for _, name in map(_part_of, columns.names)]
    counted = all(name.isdecimal() for name in names) and len(names) in _COUNTS
    called = any(_WORD.search(name) for name in columns.names)
    return BY_CONTENT if called or counted or len(_OWN & set(names)) >= _FEWEST_OWN else 0


def read(path: Path) -> Recording:
    """Read a table of landmarks as `data.recordings.csv` does, and tell what they are.

    Columns may be called `landmark_0_x`, `x1`, `NOSE_x`, `left_hand_3_y`, `world_landmark_0_z`, ... Landmarks in the
    world are refined by themselves.

    Raises
    ------
    InputError
        See `data.recordings.csv.read`; or frames run backwards, as where two videos are in one table.
    """
    found = csv.read(path)
    back = np.flatnonzero(np.diff(found.frame) < 0)
    if len(back) and found.person is None:
        raise InputError(
            f"{path}: found frame {found.frame[back[0] + 1]} after {found.frame[back[0]]}, expected frames that run "
            f"forwards; give each video a file of its own"
        )
    confidence = found.confidence
    if confidence is not None:  # what has none in any frame, such as a hand, is as sure as its body
        confidence = np.where(confidence.any(axis=0), confidence, np.float32(1))
    landmarks = [_part_of(name) for name in found.names]
    known, groups = landmark_set(landmarks)
    unit, scale, notes = measure(found.joints, [part for part, _ in landmarks])
    return replace(
        found,
        confidence=confidence,
        names=known.names,
        bones=known.bones,
        groups=groups,
        unit=unit,
        scale=scale,
        notes=(*found.notes, *notes),
    )


def _part_of(joint: str) -> tuple[str, str]:
    """Return the part that a landmark is of, and its name or number."""
    words = [word for word in re.split(r"[ _.\-]+|(?<=[a-z])(?=\d)", joint.lower()) if word not in _NOISE]
    if "world" in words:
        return "world", " ".join(word for word in words if word != "world")
    part = " ".join(words[:2])
    if part in HANDS and len(words) > 2:
        return part, " ".join(words[2:])
    if words[:1] == ["face"] and len(words) > 1:
        return "face", " ".join(words[1:])
    return "pose", " ".join(words)


RECORDINGS.add("mediapipe_csv", RecordingKind("MediaPipe", "MediaPipe's landmarks in tables (.csv)", guess, read))
