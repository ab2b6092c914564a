"""Positions for joints that were not seen, so that what needs all of them has them."""

import numpy as np


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
    frame, joint, values = gap_values(joints, seen)
    filled[frame, joint] = values
    return filled


def neighbours(seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest frames up to and from each in which a joint is seen, int64 [n, V]; -1 and n for none."""
    frames = np.arange(len(seen))[:, None]
    before = np.maximum.accumulate(np.where(seen, frames, -1), 0)
    after = np.minimum.accumulate(np.where(seen, frames, len(seen))[::-1], 0)[::-1]
    return before, after


def gaps(seen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """List where a joint was not seen, and the nearest frames before and after in which it was.

    Parameters
    ----------
    seen
        bool [n, V].

    Returns
    -------
    frame, joint, before, after
        int64 [m] each; before -1 and after n for none. One joint after another.
    """
    frames = len(seen)
    joint, frame = np.divmod(np.flatnonzero(~seen.T), max(frames, 1))
    begins = np.ones(len(frame), bool)
    np.not_equal(np.diff(frame), 1, out=begins[1:])
    begins[1:] |= joint[1:] != joint[:-1]
    first = np.flatnonzero(begins)
    lengths = np.diff(first, append=len(frame))
    before = frame[first] - 1
    return frame, joint, before.repeat(lengths), (before + lengths + 1).repeat(lengths)


def gap_values(joints: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Say what `fill_gaps` puts where.

    Returns
    -------
    frame, joint
        int64 [m]: where a joint was not seen.
    values
        float64 [m, C]: the positions there.
    """
    frame, joint, before, after = gaps(seen)
    last = len(joints) - 1
    start, end = np.where(before < 0, after, before), np.where(after > last, before, after)
    weight = ((frame - start) / np.maximum(end - start, 1))[:, None]
    never = start > last
    if never.any():
        start, end = start.clip(max=last), end.clip(0)
    known = joints[start, joint].astype(np.float64)
    with np.errstate(invalid="ignore"):  # what was never seen may be no number
        values = known + weight * (joints[end, joint] - known)
    if never.any():
        values[never] = np.median(joints[seen], 0)
    return frame, joint, values
