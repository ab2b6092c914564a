"""Above which severity of the noise an arm is better than the reference."""

from typing import Any

from ablation.sections.registry import CONDITIONS, SECTIONS, Section
from ablation.statistics import Crossing
from ablation.study.study import Study
from ablation.verdict import along, judge
from ablation.words import footnote, severity_text
from base.tables import Column, Table

GRID = """
<div>
{{ table(tables["crossings"]) }}
</div>
"""


def _table(study: Study, found: list[Crossing]) -> Table:
    high = max(row.condition.severity or 0.0 for rows in along(study, "severity").values() for row in rows)

    def severity(value: float) -> str:
        return severity_text(value, high)

    return Table(
        "crossings",
        f"The severity of the noise above which accuracy is higher than with {study.label(study.against)}, "
        "linear between those that were measured" + footnote(one.interval for one in found),
        (
            Column("skeletons", numeric=False),
            Column("severity", severity),
            Column(f"{study.percent} interval", lambda ends: " to ".join(map(severity, ends))),
        ),
        [(study.label(one.arm), one.severity, one.interval) for one in found],
    )


def _notes(study: Study, found: list[Crossing] | None) -> dict[str, Any]:
    return {
        "crossings": [
            {
                **vars(one),
                "severity": str(one.severity),
                "interval": None if one.interval is None else list(map(str, one.interval)),
            }
            for one in found or ()
        ]
    }


SECTIONS.add(
    "crossings",
    Section(
        CONDITIONS,
        40,
        lambda study: study.get(judge).crossings or None,
        {"grid": GRID},
        tables=lambda study, found: [_table(study, found)],
        notes=_notes,
    ),
)
