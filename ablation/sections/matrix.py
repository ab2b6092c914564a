"""Accuracy by the skeletons that recognisers are trained on and those that they are tested on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from ablation.page.theme import new_axes
from ablation.sections.registry import CONDITIONS, SECTIONS, Drawing, Section
from ablation.statistics import Comparison
from ablation.study.grid import Condition, GridRow, parse_trained_on
from ablation.study.study import Study
from ablation.verdict import comparison_cells, comparison_columns, judge
from ablation.words import footnote, one_decimal
from base.tables import Column, Table

GRID = """
{% call figure("trained_and_tested", "Trained on one kind of skeletons, tested on another.") %}Top-1 in percent, the mean over seeds; in brackets points above {{ study.label(study.against) }} of the same row.{% endcall %}
"""  # noqa: E501
NUMBERS = """
{{ table(tables["trained_and_tested"]) }}
"""


TEXT_ON_BLUE = "#14202e"
"""Of the cells, which are the same on light and on dark paper."""


@dataclass(frozen=True)
class Cell:
    """Recognisers trained on one kind of skeletons and tested on another.

    Parameters
    ----------
    trained, tested
        What readers call the two.
    row
        What came out; its comparison is with the reference, trained in the same way, if `alike`.
    alike
        Whether both sides of the comparison were trained on the same skeletons.
    """

    trained: str
    tested: str
    row: GridRow
    alike: bool

    @property
    def comparison(self) -> Comparison | None:
        """With the reference tested on the same recognisers; None where it was trained on something else."""
        return self.row.comparison if self.alike else None


def find_cells(study: Study) -> list[Cell] | None:
    """Find what is trained on one kind of skeletons and tested on another, all else as in the first condition.

    None where no recogniser is tested on other skeletons than it was trained on.
    """
    cells: dict[tuple[str, str], Cell] = {}
    for row in study.get(judge).rows:
        if row.condition.differs_in(study.condition) <= {"pairing"}:
            sides = _sides(study, row.condition, row.arm)
            if sides is not None:
                alike = row.condition.pairing not in ("both", "train")
                known = cells.get(sides)
                if known is None or (alike and not known.alike):
                    cells[sides] = Cell(*sides, row, alike)
    return list(cells.values()) if any(one.trained != one.tested for one in cells.values()) else None


def _sides(study: Study, condition: Condition, arm: str) -> tuple[str, str] | None:
    """Name the skeletons that an arm's recognisers are trained and tested on; None where the two are mixed."""
    mine, reference = study.label(arm), study.label(study.against)
    given = parse_trained_on(condition.pairing)
    if given is not None:
        return given.words(study.label(given.arm)), mine
    return {"both": (mine, mine), "test": (reference, mine), "train": (mine, reference)}.get(condition.pairing)


def _table(study: Study, found: list[Cell]) -> Table:
    rows = []
    for cell in found:
        rows.append(
            (
                cell.trained,
                cell.tested,
                float(np.mean(cell.row.top1)),
                *comparison_cells(study, cell.comparison),
            )
        )
    return Table(
        "trained_and_tested",
        "Top-1 in percent by the skeletons trained and tested on, and the difference from "
        f"{study.label(study.against)} tested on the same recognisers; p of McNemar's test, corrected by Holm's "
        "method for all conditions" + footnote(cell.comparison.interval for cell in found if cell.comparison),
        (
            Column("trained on", numeric=False),
            Column("tested on", numeric=False),
            Column("top-1", one_decimal),
            *comparison_columns(study),
        ),
        rows,
    )


def _draw(study: Study, found: list[Cell]) -> Sequence[Drawing]:
    """Draw a matrix: a row for what is trained on, a column for what is tested on."""
    trained = list(dict.fromkeys(cell.trained for cell in found))
    tested = list(dict.fromkeys(cell.tested for cell in found))
    matrix = np.full((len(trained), len(tested)), np.nan)
    for cell in found:
        matrix[trained.index(cell.trained), tested.index(cell.tested)] = np.mean(cell.row.top1)
    figure, axes = new_axes(0.46 * len(trained) + 1.5)
    axes.grid(visible=False)
    shade = Normalize(np.nanmin(matrix) - 1, np.nanmax(matrix) + 10)  # darker would hide the text
    for (row, column), value in np.ndenumerate(matrix):
        if np.isfinite(value):
            axes.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, color=colormaps["Blues"](shade(value)), linewidth=0)
            )
    axes.set_xlim(-0.5, len(tested) - 0.5)
    axes.set_ylim(len(trained) - 0.5, -0.5)
    for cell in found:
        at = trained.index(cell.trained), tested.index(cell.tested)
        one = cell.comparison
        text = f"{matrix[at]:.1f}" + (f"\n({one.difference:+.1f})" if one else "")
        axes.text(at[1], at[0], text, ha="center", va="center", color=TEXT_ON_BLUE)
    axes.set_xticks(range(len(tested)), tested, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(trained)), trained)
    axes.set_xlabel("tested on")
    axes.set_ylabel("trained on")
    said = "Matrix of accuracies by the skeletons trained and tested on; the table has the numbers."
    return [Drawing("trained_and_tested", figure, said)]


SECTIONS.add(
    "matrix",
    Section(
        CONDITIONS,
        25,
        find_cells,
        {"grid": GRID, "numbers": NUMBERS},
        tables=lambda study, found: [_table(study, found)],
        drawings=_draw,
    ),
)
