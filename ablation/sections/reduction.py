"""Whether steadier skeletons, and whether truer ones, are recognised better: the gain over either."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import spearmanr

from ablation.fidelity import find_fidelity
from ablation.page.theme import PAPER, log_scale, look_of, new_axes, tip
from ablation.sections.poses import find_poses
from ablation.sections.registry import SECTIONS, WHY, Drawing, Section
from ablation.study.study import Study
from ablation.verdict import judge
from ablation.words import with_interval
from drawing.style import INK, MUTED
from refine.known_movements import HEIGHT

GRID = """
{% for one in found %}
{% call figure(one.name, one.heading) %}Points of accuracy over {{ one.over }}, with {{ study.percent }} intervals; one point per kind of skeletons{{ ", hollow where movement is taken away with the jitter" if values.hollow }}.{{ one.ranked }}{% endcall %}
{% endfor %}
"""  # noqa: E501


@dataclass(frozen=True)
class Scatter:
    """The differences in accuracy over something else that is known of the skeletons.

    Parameters
    ----------
    name, heading
        The drawing's, and its question.
    over, label
        What it is over, in words and at the axis.
    places
        Where each arm lies.
    truth
        Where noise-free skeletons lie, for a study in which they are no arm; None if they are, or it is not known.
    ranked
        How the ranks of the two go together over the ways to refine; empty for fewer than three.
    log
        Whether the axis is logarithmic.
    """

    name: str
    heading: str
    over: str
    label: str
    places: Mapping[str, float]
    truth: float | None
    ranked: str
    log: bool = False


def find_scatters(study: Study) -> list[Scatter] | None:
    """Find how steady, and how true, each arm's skeletons are; None with fewer than two arms to compare."""
    fidelity, poses = study.get(find_fidelity), {row.arm: row for row in study.get(find_poses)}
    steady = {arm: row.acceleration for arm, row in poses.items() if math.isfinite(row.acceleration)}
    steady = {arm: value for arm, value in steady.items() if value > 0}
    own = fidelity.arms[study.against].own_acceleration if study.against in fidelity.arms else None
    heading, over = "Is steadier better?", "the mean acceleration of the joints"
    label = f"mean acceleration, {study.unit}/frame²"
    truth = steady[study.against] / own if own and study.against in steady else None
    found = [_scatter(study, "reduction", heading, over, label, steady, truth, log=True)]
    before = poses[study.against].mpjpe if study.against in poses else None
    if before:
        nearer = {arm: 100 * (1 - row.mpjpe / before) for arm, row in poses.items() if row.mpjpe is not None}
        over = f"the share of the joint error (MPJPE) of {study.label(study.against)} that is gone"
        found.append(_scatter(study, "truer", "Is truer better?", over, "joint error that is gone, %", nearer, 100.0))
    else:
        peaks = {arm: one.noisy_gesture_peak for arm, one in fidelity.arms.items()}
        left = {arm: 100 * peak / HEIGHT for arm, peak in peaks.items() if peak is not None}
        over = "what is left of a known gesture among a Kinect's errors"
        found.append(_scatter(study, "truer", "Is truer better?", over, "known gesture that is left, %", left, 100.0))
    return [one for one in found if one is not None] or None


def _scatter(
    study: Study,
    name: str,
    heading: str,
    over: str,
    label: str,
    places: Mapping[str, float],
    truth: float | None,
    log: bool = False,
) -> Scatter | None:
    verdict = study.get(judge)
    shown = {arm: x for arm, x in places.items() if arm == study.against or verdict.comparison(arm) is not None}
    ways = [arm for arm in shown if arm not in (study.against, "oracle")]
    if len(set(shown) - {study.against}) < 2:
        return None
    gains = [found.difference for arm in ways if (found := verdict.comparison(arm)) is not None]
    ranked = ""
    if len(ways) > 2 and len(set(gains)) > 1 and len({shown[arm] for arm in ways}) > 1:
        rank = float(spearmanr([shown[arm] for arm in ways], gains).statistic)
        ranked = f" Rank correlation over the {len(ways)} ways to refine: {rank:+.2f}; so few prove nothing."
    return Scatter(name, heading, over, label, shown, None if "oracle" in shown else truth, ranked, log)


def _draw(study: Study, found: Sequence[Scatter]) -> Sequence[Drawing]:
    return [_draw_one(study, one) for one in found]


def _draw_one(study: Study, found: Scatter) -> Drawing:
    """Draw the difference in accuracy of each arm with its interval; the reference has none by definition."""
    figure, axes = new_axes(3.3, grid="both")
    axes.axhline(0, color=INK, linewidth=1, zorder=1)
    if found.truth is not None:
        axes.axvline(found.truth, color=MUTED, linestyle=":", linewidth=1.4, label=study.label("oracle"))
    flattening, said = study.get(find_fidelity).flattening, []
    for arm, x in found.places.items():
        one = study.get(judge).comparison(arm)
        difference, interval = (0.0, None) if one is None else (one.difference, one.interval)
        look, name = look_of(study, arm), study.label(arm)
        ends = interval or ()
        axes.plot([x] * len(ends), ends, color=look["color"], linewidth=1.4)
        hollow: dict[str, Any] = {"markerfacecolor": PAPER, "markeredgewidth": 1.6} if arm in flattening else {}
        axes.plot(x, difference, **look | {"linestyle": ""}, markersize=7, label=name, **hollow)
        told = "the reference" if one is None else with_interval(difference, interval, " points")
        tip(axes, x, difference, f"{name}: {told} at {x:.1f}")
        said.append(f"{name} {difference:+.1f} at {x:.1f}")
    axes.margins(0.1)
    if found.log:
        log_scale(axes, "x")
    axes.set_xlabel(found.label + (" (log scale)" if found.log else ""))
    axes.set_ylabel(f"points above {study.label(study.against)}")
    figure.legend(loc="outside upper left", ncols=2)
    alternative = f"Scatter plot of the difference in accuracy over {found.over}: {'; '.join(said)}."
    taken = [study.label(arm) for arm in found.places if arm in flattening]
    if taken:
        alternative += f" Hollow, since they take movement away: {', '.join(taken)}."
    return Drawing(found.name, figure, alternative)


def _values(study: Study, found: Sequence[Scatter]) -> dict[str, Any]:
    flattening = study.get(find_fidelity).flattening
    return {"hollow": any(arm in one.places for one in found for arm in flattening)}


SECTIONS.add("reduction", Section(WHY, 20, find_scatters, {"grid": GRID}, drawings=_draw, values=_values))
