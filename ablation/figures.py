"""The report's figures.

They are drawn once in light colours. Each colour stands for a role, and `themed_svg` replaces it by the page's custom
property of that role, so that one drawing follows the reader's light or dark theme.
"""

import io
import math
import re
from collections.abc import Callable, Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from ablation.findings import LABELS, Findings, skeletons
from ablation.poses import ClipPoses, acceleration_per_frame
from data import plot_style
from data.plot_style import GRID, INK, METHODS, MUTED

PAPER = "#fdfefe"
GAIN, LOSS = "#17754f", "#b3392f"
ARMS = {"oracle" if name == "truth" else name: colour for name, colour in METHODS.items()}
PROPERTIES = {
    INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "paper", GAIN: "gain", LOSS: "loss",
    **{colour: f"arm-{name.replace('_', '-')}" for name, colour in ARMS.items()},
}  # fmt: skip
"""The page's custom property for each colour that is drawn."""

STYLE = plot_style.STYLE | {"svg.fonttype": "none", "figure.facecolor": PAPER}
WIDTH = 5.4
"""Inches; narrow enough that the text can be read on a phone."""


def draw_all(findings: Findings) -> dict[str, Figure]:
    """Draw every figure that the findings allow, in the order of the report."""
    with mpl.rc_context(STYLE):
        figures = {
            "accuracy": draw_accuracy(findings),
            "difference": draw_differences(findings),
            "classes": draw_classes(findings),
        }
        if findings.clip is not None and findings.main in findings.clip.joints:
            figures["acceleration"] = draw_acceleration(findings.clip, findings.against, findings.main)
            figures["skeletons"] = draw_skeletons(findings.clip, findings.against, findings.main)
        if len(findings.poses) > 1:
            figures["steadiness"] = draw_steadiness(findings)
    return figures


def draw_accuracy(findings: Findings) -> Figure:
    """Draw each arm's accuracy: a point per seed and their mean."""
    arms = list(findings.arms)
    figure, axes = _axes(0.36 * len(arms) + 0.85)
    rows = np.arange(len(arms))
    for row, arm in zip(rows, arms, strict=True):
        values, colour = findings.top1(arm), ARMS.get(arm, INK)
        spread = np.linspace(-0.14, 0.14, len(values)) if len(values) > 1 else np.zeros(1)
        axes.plot([values.min(), values.max()], [row, row], color=colour, linewidth=1.2, zorder=2)
        axes.plot(values, row + spread, "o", color=colour, markersize=3.6, alpha=0.75, markeredgewidth=0, zorder=3)
        axes.plot([values.mean()] * 2, [row - 0.27, row + 0.27], color=colour, linewidth=2.6, zorder=4)
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
    axes.set_yticks(rows, [LABELS.get(arm, arm) for arm in arms])
    axes.set_ylim(len(arms) - 0.45, -0.55)
    axes.set_xlabel("top-1 accuracy, % (bar: mean; points: seeds)")
    return figure


def draw_differences(findings: Findings) -> Figure:
    """Draw each arm's difference from the reference with its interval."""
    found = findings.comparisons
    figure, axes = _axes(0.36 * len(found) + 0.85)
    axes.axvline(0, color=INK, linewidth=1, zorder=1)
    for row, comparison in enumerate(found):
        colour = ARMS.get(comparison.arm, INK)
        axes.plot(comparison.interval, [row, row], color=colour, linewidth=2, zorder=2, solid_capstyle="butt")
        for end in comparison.interval:
            axes.plot([end, end], [row - 0.12, row + 0.12], color=colour, linewidth=2, zorder=2)
        filled = colour if comparison.significant else PAPER
        axes.plot(
            comparison.difference, row, "o", markersize=7, color=colour, markerfacecolor=filled, markeredgewidth=1.8
        )
    axes.set_yticks(range(len(found)), [LABELS.get(comparison.arm, comparison.arm) for comparison in found])
    axes.set_ylim(len(found) - 0.45, -0.55)
    axes.margins(x=0.08)
    axes.set_xlabel(f"points of top-1 accuracy above {LABELS.get(findings.against, findings.against)}")
    return figure


