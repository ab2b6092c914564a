"""Figures of how good refined sequences are: errors per frame, error against speed, transfer between benchmarks.

Every function takes plain arrays and writes one file (PNG, PDF or SVG by its ending), whole or not at all.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import CenteredNorm
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from base.errors import InputError
from base.files import atomic_file
from drawing import style as plot_style
from drawing.style import GRID, INK, METHODS, MUTED, series

PAPER = "#ffffff"
KNOWN_COLOURS = {
    **METHODS,
    **dict.fromkeys(("input", "detected"), METHODS["raw"]),
    "ground_truth": METHODS["truth"],
}
"""Colours by label."""
OTHER_COLOURS = ("#4e66c6", "#c5430e", "#88309e", "#00809f", "#7f3c00", INK)

STYLE = plot_style.STYLE | {
    "figure.titlesize": 10,
    "figure.facecolor": PAPER,
    "text.parse_math": False,  # Names of sequences and benchmarks are text, whatever signs they hold.
    "hatch.linewidth": 0.6,
    "pdf.fonttype": 42,
}
WIDTH = 7.0
"""Inches: the text width of most papers."""

FORMATS = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
"""Endings of files, and the metadata that makes equal figures equal bytes."""

CLIPPED_SHARE = 0.01
"""The share of a curve's frames that may lie beyond the axis when they would flatten all others."""


class FrameCurves(NamedTuple):
    """Errors of one sequence per frame; a plain pair of arrays does as well.

    Parameters
    ----------
    mpjpe
        [T]; NaN where a frame cannot be scored.
    accel
        [T - 2]; value i belongs to frame i + 1, the middle of its three.
    """

    mpjpe: np.ndarray
    accel: np.ndarray


