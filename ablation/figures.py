"""The report's figures."""

import math
import textwrap

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, NullFormatter

from ablation.findings import Findings, p_value
from ablation.page.theme import ARMS, GAIN, LOSS, OWN, PAPER, STYLE, WIDTH, new_axes, tip
from ablation.sections.movement import Movement
from ablation.sections.poses import ClipPoses, acceleration_per_frame
from ablation.sections.spectrum import Spectrum
from ablation.statistics import Comparison
from ablation.study.grid import GridRow
from ablation.tables import AXES, condition_value
from data.skeletons.layouts import Layout
from drawing.style import INK, MUTED


def draw_all(findings: Findings) -> dict[str, Figure]:
    """Draw every figure that the findings allow, in the order of the report."""
    with mpl.rc_context(STYLE):
        figures = {
            "accuracy": draw_accuracy(findings),
            "difference": draw_differences(findings),
            "classes": draw_classes(findings),
        }
        if findings.clip is not None and findings.main in findings.clip.joints:
            figures["acceleration"] = draw_acceleration(findings, findings.clip)
            figures["skeletons"] = draw_skeletons(findings, findings.clip)
        for axis in ("severity", "share"):
            if findings.along(axis):
                figures[axis] = draw_along(findings, axis)
        if len(other_conditions(findings)) > 1:
            figures["conditions"] = draw_conditions(findings)
        if len(reductions(findings)) > 1:
            figures["reduction"] = draw_reduction(findings)
        if findings.movement is not None:
            figures["movement"] = draw_movement(findings, findings.movement)
        if findings.spectrum is not None:
            figures["spectrum"] = draw_spectrum(findings, findings.spectrum)
        if findings.importance and findings.clip is not None:
            figures["joints"] = draw_joints(findings, findings.clip.layout)
    return figures


def colour_of(findings: Findings, arm: str) -> str:
    """Return an arm's colour."""
    own = [name for name in findings.arms if name not in ARMS]
    return ARMS[arm] if arm in ARMS else OWN[own.index(arm) % len(OWN)] if arm in own else INK


def draw_accuracy(findings: Findings) -> Figure:
    """Draw each arm's accuracy: a point per seed and their mean."""
    arms = list(findings.arms)
    figure, axes = new_axes(0.36 * len(arms) + 0.85)
    rows = np.arange(len(arms))
    for row, arm in zip(rows, arms, strict=True):
        values, colour = findings.top1(arm), colour_of(findings, arm)
        spread = np.linspace(-0.14, 0.14, len(values)) if len(values) > 1 else np.zeros(1)
        axes.plot([values.min(), values.max()], [row, row], color=colour, linewidth=1.2, zorder=2)
        axes.plot(values, row + spread, "o", color=colour, markersize=3.6, alpha=0.75, markeredgewidth=0, zorder=3)
        axes.plot([values.mean()] * 2, [row - 0.27, row + 0.27], color=colour, linewidth=2.6, zorder=4)
        tip(
            axes,
            float(values.mean()),
            float(row),
            f"{findings.label(arm)}: {', '.join(f'{value:.1f}' for value in values)}%",
        )
        axes.annotate(
            f"{values.mean():.1f}",
            (values.max(), row),
            (7, 0),
            textcoords="offset points",
            va="center",
            fontweight="bold",
            fontsize=8.5,
        )
    axes.margins(x=0.1)
    axes.set_yticks(rows, [findings.label(arm) for arm in arms])
    axes.set_ylim(len(arms) - 0.45, -0.55)
    axes.set_xlabel("top-1 accuracy, % (bar: mean; points: seeds)")
    return figure