def draw_classes(findings: Findings) -> Figure:
    """Draw the difference per class with its interval, the greatest gain first."""
    effects = sorted(findings.classes, key=lambda effect: (-effect.difference, effect.action))
    figure, axes = _axes(0.185 * len(effects) + 0.8)
    rows = np.arange(len(effects))
    difference = np.array([effect.difference for effect in effects])
    low, high = np.array([effect.interval for effect in effects]).T
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


def draw_acceleration(clip: ClipPoses, against: str, main: str) -> Figure:
    """Draw how strongly the joints of one clip accelerate in each frame."""
    figure, axes = _axes(2.3, grid="y")
    for arm in _shown(clip, against, main):
        known = clip.seen & np.isfinite(clip.joints[arm]).all(-1)
        values = acceleration_per_frame(np.nan_to_num(clip.joints[arm]), known)
        frames = clip.first_frame + 1 + np.arange(len(values))
        axes.plot(frames, values, color=ARMS.get(arm, INK), linewidth=1.3, label=LABELS.get(arm, arm))
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    axes.set_xlabel(f"frame of {clip.name}")
    axes.set_ylabel("mm/frame²")
    figure.legend(loc="outside upper left", ncols=3)
    return figure


def draw_skeletons(clip: ClipPoses, against: str, main: str, count: int = 6) -> Figure:
    """Draw the frames of one clip around its most jittery one, an arm per row, seen from the front."""
    arms = _shown(clip, against, main)
    frames = burst_frames(clip, against, count)
    base = clip.joints[against][frames][clip.seen[frames]]
    low, high = np.nanquantile(base, [0.0, 1.0], axis=0)[:, :2]
    pad = 0.12 * float((high - low).max())
    height = 1.5 * len(arms) + 0.3
    close = ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.02, wspace=0, hspace=0)
    figure = Figure(figsize=(WIDTH, height), layout=close)
    grid = figure.subplots(len(arms), len(frames), squeeze=False)
    for row, arm in enumerate(arms):
        for column, frame in enumerate(frames):
            axes = grid[row, column]
            _draw_skeleton(axes, clip, arm, int(frame))
            axes.set_xlim(low[0] - pad, high[0] + pad)
            axes.set_ylim(low[1] - pad, high[1] + pad)
            axes.set_aspect("equal")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            if row == 0:
                axes.set_title(f"{clip.first_frame + frame}", fontsize=8, color=MUTED)
        grid[row, 0].set_ylabel(LABELS.get(arm, arm), color=ARMS.get(arm, INK), fontweight="bold")
    return figure


def draw_steadiness(findings: Findings) -> Figure:
    """Draw accuracy over steadiness, one point per arm."""
    figure, axes = _axes(2.5, grid="both")
    rows = [row for row in findings.poses if row.arm in findings.arms and math.isfinite(row.acceleration)]
    for row in rows:
        values = findings.top1(row.arm)
        colour = ARMS.get(row.arm, INK)
        axes.plot([row.acceleration] * 2, [values.min(), values.max()], color=colour, linewidth=1.2)
        axes.plot(row.acceleration, values.mean(), "o", color=colour, markersize=7, label=LABELS.get(row.arm, row.arm))
    axes.margins(0.1)
    axes.set_xlim(left=0)
    axes.set_xlabel("mean acceleration of the joints, mm/frame²")
    axes.set_ylabel("top-1, %")
    figure.legend(loc="outside upper left", ncols=3, handletextpad=0.2, columnspacing=1.2)
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


