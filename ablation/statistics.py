"""Paired statistics over the same test clips and the same seeds.

All differences are in points (percent of clips), after minus before. What an interval accounts for: which clips the
test set happens to hold, and which seeds the training happened to get. It says nothing about other people, cameras or
data sets.

An interval is never wider than what is possible: against a reference that is right in 60% of the clips, the difference
is between -60 and +40 points. The resampled means know nothing of that, since what the seeds (and the people) make them
depart from the observed mean is stretched. Nor is there an interval from fewer than `FEWEST_CLIPS` clips or
`FEWEST_SCORED` scored ones: such a table is often all of one value, and then so is every resampled one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binomtest, norm

from recognition.scores import SeedScores, check_paired

CHUNK = 1 << 22
"""Resampling weights drawn at a time, at most."""
FEWEST_PEOPLE = 5
"""With fewer, drawing people anew says nothing."""
FEWEST_CLIPS = 10
FEWEST_SCORED = 30
"""Clips, and clips times seeds: with fewer of either a 95% interval covers the truth too seldom, in simulations in 33
to 92% of the cases, and none is given. One seed takes 30 clips, two take 15, three and more take 10."""

Interval = tuple[float, float]


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
        Its two-way bootstrap interval, see `bootstrap_interval`; None from too few clips, see `enough`.
    by_seed
        The difference of each seed.
    repaired, broken
        Clips that only `arm`, and that only `against`, predicts rightly from scores averaged over the seeds.
    mcnemar_p
        McNemar's exact test on those.
    holm_p
        The same, corrected for all comparisons with `against` by Holm's method.
    narrow
        The interval for two one-sided tests, see `equivalence_interval`; None from too few clips.
    tested
        What the two tests compare with the margin: `narrow` before it is cut off at what the observed reference leaves
        possible. That is itself a sample, and its limit would call arms equal too often.
    people
        The interval if whole people are drawn anew instead of clips; None if it is unknown who they are, with fewer
        than `FEWEST_PEOPLE`, or from too few clips.
    """

    arm: str
    against: str
    difference: float
    interval: Interval | None
    by_seed: tuple[float, ...]
    repaired: int
    broken: int
    mcnemar_p: float
    holm_p: float
    narrow: Interval | None
    tested: Interval | None
    people: Interval | None = None

    @property
    def significant(self) -> bool:
        """Whether there is an interval, and it leaves zero out."""
        if self.interval is None:
            return False
        low, high = self.interval
        return low > 0 or high < 0

    def detectable(self, confidence: float, power: float = 0.8) -> float | None:
        """Return the smallest true difference, in points, that clips and seeds like these would have shown.

        With so much `power` an interval of this width leaves zero out: (z of the confidence + z of the power) standard
        errors (Cohen, Statistical Power Analysis, 1988), the standard error being taken from the interval. None
        without an interval.
        """
        if self.interval is None:
            return None
        sure, likely = norm.ppf((1 + confidence) / 2), norm.ppf(power)
        half: float = (self.interval[1] - self.interval[0]) / 2
        return float(half * (sure + likely) / sure)

    def equivalent(self, margin: float) -> bool:
        """Whether a difference of so many points, in either direction, is ruled out.

        By two one-sided tests (Schuirmann, J. of Pharmacokinetics and Biopharmaceutics 1987): the interval `tested`
        lies within the margin.
        """
        return self.rules_out_gain(margin) and self.rules_out_loss(margin)

    def rules_out_gain(self, margin: float) -> bool:
        """Whether one of the two tests rules out that the arm is better by so many points."""
        return self.tested is not None and self.tested[1] < margin

    def rules_out_loss(self, margin: float) -> bool:
        """Whether the other one rules out that the arm is worse by so many points."""
        return self.tested is not None and self.tested[0] > -margin


@dataclass(frozen=True)
class ClassEffect:
    """One class: its share of right answers in percent before and after, and their difference in points.

    `interval` is the difference's, None from too few clips; `mcnemar_p` tests one prediction per clip, `holm_p` is
    corrected for all classes.
    """

    action: int
    clips: int
    before: float
    after: float
    difference: float
    interval: Interval | None
    mcnemar_p: float
    holm_p: float