def draw_differences(findings: Findings) -> Figure:
    """Draw each arm's difference from the reference with its interval."""
    found = findings.comparisons
    figure, axes = new_axes(0.36 * len(found) + 0.85)
    axes.axvline(0, color=INK, linewidth=1, zorder=1)
    for row, comparison in enumerate(found):
        colour = colour_of(findings, comparison.arm)
        ends = comparison.interval or ()
        axes.plot(ends, [row] * len(ends), color=colour, linewidth=2, zorder=2, solid_capstyle="butt")
        for end in ends:
            axes.plot([end, end], [row - 0.12, row + 0.12], color=colour, linewidth=2, zorder=2)
        filled = colour if comparison.significant else PAPER
        axes.plot(
            comparison.difference, row, "o", markersize=7, color=colour, markerfacecolor=filled, markeredgewidth=1.8
        )
        tip(axes, comparison.difference, row, f"{findings.label(comparison.arm)}: {_with_interval(comparison)}")
    axes.set_yticks(range(len(found)), [findings.label(comparison.arm) for comparison in found])
    axes.set_ylim(len(found) - 0.45, -0.55)
    axes.margins(x=0.08)
    axes.set_xlabel(f"points of top-1 accuracy above {findings.label(findings.against)}")
    return figure


def draw_classes(findings: Findings) -> Figure:
    """Draw the difference per class with its interval, the greatest gain first."""
    effects = sorted(findings.classes, key=lambda effect: (-effect.difference, effect.action))
    figure, axes = new_axes(0.185 * len(effects) + 0.8)
    rows = np.arange(len(effects))
    difference = np.array([effect.difference for effect in effects])
    low, high = np.array([effect.interval or (np.nan, np.nan) for effect in effects]).T
    colours = [GAIN if value > 0 else LOSS if value < 0 else MUTED for value in difference]
    axes.barh(rows, difference, height=0.62, color=colours, alpha=0.55, zorder=2)
    axes.hlines(rows, low, high, color=INK, linewidth=1, zorder=3)
    axes.axvline(0, color=INK, linewidth=1, zorder=1)
    names = [_short(findings.actions.get(effect.action, f"A{effect.action:03d}")) for effect in effects]
    axes.set_yticks(rows, names, fontsize=7.5)
    axes.set_ylim(len(effects) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("points of the class's clips")
    return figure


def draw_acceleration(findings: Findings, clip: ClipPoses) -> Figure:
    """Draw how strongly the joints of one clip accelerate in each frame."""
    figure, axes = new_axes(2.3, grid="y")
    for arm in shown_arms(findings, clip):
        known = clip.seen & np.isfinite(clip.joints[arm]).all(-1)
        values = acceleration_per_frame(np.nan_to_num(clip.joints[arm]), known)
        frames = clip.first_frame + 1 + np.arange(len(values))
        axes.plot(frames, values, color=colour_of(findings, arm), linewidth=1.3, label=findings.label(arm))
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    axes.set_xlabel(f"frame of {clip.name}")
    axes.set_ylabel(f"{findings.unit}/frame²")
    figure.legend(loc="outside upper left", ncols=3)
    return figure


def draw_skeletons(findings: Findings, clip: ClipPoses, count: int = 6) -> Figure:
    """Draw the frames of one clip around its most jittery one, an arm per row, seen from the front."""
    arms = shown_arms(findings, clip)
    frames = burst_frames(clip, findings.against, count)
    base = clip.joints[findings.against][frames][clip.seen[frames]]
    low, high = np.nanquantile(base, [0.0, 1.0], axis=0)[:, :2]
    pad = 0.12 * float((high - low).max())
    height = 1.5 * len(arms) + 0.3
    close = ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.02, wspace=0, hspace=0)
    figure = Figure(figsize=(WIDTH, height), layout=close)
    grid = figure.subplots(len(arms), len(frames), squeeze=False)
    for row, arm in enumerate(arms):
        for column, frame in enumerate(frames):
            axes = grid[row, column]
            _draw_skeleton(axes, clip, arm, int(frame), colour_of(findings, arm))
            axes.set_xlim(low[0] - pad, high[0] + pad)
            axes.set_ylim(low[1] - pad, high[1] + pad)
            axes.yaxis.set_inverted(clip.layout.dims == 2)  # in an image y points down
            axes.set_aspect("equal")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            if row == 0:
                axes.set_title(f"{clip.first_frame + frame}", fontsize=8, color=MUTED)
        grid[row, 0].set_ylabel(
            textwrap.fill(findings.label(arm), 14), color=colour_of(findings, arm), fontweight="bold"
        )
    return figure


