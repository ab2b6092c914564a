"""The scores that a run leaves in `scores.npz`, and sums of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.files import atomic_file
from base.unpickling import read_array
from base.words import plural


@dataclass(frozen=True)
class Scores:
    """Softmax scores of N clips.

    Parameters
    ----------
    clip
        Text [N].
    label
        int64 [N], the class from 0.
    score
        float32 [N, classes].
    action
        int64 [classes], the 1-based action of each class.
    """

    clip: np.ndarray
    label: np.ndarray
    score: np.ndarray
    action: np.ndarray


def write_scores(file: Path, scores: Scores) -> None:
    """Write scores, whole or not at all."""
    with atomic_file(file) as temporary, temporary.open("wb") as opened:
        np.savez(opened, clip=scores.clip, label=scores.label, score=scores.score, action=scores.action)


def read_scores(file: Path) -> Scores:
    """Read scores; nothing in the file is unpickled.

    Raises
    ------
    InputError
        The file is missing or damaged.
    """
    try:
        found = Scores(*(read_array(file, name) for name in ("clip", "label", "score", "action")))
        count, classes = found.score.shape
        if found.clip.shape != (count,) or found.label.shape != (count,) or found.action.shape != (classes,):
            raise ValueError("its arrays do not fit together")
        if not np.isfinite(found.score).all():
            raise ValueError("a score is not finite")
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{file}: cannot read the scores ({error}); give the folder of a finished run") from error
    return found


def aligned(scores: Scores, to: Scores, name: str, other: str) -> Scores:
    """Put scores in the order of the clips of others.

    Parameters
    ----------
    scores, to
        The scores, and those whose order is wanted.
    name, other
        What messages call them.

    Raises
    ------
    InputError
        They are not about the same clips, labels and actions.
    """
    odd = np.setxor1d(scores.clip, to.clip)
    if len(odd) or len(scores.clip) != len(to.clip):
        first = f", the first is {odd[0]}" if len(odd) else ""
        raise InputError(
            f"{name}: not scored on the same clips as {other} ({plural(len(odd), 'clip')} in one only{first}); add up "
            "runs of one store and one data.split"
        )
    order = np.argsort(scores.clip, kind="stable")[np.argsort(np.argsort(to.clip, kind="stable"), kind="stable")]
    found = Scores(scores.clip[order], scores.label[order], scores.score[order], scores.action)
    if not np.array_equal(found.action, to.action) or not np.array_equal(found.label, to.label):
        raise InputError(f"{name}: has other classes than {other}; add up runs of one store and one data.split")
    return found


def add_scores(parts: Mapping[str, Scores], weights: Mapping[str, float]) -> Scores:
    """Return the weighted mean of scores of the same clips in the same order.

    Parameters
    ----------
    parts
        Scores by name.
    weights
        The weight of some or all of them, such as 2 for joint and bone and 1 for their motions.
    """
    first = parts[next(iter(weights))]
    share = np.array(list(weights.values())) / sum(weights.values())
    summed = sum(part * parts[name].score.astype(np.float64) for name, part in zip(weights, share, strict=True))
    return Scores(first.clip, first.label, np.asarray(summed, np.float32), first.action)