@dataclass(frozen=True)
class Crossing:
    """The severity of noise above which an arm is better than the reference, and its interval.

    Minus infinity: better at every severity that was measured; infinity: not better even at the highest. No interval
    from too few clips.
    """

    arm: str
    severity: float
    interval: Interval | None


@dataclass(frozen=True)
class Confusion:
    """How often, in percent of the true class's clips and seeds, one class was taken for another."""

    action: int
    taken_for: int
    before: float
    after: float


def enough(seeds: int, clips: int) -> bool:
    """Whether a table of so many seeds and clips is large enough for an interval."""
    return clips >= FEWEST_CLIPS and seeds * clips >= FEWEST_SCORED


def possible_differences(before: np.ndarray) -> Interval:
    """Return the least and the greatest possible mean difference from what was right before: bool [S, N]."""
    # as the means of the differences are computed, so that one at the limit is not beyond it by rounding
    return -float(before.mean()), float((~before).mean())


def in_points(interval: Interval) -> Interval:
    """Turn shares into percentage points."""
    return 100 * interval[0], 100 * interval[1]


def within(interval: Interval, limits: Interval) -> Interval:
    """Cut an interval off at what is possible."""
    low, high = (min(max(end, limits[0]), limits[1]) + 0.0 for end in interval)
    return low, high


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
    people: np.ndarray | None = None,
    limits: Interval = (-1.0, 1.0),
) -> Interval:
    """Return the percentile interval of the mean of a table; see `bootstrap_means`.

    Parameters
    ----------
    differences, resamples, rng, resample_seeds, people
        See there.
    confidence
        E.g. 0.95.
    limits
        What is possible, see `possible_differences`.

    Returns
    -------
    low, high
        In the unit of `differences`.
    """
    means = bootstrap_means(differences, resamples=resamples, rng=rng, resample_seeds=resample_seeds, people=people)
    return within(percentiles(means, confidence), limits)


