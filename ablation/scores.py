"""The scores of an arm over its seeds, and the check that two arms are scored on the same clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.unpickling import read_array
from base.words import plural


@dataclass(frozen=True)
class Scores:
    """The test scores of one arm, its clips in the order of their names.

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


def read_scores(files: Sequence[Path]) -> Scores:
    """Read the `scores.npz` of one arm, one file per seed.

    Raises
    ------
    InputError
        A file is missing or damaged, or two seeds were not scored on the same clips.
    """
    return stack_scores({str(file): _read(file) for file in files})


def stack_scores(parts: Mapping[str, Mapping[str, np.ndarray]]) -> Scores:
    """Put the scores of one arm's seeds on top of each other.

    Parameters
    ----------
    parts
        For each seed, under a name for messages: `clip` [N], `label` [N], `score` [N, classes], `action` [classes].

    Raises
    ------
    InputError
        Clips, labels or classes differ.
    """
    stacked = []
    for name, part in parts.items():
        order = np.argsort(part["clip"], kind="stable")
        if len(np.unique(part["clip"])) != len(order):
            raise InputError(f"{name}: a clip is scored twice; delete this run's folder and run it again")
        stacked.append(Scores(part["clip"][order], part["label"][order], part["score"][order][None], part["action"]))
    names = list(parts)
    for name, other in zip(names[1:], stacked[1:], strict=True):
        check_paired(stacked[0], other, names[0], name)
    first = stacked[0]
    return Scores(first.clip, first.label, np.concatenate([part.score for part in stacked]), first.action)


def check_paired(first: Scores, second: Scores, first_name: str, second_name: str) -> None:
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


def _read(file: Path) -> dict[str, np.ndarray]:
    try:
        part = {name: read_array(file, name) for name in ("clip", "label", "score", "action")}
        count, classes = part["score"].shape
        if part["clip"].shape != (count,) or part["label"].shape != (count,) or part["action"].shape != (classes,):
            raise ValueError("its arrays do not fit together")
        if not np.isfinite(part["score"]).all():
            raise ValueError("a score is not finite")
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{file}: cannot read the scores ({error}); delete the run's folder and run it again"
        ) from error
    return part
