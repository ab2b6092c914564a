"""How far to trust each joint in each frame, by what an estimator or the Kinect says of it."""

import numpy as np

from data.recordings.people import BRIDGE_S
from data.skeletons.gaps import gaps

FULL_TRUST = 0.5
"""The share of a joint's usual confidence from which on it is trusted fully."""

USUAL = 75
"""The percentile of a joint's confidences over a track that is its usual one."""

INFERRED = 0.25
"""What the Kinect's `inferred` counts where `tracked` is 1."""


def trust(confidence: np.ndarray, seen: np.ndarray, times: np.ndarray) -> np.ndarray | None:
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

    Returns
    -------
    float64 array [n, V] or None
        0 to 1; None where all that is seen is trusted fully, as where all confidences are equal.
    """
    given = np.where(seen & np.isfinite(confidence), confidence, -1.0)
    count = np.maximum((given >= 0).sum(0), 1)
    at = len(given) - 1 - (count - 1) * (100 - USUAL) // 100  # the values that count are the last ones
    usual = np.sort(given, axis=0)[at, np.arange(given.shape[1])]
    # What is unsure throughout, or not said, is as sure as it gets.
    enough = np.where(usual > 0, FULL_TRUST * usual, np.inf)
    unsure = (given >= 0) & (given < enough) & (usual > 0)
    if not unsure.any():
        return None
    frame, joint, before, after = gaps(seen & ~unsure)
    last = len(times) - 1
    # Before the first and after the last sighting to go by, the unsure ones must be short together.
    first_seen, last_seen = seen.argmax(0), last - seen[::-1].argmax(0)
    left = times[np.where(before < 0, first_seen[joint], before)]
    right = times[np.where(after > last, last_seen[joint], after)]
    led = unsure[frame, joint] & (right - left <= BRIDGE_S * (1 + 1e-6))
    if not led.any():
        return None
    frame, joint = frame[led], joint[led]
    believed = np.ones(given.shape)
    believed[frame, joint] = np.square(given[frame, joint] / enough[joint])
    return believed