def percentiles(means: np.ndarray, confidence: float) -> Interval:
    """Return the middle part of resampled means."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    # Rounding must not make an interval that ends at zero leave it out.
    return round(float(low), 12) + 0.0, round(float(high), 12) + 0.0


def bootstrap_means(
    differences: np.ndarray,
    *,
    resamples: int,
    rng: np.random.Generator,
    resample_seeds: bool = True,
    people: np.ndarray | None = None,
) -> np.ndarray:
    """Return the means of a table whose columns and rows are drawn anew, float64 [resamples].

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
    rng
        Where the draws come from.
    resample_seeds
        False takes the seeds as given.
    people
        [N], who is in each clip: then whole people are drawn instead of clips, since clips of one person resemble each
        other. What they depart from the observed mean is stretched as that of the seeds is.
    """
    seeds, clips = differences.shape
    if people is None:
        # Clips with equal columns are interchangeable, so whole groups are drawn: the same distribution, and the cost
        # depends on the number of different columns, not on the number of clips.
        columns, counts = np.unique(differences, axis=1, return_counts=True)
        draws, share, worth, size_of, stretch = clips, counts / clips, columns.mean(0), np.ones(len(counts)), 1.0
    else:
        _, place = np.unique(people, return_inverse=True)
        size_of = np.bincount(place).astype(float)
        draws = len(size_of)
        share, worth = np.full(draws, 1 / draws), np.bincount(place, differences.mean(0))
        stretch = np.sqrt(draws / max(draws - 1, 1))
    by_seed, mean = differences.mean(1), differences.mean()
    means = np.empty(resamples)
    step = max(1, CHUNK // len(share))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        weights = rng.multinomial(draws, share, size=size)
        drawn = mean + stretch * ((weights @ worth) / (weights @ size_of) - mean)
        if resample_seeds:
            drawn += seed_deviations(rng, size, seeds) @ by_seed
        means[start : start + size] = drawn
    return means


def equivalence_interval(
    differences: np.ndarray, *, resamples: int, confidence: float, rng: np.random.Generator
) -> Interval:
    """Return an interval for two one-sided tests of equivalence at level alpha, where `confidence` is 1 - alpha.

    The bootstrap's at confidence 1 - 2 alpha, but such that few disagreements do not pass for none, which resampling
    them would: a clip repaired and a clip broken are added to the table (Agresti & Min, Statistics in Medicine 2005, do
    alike), and either end is moved outwards by z^2 / 2 clips, as the score interval of a count is. Its ends are limited
    by what is possible against any reference, -1 and 1.
    """
    seeds, clips = differences.shape
    added = np.concatenate([differences, np.tile([1, -1], (seeds, 1))], axis=1)
    low, high = percentiles(bootstrap_means(added, resamples=resamples, rng=rng), 2 * confidence - 1)
    aside = float(norm.ppf(confidence)) ** 2 / 2 / clips
    return within((low - aside, high + aside), (-1.0, 1.0))


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
    arms: dict[str, SeedScores],
    pairs: Sequence[tuple[str, str]],
    *,
    resamples: int,
    confidence: float,
    seed: int,
    people: np.ndarray | None = None,
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
    people
        [N], who is in each clip, if that is known.

    Raises
    ------
    InputError
        Two arms were not scored on the same clips, or not with as many seeds.
    """
    found = []
    for arm, against in pairs:
        after, before = arms[arm], arms[against]
        differences = paired_differences(before, after, against, arm)
        interval, narrow, tested, by_people = None, None, None, None
        if enough(*differences.shape):
            limits = in_points(possible_differences(before.correct))
            drawn = bootstrap_means(differences, resamples=resamples, rng=np.random.default_rng(seed))
            interval = within(percentiles(100 * drawn, confidence), limits)
            tested = in_points(
                equivalence_interval(
                    differences, resamples=resamples, confidence=confidence, rng=np.random.default_rng(seed)
                )
            )
            narrow = within(tested, limits)
            if people is not None and len(np.unique(people)) >= FEWEST_PEOPLE:
                rng = np.random.default_rng(seed)
                drawn = bootstrap_means(differences, resamples=resamples, rng=rng, people=people)
                by_people = within(percentiles(100 * drawn, confidence), limits)
        repaired, broken, p = mcnemar(*(scores.prediction == scores.label for scores in (before, after)))
        found.append(
            Comparison(
                arm,
                against,
                100 * float(differences.mean()),
                interval,
                tuple((100 * differences.mean(1)).tolist()),
                repaired,
                broken,
                p,
                p,
                narrow,
                tested,
                by_people,
            )
        )
    corrected = holm([one.mcnemar_p for one in found])
    return [replace(one, holm_p=p) for one, p in zip(found, corrected, strict=True)]


def paired_differences(before: SeedScores, after: SeedScores, before_name: str, after_name: str) -> np.ndarray:
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


def class_effects(
    before: SeedScores, after: SeedScores, *, resamples: int, confidence: float, seed: int
) -> list[ClassEffect]:
    """Compare two arms class by class, in the order of the actions; classes without test clips are left out."""
    differences = paired_differences(before, after, "before", "after")
    correct = before.correct  # once, for all of the scores are looked at for it
    right_before, right_after = (scores.prediction == scores.label for scores in (before, after))
    effects = []
    for number in np.unique(before.label):
        mine = before.label == number
        rng = np.random.default_rng([seed, int(number)])
        interval = None
        if enough(*differences[:, mine].shape):
            limits = possible_differences(correct[:, mine])
            interval = in_points(
                bootstrap_interval(
                    differences[:, mine], resamples=resamples, confidence=confidence, rng=rng, limits=limits
                )
            )
        p = mcnemar(right_before[mine], right_after[mine])[2]
        effects.append(
            ClassEffect(
                int(before.action[number]),
                int(mine.sum()),
                100 * float(correct[:, mine].mean()),
                100 * float((correct[:, mine] + differences[:, mine]).mean()),
                100 * float(differences[:, mine].mean()),
                interval,
                p,
                p,
            )
        )
    corrected = holm([effect.mcnemar_p for effect in effects])
    return [replace(effect, holm_p=p) for effect, p in zip(effects, corrected, strict=True)]


