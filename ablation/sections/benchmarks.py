"""The errors of the main arm's refiner, and of the filters, on the pose benchmarks."""

from collections.abc import Mapping, Sequence
from typing import Any

from ablation.sections.registry import SECTIONS, SKELETONS, Section
from ablation.study.study import Study
from ablation.words import two_decimals
from base.tables import Column, Table
from refine.tables import parameters

AFTER = """
{{ table(tables["benchmarks"]) }}
<p class="note">MPJPE after root alignment, PA-MPJPE after a similarity transform, Accel the difference of second differences from the truth's; means over frames.</p>
"""  # noqa: E501


def find_benchmarks(study: Study) -> Mapping[str, Any] | None:
    """Return `rows` and `filters` of the refiner's own evaluation."""
    results = study.made.benchmarks.get(study.main)
    return results if results and results.get("rows") else None


def _table(study: Study, found: Mapping[str, Any]) -> Table:
    rows = []
    for row in found["rows"]:
        name, unit = f"{row['benchmark']} ({row['split']})", row["unit"]
        rows.append((name, "input", *_errors(row["input"]), unit))
        rows.append((name, f"{row.get('refiner', 'SmoothNet')}, {_seen_at_once(row)}", *_errors(row["output"]), unit))
        for other in found.get("filters", ()):
            if (other["benchmark"], other["split"]) == (row["benchmark"], row["split"]):
                label = study.label(other["filter"])
                rows.append((name, f"{label} ({parameters(other['parameters'])})", *_errors(other["output"]), unit))
    return Table(
        "benchmarks",
        "Pose errors on the pose benchmarks, frames of the split together",
        (
            Column("benchmark", numeric=False),
            Column("method", numeric=False),
            Column("MPJPE", two_decimals),
            Column("PA-MPJPE", two_decimals),
            Column("Accel (per frame²)", two_decimals),
            Column("unit", numeric=False),
        ),
        rows,
    )


def _seen_at_once(row: Mapping[str, Any]) -> str:
    return "whole sequences" if row["window"] is None else f"window {row['window']}"


def _errors(figures: dict[str, float | None]) -> Sequence[float | None]:
    return [figures[name] for name in ("mpjpe", "pa_mpjpe", "accel")]


SECTIONS.add(
    "benchmarks",
    Section(
        SKELETONS, 80, find_benchmarks, {"after": AFTER}, tables=lambda study, found: [_table(study, found)]
    ),
)  # fmt: skip