def draw_along(findings: Findings, axis: str) -> Figure:
    """Draw accuracy, and its difference from the reference, over the severity of noise or the share of clips."""
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    rows_of = findings.along(axis)
    places = sorted({float(getattr(row.condition, axis)) for rows in rows_of.values() for row in rows})
    step = 0.012 * (places[-1] - places[0])
    below.axhline(0, color=INK, linewidth=1, zorder=1)
    for number, (arm, rows) in enumerate(rows_of.items()):
        colour, name = colour_of(findings, arm), findings.label(arm)
        x = np.array([float(getattr(row.condition, axis)) for row in rows])
        means = np.array([np.mean(row.top1) for row in rows])
        above.plot(x, means, "-o", color=colour, markersize=4, linewidth=1.4, label=name)
        for row, at in zip(rows, x, strict=True):
            seeds = ", ".join(f"{value:.1f}" for value in row.top1)
            tip(above, at, float(np.mean(row.top1)), f"{name} at {at:g}: {np.mean(row.top1):.1f}% ({seeds})")
        compared = [(at, row.comparison) for at, row in zip(x, rows, strict=True) if row.comparison is not None]
        if compared:
            # side by side, or the intervals hide each other
            aside = step * (number - (len(rows_of) - 1) / 2)
            shifted = np.array([at + aside for at, _ in compared])
            low, high = np.array([one.interval or (np.nan, np.nan) for _, one in compared]).T
            differences = [one.difference for _, one in compared]
            below.vlines(shifted, low, high, color=colour, linewidth=1.2, alpha=0.8)
            below.plot(shifted, differences, "-o", color=colour, markersize=4, linewidth=1)
            for at, (value, one) in zip(shifted, compared, strict=True):
                tip(below, at, one.difference, f"{name} at {value:g}: {_with_interval(one, ' points')}")
    above.set_ylabel("top-1, %")
    below.set_ylabel(f"points above {findings.label(findings.against)}")
    below.set_xticks(places, [f"{at:.0%}" if axis == "share" else f"{at:g}" for at in places])
    below.set_xlabel("share of the training clips" if axis == "share" else "severity of the noise (a Kinect's is 1)")
    for axes in (above, below):
        axes.grid(axis="both")
        axes.set_axisbelow(True)
    figure.legend(*above.get_legend_handles_labels(), loc="outside upper left", ncols=3, columnspacing=1.2)
    return figure


def other_conditions(findings: Findings) -> list[GridRow]:
    """Return the main arm's rows that differ from the first condition in at most one axis that is no amount."""
    return [
        row
        for row in findings.rows
        if row.arm == findings.main
        and row.comparison is not None
        and len(row.condition.but(findings.condition)) <= 1
        and row.condition.but(findings.condition) <= {"split", "stream", "pairing", "setting"}
    ]


def draw_conditions(findings: Findings) -> Figure:
    """Draw the main arm's difference from the reference under the first condition and under each that is near it."""
    rows = other_conditions(findings)
    figure, axes = new_axes(0.32 * len(rows) + 0.85)
    axes.axvline(0, color=INK, linewidth=1, zorder=1)
    names = []
    for place, row in enumerate(rows):
        found = row.comparison
        assert found is not None
        colour = INK if row.condition == findings.condition else colour_of(findings, findings.main)
        ends = found.interval or ()
        axes.plot(ends, [place] * len(ends), color=colour, linewidth=2, zorder=2, solid_capstyle="butt")
        filled = colour if found.significant else PAPER
        axes.plot(found.difference, place, "o", markersize=6.5, color=colour, markerfacecolor=filled, zorder=3)
        changed = row.condition.but(findings.condition)
        here = [f"{AXES[axis]}: {condition_value(axis, getattr(row.condition, axis))}" for axis in sorted(changed)]
        names.append(here[0] if here else "as above")
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.margins(x=0.08)
    axes.set_xlabel(f"points of top-1, {findings.label(findings.main)} above {findings.label(findings.against)}")
    return figure


def reductions(findings: Findings) -> dict[str, float]:
    """Return by how many percent each arm lowers the skeletons' acceleration; those that raise it count as below 0."""
    steady = {row.arm: row.acceleration for row in findings.poses if math.isfinite(row.acceleration)}
    if not steady.get(findings.against):
        return {}
    return {
        arm: 100 * (1 - value / steady[findings.against])
        for arm, value in steady.items()
        if findings.comparison(arm) is not None and arm != "oracle"
    }


