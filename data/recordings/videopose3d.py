"""VideoPose3D's `.npz`: positions of several videos in tables of tables, and Detectron's detections of one video."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from base.shown import shown
from base.words import plural
from data.recordings.array_layout import without_missing
from data.recordings.npz_file import NpzFile
from data.recordings.pickled import array_of, objects_of
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.rows import as_confidence
from data.recordings.stored import Stored, as_float64, rounding_note, writer
from data.recordings.zipped import array_names

_POSITIONS = {"positions_2d": 2, "positions_3d": 3}
_DETECTIONS = frozenset({"boxes", "keypoints"})

_ROWS = 4
"""Of Detectron's detections: x, y, the height of the heat map, and a probability."""

_DEEPEST = 4
"""Tables in tables: subject, action, camera."""


def guess(path: Path) -> int:
    """Say whether a file is a zip with arrays of these names."""
    names = array_names(path)
    return BY_CONTENT if names & _POSITIONS.keys() or names >= _DETECTIONS else 0


def read(path: Path) -> Recording:
    """Read a file of positions, whose sequences are a person each, or one of Detectron's detections.

    Raises
    ------
    InputError
        It holds none, or arrays of other shapes.
    """
    file = NpzFile(path)
    key = next((key for key in _POSITIONS if key in file.names), None)
    return _detections(file, path) if key is None else _positions(file, key, path)


def _positions(file: NpzFile, key: str, path: Path) -> Recording:
    dims, where = _POSITIONS[key], f"{path}: {key}"
    found = [replace(each, member=key) for root in objects_of(file.objects(key)) for each in _arrays(root, _DEEPEST)]
    shapes = {each.value.shape[1:] for each in found}
    if len(shapes) != 1 or len(shape := next(iter(shapes))) != 2 or shape[1] != dims or not shape[0]:
        raise InputError(
            f"{where}: found arrays of {shown(sorted(shapes))} per frame, expected tables of videos with "
            f"[frames, joints, {dims}], of one number of joints"
        )
    joints = without_missing(np.concatenate([as_float64(each.value) for each in found]))
    lengths = [len(each.value) for each in found]
    return Recording(
        joints,
        np.concatenate([np.arange(length) for length in lengths]),
        writer(where, found, np.asarray, joints, file.replaced),
        person=np.repeat(np.arange(len(found)), lengths),
        unit="px" if dims == 2 else "m",
        notes=(
            f"holds {plural(len(found), 'sequence')} of videos and cameras, each of which is refined as a person",
            *rounding_note(found[0].value),
        ),
    )


def _arrays(value: Any, deepest: int) -> Iterator[Stored]:
    """Give the arrays of numbers in tables and lists."""
    stored = array_of(value)
    if stored is not None:
        if stored.value.size:
            yield stored
    elif deepest:
        for part in value.values() if isinstance(value, dict) else objects_of(value):
            yield from _arrays(part, deepest - 1)


def _detections(file: NpzFile, path: Path) -> Recording:
    where = f"{path}: keypoints"
    content = file.objects("keypoints")
    cells = getattr(content, "value", None)
    if not isinstance(cells, np.ndarray) or cells.ndim != 2 or not cells.size:
        raise InputError(f"{where}: expected Detectron's detections, [frames, classes] of [people, 4, joints]")
    found: list[Stored] = []
    frames: list[int] = []
    for frame, cell in enumerate(cells[:, -1].tolist()):
        stored = array_of(cell)
        if stored is None or not stored.value.size:
            continue  # an empty list: nobody was found
        if stored.value.ndim != 3 or stored.value.shape[1:] != (_ROWS, (found or [stored])[0].value.shape[-1]):
            raise InputError(
                f"{where}: frame {frame}: found shape {shown(stored.value.shape)}, expected [people, {_ROWS}, joints], "
                "of one number of joints"
            )
        found.append(replace(stored, member="keypoints"))
        frames += [frame] * len(stored.value)
    if not found:
        raise InputError(f"{where}: nobody was found in any frame; there is nothing to refine")
    values = np.concatenate([as_float64(each.value) for each in found]).swapaxes(1, 2)
    joints = without_missing(values[..., :2], values[..., 3])

    def view(array: np.ndarray) -> np.ndarray:
        return array[:, :2].swapaxes(1, 2)

    return Recording(
        joints,
        np.array(frames, np.int64),
        writer(where, found, view, joints, file.replaced),
        confidence=as_confidence(values[..., 3]),
        unit="px",
        notes=rounding_note(found[0].value),
    )


RECORDINGS.add(
    "videopose3d",
    RecordingKind(
        "VideoPose3D", "VideoPose3D's positions and Detectron's detections in .npz", guess, read, several=True
    ),
)
