"""Positions for joints that were not seen, so that what needs all of them has them."""

import numpy as np

_AT_ONCE = 1 << 18
"""Positions that are interpolated together; it bounds memory."""


def fill_gaps(joints: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Give every joint a position in every frame: between sightings by linear interpolation, elsewhere the nearest.

    Parameters
    ----------
    joints
        [n, V, C].
    seen
        bool [n, V]; at least one joint must have been seen once.

    Returns
    -------
    float64 array [n, V, C]
        A joint that was never seen gets the median position of the others: whatever it is, it is not kept.
    """
    filled = joints.astype(np.float64)
    gappy = np.flatnonzero(~seen.all(0))
    if len(gappy):
        together = max(1, _AT_ONCE // len(joints))
        for first in range(0, len(gappy), together):
            some = gappy[first : first + together]
            filled[:, some] = _interpolate(joints[:, some], seen[:, some])
        never = ~seen.any(0)
        if never.any():
            filled[:, never] = np.median(joints[seen], 0)
    return filled


def neighbours(seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest frames up to and from each in which a joint is seen, int64 [n, V]; -1 and n for none."""
    frames = np.arange(len(seen))[:, None]
    before = np.maximum.accumulate(np.where(seen, frames, -1), 0)
    after = np.minimum.accumulate(np.where(seen, frames, len(seen))[::-1], 0)[::-1]
    return before, after


def _interpolate(joints: np.ndarray, seen: np.ndarray) -> np.ndarray:
    frames = np.arange(len(joints))[:, None]
    last = len(joints) - 1
    before, after = neighbours(seen)
    before, after = np.where(before < 0, after, before), np.where(after > last, before, after)
    weight = ((frames - before) / np.maximum(after - before, 1))[..., None]
    known = np.where(seen[..., None], joints, 0.0).astype(np.float64)
    # A joint that was never seen points past the end on both sides.
    ends = (np.take_along_axis(known, np.clip(at, 0, last)[..., None], 0) for at in (before, after))
    start, end = ends
    return start + weight * (end - start)
