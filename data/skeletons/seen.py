"""Which joints were seen: one rule for every door, see docs/formats.md."""

from collections.abc import Iterable

import numpy as np

FARTHEST = 1e8
"""Coordinates beyond it, in any unit, are no positions of people."""

ZERO_SCORE = 0.3
"""An estimator that is surer than this of a joint in the very corner of the image is believed."""


def seen_joints(joints: np.ndarray, score: np.ndarray | None = None, origin: Iterable[int] = ()) -> np.ndarray:
    """Say which joints have a position.

    Kinect's, PYSKL's and OpenPose's files write a joint that was not found as zeros. So a joint has no position where
    all of its coordinates are exactly 0, nor where one is not finite or farther away than anything.

    Parameters
    ----------
    joints
        [..., V, C].
    score
        [..., V], an estimator's confidence: zeros with at least `ZERO_SCORE` are a position.
    origin
        Joints on which the positions are centred: they are at 0 and seen.

    Returns
    -------
    bool array [..., V]
    """
    with np.errstate(invalid="ignore"):
        absent = joints[..., 0] == 0
        if absent.any():
            absent &= (joints[..., 1:] == 0).all(-1)
            absent[..., list(origin)] = False
            if score is not None:
                absent &= ~(score >= ZERO_SCORE)
        if not np.abs(joints).max(initial=0.0) < FARTHEST:  # which NaN is not either
            absent |= ~(np.abs(joints) < FARTHEST).all(-1)
        return ~absent