Curves = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""Errors per frame by label: `FrameCurves`."""


@dataclass(frozen=True)
class Left:
    """How much of a movement is left.

    Parameters
    ----------
    name
        What the shares are: `gain`, or `kept of raw`.
    bands
        What each band is called.
    shares
        By label, a share per band; None or NaN where there is none.
    """

    name: str
    bands: Sequence[str]
    shares: Mapping[str, Sequence[float | None]]


@dataclass(frozen=True)
class TradeOff:
    """What one window size and stride costs and gives.

    Parameters
    ----------
    label
        The kind of net, such as `basic`.
    window, stride
        Frames; a window of None is the whole sequence.
    frames_per_second
        Frames refined in a second.
    mpjpe, accel
        Errors of the refined sequences.
    gain
        Share of the true movement that is left between 1.5 and 3 Hz; NaN where it is not known.
    """

    label: str
    window: int | None
    stride: int
    frames_per_second: float
    mpjpe: float
    accel: float
    gain: float = math.nan


def plot_errors(
    path: Path,
    curves: Curves,
    unit: str,
    fps: float,
    title: str = "",
    first_frame: int = 0,
    left: Left | None = None,
) -> None:
    """Draw MPJPE and Accel of one sequence per frame, and how much of the movement is left.

    An axis ends where it would otherwise be stretched by at most one frame in a hundred; those frames are marked at
    its upper edge. The means in the legend are over all frames that can be scored.

    Parameters
    ----------
    path
        The file to write.
    curves
        Label -> errors; the first is drawn lowest.
    unit
        Of MPJPE; Accel has it per frame squared.
    fps
        Frames a second of the sequence.
    title
        Above the figure.
    first_frame
        The number of the first frame.
    left
        What is left of the movement, with the labels of `curves`.
    """
    with mpl.rc_context(STYLE):
        legend_rows = -(-(len(curves) + 1) // 3)
        extra = 1.7 if left is not None else 0.0
        whole = Figure(figsize=(WIDTH, 4.2 + 0.4 * legend_rows + extra), layout="constrained")
        figure: Figure | SubFigure = whole
        if left is not None:
            figure, lower = whole.subfigures(2, 1, squeeze=False, height_ratios=[4.2 + 0.4 * legend_rows, extra])[:, 0]
            draw_left(lower.subplots(), left, colours_of(curves))
        panels = figure.subplots(2, 1, sharex=True)
        for axes, index, name in zip(panels, (0, 1), ("MPJPE", "Accel"), strict=True):
            points = {label: frame_points(curve, index, first_frame) for label, curve in curves.items()}
            draw_curves(axes, points)
            axes.set_ylabel(f"{name}, {unit_of(name, unit)}")
        panels[1].set_xlabel("frame")
        seconds = panels[1].secondary_xaxis("bottom", functions=(lambda x: x / fps, lambda x: x * fps))
        seconds.spines["bottom"].set_position(("outward", 36))
        seconds.set_xlabel("seconds")
        if title:
            figure.suptitle(title)
        save(whole, path)


def plot_trade_off(
    path: Path,
    points: Sequence[TradeOff],
    unit: str,
    input_errors: tuple[float, ...] | None = None,
    title: str = "",
) -> None:
    """Draw errors, and gain, against speed: a line per kind of net and window size, a marker per stride.

    Parameters
    ----------
    path
        The file to write.
    points
        One per kind of net, window size and stride.
    unit
        Of MPJPE; Accel has it per frame squared.
    input_errors
        MPJPE, Accel and, if it is known, gain of the sequences before refining: a dashed line, at the edge if it is far
        off the scale.
    title
        Above the figure.

    Raises
    ------
    InputError
        There are no points, or a speed is not above zero.
    """
    slow = [point for point in points if not point.frames_per_second > 0]
    if slow or not points:
        raise InputError(f"trade-off: {f'a speed above zero is needed, found {slow[0]}' if slow else 'no points'}")
    kinds = list(dict.fromkeys(point.label for point in points))
    windows = sorted({point.window for point in points}, key=lambda window: window or np.inf)
    shades = dict(zip(windows, mpl.colormaps["viridis"](np.linspace(0, 0.75, len(windows))), strict=True))
    with mpl.rc_context(STYLE):
        names = ["MPJPE", "Accel", *(["gain"] if any(math.isfinite(point.gain) for point in points) else [])]
        figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
        panels = figure.subplots(1, len(names))
        for axes, name in zip(panels, names, strict=True):
            for kind in kinds:
                for window, shade in shades.items():
                    line = sorted((p for p in points if (p.label, p.window) == (kind, window)), key=lambda p: p.stride)
                    if line:
                        _draw_line(axes, line, name.lower(), shade, kinds.index(kind))
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if _decades(points) < 2 else (1.0,)))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short_number(value)))
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.margins(x=0.12, y=0.12)
            axes.grid(axis="both")
            axes.set_axisbelow(True)
            axes.set_xlabel("frames refined per second")
            axes.set_ylabel("gain between 1.5 and 3 Hz" if name == "gain" else f"{name}, {unit_of(name, unit)}")
        if input_errors is not None:
            for axes, value in zip(panels, input_errors, strict=False):
                _draw_input(axes, value)
        called = {w: f"window {w}" if w else "whole sequence" for w in windows}
        handles = [Line2D([], [], color=shade, linewidth=2.5, label=called[w]) for w, shade in shades.items()]
        if len(kinds) > 1 or kinds[0]:
            handles += [Line2D([], [], color=INK, label=kind, **_kind_style(i, INK)) for i, kind in enumerate(kinds)]
        longest = max(len(str(handle.get_label())) for handle in handles)
        figure.legend(
            handles=handles,
            loc="outside lower center",
            ncols=max(1, min(6, len(handles), int(WIDTH / (0.075 * longest + 0.6)))),
            title="numbers beside the markers: stride",
        )
        if title:
            figure.suptitle(title)
        # Where there is room for the numbers is known once everything has its place.
        figure.draw_without_rendering()
        for axes, name in zip(panels, names, strict=True):
            _write_strides(axes, points, name.lower(), shades)
        save(figure, path)


def plot_transfer(
    path: Path,
    changes: Mapping[str, np.ndarray],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str = "",
) -> None:
    """Draw how errors change from the input to the refined sequences, trained on x tested on.

    Parameters
    ----------
    path
        The file to write.
    changes
        Name of the error, such as `MPJPE` -> [rows, columns], percent of the input's error, below zero is better, but
        for a `gain`; NaN where there is no data. One panel each.
    rows, columns
        What was trained and tested on. Cells where they are the same are framed.
    title
        Above the figure.
    """
    with mpl.rc_context(STYLE):
        wide = len(columns) > 5
        cell = 0.62
        margin = 0.095 * max(map(len, rows)) + 1.0
        size = (
            (cell * len(columns) + 0.6) * (1 if wide else len(changes)) + margin,
            (cell * 0.72 * len(rows) + 1.2) * (len(changes) if wide else 1) + 0.5,
        )
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(*((len(changes), 1) if wide else (1, len(changes))), sharey=True, squeeze=False)
        for axes, (name, values) in zip(panels.flat, changes.items(), strict=True):
            matrix = np.asarray(values, np.float64)
            if matrix.shape != (len(rows), len(columns)):
                raise ValueError(f"{name}: {matrix.shape} changes for {len(rows)} rows and {len(columns)} columns")
            _draw_matrix(figure, axes, matrix, rows, columns, better=1 if name.startswith("gain") else -1)
            axes.set_title(f"{name}, change in %")
            if axes.get_subplotspec().is_first_col():
                axes.set_ylabel("trained on")
            if axes.get_subplotspec().is_last_row():
                axes.set_xlabel("tested on")
        if title:
            figure.suptitle(title)
        save(figure, path)


def frame_points(curve: tuple[np.ndarray, np.ndarray], index: int, first_frame: int = 0) -> np.ndarray:
    """Return the frame and value of each point of MPJPE (`index` 0) or Accel (1), [2, n]."""
    mpjpe, accel = (np.asarray(values, np.float64) for values in curve)
    if len(accel) != max(0, len(mpjpe) - 2):
        raise ValueError(f"curves: {len(mpjpe)} frames have {max(0, len(mpjpe) - 2)} accelerations, not {len(accel)}")
    values = (mpjpe, accel)[index]
    return np.stack([first_frame + index + np.arange(len(values)), values])


def upper_limit(curves: Sequence[np.ndarray]) -> float:
    """Return where a y axis from zero shall end: above all values unless very few of a curve flatten the others."""
    known = [x[np.isfinite(x)] for x in curves]
    known = [x for x in known if len(x)]
    if not known:
        return 1.0
    most = max(float(x.max()) for x in known)
    usual = max(float(np.quantile(x, 1 - CLIPPED_SHARE)) for x in known)
    return (1.3 * usual if usual > 0 and most > 2 * usual else 1.06 * most) or 1.0


def draw_curves(axes: Axes, points: Mapping[str, np.ndarray], means: bool = True) -> None:
    """Draw errors over frames, with a legend that gives the means and says what lies beyond the axis.

    Parameters
    ----------
    axes
        Where.
    points
        Label -> frame and value [2, n].
    means
        Whether to draw the legend; without it, the lines are faint.
    """
    top = upper_limit([values for _, values in points.values()])
    colours, beyond = colours_of(points), 0
    for number, (label, (frames, values)) in enumerate(points.items()):
        finite = np.isfinite(values)
        mean = f"mean {_digits(values[finite].mean())}" if finite.any() else "not scored"
        style: dict[str, Any] = {"color": colours[label], "alpha": 0.9 if means else 0.3}
        look = {**series(number), "markevery": max(1, len(frames) // 12), "markersize": 4, **style}
        axes.plot(frames, values, linewidth=1.1 if len(frames) < 600 else 0.7, label=f"{label} ({mean})", **look)
        # A line has at least two points: a frame between two that cannot be scored would not be seen.
        alone = finite & ~np.r_[False, finite[:-1]] & ~np.r_[finite[1:], False]
        axes.plot(frames[alone], values[alone], ".", markersize=3, **style)
        above = finite & (np.nan_to_num(values) > top)
        if above.any():
            axes.plot(frames[above], np.full(above.sum(), top), "^", markersize=4, clip_on=False, zorder=5, **style)
        beyond += int(above.sum())
    # A line that runs at zero is not hidden by the axis.
    axes.set_ylim(-0.02 * top, top)
    axes.margins(x=0.01)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    if means:
        if beyond:
            frames_above = "frame" if beyond == 1 else "frames"
            axes.plot([], [], "^", markersize=4, color=MUTED, label=f"{beyond} {frames_above} above {_digits(top)}")
        columns = min(3, len(points) + bool(beyond))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2, handlelength=2.4)


def draw_left(axes: Axes, left: Left, colours: Mapping[str, str]) -> None:
    """Draw how much of a movement is left, a bar per band and label; bands that are not there are left out."""

    def known(at: int) -> bool:
        return any(shares[at] is not None and math.isfinite(shares[at] or 0) for shares in left.shares.values())

    bands = [at for at in range(len(left.bands)) if known(at)]
    width = 0.7 / max(1, len(left.shares))
    for number, (label, shares) in enumerate(left.shares.items()):
        places = np.arange(len(bands)) - 0.35 + width * (number + 0.5)
        values = [math.nan if (share := shares[at]) is None else share for at in bands]
        axes.bar(places, values, width * 0.9, color=colours[label])
        for place, value in zip(places.tolist(), values, strict=True):
            if math.isfinite(value):
                axes.annotate(
                    f"{value:z.2f}",
                    (place, max(value, 0)),
                    (0, 2),
                    textcoords="offset points",
                    ha="center",
                    fontsize=7.5,
                )
    if not bands:
        axes.text(0.5, 0.5, "too short for any band", transform=axes.transAxes, ha="center", color=MUTED, fontsize=8.5)
    axes.axhline(1, color=MUTED, linewidth=0.8, linestyle=(0, (5, 3)), zorder=0)
    axes.set_xticks(range(len(bands)), [left.bands[at] for at in bands])
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), max(1.2, 1.12 * axes.get_ylim()[1]))
    axes.set_ylabel(left.name)
    axes.tick_params(axis="x", length=0)


def colours_of(labels: Mapping[str, Any]) -> dict[str, str]:
    """Return a colour per label: that of its name if it is a known one, or the next that is free."""
    colours = {label: KNOWN_COLOURS.get(label.lower().replace(" ", "_").replace("-", "_")) for label in labels}
    free = [colour for colour in OTHER_COLOURS if colour not in colours.values()] or [INK]
    rest = [label for label, colour in colours.items() if colour is None]
    return {**colours, **{label: free[i % len(free)] for i, label in enumerate(rest)}}  # type: ignore[dict-item]


def unit_of(name: str, unit: str) -> str:
    """Return the unit of an error: that of positions, or for Accel that per frame squared."""
    return f"{unit}/frame²" if name == "Accel" else unit


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format that the file's ending names.

    Raises
    ------
    InputError
        The ending is not that of a known format.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path}: figures end in {', '.join(FORMATS)}, not {path.suffix or 'nothing'}")
    kind = path.suffix.lower()
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format=kind[1:], dpi=200, metadata=FORMATS[kind])


def _draw_line(axes: Axes, line: Sequence[TradeOff], name: str, shade: Any, kind: int) -> None:
    """Draw one window size of one kind of net."""
    x = [point.frames_per_second for point in line]
    axes.plot(x, [getattr(point, name) for point in line], color=shade, **_kind_style(kind, shade))


def _kind_style(kind: int, colour: Any) -> dict[str, Any]:
    return {
        "marker": "osD^"[kind % 4],
        "linestyle": ("-", (0, (4, 1.5)), ":", "-.")[kind % 4],
        "markerfacecolor": colour if kind % 2 == 0 else PAPER,
        "markersize": 4.5,
        "linewidth": 1.2,
    }


def _write_strides(axes: Axes, points: Sequence[TradeOff], name: str, shades: Mapping[int | None, Any]) -> None:
    """Write each point's stride beside its marker, on the side that is farthest from other markers and numbers."""
    values = np.array([(point.frames_per_second, getattr(point, name)) for point in points])
    scale = 72 / axes.get_figure(root=True).dpi  # type: ignore[union-attr]
    places = axes.transData.transform(values) * scale
    turns = np.deg2rad([90, 270, 45, 135, 315, 225, 0, 180])
    sides = np.stack([np.cos(turns), np.sin(turns)], -1) * 8
    taken = list(places[np.isfinite(places).all(-1)])
    for point, place, value in zip(points, places, values, strict=True):
        if not np.isfinite(place).all():
            continue
        gaps = np.linalg.norm((place + sides)[:, None] - np.array(taken), axis=-1).min(1)
        # Above and below are preferred where there is room, for the lines run across.
        side = sides[int(np.argmax(np.minimum(gaps, 7.5)))]
        taken.append(place + side)
        axes.annotate(
            str(point.stride),
            (float(value[0]), float(value[1])),
            (float(side[0]), float(side[1])),
            textcoords="offset points",
            ha="center",
            va="center_baseline",
            fontsize=7,
            color=shades[point.window],
            path_effects=[withStroke(linewidth=1.5, foreground=PAPER)],
        )


