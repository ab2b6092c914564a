"""How accurate the recognisers of each arm are."""

from collections.abc import Sequence

import numpy as np

from ablation.page.theme import look_of, new_axes, tip
from ablation.sections.registry import RECOGNITION, SECTIONS, Drawing, Section
from ablation.study.study import Study
from ablation.verdict import Verdict, comparison_cells, comparison_columns, judge
from ablation.words import footnote, one_decimal, several
from base.tables import Column, Table
from base.words import plural
from recognition.evaluate import accuracies
from recognition.intervals import Interval, weighted_interval
from recognition.scores import SeedScores
from recognition.small_sets import say_uneven, uneven

LEAD = """
{{ table(tables["accuracy"]) }}
"""
GRID = """
{% call figure("accuracy", "Accuracy.") %}The bar is the mean, each point one seed, the line their range.{% endcall %}
"""


FULL = 98
"""Percent; top-5 tells nothing where all arms have more."""


def clips_interval(scores: SeedScores, confidence: float) -> Interval:
    """Return the interval of top-1 over test clips, in percent; the seeds are taken as they are."""
    right = scores.correct.mean(0)
    return weighted_interval(right, np.full(len(right), 1 / len(right)), confidence=confidence)


def accuracy_table(study: Study, verdict: Verdict) -> Table:
    """Tabulate accuracy per arm with its difference from the reference."""
    rows = []
    counts = uneven(next(iter(study.arms.values())).label)
    by_arm = {arm: [accuracies(one.label, score) for score in one.score] for arm, one in study.arms.items()}
    telling = any(np.mean([figure["top5"] for figure in figures]) <= FULL for figures in by_arm.values())
    for arm, figures in by_arm.items():
        top1, top5, mean_class = (
            [figure[key] for figure in figures] for key in ("top1", "top5", "mean_class_accuracy")
        )
        found = verdict.comparison(arm)
        rows.append(
            (
                study.label(arm),
                *((float(np.mean(mean_class)),) if counts else ()),
                float(np.mean(top1)),
                tuple(top1),
                clips_interval(study.arms[arm], study.config.statistics.confidence),
                *((float(np.mean(top5)),) if telling else ()),
                *(() if counts else (float(np.mean(mean_class)),)),
                *comparison_cells(study, found),
            )
        )
    mean_class_column = Column("mean class", one_decimal)
    return Table(
        "accuracy",
        f"Accuracy on the {plural(len(study.names), 'test clip', separator=',')}, in percent; differences in points "
        f"{'of top-1 ' if counts else ''}from {study.label(study.against)}; p of McNemar's test, "
        f"corrected by Holm's method for {plural(len(verdict.comparisons), 'comparison')}"
        + footnote(found.interval for found in verdict.comparisons)
        + (f"; {say_uneven(counts)}" if counts else ""),
        (
            Column("skeletons", numeric=False),
            *((mean_class_column,) if counts else ()),
            Column("top-1", one_decimal),
            Column("by seed", several),
            Column(f"top-1, {study.percent}", lambda ends: f"{ends[0]:.1f} to {ends[1]:.1f}"),
            *((Column("top-5", one_decimal),) if telling else ()),
            *(() if counts else (mean_class_column,)),
            *comparison_columns(study),
        ),
        rows,
    )


def _draw(study: Study, verdict: Verdict) -> Sequence[Drawing]:
    """Draw each arm's accuracy: a point per seed and their mean."""
    arms = list(study.arms)
    figure, axes = new_axes(0.36 * len(arms) + 0.85)
    rows = np.arange(len(arms))
    for row, arm in zip(rows, arms, strict=True):
        values, look = study.top1(arm), look_of(study, arm)
        colour = look["color"]
        spread = np.linspace(-0.14, 0.14, len(values)) if len(values) > 1 else np.zeros(1)
        axes.plot([values.min(), values.max()], [row, row], color=colour, linewidth=1.2, zorder=2)
        axes.plot(values, row + spread, **look | {"linestyle": ""}, markersize=4.5, markeredgewidth=0, zorder=3)
        axes.plot([values.mean()] * 2, [row - 0.27, row + 0.27], color=colour, linewidth=2.6, zorder=4)
        tip(
            axes,
            float(values.mean()),
            float(row),
            f"{study.label(arm)}: {', '.join(f'{value:.1f}' for value in values)}%",
        )
        axes.annotate(
            f"{values.mean():.1f}",
            (values.max(), row),
            (7, 0),
            textcoords="offset points",
            va="center",
            fontweight="bold",
        )
    axes.margins(x=0.1)
    axes.set_yticks(rows, [study.label(arm) for arm in arms])
    axes.set_ylim(len(arms) - 0.45, -0.55)
    axes.set_xlabel("top-1 accuracy, % (bar: mean; points: seeds)")
    means = "; ".join(f"{study.label(arm)} {study.top1(arm).mean():.1f}%" for arm in arms)
    return [Drawing("accuracy", figure, f"Dot plot of top-1 accuracy per arm, mean over seeds: {means}.")]


SECTIONS.add(
    "accuracy",
    Section(
        RECOGNITION,
        10,
        judge,
        {"lead": LEAD, "grid": GRID},
        tables=lambda study, verdict: [accuracy_table(study, verdict)],
        drawings=_draw,
    ),
)
