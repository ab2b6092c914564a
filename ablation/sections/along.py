"""How accuracy, and what refining is worth, go with the severity of noise and the share of clips to learn from."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from ablation.page.theme import WIDTH, look_of, tip
from ablation.sections.registry import CONDITIONS, SECTIONS, Drawing, Section
from ablation.study.grid import GridRow
from ablation.study.study import Study
from ablation.verdict import along
from ablation.words import with_interval
from drawing.style import INK

Rows = Mapping[str, Sequence[GridRow]]
SEVERITY = """
{% call figure("severity", "How bad the noise is.") %}Accuracy (mean over seeds) above; below, the difference from {{ study.label(study.against) }} with its {{ study.percent }} interval. Severity 1 is the noise as measured on real Kinect clips.{% endcall %}
"""  # noqa: E501
SHARE = """
{% call figure("share", "How many clips there are to learn from.") %}Accuracy (mean over seeds) above; below, the difference from {{ study.label(study.against) }} with its {{ study.percent }} interval.{% endcall %}
"""  # noqa: E501


def _draw(axis: str, alternative: str, study: Study, rows_of: Rows) -> Sequence[Drawing]:
    """Draw accuracy, and its difference from the reference, over an axis of the grid."""
    figure = Figure(figsize=(WIDTH, 5.2), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    places = sorted({float(getattr(row.condition, axis)) for rows in rows_of.values() for row in rows})
    step = 0.012 * (places[-1] - places[0])
    below.axhline(0, color=INK, linewidth=1, zorder=1)
    for number, (arm, rows) in enumerate(rows_of.items()):
        look, name = look_of(study, arm), study.label(arm)
        x = np.array([float(getattr(row.condition, axis)) for row in rows])
        means = np.array([np.mean(row.top1) for row in rows])
        above.plot(x, means, **look, linewidth=1.4, label=name)
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
            below.vlines(shifted, low, high, color=look["color"], linewidth=1.2, alpha=0.8)
            below.plot(shifted, differences, **look, linewidth=1)
            for at, (value, one) in zip(shifted, compared, strict=True):
                said = with_interval(one.difference, one.interval, " points")
                tip(below, at, one.difference, f"{name} at {value:g}: {said}")
    above.set_ylabel("top-1, %")
    below.set_ylabel(f"points above {study.label(study.against)}")
    below.set_xticks(places, [f"{at:.0%}" if axis == "share" else f"{at:g}" for at in places])
    below.set_xlabel("share of the training clips" if axis == "share" else "severity of the noise (a Kinect's is 1)")
    for axes in (above, below):
        axes.grid(axis="both")
        axes.set_axisbelow(True)
    figure.legend(*above.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return [Drawing(axis, figure, alternative)]


def _section(axis: str, place: int, html: str, over: str) -> Section[Rows]:
    said = f"Lines of accuracy, and of its difference, over the {over}; see the table."
    return Section(
        CONDITIONS,
        place,
        lambda study: along(study, axis) or None,
        {"grid": html},
        drawings=partial(_draw, axis, said),
    )


SECTIONS.add("severity", _section("severity", 10, SEVERITY, "severity of the noise"))
SECTIONS.add("share", _section("share", 20, SHARE, "share of training clips"))
