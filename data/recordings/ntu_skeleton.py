"""A `.skeleton` file of NTU RGB+D: the Kinect's bodies, frame by frame."""

import re
from pathlib import Path

import numpy as np

from data.ntu.text import BODY_FIELDS, JOINT_COUNT, JOINT_FIELDS, read_skeleton
from data.recordings.array_layout import without_missing
from data.recordings.patching import Numbers, read_bytes
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, BY_NAME, RECORDINGS, RecordingKind
from data.recordings.words import word_spans
from data.skeletons.layouts import LAYOUTS

_FPS = 30.0
"""Of the Kinect, and of all of the data set."""

_SURE = np.array([0.0, 0.5, 1.0], np.float32)
"""What joints that are not tracked, inferred and tracked count."""

_BEGIN = re.compile(rb"\s*\d+\s+(?:0\s+)*\d{1,2}[ \t]*\r?\n\d+(?:[ \t]+\S+){9}[ \t]*\r?\n25[ \t]*\r?\n")
_DECIMALS = 9
"""Of metres, as exports of clip stores have digits."""

_BODY = BODY_FIELDS + 1 + JOINT_COUNT * JOINT_FIELDS
_PLACES = BODY_FIELDS + 1 + JOINT_FIELDS * np.arange(JOINT_COUNT)[:, None] + np.arange(3)
_STATES = BODY_FIELDS + JOINT_FIELDS * np.arange(1, JOINT_COUNT + 1)


def guess(path: Path) -> int:
    """Say whether a file begins with a count of frames and a body of 25 joints."""
    if _BEGIN.match(head(path)):
        return BY_CONTENT
    return BY_NAME if path.suffix.lower() == ".skeleton" else 0


def read(path: Path) -> Recording:
    """Read all bodies, each of them a person by its id; a joint that is not tracked is missing.

    Raises
    ------
    InputError
        The file is damaged; see `data.ntu.text.read_skeleton`.
    """
    text = read_bytes(path)
    read_skeleton(text, str(path))  # which checks all of it
    spans = word_spans(text)

    def number(at: int) -> int:
        return int(text[spans[at, 0] : spans[at, 1]])

    heads: list[int] = []
    frames: list[int] = []
    at = 1
    for frame in range(number(0)):
        count = number(at)
        heads += range(at + 1, at + 1 + count * _BODY, _BODY)
        frames += [frame] * count
        at += 1 + count * _BODY
    first = np.array(heads, np.int64)
    slots = first[:, None, None] + _PLACES
    words = [text[start:end] for start, end in spans[slots.ravel()].tolist()]
    joints = np.array(words, "S").astype(np.float64).reshape(slots.shape) if words else np.zeros(slots.shape)
    states = np.frombuffer(text, np.uint8)[spans[first[:, None] + _STATES, 1] - 1] - ord("0")  # one digit each
    joints = np.where(states[..., None] > 0, without_missing(joints), np.nan)
    numbers = Numbers(text, spans)

    def write(new: np.ndarray, output: Path) -> None:
        output.write_bytes(numbers.patched(slots, joints, new, decimals=_DECIMALS))

    layout = LAYOUTS["ntu25"]
    return Recording(
        joints,
        np.array(frames, np.int64),
        write,
        person=np.array([number(at) for at in heads], np.int64),
        confidence=_SURE[states],
        fps=_FPS,
        names=tuple(layout.joints),
        bones=tuple(layout.bones),
        unit="m",
        notes=("30 frames a second, as all of NTU RGB+D has",),
    )


RECORDINGS.add("ntu_skeleton", RecordingKind("NTU RGB+D", "NTU RGB+D's .skeleton", guess, read))