def alternative_texts(findings: Findings) -> dict[str, str]:
    """Say in words what each figure shows, for those who do not see it."""
    accuracy = "; ".join(f"{LABELS.get(arm, arm)} {findings.top1(arm).mean():.1f}%" for arm in findings.arms)
    difference = "; ".join(
        f"{LABELS.get(found.arm, found.arm)} {found.difference:+.1f} ({found.interval[0]:+.1f} to "
        f"{found.interval[1]:+.1f})"
        for found in findings.comparisons
    )
    up = sum(effect.difference > 0 for effect in findings.classes)
    down = sum(effect.difference < 0 for effect in findings.classes)
    texts = {
        "accuracy": f"Dot plot of top-1 accuracy per arm, mean over seeds: {accuracy}.",
        "difference": f"Interval plot of the difference to {findings.against} in points: {difference}.",
        "classes": f"Bar chart of the difference per class: {up} gained, {down} lost; the table below has the numbers.",
        "steadiness": "Scatter plot of accuracy over mean joint acceleration, one point per arm; see the tables.",
    }
    if findings.clip is not None:
        means = []
        for arm in _shown(findings.clip, findings.against, findings.main):
            known = findings.clip.seen & np.isfinite(findings.clip.joints[arm]).all(-1)
            values = acceleration_per_frame(np.nan_to_num(findings.clip.joints[arm]), known)
            means.append(f"{LABELS.get(arm, arm)} {np.nanmean(values):.1f}" if np.isfinite(values).any() else arm)
        texts["acceleration"] = (
            f"Line chart of mean joint acceleration per frame of {findings.clip.name}, in mm/frame²; means: "
            f"{', '.join(means)}."
        )
        texts["skeletons"] = (
            f"Stick figures of consecutive frames of {findings.clip.name}: {skeletons(findings.against)} above "
            f"{skeletons(findings.main)}."
        )
    return texts


def themed_svg(figure: Figure, prefix: str) -> str:
    """Return a drawing to put inside the page: no prologue, own ids, colours as custom properties of the page.

    Parameters
    ----------
    figure
        The figure.
    prefix
        Makes its ids differ from those of other figures on the page.
    """
    text = _svg(figure, transparent=True)
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = text.replace("xlink:href=", "href=")
    text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r'\sid="([^"]+)"', rf' id="{prefix}-\1"', text)
    text = re.sub(r'href="#', f'href="#{prefix}-', text)
    text = re.sub(r"url\(#", f"url(#{prefix}-", text)
    # Width and height are the page's business; the viewBox keeps the proportions.
    text = re.sub(r'(<svg\b[^>]*?)\s(?:width|height)="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg\b[^>]*?)\s(?:width|height)="[^"]*"', r"\1", text, count=1)
    text = re.sub(r"'DejaVu Sans'(, [^;\"]*)?", "system-ui, sans-serif", text)
    for colour, name in PROPERTIES.items():
        text = text.replace(colour, f"var(--{name})")
    return text.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1).strip()


def save_formats(figure: Figure) -> Mapping[str, Callable[[], bytes]]:
    """Return, per file ending, a function that renders the figure for use elsewhere."""

    def png() -> bytes:
        with mpl.rc_context(STYLE), io.BytesIO() as file:
            figure.savefig(file, format="png", dpi=200)
            return file.getvalue()

    return {"png": png, "svg": lambda: _svg(figure).encode()}


def _svg(figure: Figure, transparent: bool = False) -> str:
    with mpl.rc_context(STYLE), io.StringIO() as file:
        # Without a date, equal findings give equal bytes.
        figure.savefig(file, format="svg", transparent=transparent, metadata={"Date": None})
        return file.getvalue()


def _axes(height: float, grid: str = "x") -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(axis=grid)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    return figure, axes


def _draw_skeleton(axes: Axes, clip: ClipPoses, arm: str, frame: int) -> None:
    """Draw one frame seen from the camera's side: x across, y up."""
    joints, seen = clip.joints[arm][frame], clip.seen[frame]
    for joint, parent in clip.layout.bones:
        if seen[joint] and seen[parent]:
            axes.plot(joints[[joint, parent], 0], joints[[joint, parent], 1], color=ARMS.get(arm, INK), linewidth=1.4)
    axes.plot(joints[seen, 0], joints[seen, 1], "o", color=ARMS.get(arm, INK), markersize=1.7)


def _shown(clip: ClipPoses, against: str, main: str) -> list[str]:
    return [arm for arm in dict.fromkeys((against, main, "oracle")) if arm in clip.joints]


def _short(name: str, most: int = 26) -> str:
    """Shorten a name, and keep matplotlib from reading a dollar sign as mathematics."""
    return (name if len(name) <= most else name[: most - 1].rstrip() + "…").replace("$", r"\$")
