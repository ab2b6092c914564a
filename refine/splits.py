"""Where a track is not one motion: gaps that nobody can bridge, and jumps that no body can make."""

from dataclasses import dataclass, field

import numpy as np

from data.recordings.people import BRIDGE_S, JUMP, SPEED
from refine.blocks import frame_blocks
from refine.normalise import lengths_of, median

ACCELERATION = 100.0
"""Body sizes/s^2, some four times gravity: what that comes to in a step is added, for low frame rates."""

BACK_S = 0.2
"""Seconds: whoever jumps away and is back as soon as that has not been there."""

_BESIDE = 4
"""Steps on either side that a step is compared with."""


@dataclass(frozen=True)
class Pieces:
    """The parts of a track that are one motion each.

    Parameters
    ----------
    spans
        First row and the one after the last of each part; rows in none of them show nobody.
    gaps, jumps
        How many of the cuts between them are at gaps, and how many at jumps.
    astray
        int64: rows within the parts in which the body is shown where it cannot have been.
    """

    spans: list[tuple[int, int]]
    gaps: int = 0
    jumps: int = 0
    astray: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))


def split_track(joints: np.ndarray, seen: np.ndarray, times: np.ndarray, size: float) -> Pieces:
    """Cut a track at gaps longer than `BRIDGE_S` and at jumps.

    A body's step is the median of its joints' steps, so that a few joints that are elsewhere for a frame are no jump.
    A body that jumps away and goes on where it was within `BACK_S` is one motion, with some frames astray.

    Parameters
    ----------
    joints
        [n, V, C].
    seen
        bool [n, V].
    times
        [n], seconds, rising.
    size
        The body's size.
    """
    whole = bool(seen.all())
    rows = np.arange(len(joints)) if whole else np.flatnonzero(seen.any(1))
    if len(rows) < 2:
        return Pieces([(int(row), int(row) + 1) for row in rows])
    elapsed = np.diff(times if whole else times[rows])
    gap = elapsed > BRIDGE_S * (1 + 1e-6)
    at, there = (joints, seen) if len(rows) == len(joints) else (joints[rows], seen[rows])
    jump = _jumps(at, None if whole else there, elapsed, size, gap)
    astray: list[np.ndarray] = []
    if jump.any():
        clock = np.concatenate([[0.0], elapsed.cumsum()])
        for cut in np.flatnonzero(jump).tolist():
            back = _back(cut, at, there, clock, size) if jump[cut] else None
            if back is not None:
                jump[cut:back] = False
                astray.append(rows[cut + 1 : back])
    cuts = np.flatnonzero(gap | jump)
    starts = rows[np.concatenate([[0], cuts + 1])].tolist()
    ends = (rows[np.concatenate([cuts, [len(rows) - 1]])] + 1).tolist()
    lost = np.concatenate([np.empty(0, np.int64), *astray])
    return Pieces(list(zip(starts, ends, strict=True)), int(gap.sum()), int(jump.sum()), lost)


def _back(cut: int, joints: np.ndarray, seen: np.ndarray, clock: np.ndarray, size: float) -> int | None:
    """Return the row behind a jump from which on the body goes on where it was, if that is soon."""
    for back in range(cut + 2, len(clock)):
        if clock[back] - clock[cut] > BACK_S * (1 + 1e-6):
            return None
        both = seen[cut] & seen[back]
        if both.any():
            way = np.subtract(joints[back, both], joints[cut, both], dtype=np.float64)
            step = np.median(np.linalg.norm(way, axis=-1))
            if step < JUMP * size:
                return back
    return None


def _jumps(
    joints: np.ndarray, seen: np.ndarray | None, elapsed: np.ndarray, size: float, gap: np.ndarray
) -> np.ndarray:
    """Say which of the steps between these rows are jumps, bool [n - 1]."""
    at = joints if seen is None else np.where(seen[..., None], joints, 0.0)
    length = np.empty((len(at) - 1, at.shape[1]))
    for part, _ in frame_blocks(len(length)):
        step = np.subtract(at[part.start + 1 : part.stop + 1], at[part], dtype=np.float64)
        length[part] = lengths_of(step)
    both = None if seen is None else seen[1:] & seen[:-1]
    count = joints.shape[1] if both is None else both.sum(1)
    total = (length if both is None else length * both).sum(1)
    if 2 * (total / np.maximum(count, 1)).max() < JUMP * size:  # no median is more than twice the mean
        return np.zeros(len(length), bool)
    if both is None:
        steps = median(length)
    else:
        ordered = np.sort(np.where(both, length, np.inf), axis=1)
        # The lower median of the joints that are seen before and after; no step where there are none.
        steps = ordered[np.arange(len(ordered)), np.maximum(count - 1, 0) // 2]
        steps[count == 0] = 0.0
    steps[gap] = 0.0
    if steps.max() < JUMP * size:
        return np.zeros(len(steps), bool)
    padded = np.full(len(steps) + 2 * _BESIDE, np.nan)
    padded[_BESIDE:-_BESIDE] = np.where(gap, np.nan, steps / elapsed)
    beside = np.lib.stride_tricks.sliding_window_view(padded, 2 * _BESIDE + 1).copy()
    beside[:, _BESIDE] = 0.0  # a step alone is compared with rest
    ordered, known = np.sort(beside, axis=1), (~np.isnan(beside)).sum(1)
    number = np.arange(len(beside))
    speed = (ordered[number, (known - 1) // 2] + ordered[number, known // 2]) / 2 * elapsed
    sudden = steps - speed > size * (JUMP + ACCELERATION * elapsed**2)
    return sudden | (steps > size * (JUMP + SPEED * elapsed))
