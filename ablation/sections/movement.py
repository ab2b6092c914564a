"""How jittery and how fast each action is, beside what refining is worth to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import permutation_test, rankdata

from ablation.sections.poses import clip_tracks, unit
from ablation.statistics import ClassEffect
from data.skeletons.store import ClipStore


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
    for row, joints, seen in clip_tracks(store, names):
        if len(joints) <= order:
            continue
        known = np.lib.stride_tricks.sliding_window_view(seen, order + 1, axis=0).all(-1)
        if known.any():
            size = np.linalg.norm(np.diff(joints, order, axis=0), axis=-1)
            means.setdefault(int(store.clips.action[row]), []).append(float(size[known].mean()))
    return {action: float(np.mean(values)) for action, values in means.items()}