def draw_reduction(findings: Findings) -> Figure:
    """Draw the gain in accuracy over how much of the skeletons' acceleration is gone, one point per way to refine."""
    figure, axes = new_axes(2.8, grid="both")
    axes.axhline(0, color=INK, linewidth=1, zorder=1)
    for arm, lower in reductions(findings).items():
        found = findings.comparison(arm)
        assert found is not None
        colour, name = colour_of(findings, arm), findings.label(arm)
        ends = found.interval or ()
        axes.plot([lower] * len(ends), ends, color=colour, linewidth=1.4)
        axes.plot(lower, found.difference, "o", color=colour, markersize=7, label=name)
        tip(axes, lower, found.difference, f"{name}: {found.difference:+.1f} points, acceleration {-lower:+.0f}%")
    axes.margins(0.1)
    axes.set_xlabel("acceleration of the joints that is gone, %")
    axes.set_ylabel(f"points above {findings.label(findings.against)}")
    figure.legend(loc="outside upper left", ncols=3, handletextpad=0.2, columnspacing=1.2)
    return figure


def draw_movement(findings: Findings, found: Movement) -> Figure:
    """Draw what each action gains over how jittery and over how fast it is."""
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    worth = (
        (found.jitter, found.jitter_rank, f"jitter of the joints, {findings.unit}/frame²", f"{findings.unit}/frame²"),
        (found.speed, found.speed_rank, f"speed of the joints, {findings.speed_unit}", findings.speed_unit),
    )
    for axes, (values, rank, said, unit) in zip(panels, worth, strict=True):
        axes.axhline(0, color=INK, linewidth=1, zorder=1)
        colours = [GAIN if gain > 0 else LOSS if gain < 0 else MUTED for gain in found.gain]
        axes.scatter(values, found.gain, c=colours, s=18, alpha=0.75, linewidths=0, zorder=2)
        for action, value, gain in zip(found.action.tolist(), values, found.gain, strict=True):
            name = findings.actions.get(action, f"A{action:03d}")
            tip(axes, value, gain, f"{name}: {gain:+.1f} points, {value:.2f} {unit}")
        axes.grid(axis="both")
        axes.set_axisbelow(True)
        axes.set_xlabel(said)
        if rank is not None:
            axes.set_title(f"rank correlation {rank[0]:+.2f} ({p_value(rank[1])})", fontsize=8.5)
    panels[0].set_ylabel("points gained")
    return figure


def draw_spectrum(findings: Findings, found: Spectrum) -> Figure:
    """Draw the power of joint motion over frequency."""
    figure, axes = new_axes(2.8, grid="both")
    for arm, power in found.power.items():
        axes.loglog(found.frequency, power, color=colour_of(findings, arm), linewidth=1.6, label=findings.label(arm))
    ticks = [tick for tick in (0.5, 1, 2, 5, 10, 20) if found.frequency[0] * 0.9 <= tick <= found.frequency[-1]]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda power, _: f"{power:g}"))
    axes.set_xlabel("frequency, Hz")
    axes.set_ylabel(f"{findings.unit}²/Hz")
    figure.legend(loc="outside upper left", ncols=3)
    return figure


