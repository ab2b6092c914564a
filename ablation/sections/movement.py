"""How jittery and how fast each action is, beside what refining is worth to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import permutation_test, rankdata

from ablation.page.theme import GAIN, LOSS, WIDTH, tip
from ablation.sections.registry import ACTIONS, SECTIONS, Drawing, Section
from ablation.skeletons import clip_tracks, unit
from ablation.statistics import ClassEffect
from ablation.study.study import Study
from ablation.verdict import judge
from ablation.words import p_value
from data.skeletons.store import ClipStore
from drawing.style import INK, MUTED

GRID = """
{% call figure("movement", "Do jittery or fast actions gain more?") %}One point per action; the speed is that of {{ study.skeletons(found.speed_of) }}{{ ", where jitter does not count as speed" if found.speed_of != "raw" }}. P-values by permutation.{% endcall %}
"""  # noqa: E501


@dataclass(frozen=True)
class Movement:
    """One value per action, and how their ranks go together (Spearman).

    Parameters
    ----------
    action
        int64 [C].
    jitter
        float64 [C]: mean norm of the joints' second differences in the reference's skeletons, mm/frame^2 or px/frame^2.
    speed
        float64 [C]: mean speed of the joints, m/s or px/s.
    gain
        float64 [C]: points that the main arm gains on the action.
    speed_of
        The arm whose skeletons the speed was measured on: the steadiest that can be trusted.
    jitter_rank, speed_rank
        Spearman's correlation of the gain with either, and its p-value, by permutation; None where all are equal.
    """

    action: np.ndarray
    jitter: np.ndarray
    speed: np.ndarray
    gain: np.ndarray
    speed_of: str
    jitter_rank: tuple[float, float] | None
    speed_rank: tuple[float, float] | None


def find_movement(study: Study) -> Movement | None:
    """Measure the test clips of every action, their speed on the steadiest skeletons that can be trusted."""
    steady = "oracle" if study.truth else study.main
    noisy, still = study.pictured[study.against], study.pictured[steady]
    return class_movement(noisy, still, steady, study.names, study.get(judge).classes)


def class_movement(
    noisy: ClipStore, steady: ClipStore, speed_of: str, names: np.ndarray, effects: Sequence[ClassEffect]
) -> Movement | None:
    """Measure the test clips of every action.

    Parameters
    ----------
    noisy
        The reference's skeletons, for the jitter.
    steady, speed_of
        The skeletons that the speed is measured on, since jitter looks like speed; and the name of their arm.
    names
        The test clips.
    effects
        What each action gains.

    Returns
    -------
    None with fewer than three actions, of which no rank correlation can be had.
    """
    jitter, speed = _by_action(noisy, names, 2), _by_action(steady, names, 1)
    known = [one for one in effects if one.action in jitter and one.action in speed]
    if len(known) < 3:
        return None
    action = np.array([one.action for one in known])
    shaken = unit(noisy.layout.dims)[1] * np.array([jitter[number] for number in action.tolist()])
    fast = steady.info.fps * np.array([speed[number] for number in action.tolist()])
    gain = np.array([one.difference for one in known])
    return Movement(action, shaken, fast, gain, speed_of, _ranks(shaken, gain), _ranks(fast, gain))


def _ranks(values: np.ndarray, gain: np.ndarray) -> tuple[float, float] | None:
    if np.ptp(values) == 0 or np.ptp(gain) == 0:
        return None
    ranks = rankdata(values), rankdata(gain)

    def correlation(one: np.ndarray, axis: int) -> np.ndarray:
        other = ranks[1] - ranks[1].mean()
        product: np.ndarray = ((one - ranks[0].mean()) * other).sum(axis)
        return product / (len(other) * ranks[0].std() * ranks[1].std())

    found = permutation_test(
        (ranks[0],),
        correlation,
        permutation_type="pairings",
        vectorized=True,
        n_resamples=9999,
        rng=np.random.default_rng(0),
    )
    return float(found.statistic), float(found.pvalue)


def _by_action(store: ClipStore, names: np.ndarray, order: int) -> dict[int, float]:
    """Return the mean norm of the joints' differences of an order, per action the mean over its tracks."""
    means: dict[int, list[float]] = {}
    for track, joints, seen in clip_tracks(store, names):
        if len(joints) <= order:
            continue
        known = np.lib.stride_tricks.sliding_window_view(seen, order + 1, axis=0).all(-1)
        if known.any():
            size = np.linalg.norm(np.diff(joints, order, axis=0), axis=-1)
            means.setdefault(int(store.clips.action[store.tracks.clip[track]]), []).append(float(size[known].mean()))
    return {action: float(np.mean(values)) for action, values in means.items()}


def _draw(study: Study, found: Movement) -> Sequence[Drawing]:
    """Draw what each action gains over how jittery and over how fast it is."""
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    panels = figure.subplots(2, 1)
    worth = (
        (found.jitter, found.jitter_rank, f"jitter of the joints, {study.unit}/frame²", f"{study.unit}/frame²"),
        (found.speed, found.speed_rank, f"speed of the joints, {study.speed_unit}", study.speed_unit),
    )
    for axes, (values, rank, said, of) in zip(panels, worth, strict=True):
        axes.axhline(0, color=INK, linewidth=1, zorder=1)
        colours = [GAIN if gain > 0 else LOSS if gain < 0 else MUTED for gain in found.gain]
        axes.scatter(values, found.gain, c=colours, s=18, alpha=0.75, linewidths=0, zorder=2)
        for action, value, gain in zip(found.action.tolist(), values, found.gain, strict=True):
            tip(axes, value, gain, f"{study.action(action)}: {gain:+.1f} points, {value:.2f} {of}")
        axes.grid(axis="both")
        axes.set_axisbelow(True)
        axes.set_xlabel(said)
        axes.set_ylabel("points gained")
        if rank is not None:
            axes.set_title(f"rank correlation {rank[0]:+.2f} ({p_value(rank[1])})")
    alternative = (
        "Scatter plots of the gain per action over its jitter and over its speed; the table of all actions has the "
        "numbers."
    )
    return [Drawing("movement", figure, alternative)]


def _notes(study: Study, found: Movement | None) -> dict[str, Any]:
    keys = ("speed_of", "jitter_rank", "speed_rank")
    return {"movement": None if found is None else {key: getattr(found, key) for key in keys}}


SECTIONS.add("movement", Section(ACTIONS, 20, find_movement, {"grid": GRID}, drawings=_draw, notes=_notes))
