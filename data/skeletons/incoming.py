"""Poses as they come, one by one: what each must be, and how long somebody is remembered."""

import math

import numpy as np
from numpy.typing import ArrayLike

from base.errors import InputError
from base.shown import shown

FORGET = 1.0
"""Seconds after which somebody who was not seen is begun anew."""

MOST_JOINTS = 4096


def check_pose(pose: ArrayLike, confidence: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
    """Check a pose.

    Parameters
    ----------
    pose
        [J, D], D 2 or 3; NaN where nothing is known.
    confidence
        [J]: how far each joint can be trusted; more than 1 counts as 1. None for as far as there are positions.

    Returns
    -------
    float64 [J, D], and the confidences, float64 [J]: 0 where there is no position

    Raises
    ------
    InputError
        The shape is another, a number is infinite, or a confidence negative.
    """
    try:
        given = np.array(pose, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"pose: not an array of numbers ({error}); expected [joints, 2 or 3]") from None
    if given.ndim != 2 or given.shape[1] not in (2, 3) or not 0 < len(given) <= MOST_JOINTS:
        raise InputError(f"pose: found shape {given.shape}, expected [joints, 2 or 3]")
    if np.isinf(given).any():
        raise InputError("pose: found infinite coordinates; write NaN for what is missing")
    known = np.asarray(~np.isnan(given).any(axis=1))
    if confidence is None:
        return given, known.astype(np.float64)
    try:
        trust = np.array(confidence, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"confidence: not an array of numbers ({error}); expected [joints]") from None
    if trust.shape != known.shape:
        raise InputError(f"confidence: found shape {trust.shape}, expected {known.shape}: one number per joint")
    if (trust < 0).any():
        raise InputError(f"confidence: found {trust.min():g}, expected numbers from 0 to 1")
    return given, np.where(known, np.minimum(np.nan_to_num(trust, nan=0.0), 1.0), 0.0)


def check_time(time: float | None, before: float | None, fps: float) -> float:
    """Check a pose's time.

    Parameters
    ----------
    time
        Seconds; None for a frame after `before`.
    before
        Of the person's last pose; None if this is the first.
    fps
        Frames a second.

    Raises
    ------
    InputError
        It is no number, or not later than `before`.
    """
    if time is None:
        return 0.0 if before is None else before + 1 / fps
    try:
        now = float(time)
    except (TypeError, ValueError, OverflowError):
        now = math.nan
    if not math.isfinite(now):
        raise InputError(f"time: found {shown(time)}, expected seconds")
    if before is not None and not now > before:
        raise InputError(f"time: found {now:g} s after {before:g} s; each pose of a person must be later than the last")
    return now
