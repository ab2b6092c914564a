"""Everything that a report tells, and the sentences that it opens with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ablation.scores import Scores
from ablation.sections.movement import Movement
from ablation.sections.poses import ClipPoses, PoseFigures
from ablation.sections.spectrum import Spectrum
from ablation.statistics import FEWEST_CLIPS, FEWEST_SCORED, ClassEffect, Comparison, Confusion, Crossing, Interval
from ablation.study.grid import Condition, GridRow
from data.words import plural

LABELS = {
    "raw": "raw",
    "refined": "SmoothNet",
    "one_euro": "One-Euro",
    "savitzky_golay": "Savitzky-Golay",
    "gaussian": "Gaussian",
    "oracle": "noise-free",
}
"""What readers call the arms."""
FILTERS = ("one_euro", "savitzky_golay", "gaussian")


@dataclass(frozen=True)
class Findings:
    """What a study found.

    Parameters
    ----------
    arms
        The test scores of each arm, in the order to show them.
    against
        The arm that the others are compared with.
    seeds
        The seeds, in the order of the scores.
    comparisons
        Every other arm against `against`.
    between
        The main arm against the best of the filters, if there are both.
    classes, confusions
        The main arm against `against`.
    resamples, confidence
        Of the bootstrap.
    actions
        The name of each action by its number.
    split
        `xsub` or `xview`.
    performers
        How many people the test clips show.
    poses
        Per arm, figures of its skeletons on the test clips.
    benchmarks
        `rows` and `filters` of the refiner's own evaluation.
    clip
        What the pictures show.
    data
        What is known of the clips: counts, skipped files, shares of joints.
    simulated
        Whether the clips are simulated.
    made
        How it was made: `config`, `command`, `versions`, `arms`, `validation` and so on.
    condition
        The condition that all of the above is about: the first of every axis of the grid.
    rows
        Every arm under every condition, this one included.
    labels
        What readers call arms of the study's own; the others are in `LABELS`.
    importance
        Per arm, how much each joint mattered for the recogniser's decisions, float [V], sum 1.
    focus
        The arm that the report is about; empty for the refined one, or else the first that is not the reference.
    failures
        One line for each recogniser that could not be trained or read; it is missing in all of the above.
    margin
        The difference in points below which two arms count as equally good.
    unit
        What positions are told in: mm, or px in an image.
    crossings
        Where the study varies the severity of the noise: above which each arm is better than the reference.
    movement
        How jittery and how fast the actions are.
    spectrum
        The skeletons' motion over frequency.
    clips
        What the player shows: why each clip was chosen, and its poses.
    """

    arms: dict[str, Scores]
    against: str
    seeds: tuple[int, ...]
    comparisons: list[Comparison]
    between: Comparison | None
    classes: list[ClassEffect]
    confusions: list[Confusion]
    resamples: int
    confidence: float
    actions: Mapping[int, str]
    split: str
    performers: int
    poses: list[PoseFigures] = field(default_factory=list)
    benchmarks: Mapping[str, Any] | None = None
    clip: ClipPoses | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    simulated: bool = False
    made: Mapping[str, Any] = field(default_factory=dict)
    condition: Condition = field(default_factory=Condition)
    rows: list[GridRow] = field(default_factory=list)
    labels: Mapping[str, str] = field(default_factory=dict)
    importance: Mapping[str, np.ndarray] = field(default_factory=dict)
    focus: str = ""
    failures: list[str] = field(default_factory=list)
    margin: float = 0.5
    unit: str = "mm"
    crossings: list[Crossing] = field(default_factory=list)
    movement: Movement | None = None
    spectrum: Spectrum | None = None
    clips: list[tuple[str, ClipPoses]] = field(default_factory=list)

    def label(self, arm: str) -> str:
        """Return what readers call an arm."""
        return self.labels.get(arm) or LABELS.get(arm, arm)

    def skeletons(self, arm: str) -> str:
        """Name an arm's skeletons inside a sentence."""
        if arm in ("raw", "oracle"):
            return f"{self.label(arm)} skeletons"
        if arm in FILTERS:
            return f"skeletons smoothed by the {self.label(arm)} filter"
        return f"skeletons refined by {self.label(arm)}"

    def along(self, axis: str) -> dict[str, list[GridRow]]:
        """Return each arm's rows whose conditions differ from the first in this axis alone, in the axis's order.

        Empty where the study has but one value of it. Severities and shares ascend.
        """
        rows = [row for row in self.rows if row.condition.but(self.condition) <= {axis}]
        if len({getattr(row.condition, axis) for row in rows}) < 2:
            return {}
        if axis in ("severity", "share"):
            rows.sort(key=lambda row: float(getattr(row.condition, axis)))
        return {arm: found for arm in self.arms if (found := [row for row in rows if row.arm == arm])}

    @property
    def main(self) -> str:
        """The arm that the report is about: the refined one, or else the first that is not the reference."""
        return self.focus or main_arm(list(self.arms), self.against)

    @property
    def speed_unit(self) -> str:
        """What speeds are told in."""
        return "m/s" if self.unit == "mm" else "px/s"

    @property
    def test_clips(self) -> int:
        """Clips in the test split."""
        return len(self.arms[self.against].clip)

    def comparison(self, arm: str) -> Comparison | None:
        """Return an arm's comparison with the reference."""
        return next((found for found in self.comparisons if found.arm == arm), None)

    def top1(self, arm: str) -> np.ndarray:
        """Return an arm's accuracy per seed, percent, float [S]."""
        accuracy: np.ndarray = 100 * self.arms[arm].correct.mean(1)
        return accuracy