def draw_joints(findings: Findings, layout: Layout) -> Figure:
    """Draw how much of the decisions rests on each joint, before and after."""
    before, after = (100 * findings.importance[arm] for arm in (findings.against, findings.main))
    order = np.argsort(-before, kind="stable")
    figure, axes = new_axes(0.19 * len(order) + 0.9)
    rows = np.arange(len(order))
    axes.hlines(rows, before[order], after[order], color=MUTED, linewidth=1.2, zorder=1)
    for arm, values in ((findings.against, before), (findings.main, after)):
        axes.plot(values[order], rows, "o", color=colour_of(findings, arm), markersize=5, label=findings.label(arm))
        for row, at in enumerate(order.tolist()):
            tip(axes, values[at], row, f"{layout.joints[at].replace('_', ' ')}: {values[at]:.1f}%")
    axes.set_yticks(rows, [layout.joints[at].replace("_", " ") for at in order.tolist()], fontsize=7.5)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("share of the decision, %")
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def burst_frames(clip: ClipPoses, arm: str, count: int) -> np.ndarray:
    """Return `count` frames of the track, every second one, around that in which the joints accelerate most."""
    values = acceleration_per_frame(clip.joints[arm], clip.seen)
    length = len(clip.joints[arm])
    step = 2 if length >= 2 * count else 1
    peak = int(np.nanargmax(values)) + 1 if np.isfinite(values).any() else length // 2
    first = int(np.clip(peak - step * (count // 2), 0, max(0, length - step * (count - 1) - 1)))
    frames = first + step * np.arange(count)
    return frames[frames < length]


def _with_interval(found: Comparison, unit: str = "") -> str:
    """Write a comparison's difference with its interval behind it."""
    ends = "no interval" if found.interval is None else " to ".join(f"{end:+.1f}" for end in found.interval)
    return f"{found.difference:+.1f}{unit} ({ends})"


def alternative_texts(findings: Findings) -> dict[str, str]:
    """Say in words what each figure shows, for those who do not see it."""
    accuracy = "; ".join(f"{findings.label(arm)} {findings.top1(arm).mean():.1f}%" for arm in findings.arms)
    difference = "; ".join(f"{findings.label(found.arm)} {_with_interval(found)}" for found in findings.comparisons)
    up = sum(effect.difference > 0 for effect in findings.classes)
    down = sum(effect.difference < 0 for effect in findings.classes)
    texts = {
        "accuracy": f"Dot plot of top-1 accuracy per arm, mean over seeds: {accuracy}.",
        "difference": f"Interval plot of the difference to {findings.against} in points: {difference}.",
        "classes": f"Bar chart of the difference per class: {up} gained, {down} lost; the table below has the numbers.",
        "severity": "Lines of accuracy, and of its difference, over the severity of the noise; see the table.",
        "share": "Lines of accuracy, and of its difference, over the share of training clips; see the table.",
        "conditions": "Interval plot of the main difference under other conditions; the table has the numbers.",
        "reduction": "Scatter plot of the difference over the acceleration removed, a point per arm; see the tables.",
        "spectrum": "Power of joint motion over frequency, on logarithmic scales, a line per arm; see the table.",
        "joints": "Dot plot of how much each joint matters before and after refining; the table has the numbers.",
    }
    if findings.movement is not None:
        texts["movement"] = (
            "Scatter plots of the gain per action over its jitter and over its speed; the table of all actions has the "
            "numbers."
        )
    if findings.clip is not None:
        means = []
        for arm in shown_arms(findings, findings.clip):
            known = findings.clip.seen & np.isfinite(findings.clip.joints[arm]).all(-1)
            values = acceleration_per_frame(np.nan_to_num(findings.clip.joints[arm]), known)
            means.append(f"{findings.label(arm)} {np.nanmean(values):.1f}" if np.isfinite(values).any() else arm)
        texts["acceleration"] = (
            f"Line chart of mean joint acceleration per frame of {findings.clip.name}, in {findings.unit}/frame²; "
            f"means: {', '.join(means)}."
        )
        texts["skeletons"] = (
            f"Stick figures of consecutive frames of {findings.clip.name}: {findings.skeletons(findings.against)} "
            f"above {findings.skeletons(findings.main)}."
        )
    return texts


def _draw_skeleton(axes: Axes, clip: ClipPoses, arm: str, frame: int, colour: str) -> None:
    """Draw one frame seen from the camera's side: x across, y up."""
    joints, seen = clip.joints[arm][frame], clip.seen[frame]
    for joint, parent in clip.layout.bones:
        if seen[joint] and seen[parent]:
            axes.plot(joints[[joint, parent], 0], joints[[joint, parent], 1], color=colour, linewidth=1.4)
    axes.plot(joints[seen, 0], joints[seen, 1], "o", color=colour, markersize=1.7)


def shown_arms(findings: Findings, clip: ClipPoses) -> list[str]:
    """Return the arms whose skeletons are shown: the reference, the main one, and the truth if it is known."""
    return [arm for arm in dict.fromkeys((findings.against, findings.main, "oracle")) if arm in clip.joints]


def _short(name: str, most: int = 26) -> str:
    """Shorten a name."""
    return name if len(name) <= most else name[: most - 1].rstrip() + "…"
