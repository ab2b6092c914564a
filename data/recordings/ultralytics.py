"""Ultralytics' labels of poses: a folder of a text per frame, with a line per person."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.shown import shown
from data.recordings.frame_files import frame_files
from data.recordings.joint_sets import IMAGE_SETS, NO_SET
from data.recordings.landmarks import OF_UNKNOWN_SIZE
from data.recordings.patching import Numbers, read_bytes
from data.recordings.peek import files_in, head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.rows import Row, as_confidence, identity, missing_at_zero, stack

_TOKEN = re.compile(rb"[^ \t\r\n]+")
_NUMBER = re.compile(rb"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?nan", re.IGNORECASE)
_CLASSES = "classes.txt"
"""What classes are called is kept in a file beside the labels."""
_BOX = 5
"""Numbers before the joints: the class, and the box's centre and size."""
_MOST_AFTER = 2
"""Numbers after the joints: the box's confidence, and the track."""
_FEWEST = _BOX + 2 * 3
"""Numbers of a line that is taken for a pose: two joints."""


@dataclass(frozen=True)
class _Line:
    """A line: which file and line it is, its numbers, and where they stand among the file's."""

    file: int
    number: int
    values: list[float]
    first: int


def guess(path: Path) -> int:
    """Say whether a folder holds labels of poses, or a file is one."""
    for file in files_in(path, ".txt")[:100] if path.is_dir() else [path]:
        if file.name.lower() == _CLASSES:
            continue
        lines = head(file).splitlines() if file.suffix.lower() == ".txt" else [b"no"]
        if lines:  # there is somebody in the frame
            tokens = lines[0].split()
            known = tokens[0].isdigit() if tokens else False
            known = known and len(tokens) >= _FEWEST and all(map(_NUMBER.fullmatch, tokens))
            return BY_CONTENT if known and all(0 <= float(token) <= 1 for token in tokens[1:_BOX]) else 0
    return 0


def read(path: Path) -> Recording:
    """Read a folder of labels, or one of them.

    The last number of a file's name is the frame. A line is the class, the box (4 numbers), x and y of each joint with
    its confidence or visibility, or without, and then perhaps the box's confidence and the track. 17 joints are looked
    for first; any other number of joints has a confidence each. A joint at exactly (0, 0) is missing. The track tells
    people apart if every line has one. Coordinates are parts of the image.

    Raises
    ------
    InputError
        A file is not such a label, or lines do not agree.
    """
    files = frame_files(path, ".txt", _CLASSES)
    texts, lines = [], []
    for at, file in enumerate(files.files):
        numbers, found = _read_lines(file, at)
        texts.append(numbers)
        lines += found
    count, per = _layout(lines, files.files, path)
    end = _BOX + count * per
    rows = stack((_row(files.frames[line.file], line, count, per, end) for line in lines), str(path))
    joints, slots = missing_at_zero(rows.values[..., :2]), rows.slots[..., :2]
    known = IMAGE_SETS.get(count, NO_SET)

    return Recording(
        joints,
        rows.frame,
        files.writer(texts, [line.file for line in lines], slots, joints),
        person=rows.person,
        confidence=as_confidence(rows.values[..., 2]) if per == 3 else None,
        names=known.names,
        bones=known.bones,
        notes=(OF_UNKNOWN_SIZE,),
    )


def _read_lines(file: Path, at: int) -> tuple[Numbers, list[_Line]]:
    text = read_bytes(file)
    spans: list[tuple[int, int]] = []
    lines = []
    begin = 0
    for number, line in enumerate(text.split(b"\n"), start=1):
        tokens = list(_TOKEN.finditer(text, begin, begin + len(line)))
        wrong = next((token[0] for token in tokens if not _NUMBER.fullmatch(token[0])), None)
        if wrong is not None:
            raise InputError(f"{file}: line {number}: found {shown(wrong)[1:]}, expected numbers, the label of a pose")
        if tokens:
            lines.append(_Line(at, number, [float(token[0]) for token in tokens], len(spans)))
        spans += [token.span() for token in tokens]
        begin += len(line) + 1
    return Numbers(text, np.array(spans, np.int64).reshape(-1, 2)), lines


def _layout(lines: list[_Line], files: Sequence[Path], path: Path) -> tuple[int, int]:
    """Return how many joints all lines have, and how many numbers each joint: what fits them all, 17 joints first."""
    if not lines:
        raise InputError(f"{path}: has nobody in any frame; there is nothing to refine")
    sizes = {len(line.values) - _BOX for line in lines}
    for count, per in ((17, 3), (17, 2), (min(sizes) // 3, 3)):
        if count > 0 and all(0 <= size - count * per <= _MOST_AFTER for size in sizes):
            return count, per
    first, last = min(lines, key=lambda line: len(line.values)), max(lines, key=lambda line: len(line.values))
    raise InputError(
        f"{files[last.file]}: line {last.number}: found {len(last.values)} numbers, and {len(first.values)} in line "
        f"{first.number} of {files[first.file].name}; expected class, box, and the joints of one kind of pose in all"
    )


def _row(frame: int, line: _Line, count: int, per: int, end: int) -> Row:
    slots = line.first + np.arange(_BOX, end).reshape(count, per)
    track = identity(line.values[-1]) if len(line.values) > end else None
    return Row(frame, np.array(line.values[_BOX:end]).reshape(count, per), slots, track)


RECORDINGS.add(
    "ultralytics",
    RecordingKind("Ultralytics", "Ultralytics' folders of labels (.txt), one per frame", guess, read, "file or folder"),
)
