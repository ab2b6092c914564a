"""What refining is worth to each action."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ablation.page.theme import GAIN, LOSS, new_axes
from ablation.sections.movement import find_movement
from ablation.sections.registry import ACTIONS, SECTIONS, Drawing, Section
from ablation.statistics import ClassEffect
from ablation.study.study import Study
from ablation.verdict import judge
from ablation.words import TOO_FEW, footnote, interval_text, one_decimal, p_cell, points, two_decimals
from base.tables import Column, Table
from base.words import plural
from drawing.style import INK, MUTED

GRID = """
{% call figure("classes", study.label(study.main) ~ " against " ~ study.label(study.against) ~ ", per action.") %}Thin lines are {{ study.percent }} intervals over the class's test clips and the seeds.{% endcall %}
"""  # noqa: E501
NUMBERS = """
{{ table(tables["classes"]) }}
"""


def find_classes(study: Study) -> list[ClassEffect]:
    """Return the main arm against the reference, class by class."""
    return study.get(judge).classes


def _table(study: Study, found: list[ClassEffect]) -> Table:
    ordered = sorted(found, key=lambda effect: (-effect.difference, effect.action))
    movement = study.get(find_movement)
    columns = (movement.action.tolist(), movement.jitter.tolist(), movement.speed.tolist()) if movement else ((),) * 3
    moving = {action: (jitter, speed) for action, jitter, speed in zip(*columns, strict=True)}
    return Table(
        "classes",
        "Share of each class's clips that is recognised, mean over the seeds, in percent"
        + footnote(effect.interval for effect in ordered),
        (
            Column("action", numeric=False),
            Column("number", lambda action: f"A{action:03d}", numeric=False),
            Column("test clips", str),
            Column(study.label(study.against), one_decimal),
            Column(study.label(study.main), one_decimal),
            Column("difference", points),
            Column("interval", interval_text),
            Column("McNemar p, uncorrected", p_cell),
            Column("Holm p", p_cell),
            Column(f"jitter, {study.unit}/frame²", two_decimals),
            Column(f"speed, {study.speed_unit}", two_decimals),
        ),
        [
            (
                study.action(effect.action),
                effect.action,
                effect.clips,
                effect.before,
                effect.after,
                effect.difference,
                effect.interval,
                effect.mcnemar_p,
                effect.holm_p,
                *moving.get(effect.action, (None, None)),
            )
            for effect in ordered
        ],
    )


def _draw(study: Study, found: list[ClassEffect]) -> Sequence[Drawing]:
    """Draw the difference per class with its interval, the greatest gain first."""
    effects = sorted(found, key=lambda effect: (-effect.difference, effect.action))
    figure, axes = new_axes(0.185 * len(effects) + 0.8)
    rows = np.arange(len(effects))
    difference = np.array([effect.difference for effect in effects])
    low, high = np.array([effect.interval or (np.nan, np.nan) for effect in effects]).T
    colours = [GAIN if value > 0 else LOSS if value < 0 else MUTED for value in difference]
    axes.barh(rows, difference, height=0.62, color=colours, alpha=0.55, zorder=2)
    axes.hlines(rows, low, high, color=INK, linewidth=1, zorder=3)
    axes.axvline(0, color=INK, linewidth=1, zorder=1)
    axes.set_yticks(rows, [_short(study.action(effect.action)) for effect in effects])
    axes.set_ylim(len(effects) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("points of the class's clips")
    up, down = (sum(sign * effect.difference > 0 for effect in found) for sign in (1, -1))
    said = f"Bar chart of the difference per class: {up} gained, {down} lost; the table below has the numbers."
    return [Drawing("classes", figure, said)]


def _short(name: str, most: int = 26) -> str:
    return name if len(name) <= most else name[: most - 1].rstrip() + "…"


def _caveats(study: Study, found: list[ClassEffect]) -> list[str]:
    said = []
    given = sum(effect.interval is not None for effect in found)
    if given:
        said.append(
            f"Of {given} intervals per class, about {(1 - study.confidence) * given:.1f} would leave zero out by "
            "chance alone. Intervals of classes with few clips are rough."
        )
    if given < len(found):
        said.append(f"Of {plural(len(found) - given, 'class', 'classes')} {TOO_FEW}.")
    return said


def _notes(study: Study, found: list[ClassEffect] | None) -> dict[str, Any]:
    return {"classes": [vars(effect) for effect in found or ()]}


SECTIONS.add(
    "classes",
    Section(
        ACTIONS,
        10,
        find_classes,
        {"grid": GRID, "numbers": NUMBERS},
        tables=lambda study, found: [_table(study, found)],
        drawings=_draw,
        caveats=_caveats,
        notes=_notes,
    ),
)
