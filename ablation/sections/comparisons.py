"""What lies behind each comparison of an arm with the reference, and how to read it."""

from collections.abc import Sequence
from typing import Any

from ablation.page.theme import PAPER, look_of, new_axes, tip
from ablation.sections.registry import RECOGNITION, SECTIONS, Drawing, Section
from ablation.statistics import Comparison
from ablation.study.grid import parse_trained_on
from ablation.study.study import Study
from ablation.verdict import Verdict, confirmed, disagree, judge
from ablation.words import footnote, interval_text, p_cell, points, with_interval
from base.tables import Column, Table
from base.words import listed
from drawing.style import INK

GRID = """
{% call figure("difference", "Difference from " ~ study.label(study.against) ~ ".") %}The line is the {{ study.percent }} interval over test clips and seeds; a filled point is better or worse by the corrected p.{% endcall %}
"""  # noqa: E501
TEXT = """
{% set seeds = study.seeds | length %}
<h3>How to read the numbers</h3>
<ul>
<li><strong>Paired.</strong> All arms are tested on the same clips with the same seeds, and a seed means the same initial weights, order and augmentation draws in every arm. Only the skeletons differ, {{ values.where }}.</li>
<li><strong>Interval.</strong> {{ study.percent }} percentile bootstrap of the difference, {{ "{:,}".format(study.config.statistics.resamples) }} resamples that draw test clips{{ " and seeds" if seeds > 1 }} anew: the mean differences that are compatible with these clips{{ " and seeds" if seeds > 1 }}.{% if seeds > 1 %} The seeds' part is stretched a little, as a plain bootstrap of so few is too narrow.{% endif %}</li>
<li><strong>Verdict.</strong> Better or worse: McNemar's p, after Holm's correction for all comparisons of the table, is below {{ "%g" | format(1 - study.confidence) }}; it is this p that the table shows. Equal within ±{{ "%g" | format(study.margin) }}: two one-sided tests rule a difference of so many points out, in either direction. Undecided: neither; in brackets the smallest true difference that so many clips and seeds would show in four cases of five.{% if seeds > 1 %} The interval may disagree, since it counts the chance in training too: the p decides.{% endif %}</li>
<li><strong>McNemar.</strong> An exact test on one prediction per clip and arm, from scores averaged over the seeds: are as many clips repaired as broken? It takes the trained networks as given.</li>
<li><strong>Choice of epoch.</strong> {{ values.epoch }}</li>
</ul>
"""  # noqa: E501
NUMBERS = """
{{ table(tables["comparisons"]) }}
"""
_WHERE = {
    "both": "in training and in testing",
    "test": "in testing alone",
    "train": "in training alone",
    "mixed": "in half of the training clips and in testing",
}
"""Where the skeletons of two arms differ, by the pairing."""


def where(study: Study) -> str:
    """Say where the skeletons of two arms differ."""
    given = parse_trained_on(study.condition.pairing)
    if given is None:
        return _WHERE[study.condition.pairing]
    return f"in testing alone: all are tested on the recognisers trained on {given.words(study.skeletons(given.arm))}"


def _table(study: Study, verdict: Verdict) -> Table:
    rows = []
    best = verdict.best_filter
    for found in [*verdict.comparisons, *([best] if best else [])]:
        rows.append(
            (
                f"{study.label(found.arm)} against {study.label(found.against)}",
                found.difference,
                found.interval,
                found.narrow,
                found.people,
                found.by_seed,
                found.repaired,
                found.broken,
                found.mcnemar_p,
                found.holm_p if found is not best else None,
            )
        )
    return Table(
        "comparisons",
        "Each comparison: the difference of each seed, and the clips that only one of the two gets right "
        "(scores averaged over the seeds)" + footnote(row[2] for row in rows),
        (
            Column("comparison", numeric=False),
            Column("difference", points),
            Column(f"{study.percent} interval", interval_text),
            Column("interval for equivalence", interval_text),
            Column("interval over people", interval_text),
            Column("by seed", lambda values: "  ".join(map(points, values))),
            Column("repaired", str),
            Column("broken", str),
            Column("McNemar p, uncorrected", p_cell),
            Column("Holm p", p_cell),
        ),
        rows,
    )


def _draw(study: Study, verdict: Verdict) -> Sequence[Drawing]:
    """Draw each arm's difference from the reference with its interval."""
    found = verdict.comparisons
    figure, axes = new_axes(0.36 * len(found) + 0.85)
    axes.axvline(0, color=INK, linewidth=1, zorder=1)
    for row, one in enumerate(found):
        look = look_of(study, one.arm)
        colour = look["color"]
        ends = one.interval or ()
        axes.plot(ends, [row] * len(ends), color=colour, linewidth=2, zorder=2, solid_capstyle="butt")
        for end in ends:
            axes.plot([end, end], [row - 0.12, row + 0.12], color=colour, linewidth=2, zorder=2)
        filled = colour if confirmed(study, one) else PAPER
        axes.plot(one.difference, row, **look, markersize=7, markerfacecolor=filled, markeredgewidth=1.8)
        tip(axes, one.difference, row, f"{study.label(one.arm)}: {with_interval(one.difference, one.interval)}")
    axes.set_yticks(range(len(found)), [study.label(one.arm) for one in found])
    axes.set_ylim(len(found) - 0.45, -0.55)
    axes.margins(x=0.08)
    axes.set_xlabel(f"points of top-1 accuracy above {study.label(study.against)}")
    said = "; ".join(f"{study.label(one.arm)} {with_interval(one.difference, one.interval)}" for one in found)
    return [Drawing("difference", figure, f"Interval plot of the difference to {study.against} in points: {said}.")]


def _caveats(study: Study, verdict: Verdict) -> list[str]:
    said = []
    if len(verdict.comparisons) > 1:
        said.append(
            f"There are {len(verdict.comparisons)} comparisons; the intervals are not widened for that. Holm's "
            "p-values account for it."
        )
    odd = [one for one in verdict.comparisons if disagree(study, one)]
    if odd:
        said.append(
            f"For {listed([study.label(one.arm) for one in odd])} the interval and the corrected p disagree. The "
            "verdict is the p's; it takes the trained networks as given, while the interval counts the chance in "
            "training too."
        )
    if verdict.best_filter is not None:
        said.append("The best filter was picked by its test accuracy, which favours the filters.")
    return said


def _notes(study: Study, verdict: Verdict | None) -> dict[str, Any]:
    assert verdict is not None
    best = verdict.best_filter
    return {
        "comparisons": [_noted(found) for found in verdict.comparisons],
        "best_filter": _noted(best) if best else None,
    }


def _noted(found: Comparison) -> dict[str, Any]:
    """Return what is kept of a comparison: all but what the tests of equality compare with the margin."""
    return {key: value for key, value in vars(found).items() if key != "tested"}


def _values(study: Study, verdict: Verdict) -> dict[str, Any]:
    return {"where": where(study), "epoch": _validation_rule(study.held_out)}


def _validation_rule(held_out: str) -> str:
    if not held_out:
        return "Every network keeps its last epoch; the test clips are scored once, after that."
    return (
        f"Every network keeps the epoch that is most accurate on {held_out}, the same in every arm; the test clips are "
        "scored once, after that."
    )


SECTIONS.add(
    "comparisons",
    Section(
        RECOGNITION,
        20,
        judge,
        {"grid": GRID, "text": TEXT, "numbers": NUMBERS},
        tables=lambda study, verdict: [_table(study, verdict)],
        drawings=_draw,
        caveats=_caveats,
        notes=_notes,
        values=_values,
    ),
)
