"""The scores that a run leaves in `scores.npz`: read, put in order, added up, and laid over those of other seeds."""

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True)
class SeedScores:
    """Scores of the same N clips by networks of several seeds, in the order of the clips' names.

    Parameters
    ----------
    clip
        Text [N], ascending.
    label
        int64 [N], the class from 0.
    score
        float [S, N, classes], one layer per seed; softmax.
    action
        int64 [classes], the 1-based action of each class.
    """

    clip: np.ndarray
    label: np.ndarray
    score: np.ndarray
    action: np.ndarray

    @property
    def correct(self) -> np.ndarray:
        """Whether each seed's network is right, bool [S, N]."""
        right: np.ndarray = self.score.argmax(-1) == self.label
        return right

    @property
    def prediction(self) -> np.ndarray:
        """One prediction per clip, int64 [N]: the class with the highest score averaged over the seeds."""
        guess: np.ndarray = self.score.mean(0).argmax(-1)
        return guess


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
        raise InputError(
            f"{file}: cannot read the scores ({error}); give the folder of a finished run, or delete this one "
            "and run it again"
        ) from error
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


def join_scores(parts: Sequence[Scores], where: str) -> Scores:
    """Put the scores of several folds' test clips together, in the order of the clips' names.

    Raises
    ------
    InputError
        A clip was tested in two of them, or they tell other actions apart.
    """
    first = parts[0]
    if any(not np.array_equal(part.action, first.action) for part in parts[1:]):
        raise InputError(f"{where}: the folds tell other actions apart; take fewer folds, or more clips of each action")
    clip = np.concatenate([part.clip for part in parts])
    order = np.argsort(clip, kind="stable")
    if len(np.unique(clip)) < len(clip):
        raise InputError(f"{where}: a clip is tested in two folds; train them again")
    label, score = (np.concatenate([getattr(part, key) for part in parts])[order] for key in ("label", "score"))
    return Scores(clip[order], label, score, first.action)


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


def by_name(scores: Scores, name: str) -> Scores:
    """Put scores in the order of the clips' names.

    Parameters
    ----------
    scores
        The scores.
    name
        What messages call them.

    Raises
    ------
    InputError
        A clip is scored twice.
    """
    order = np.argsort(scores.clip, kind="stable")
    if len(np.unique(scores.clip)) != len(order):
        raise InputError(f"{name}: a clip is scored twice; delete this run's folder and run it again")
    return Scores(scores.clip[order], scores.label[order], scores.score[order], scores.action)


def stack_scores(parts: Mapping[str, Scores]) -> SeedScores:
    """Put the scores of several seeds on top of each other.

    Parameters
    ----------
    parts
        The scores of each seed, under a name for messages.

    Raises
    ------
    InputError
        Clips, labels or classes differ, or a clip is scored twice.
    """
    layers = {}
    for name, part in parts.items():
        one = by_name(part, name)
        layers[name] = SeedScores(one.clip, one.label, one.score[None], one.action)
    first_name, first = next(iter(layers.items()))
    for name, other in layers.items():
        check_paired(first, other, first_name, name)
    return SeedScores(first.clip, first.label, np.concatenate([one.score for one in layers.values()]), first.action)


def check_paired(first: SeedScores, second: SeedScores, first_name: str, second_name: str) -> None:
    """Make sure that two sets of scores are about the same clips, labels and classes.

    Raises
    ------
    InputError
        They are not.
    """
    odd = np.setxor1d(first.clip, second.clip)
    if len(odd):
        raise InputError(
            f"{second_name}: not scored on the same test clips as {first_name} ({plural(len(odd), 'clip')} in one "
            f"only, the first is {odd[0]}); make both from stores with the same clips"
        )
    if not np.array_equal(first.action, second.action) or not np.array_equal(first.label, second.label):
        raise InputError(
            f"{second_name}: has other classes than {first_name}; make both from stores with the same clips"
        )
