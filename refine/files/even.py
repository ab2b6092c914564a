"""Bringing a motion to even times, and what was made of it back to its own times."""

from dataclasses import dataclass

import numpy as np

from base.errors import InputError
from data.recordings.rates import UNEVEN
from data.skeletons.gaps import fill_gaps

MOST_NUMBERS = 400_000_000
"""Coordinates of one motion: a few frames far apart in a file of a high rate are many."""


@dataclass(frozen=True)
class Even:
    """The n rows of a motion at m even times.

    Parameters
    ----------
    joints
        float64 [m, J, D], gaps filled.
    seen
        bool [m, J].
    confidence
        float32 [m, J]; None if all is as good.
    fps
        Frames a second.
    at
        [n]: where the rows are among the m; whole numbers if they are some of them.
    """

    joints: np.ndarray
    seen: np.ndarray
    confidence: np.ndarray | None
    fps: float
    at: np.ndarray

    def back(self, joints: np.ndarray) -> np.ndarray:
        """Return positions at even times [m, J, D] at the times of the rows, [n, J, D]."""
        if self.at.dtype.kind == "i":
            return joints[self.at]
        from scipy.interpolate import CubicSpline  # takes long to import, and even times do not need it

        back: np.ndarray = CubicSpline(np.arange(len(joints)), joints)(self.at)
        return back


def at_even_times(
    joints: np.ndarray,
    seen: np.ndarray,
    confidence: np.ndarray | None,
    times: np.ndarray,
    fps: float,
    numbers: np.ndarray | None = None,
) -> Even:
    """Bring rows to even times: frames between them are missing; if nothing is even, all is interpolated.

    Where every fifth frame is there and no other, that is the rate.

    Parameters
    ----------
    joints
        [n, J, D]; anything where nothing was seen.
    seen
        bool [n, J], something in the first and the last row.
    confidence
        [n, J], or None.
    times
        [n], seconds, rising.
    fps
        Frames a second.
    numbers
        int64 [n]: the frames' numbers, if they tell the time.

    Raises
    ------
    InputError
        So many frames are missing that the rest has no room in memory.
    """
    even = numbers is not None
    if numbers is None:
        passed = (times - times[0]) * fps
        numbers = np.rint(passed).astype(np.int64)
        even = bool(np.abs(passed - numbers).max() <= UNEVEN and (np.diff(numbers) > 0).all())
    step = int(np.gcd.reduce(np.diff(numbers))) if even and len(numbers) > 1 else 1
    frames = int(numbers[-1] - numbers[0]) // step + 1
    if frames * joints[0].size > MOST_NUMBERS:
        raise InputError(
            f"{len(numbers)} rows are spread over {frames} frames at {fps / step:g} a second, more than can be worked "
            "on; say with --fps how fast they follow each other"
        )
    filled = fill_gaps(np.where(seen[..., None], joints, 0.0), seen)
    trust = None if confidence is None else np.where(seen, confidence, 0).astype(np.float32)
    if even:
        at = (numbers - numbers[0]) // step
        if len(at) == frames:
            return Even(filled, seen, trust, fps / step, at)
        there = _spread(seen, at, frames)
        whole = fill_gaps(_spread(filled, at, frames), there)
        return Even(whole, there, None if trust is None else _spread(trust, at, frames), fps / step, at)
    from scipy.interpolate import CubicSpline

    passed = times - times[0]
    frames = max(frames, 3)
    rate = (frames - 1) / passed[-1]
    evenly = np.arange(frames) / rate
    nearest = np.searchsorted((passed[1:] + passed[:-1]) / 2, evenly)
    there = seen[nearest]
    return Even(
        CubicSpline(passed, filled)(evenly), there, None if trust is None else trust[nearest], rate, passed * rate
    )


def _spread(x: np.ndarray, at: np.ndarray, frames: int) -> np.ndarray:
    spread = np.zeros((frames, *x.shape[1:]), x.dtype)
    spread[at] = x
    return spread
