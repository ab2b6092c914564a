"""Which joints the recognisers of raw and of refined skeletons decide by."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ablation.page.theme import look_of, new_axes, tip
from ablation.sections.registry import SECTIONS, SKELETONS, Drawing, Section
from ablation.study.study import Study
from ablation.words import one_decimal, points
from base.tables import Column, Table
from data.skeletons.store import ClipStore
from drawing.style import MUTED
from recognition.use.explain import explain_clip, joint_shares
from recognition.use.recognizer import load_recognizer
from training.devices import pick_device

Importance = Mapping[str, np.ndarray]
"""Per arm, how much each joint mattered for the recogniser's decisions, float [V], sum 1."""
GRID = """
{% call figure("joints", "Which joints the decision rests on.") %}Integrated gradients of the true action's score (PyTorch Geometric's explainer), mean over {{ [study.config.report.explained, study.names | length] | min }} test clips, recognisers of the first seed.{% endcall %}
"""  # noqa: E501
NUMBERS = """
{{ table(tables["joints"]) }}
"""

STEPS = 24
"""Points of the integral of the gradients; enough for a mean over clips."""


def find_importance(study: Study) -> Importance | None:
    """Ask the first seed's recognisers of the reference and of the main arm which joints they decide by."""
    config, condition = study.config, study.condition
    if not config.report.explained:
        return None
    stream = next(iter(config.grid.ensembles.get(condition.stream, {condition.stream: 1.0})))
    wanted = (replace(condition, stream=stream), study.seeds[0])
    folders = {use.arm: use.training.folder for use in study.plan.uses if (use.condition, use.seed) == wanted}
    found = {}
    for arm in dict.fromkeys((study.against, study.main)):
        scores = study.arms[arm]
        actions = scores.action[scores.label].tolist()
        tested_on = study.stores[study.against if condition.pairing == "train" else arm]
        found[arm] = joint_importance(
            folders[arm], tested_on, scores.clip, actions, config.report.explained, config.run.device
        )
    return found


def joint_importance(
    folder: Path, store: ClipStore, names: np.ndarray, actions: Sequence[int], count: int, device: str
) -> np.ndarray:
    """Return how much each joint matters for a recogniser's score of the true action, a share per joint.

    The mean over clips spread evenly over those given, see `recognition.use.explain.explain_clip`.

    Parameters
    ----------
    folder
        The recogniser's run.
    store
        The skeletons it was tested on.
    names, actions
        [N], the clips to choose from and what they show.
    count
        How many clips at most.
    device
        Where to compute.

    Returns
    -------
    float64 [V], sum 1
    """
    recognizer = load_recognizer(folder, pick_device(device))
    chosen = np.unique(np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int))
    shares = []
    for at in chosen.tolist():
        row = int(np.flatnonzero(store.clips.name == names[at])[0])
        if store.tracks_per_clip[row]:
            shares.append(joint_shares(explain_clip(recognizer, store, row, int(actions[at]), STEPS)))
    mean: np.ndarray = np.mean(shares, axis=0)
    return mean


def _names(study: Study) -> list[str]:
    return [name.replace("_", " ") for name in study.clips.layout.joints]


def _draw(study: Study, found: Importance) -> Sequence[Drawing]:
    """Draw how much of the decisions rests on each joint, before and after."""
    names = _names(study)
    before, after = (100 * found[arm] for arm in (study.against, study.main))
    order = np.argsort(-before, kind="stable")
    figure, axes = new_axes(0.19 * len(order) + 0.9)
    rows = np.arange(len(order))
    axes.hlines(rows, before[order], after[order], color=MUTED, linewidth=1.2, zorder=1)
    for arm, values in ((study.against, before), (study.main, after)):
        axes.plot(values[order], rows, **look_of(study, arm) | {"linestyle": ""}, label=study.label(arm))
        for row, at in enumerate(order.tolist()):
            tip(axes, values[at], row, f"{names[at]}: {values[at]:.1f}%")
    axes.set_yticks(rows, [names[at] for at in order.tolist()])
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("share of the decision, %")
    figure.legend(loc="outside upper left", ncols=2)
    said = "Dot plot of how much each joint matters before and after refining; the table has the numbers."
    return [Drawing("joints", figure, said)]


def _table(study: Study, found: Importance) -> Table:
    names = _names(study)
    before, after = (100 * found[arm] for arm in (study.against, study.main))
    order = np.argsort(-before, kind="stable").tolist()
    return Table(
        "joints",
        "How much of the decision rests on each joint, percent",
        (
            Column("joint", numeric=False),
            Column(study.label(study.against), one_decimal),
            Column(study.label(study.main), one_decimal),
            Column("change", points),
        ),
        [(names[at], float(before[at]), float(after[at]), float(after[at] - before[at])) for at in order],
    )


def _notes(study: Study, found: Importance | None) -> dict[str, Any]:
    return {"importance": {arm: shares.tolist() for arm, shares in (found or {}).items()}}


SECTIONS.add(
    "importance",
    Section(
        SKELETONS,
        70,
        find_importance,
        {"grid": GRID, "numbers": NUMBERS},
        tables=lambda study, found: [_table(study, found)],
        drawings=_draw,
        notes=_notes,
    ),
)
