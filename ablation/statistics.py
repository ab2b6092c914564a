"""Paired statistics over the same test clips and the same seeds.

All differences are in points (percent of clips), after minus before. What an interval accounts for: which clips the
test set happens to hold, and which seeds the training happened to get. It says nothing about other people, cameras or
data sets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from ablation.scores import Scores, check_paired

CHUNK = 1 << 22
"""Resampling weights drawn at a time, at most."""


@dataclass(frozen=True)
class Comparison:
    """One arm against another, in points.

    Parameters
    ----------
    arm, against
        The names.
    difference
        Top-1 accuracy of `arm` minus that of `against`, the mean over the seeds.
    interval
        Its two-way bootstrap interval, see `bootstrap_interval`.
    by_seed
        The difference of each seed.
    repaired, broken
        Clips that only `arm`, and that only `against`, predicts rightly from scores averaged over the seeds.
    mcnemar_p
        McNemar's exact test on those.
    holm_p
        The same, corrected for all comparisons with `against` by Holm's method.
    """

    arm: str
    against: str
    difference: float
    interval: tuple[float, float]
    by_seed: tuple[float, ...]
    repaired: int
    broken: int
    mcnemar_p: float
    holm_p: float

    @property
    def significant(self) -> bool:
        """Whether the interval leaves zero out."""
        low, high = self.interval
        return low > 0 or high < 0


@dataclass(frozen=True)
class ClassEffect:
    """One class: its share of right answers in percent before and after, the difference and its interval in points."""

    action: int
    clips: int
    before: float
    after: float
    difference: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Confusion:
    """How often, in percent of the true class's clips and seeds, one class was taken for another."""

    action: int
    taken_for: int
    before: float
    after: float


def seed_deviations(rng: np.random.Generator, resamples: int, seeds: int) -> np.ndarray:
    """Draw by how much the weights of the seeds depart from equal ones, float64 [resamples, S]; each row sums to 0.

    A plain bootstrap of S values has only (S - 1) / S of their variance, a third too little at S = 3; the deviations
    are therefore stretched by sqrt(S / (S - 1)) (the rescaling bootstrap of Rao & Wu, JASA 1988).
    """
    if seeds == 1:
        return np.zeros((resamples, 1))
    drawn = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples) / seeds
    deviations: np.ndarray = np.sqrt(seeds / (seeds - 1)) * (drawn - 1 / seeds)
    return deviations


