"""PYSKL's pickles of many clips: `annotations`, each with `keypoint` [people, frames, joints, 2 or 3]."""

from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from base.shown import shown
from base.words import plural
from data.recordings.array_layout import without_missing
from data.recordings.pickled import PickleFile, array_of, objects_of, pickle_head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.rows import as_confidence
from data.recordings.stored import Stored, as_float64, read_content, rounding_note, writer


def guess(path: Path) -> int:
    """Say whether a file is a pickle with such keys."""
    start = pickle_head(path)
    return BY_CONTENT if b"annotations" in start and b"frame_dir" in start else 0


def read(path: Path) -> Recording:
    """Read all clips; each of a clip's people is a person of its own, whose frames count from 0.

    Raises
    ------
    InputError
        It is no such pickle, names what it may not, or clips have different joints.
    """
    file = PickleFile(read_content(path), path)
    clips = list(objects_of(file.root.get("annotations"))) if isinstance(file.root, dict) else []
    if not clips:
        raise InputError(f"{path}: holds no annotations, expected clips as PYSKL has them")
    found: list[Stored] = []
    scores: list[np.ndarray | None] = []
    for number, clip in enumerate(clips):
        name = clip.get("frame_dir") if isinstance(clip, dict) else None
        keypoint, score = _arrays(clip, f"{path}: annotation {number} ({shown(name)})")
        found.append(keypoint)
        scores.append(score)
    shapes = {each.value.shape[2:] for each in found}
    if len(shapes) > 1:
        raise InputError(f"{path}: found clips of {shown(sorted(shapes))} joints and coordinates, expected one shape")
    joints_shape = shapes.pop()
    joints = np.concatenate([as_float64(each.value).reshape(-1, *joints_shape) for each in found])
    confidence = None
    known = [score for score in scores if score is not None]
    if len(known) == len(found):
        confidence = np.concatenate([as_float64(score).reshape(-1, joints_shape[0]) for score in known])
    joints = without_missing(joints, confidence)
    people = [each.value.shape[0] for each in found]
    lengths = np.repeat([each.value.shape[1] for each in found], people)
    return Recording(
        joints,
        np.concatenate([np.arange(length) for length in lengths.tolist()]),
        writer(str(path), found, np.asarray, joints, file.replaced),
        person=np.repeat(np.arange(len(lengths)), lengths),
        confidence=None if confidence is None else as_confidence(confidence),
        notes=(
            f"holds {plural(len(found), 'clip')}, of which each of the people is refined as a person of its own",
            *rounding_note(found[0].value),
        ),
    )


def _arrays(clip: Any, where: str) -> tuple[Stored, np.ndarray | None]:
    """Return a clip's keypoints and their scores."""
    if not isinstance(clip, dict) or "keypoint" not in clip:
        raise InputError(
            f"{where}: has no `keypoint`; some pickles keep them in files of their own: give one that has them"
        )
    stored = array_of(clip["keypoint"])
    if stored is None or not stored.value.size or stored.value.ndim != 4 or stored.value.shape[-1] not in (2, 3):
        raise InputError(f"{where}: keypoint: expected numbers [people, frames, joints, 2 or 3]")
    score = array_of(clip.get("keypoint_score"))
    wanted = stored.value.shape[:-1]
    if score is not None and score.value.shape != wanted:
        raise InputError(f"{where}: keypoint_score: found shape {shown(score.value.shape)}, expected {shown(wanted)}")
    return stored, None if score is None else score.value


RECORDINGS.add("pyskl", RecordingKind("PYSKL", "PYSKL's pickles of clips", guess, read, several=True))