def main_arm(arms: list[str], against: str) -> str:
    """Return the arm that a study is about: the refined one, or else the first that is not the reference."""
    others = [arm for arm in arms if arm != against]
    return "refined" if "refined" in others else others[0]


def points(value: float) -> str:
    """Write a signed difference: +1.2, −0.4, 0.0; what is near zero but not zero keeps its sign: +0.03."""
    size = abs(value)
    if size < 0.005:
        return "0.0"
    return ("+" if value > 0 else "−") + (f"{size:.2f}" if size < 0.05 else f"{size:.1f}")


def interval_text(interval: Interval | None) -> str:
    """Write an interval of a difference: +0.3 to +2.1; or that there is none."""
    return "no interval" if interval is None else " to ".join(map(points, interval))


TOO_FEW = (
    f"no interval is given from fewer than {FEWEST_CLIPS} clips, or {FEWEST_SCORED} clips times seeds: resampling so "
    "few would cover the truth too seldom"
)
"""The footnote of tables in which an interval is left out."""


def p_value(p: float) -> str:
    """Write a p-value the way people read it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def answer(findings: Findings) -> list[str]:
    """Answer the study's question in at most three sentences, all of them computed."""
    second = _crossing_sentence(findings) or _filter_sentence(findings)
    third = _ceiling_sentence(findings) or _steadiness_sentence(findings)
    return [_main_sentence(findings), *(sentence for sentence in (second, third) if sentence is not None)]


def verdict(findings: Findings, found: Comparison) -> str:
    """Say in a few words what a comparison shows; `leans` where only the uncorrected interval leaves zero out."""
    if found.interval is None:
        return "too few clips"
    if found.significant:
        way = "better" if found.difference > 0 else "worse"
        return way if found.holm_p < 1 - findings.confidence else f"leans {way}"
    return f"equal within ±{findings.margin:g}" if found.equivalent(findings.margin) else "undecided"


def _interval(found: Comparison, confidence: float) -> str:
    if found.interval is None:
        return "too few clips for an interval"
    return f"{100 * confidence:g}% interval {interval_text(found.interval)}"


def _main_sentence(findings: Findings) -> str:
    arm, against = findings.main, findings.against
    found = findings.comparison(arm)
    assert found is not None
    after, before = (float(findings.top1(name).mean()) for name in (arm, against))
    over = f"{plural(findings.test_clips, 'test clip', separator=',')} and {plural(len(findings.seeds), 'seed')}"
    numbers = (
        f"{points(found.difference)} points ({_interval(found, findings.confidence)}; McNemar "
        f"{p_value(found.mcnemar_p)}), over {over}"
    )
    confirmed = found.mcnemar_p < 1 - findings.confidence
    one, other = _used(findings, arm), _used(findings, against)
    if not found.significant:
        doubt = ", though McNemar's test on one prediction per clip finds one" if confirmed else ""
        return (
            f"No significant difference{doubt}: recognising {one} came to {after:.1f}% accuracy and {other} to "
            f"{before:.1f}%, {numbers}; {_ruled_out(findings, found)}."
        )
    verb = "raised" if found.difference > 0 else "lowered"
    doubt = "" if confirmed else ", though McNemar's test on one prediction per clip does not confirm it"
    return f"Recognising {one} instead of {other} {verb} accuracy from {before:.1f}% to {after:.1f}%: {numbers}{doubt}."


def _used(findings: Findings, arm: str) -> str:
    """Name the skeletons that an arm's recognisers are trained and tested on, under the first condition."""
    pairing, mine = findings.condition.pairing, findings.skeletons(arm)
    if arm == findings.against or pairing == "both":
        return mine
    other = findings.skeletons(findings.against)
    if pairing == "test":
        return f"{mine} after training on {other}"
    if pairing == "train":
        return f"{other} after training on {mine}"
    return f"{mine} after training on them and on {other}"