def _draw_input(axes: Axes, value: float) -> None:
    """Draw the input's error; far from the points, at the edge of the panel, so that they are not flattened."""
    low, high = axes.get_ylim()
    far = 2 * (high - low)
    if not math.isfinite(value):
        return
    place, note = value, f"input: {_digits(value)}"
    if (value > high + far and value > 1.25 * high) or (value < low - far and value < 0.8 * low):
        place = high + 0.1 * (high - low) if value > high else low - 0.1 * (high - low)
        note += ", off the scale " + ("↑" if value > high else "↓")
    axes.axhline(place, color=MUTED, linestyle=(0, (5, 3)), linewidth=1.1, zorder=1)
    # Room for the numbers at the lowest marker, and for the words above the line.
    low, high = min(low, place), max(high, place)
    axes.set_ylim(low - 0.04 * (high - low), high + 0.08 * (high - low))
    axes.annotate(
        note, (0.99, place), (0, 2), xycoords=("axes fraction", "data"), textcoords="offset points", ha="right",
        va="bottom", fontsize=8, color=MUTED,
    )  # fmt: skip


def _draw_matrix(
    figure: Figure, axes: Axes, matrix: np.ndarray, rows: Sequence[str], columns: Sequence[str], better: int
) -> None:
    """Draw a matrix of changes; those with the sign `better` are blue."""
    known = np.abs(matrix[np.isfinite(matrix)])
    # Values are written anyway: one very bad transfer shall not make all other cells look alike.
    most = float(known.max()) if len(known) else 1.0
    end = min(most, 4 * float(np.median(known))) if len(known) else 1.0
    colours = "RdBu" if better > 0 else "RdBu_r"
    image = axes.imshow(np.ma.masked_invalid(matrix), cmap=colours, norm=CenteredNorm(0, end or 1.0), aspect="auto")
    for row, column in np.ndindex(matrix.shape):
        value = matrix[row, column]
        corner = (column - 0.5, row - 0.5)
        if np.isfinite(value):
            red, green, blue, _ = image.cmap(image.norm(value))
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
            text = f"{value:+.1f}" if abs(value) < 99.95 else f"{value:+.0f}"
            axes.text(
                column,
                row,
                text.replace("-", "−"),
                ha="center",
                va="center",
                fontsize=8.5,
                color=PAPER if dark else INK,
            )
        else:
            axes.add_patch(Rectangle(corner, 1, 1, facecolor="none", edgecolor=GRID, hatch="////", linewidth=0))
            axes.text(
                column, row, "no data", ha="center", va="center", fontsize=7, color=MUTED,
                path_effects=[withStroke(linewidth=2, foreground=PAPER)],
            )  # fmt: skip
        if rows[row] == columns[column]:
            axes.add_patch(Rectangle(corner, 1, 1, facecolor="none", edgecolor=INK, linewidth=1.4, zorder=3))
    axes.set_xticks(range(len(columns)), columns, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, extend="both" if most > end else "neither", fraction=0.06, pad=0.03)
    bar.outline.set_visible(False)


def _digits(value: float) -> str:
    """Write an error with a tenth of its unit, or if it is small with three digits."""
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def _decades(points: Sequence[TradeOff]) -> float:
    speeds = [point.frames_per_second for point in points]
    return math.log10(max(speeds) / min(speeds))


def _short_number(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
