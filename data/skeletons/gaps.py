"""Positions for joints that were not seen, so that what needs all of them has them."""

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Gaps:
    """Where joints were not seen: each joint, from gap to gap.

    Parameters
    ----------
    frame, joint
        int64 [m]: each position that is missing.
    first
        int64 [g]: where among them each gap begins.
    before, after
        int64 [m]: the nearest frames in which the joint was seen; -1 and n for none.
    """

    frame: np.ndarray
    joint: np.ndarray
    first: np.ndarray
    before: np.ndarray
    after: np.ndarray


def gaps(seen: np.ndarray, lengths: Sequence[int] | None = None) -> Gaps:
    """List the gaps.

    Parameters
    ----------
    seen
        bool [n, V].
    lengths
        Of several sequences whose frames lie one after another; a gap ends with its own. By default it is one.
    """
    frames = len(seen)
    place = np.ascontiguousarray(~seen.T).ravel().nonzero()[0]
    joint, frame = np.divmod(place, max(frames, 1))
    ends = np.zeros(frames + 1, bool)  # whether something begins at a frame, and so ends before
    ends[np.cumsum([0, *(lengths or [frames])])] = True
    begins = np.ones(len(frame), bool)
    begins[1:] = (place[1:] - place[:-1] != 1) | ends[frame[1:]]
    first = begins.nonzero()[0]
    size = np.diff(first, append=len(frame))
    start, end = frame[first], frame[first + size - 1] + 1
    before, after = np.where(ends[start], -1, start - 1), np.where(ends[end], frames, end)
    return Gaps(frame, joint, first, before.repeat(size), after.repeat(size))


def gap_values(
    joints: np.ndarray, seen: np.ndarray, lengths: Sequence[int] | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Say what `fill_gaps` puts where, in one sequence or in several that lie one after another.

    Returns
    -------
    frame, joint
        int64 [m]: where a joint was not seen.
    values
        float64 [m, C]: the positions there.
    """
    found = gaps(seen, lengths)
    frame, joint, last = found.frame, found.joint, len(joints) - 1
    start = np.where(found.before < 0, found.after, found.before)
    end = np.where(found.after > last, found.before, found.after)
    weight = ((frame - start) / np.maximum(end - start, 1))[:, None]
    never = start > last
    some = bool(never.any())
    if some:
        start, end = start.clip(max=last), end.clip(0)
    known = joints[start, joint].astype(np.float64)
    with np.errstate(invalid="ignore"):  # what was never seen may be no number
        values = known + weight * (joints[end, joint] - known)
    if some:
        ends = np.cumsum(lengths or [len(seen)])
        sequence = ends.searchsorted(frame, "right")
        for one in set(sequence[never].tolist()):
            rows = slice(ends[one - 1] if one else 0, ends[one])
            values[never & (sequence == one)] = np.median(joints[rows][seen[rows]], 0)
    return frame, joint, values