def _ruled_out(findings: Findings, found: Comparison) -> str:
    """Say which differences of more than the margin two one-sided tests rule out."""
    margin = f"{findings.margin:g} points"
    if found.equivalent(findings.margin):
        return f"two one-sided tests rule out a difference of more than {margin} either way"
    if found.rules_out_gain(findings.margin):
        return f"a gain of more than {margin} is ruled out, a loss is not"
    if found.rules_out_loss(findings.margin):
        return f"a loss of more than {margin} is ruled out, a gain is not"
    return f"neither a gain nor a loss of more than {margin} is ruled out"


def _crossing_sentence(findings: Findings) -> str | None:
    found = next((one for one in findings.crossings if one.arm == findings.main), None)
    rows = findings.along("severity").get(findings.main, [])
    if found is None or not rows:
        return None
    low, high = (float(rows[at].condition.severity or 0) for at in (0, -1))
    better = [row for row in rows if row.comparison is not None and row.comparison.gains]
    sure = (
        f"the interval leaves zero out on the side of a gain at severity "
        f"{', '.join(f'{row.condition.severity:g}' for row in better)}"
        if better
        else "at no severity does the interval leave zero out on the side of a gain"
    )
    certainty = "too few clips for an interval; a Kinect's is 1"
    if found.interval is not None:
        ends = " to ".join(severity_text(end, high) for end in found.interval)
        certainty = f"{100 * findings.confidence:g}% interval {ends}, where a Kinect's is 1"
    if found.severity == -np.inf:
        begin = f"On average it gains at every severity of noise from {low:g} to {high:g}"
    elif found.severity == np.inf:
        begin = f"On average it gains nothing at the highest severity of noise, {high:g}"
    else:
        begin = f"On average it begins to gain at severity {found.severity:.1f} of the noise ({certainty})"
    return f"{begin}; {sure}."


def severity_text(severity: float, high: float) -> str:
    """Write where an arm begins to gain: at any severity, at this one, or at none up to the highest measured."""
    if np.isinf(severity):
        return "any" if severity < 0 else f"none up to {high:g}"
    return f"{severity:.1f}"


def _filter_sentence(findings: Findings) -> str | None:
    found = findings.between
    if found is None:
        return None
    accuracy = float(findings.top1(found.against).mean())
    best, main = findings.label(found.against), findings.label(found.arm)
    which = "other tuned filters" if findings.against in FILTERS else "tuned classical filters"
    begin = f"The best of the {which}, {best}, came to {accuracy:.1f}%"
    interval = _interval(found, findings.confidence)
    if not found.significant:
        return f"{begin}, from which {main} cannot be told apart ({points(found.difference)} points, {interval})."
    better = "more" if found.difference > 0 else "less"
    return f"{begin}; {main} gets {abs(found.difference):.1f} points {better} ({interval})."


def _ceiling_sentence(findings: Findings) -> str | None:
    ceiling = findings.comparison("oracle")
    found = findings.comparison(findings.main)
    if ceiling is None or found is None or findings.main == "oracle":
        return None
    best = float(findings.top1("oracle").mean())
    reference, certainty = findings.skeletons(findings.against), _interval(ceiling, findings.confidence)
    begin = (
        f"Noise-free skeletons reach {best:.1f}%, {points(ceiling.difference)} points from {reference} ({certainty})"
    )
    if not ceiling.significant or ceiling.difference <= 0:
        if ceiling.rules_out_gain(findings.margin):
            return f"{begin}, so there was hardly anything to gain."
        return f"{begin}, which these clips and seeds cannot tell from none."
    if not found.significant or found.difference <= 0 or found.difference > ceiling.difference:
        return f"{begin}: so much was there to gain."
    share = 100 * found.difference / ceiling.difference
    return f"{begin}; {findings.skeletons(findings.main)} closed {share:.0f}% of that gap."


def _steadiness_sentence(findings: Findings) -> str | None:
    steady = {row.arm: row.acceleration for row in findings.poses}
    if findings.against not in steady or findings.main not in steady:
        return None
    before, after = steady[findings.against], steady[findings.main]
    if not np.isfinite([before, after]).all():
        return None
    verb = "fell" if after < before else "rose"
    return (
        f"On the test clips the skeletons' mean acceleration {verb} from {before:.1f} to {after:.1f} "
        f"{findings.unit}/frame², {findings.skeletons(findings.against)} against {findings.skeletons(findings.main)}."
    )