def bootstrap_interval(
    differences: np.ndarray,
    *,
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
    resample_seeds: bool = True,
) -> tuple[float, float]:
    """Return the percentile interval of the mean of a table, resampling its columns and its rows.

    Clips and seeds are crossed, so both are resampled, independently, each in whole, and what the two departures from
    the observed mean come to is added. (Taking the doubly resampled table's mean instead, as Owen & Eckles, Annals of
    Applied Statistics 2012, do, counts the chance of one training on one clip three times; this counts it twice.) The
    interval is close to nominal where seeds differ less than clips do; where they differ more, 3 to 5 of them make it
    too narrow. With one seed only the clips are resampled.

    Parameters
    ----------
    differences
        [S, N]: per seed and clip, right after minus right before, one of -1, 0 and 1.
    resamples
        How many.
    confidence
        E.g. 0.95.
    rng
        Where the draws come from.
    resample_seeds
        False takes the seeds as given.

    Returns
    -------
    low, high
        In the unit of `differences`.
    """
    seeds, clips = differences.shape
    # Clips with equal columns are interchangeable, so whole groups are drawn: the same distribution, and the cost
    # depends on the number of different columns, not on the number of clips.
    columns, counts = np.unique(differences, axis=1, return_counts=True)
    share, by_group, by_seed = counts / clips, columns.mean(0), differences.mean(1)
    means = np.empty(resamples)
    step = max(1, CHUNK // len(counts))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn = rng.multinomial(clips, share, size=size) / clips @ by_group
        if resample_seeds:
            drawn += seed_deviations(rng, size, seeds) @ by_seed
        means[start : start + size] = drawn
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    # Rounding must not make an interval that ends at zero leave it out.
    return round(float(low), 12) + 0.0, round(float(high), 12) + 0.0


def mcnemar(right_before: np.ndarray, right_after: np.ndarray) -> tuple[int, int, float]:
    """Test whether as many clips were repaired as broken.

    The exact test: under the null hypothesis, each clip on which the two disagree is as likely one way as the other.

    Parameters
    ----------
    right_before, right_after
        bool [N].

    Returns
    -------
    repaired, broken, p
        p is two-sided, and 1 if they never disagree.
    """
    repaired = int((right_after & ~right_before).sum())
    broken = int((right_before & ~right_after).sum())
    if repaired + broken == 0:
        return 0, 0, 1.0
    return repaired, broken, float(binomtest(repaired, repaired + broken, 0.5).pvalue)


def holm(p: Sequence[float]) -> list[float]:
    """Correct p-values for their number, keeping the family-wise error (Holm, Scandinavian J. of Statistics 1979)."""
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(stepped, 1)
    return corrected.tolist()


def compare(
    arms: dict[str, Scores], pairs: Sequence[tuple[str, str]], *, resamples: int, confidence: float, seed: int
) -> list[Comparison]:
    """Compare pairs of arms.

    Parameters
    ----------
    arms
        The scores of each arm.
    pairs
        (arm, against); Holm's correction is over all of them.
    resamples, confidence
        See `bootstrap_interval`.
    seed
        Where the draws come from. Every comparison draws anew from it, so that none depends on the others.

    Raises
    ------
    InputError
        Two arms were not scored on the same clips, or not with as many seeds.
    """
    found = []
    for arm, against in pairs:
        after, before = arms[arm], arms[against]
        differences = paired_differences(before, after, against, arm)
        interval = bootstrap_interval(
            differences, resamples=resamples, confidence=confidence, rng=np.random.default_rng(seed)
        )
        right_before, right_after = (scores.prediction == scores.label for scores in (before, after))
        found.append(
            (
                arm,
                against,
                100 * float(differences.mean()),
                (100 * interval[0], 100 * interval[1]),
                tuple((100 * differences.mean(1)).tolist()),
                *mcnemar(right_before, right_after),
            )
        )
    corrected = holm([row[-1] for row in found])
    return [Comparison(*row, p) for row, p in zip(found, corrected, strict=True)]


def paired_differences(before: Scores, after: Scores, before_name: str, after_name: str) -> np.ndarray:
    """Return, per seed and clip, right after minus right before: int64 [S, N] of -1, 0 and 1.

    Raises
    ------
    InputError
        The two were not scored on the same clips, or not with as many seeds.
    """
    check_paired(before, after, before_name, after_name)
    if len(before.score) != len(after.score):
        raise ValueError(f"{len(before.score)} seeds of {before_name}, {len(after.score)} of {after_name}")
    return after.correct.astype(np.int64) - before.correct


def class_effects(before: Scores, after: Scores, *, resamples: int, confidence: float, seed: int) -> list[ClassEffect]:
    """Compare two arms class by class, in the order of the actions; classes without test clips are left out."""
    differences = paired_differences(before, after, "before", "after")
    effects = []
    for number in np.unique(before.label):
        mine = before.label == number
        rng = np.random.default_rng([seed, int(number)])
        low, high = bootstrap_interval(differences[:, mine], resamples=resamples, confidence=confidence, rng=rng)
        effects.append(
            ClassEffect(
                int(before.action[number]),
                int(mine.sum()),
                100 * float(before.correct[:, mine].mean()),
                100 * float(after.correct[:, mine].mean()),
                100 * float(differences[:, mine].mean()),
                (100 * low, 100 * high),
            )
        )
    return effects


def confusion_changes(before: Scores, after: Scores, most: int) -> list[Confusion]:
    """Return the pairs of classes whose confusion changed most, the most repaired first, the most broken last.

    Parameters
    ----------
    before, after
        Paired scores of two arms.
    most
        How many pairs at most.
    """
    classes = len(before.action)
    clips = np.bincount(before.label, minlength=classes)[:, None]
    rates = []
    for scores in (before, after):
        guess = scores.score.argmax(-1)
        cells = np.bincount((scores.label * classes + guess).ravel(), minlength=classes**2).reshape(classes, classes)
        rate = 100 * cells / np.maximum(clips * len(guess), 1)
        np.fill_diagonal(rate, 0)
        rates.append(rate)
    change = rates[1] - rates[0]
    biggest = np.argsort(-np.abs(change), axis=None, kind="stable")[:most]
    chosen = sorted((int(at) for at in biggest if change.flat[at]), key=lambda at: float(change.flat[at]))
    return [
        Confusion(
            int(before.action[at // classes]),
            int(before.action[at % classes]),
            float(rates[0].flat[at]),
            float(rates[1].flat[at]),
        )
        for at in chosen
    ]
