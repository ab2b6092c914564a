"""Every arm under every condition of the grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ablation.page.theme import PAPER, look_of, new_axes
from ablation.sections.registry import CONDITIONS, SECTIONS, Drawing, Section
from ablation.study.grid import GridRow, parse_trained_on
from ablation.study.study import Study
from ablation.verdict import comparison_cells, comparison_columns, confirmed, judge
from ablation.words import footnote, one_decimal
from base.tables import Column, Table
from drawing.style import INK

LEAD = """
<p>Unless another condition is named, this page is about the first one: {{ values.first }}.</p>
"""
GRID = """
{% if "conditions" in drawings %}
{% call figure("conditions", study.label(study.main) ~ " against " ~ study.label(study.against) ~ " elsewhere.") %}One change from the first condition at a time; {{ study.percent }} intervals; a filled point is better or worse by the corrected p.{% endcall %}
{% endif %}
"""  # noqa: E501
TEXT = """
{{ table(tables["conditions"]) }}
"""
AXES = {"split": "split", "stream": "stream", "pairing": "skeletons used in", "severity": "noise severity",
        "setting": "noise setting", "share": "training clips"}  # fmt: skip
_PAIRINGS = {
    "both": "training and test", "test": "test only", "train": "training only", "mixed": "half of training, and test"
}  # fmt: skip
"""Where an arm's skeletons are used."""


@dataclass(frozen=True)
class Conditions:
    """The rows of the grid, the axes that they vary, and the rows of the main arm that differ from the first in one."""

    rows: list[GridRow]
    varied: list[str]
    near: list[GridRow]


def find_conditions(study: Study) -> Conditions | None:
    """Find what the grid varies; None where there is but one condition."""
    rows = study.get(judge).rows
    varied = [axis for axis in AXES if len({getattr(row.condition, axis) for row in rows}) > 1]
    if not varied:
        return None
    near = [
        row
        for row in rows
        if row.arm == study.main
        and row.comparison is not None
        and len(row.condition.differs_in(study.condition)) <= 1
        and row.condition.differs_in(study.condition) <= {"split", "stream", "pairing", "setting"}
    ]
    return Conditions(rows, varied, near)


def condition_value(study: Study, axis: str, value: object) -> str:
    """Write where a condition lies on an axis the way people read it."""
    if axis == "pairing":
        given = parse_trained_on(str(value))
        return (
            _PAIRINGS[str(value)] if given is None else f"test only, trained on {given.words(study.label(given.arm))}"
        )
    if isinstance(value, float):
        return f"{value:.0%}" if axis == "share" else f"{value:g}"
    return str(value).replace("_", " ")


def _table(study: Study, found: Conditions) -> Table:
    rows = []
    for row in found.rows:
        rows.append(
            (
                study.label(row.arm),
                *(getattr(row.condition, axis) for axis in found.varied),
                len(row.seeds),
                float(np.mean(row.top1)),
                *comparison_cells(study, row.comparison),
            )
        )

    def on(axis: str) -> Column:
        return Column(AXES[axis], lambda value: condition_value(study, axis, value), axis in ("severity", "share"))

    return Table(
        "conditions",
        "Every kind of skeletons under every condition: top-1 in percent, and its difference in points from "
        f"{study.label(study.against)} under the same one; p of McNemar's test, corrected by Holm's method for "
        "all comparisons of this table" + footnote(row.comparison.interval for row in found.rows if row.comparison),
        (
            Column("skeletons", numeric=False),
            *map(on, found.varied),
            Column("seeds", str),
            Column("top-1", one_decimal),
            *comparison_columns(study),
        ),
        rows,
    )


def _draw(study: Study, found: Conditions) -> Sequence[Drawing]:
    """Draw the main arm's difference from the reference under the first condition and under each that is near it."""
    if len(found.near) < 2:
        return []
    figure, axes = new_axes(0.32 * len(found.near) + 0.85)
    axes.axvline(0, color=INK, linewidth=1, zorder=1)
    names = []
    for place, row in enumerate(found.near):
        one = row.comparison
        assert one is not None
        look = look_of(study, study.main)
        colour = INK if row.condition == study.condition else look["color"]
        ends = one.interval or ()
        axes.plot(ends, [place] * len(ends), color=colour, linewidth=2, zorder=2, solid_capstyle="butt")
        filled = colour if confirmed(study, one) else PAPER
        axes.plot(one.difference, place, look["marker"], markersize=6.5, color=colour, markerfacecolor=filled, zorder=3)
        changed = row.condition.differs_in(study.condition)
        here = [
            f"{AXES[axis]}: {condition_value(study, axis, getattr(row.condition, axis))}" for axis in sorted(changed)
        ]
        names.append(here[0] if here else "as above")
    axes.set_yticks(range(len(found.near)), names)
    axes.set_ylim(len(found.near) - 0.45, -0.55)
    axes.margins(x=0.08)
    axes.set_xlabel(f"points above {study.label(study.against)}")
    said = "Interval plot of the main difference under other conditions; the table has the numbers."
    return [Drawing("conditions", figure, said)]


def _values(study: Study, found: Conditions) -> dict[str, Any]:
    first = vars(study.condition).items()
    said = [f"{AXES[axis]} {condition_value(study, axis, value)}" for axis, value in first if value is not None]
    return {"first": ", ".join(said)}


SECTIONS.add(
    "conditions",
    Section(
        CONDITIONS,
        30,
        find_conditions,
        {"lead": LEAD, "grid": GRID, "text": TEXT},
        tables=lambda study, found: [_table(study, found)],
        drawings=_draw,
        values=_values,
    ),
)
