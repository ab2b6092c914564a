"""The confusions of actions that refining repairs, and those that it brings about."""

from typing import Any

from ablation.sections.registry import ACTIONS, SECTIONS, Section
from ablation.statistics import Confusion, confusion_changes
from ablation.study.study import Study
from ablation.words import one_decimal, points
from base.tables import Column, Table

MOST = 10
"""Pairs of classes that the report lists."""
GRID = """
<div>
{{ table(tables["confusions"]) }}
</div>
"""


def find_confusions(study: Study) -> list[Confusion] | None:
    """Return the confusions that changed most from the reference to the main arm."""
    return confusion_changes(study.arms[study.against], study.arms[study.main], MOST) or None


def _table(study: Study, found: list[Confusion]) -> Table:
    return Table(
        "confusions",
        "The confusions that changed most, in percent of the true class's clips, mean over the seeds; those that "
        f"{study.label(study.main)} repairs come first",
        (
            Column("action", numeric=False),
            Column("taken for", numeric=False),
            Column(study.label(study.against), one_decimal),
            Column(study.label(study.main), one_decimal),
            Column("change", points),
        ),
        [
            (study.action(one.action), study.action(one.taken_for), one.before, one.after, one.after - one.before)
            for one in found
        ],
    )


def _notes(study: Study, found: list[Confusion] | None) -> dict[str, Any]:
    return {"confusions": [vars(one) for one in found or ()]}


SECTIONS.add(
    "confusions",
    Section(
        ACTIONS,
        30,
        find_confusions,
        {"grid": GRID},
        tables=lambda study, found: [_table(study, found)],
        notes=_notes,
    ),
)
