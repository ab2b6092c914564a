"""How far to trust each joint in each frame, by what an estimator or the Kinect says of it."""

from collections.abc import Sequence

import numpy as np

from data.recordings.people import BRIDGE_S
from data.skeletons.gaps import gaps

FULL_TRUST = 0.5
"""The share of a joint's usual confidence from which on it is trusted fully."""

USUAL = 75
"""The percentile of a joint's confidences over a track that is its usual one."""

INFERRED = 0.25
"""What the Kinect's `inferred` counts where `tracked` is 1."""


def trust(
    confidence: np.ndarray, seen: np.ndarray, times: np.ndarray, lengths: Sequence[int] | None = None
) -> np.ndarray | None:
    """Turn confidences into the share of each sighting that is believed; the rest is interpolated from better ones.

    A confidence is taken as proportional to precision, so trust falls with its square below half of what is usual for
    the joint: only a joint's own confidences are compared, since estimators are less sure of some joints throughout.
    What is unsure for longer than can be bridged is trusted, for want of better.

    Parameters
    ----------
    confidence
        [n, V], at least 0.
    seen
        bool [n, V].
    times
        [n], seconds, rising.
    lengths
        Of several tracks whose frames lie one after another. By default it is one.

    Returns
    -------
    float64 array [n, V] or None
        0 to 1; None where all that is seen is trusted fully, as where all confidences are equal.
    """
    if not len(seen):
        return None
    lengths = lengths or [len(seen)]
    given = np.where(seen & np.isfinite(confidence), confidence, -1.0)
    # What is unsure throughout, or not said, is as sure as it gets.
    ends = np.cumsum(lengths)
    usual = np.stack([_usual(given[end - length : end]) for length, end in zip(lengths, ends.tolist(), strict=True)])
    enough = np.where(usual > 0, FULL_TRUST * usual, -1.0)
    unsure = (given >= 0) & (given < np.repeat(enough, lengths, axis=0))
    if not unsure.any():
        return None
    missing = gaps(seen & ~unsure, lengths)
    frame, joint = missing.frame, missing.joint
    unsure = unsure[frame, joint]
    # Before the first and after the last sighting to go by, the unsure ones must be short together.
    size = np.diff(missing.first, append=len(frame))
    first = np.minimum.reduceat(np.where(unsure, frame, len(seen) - 1), missing.first).repeat(size)
    last = np.maximum.reduceat(np.where(unsure, frame, 0), missing.first).repeat(size)
    left = times[np.where(missing.before < 0, first, missing.before)]
    right = times[np.where(missing.after == len(seen), last, missing.after)]
    led = unsure & (right - left <= BRIDGE_S * (1 + 1e-6))
    if not led.any():
        return None
    frame, joint = frame[led], joint[led]
    track = ends.searchsorted(frame, "right")
    believed = np.ones(given.shape)
    believed[frame, joint] = np.square(given[frame, joint] / enough[track, joint])
    return believed


def _usual(given: np.ndarray) -> np.ndarray:
    """Return the percentile of each joint's confidences [n, V], -1 for what is none; -1 if there are none."""
    count = np.maximum((given >= 0).sum(0), 1)
    at = len(given) - 1 - (count - 1) * (100 - USUAL) // 100  # the values that count are the last ones
    usual: np.ndarray = np.sort(given, axis=0)[at, np.arange(given.shape[1])]
    return usual