def find_crossing(
    arm: str,
    severities: Sequence[float],
    differences: Sequence[np.ndarray],
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> Crossing:
    """Find the severity above which an arm is better than the reference, linear between those that were measured.

    It is the end of the highest stretch of severities above all of which the difference is positive. The interval comes
    from curves whose clips are drawn anew, the same for all severities, and whose seeds are drawn anew for each, since
    trainings on other skeletons are other trainings. Its ends are infinite or between severities that were measured.

    Parameters
    ----------
    arm
        Its name.
    severities
        Ascending [K].
    differences
        K tables [S, N] of the same clips, see `bootstrap_means`.
    resamples, confidence, seed
        As in `compare`.
    """
    rng = np.random.default_rng(seed)
    seeds, clips = differences[0].shape
    curves = _means_of_drawn_clips(differences, resamples, rng)
    for column, table in enumerate(differences):
        curves[:, column] += seed_deviations(rng, resamples, seeds) @ table.mean(1)
    observed = np.array([[table.mean() for table in differences]])
    tail = (1 - confidence) / 2
    at = float(_crossings(np.asarray(severities), observed)[0])
    if not enough(seeds, clips):
        return Crossing(arm, at, None)
    low, high = np.quantile(_crossings(np.asarray(severities), curves), [tail, 1 - tail], method="nearest")
    return Crossing(arm, at, (float(low), float(high)))


def share_won_back(
    taken: np.ndarray, won: np.ndarray, *, resamples: int, confidence: float, seed: int
) -> tuple[float, Interval | None]:
    """Return which share of what noise takes an arm wins back: the ratio of two mean differences, and its interval.

    The interval is a bootstrap's, clips and seeds being drawn anew and alike for both, since both are differences from
    the same recognisers. A draw in which noise takes nothing counts as beyond all shares, on the side of what is won;
    where there are more of them than the interval leaves out at one end there is none, as with too few clips.

    Parameters
    ----------
    taken, won
        [S, N] tables of differences, see `bootstrap_means`: noise-free less reference, and arm less reference.
    resamples, confidence, seed
        As in `compare`.
    """
    rng = np.random.default_rng(seed)
    tables = np.stack([taken, won])
    share = float(won.mean() / taken.mean())
    if not enough(*taken.shape):
        return share, None
    drawn = _means_of_drawn_clips(tables, resamples, rng)
    drawn += seed_deviations(rng, resamples, len(taken)) @ tables.mean(2).T
    lost, back = drawn.T
    tail = (1 - confidence) / 2
    if np.mean(lost <= 1e-12) > tail:
        return share, None
    shares = np.where(lost > 1e-12, back / np.maximum(lost, 1e-12), np.copysign(np.inf, back))
    low, high = np.quantile(shares, [tail, 1 - tail], method="nearest")
    return share, (float(low), float(high))


def _means_of_drawn_clips(
    tables: Sequence[np.ndarray] | np.ndarray, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the means of K tables [S, N] whose clips are drawn anew, the same for all: float64 [resamples, K]."""
    seeds, clips = tables[0].shape
    columns, counts = np.unique(np.concatenate(list(tables)), axis=1, return_counts=True)
    worth = columns.reshape(len(tables), seeds, -1).mean(1)
    means: np.ndarray = rng.multinomial(clips, counts / clips, size=resamples) @ worth.T / clips
    return means


def _crossings(severities: np.ndarray, curves: np.ndarray) -> np.ndarray:
    """Return where each curve [R, K] becomes positive for good."""
    curves = np.where(np.abs(curves) < 1e-12, 0, curves)
    last = len(severities) - 1 - np.argmax(curves[:, ::-1] <= 0, axis=1)  # of those that are not positive
    row, after = np.arange(len(curves)), np.minimum(last + 1, len(severities) - 1)
    before, then = curves[row, last], curves[row, after]
    part = -before / np.where(last < after, then - before, 1)
    at: np.ndarray = severities[last] + part * (severities[after] - severities[last])
    return np.select([(curves > 0).all(1), last == len(severities) - 1], [-np.inf, np.inf], at)


def confusion_changes(before: SeedScores, after: SeedScores, most: int) -> list[Confusion]:
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
