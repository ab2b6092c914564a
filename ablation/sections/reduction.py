"""Whether steadier skeletons are recognised better: the gain over how much of the acceleration is gone."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ablation.fidelity import find_fidelity
from ablation.page.theme import PAPER, look_of, new_axes, tip
from ablation.sections.poses import find_poses
from ablation.sections.registry import SECTIONS, SKELETONS, Drawing, Section
from ablation.study.study import Study
from ablation.verdict import judge
from drawing.style import INK

GRID = """
{% call figure("reduction", "Is steadier better?") %}Gain over the share of the joints' acceleration that is gone on the test clips, with {{ study.percent }} intervals; one point per way to refine{{ ", hollow where movement is taken away with the jitter" if values.hollow }}.{% endcall %}
"""  # noqa: E501


def find_reductions(study: Study) -> Mapping[str, float] | None:
    """Return by how many percent each arm lowers the skeletons' acceleration; None with fewer than two arms.

    Those that raise it count as below 0.
    """
    steady = {row.arm: row.acceleration for row in study.get(find_poses) if math.isfinite(row.acceleration)}
    if not steady.get(study.against):
        return None
    found = {
        arm: 100 * (1 - value / steady[study.against])
        for arm, value in steady.items()
        if study.get(judge).comparison(arm) is not None and arm != "oracle"
    }
    return found if len(found) > 1 else None


def _draw(study: Study, found: Mapping[str, float]) -> Sequence[Drawing]:
    """Draw the gain in accuracy over how much of the skeletons' acceleration is gone, one point per way to refine."""
    figure, axes = new_axes(3.3, grid="both")
    axes.axhline(0, color=INK, linewidth=1, zorder=1)
    flattening = study.get(find_fidelity).flattening
    for arm, lower in found.items():
        one = study.get(judge).comparison(arm)
        assert one is not None
        look, name = look_of(study, arm), study.label(arm)
        ends = one.interval or ()
        axes.plot([lower] * len(ends), ends, color=look["color"], linewidth=1.4)
        hollow: dict[str, Any] = {"markerfacecolor": PAPER, "markeredgewidth": 1.6} if arm in flattening else {}
        axes.plot(lower, one.difference, **look | {"linestyle": ""}, markersize=7, label=name, **hollow)
        tip(axes, lower, one.difference, f"{name}: {one.difference:+.1f} points, acceleration {-lower:+.0f}%")
    axes.margins(0.1)
    axes.set_xlabel("acceleration of the joints that is gone, %")
    axes.set_ylabel(f"points above {study.label(study.against)}")
    figure.legend(loc="outside upper left", ncols=2)
    said = "Scatter plot of the difference over the acceleration removed, a point per arm; see the tables."
    taken = [study.label(arm) for arm in found if arm in flattening]
    if taken:
        said += f" Hollow, since they take movement away: {', '.join(taken)}."
    return [Drawing("reduction", figure, said)]


def _values(study: Study, found: Mapping[str, float]) -> dict[str, Any]:
    return {"hollow": any(arm in found for arm in study.get(find_fidelity).flattening)}


SECTIONS.add("reduction", Section(SKELETONS, 60, find_reductions, {"grid": GRID}, drawings=_draw, values=_values))
