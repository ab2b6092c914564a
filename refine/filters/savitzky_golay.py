"""The Savitzky-Golay filter: a polynomial fitted to the frames around each frame."""

import numpy as np
from scipy.signal import savgol_filter

from refine.filters.registry import FILTERS, FilterKind


def savitzky_golay(x: np.ndarray, window_s: float, order: float, fps: float) -> np.ndarray:
    """Fit a polynomial to the frames around each frame and take its value (Savitzky & Golay, 1964).

    Parameters
    ----------
    x
        [T, ...].
    window_s
        Length of the window, seconds; rounded to an odd number of frames that `order` and T allow. A sequence too
        short for any is returned as it is.
    order
        Degree of the polynomial.
    fps
        Frames a second.
    """
    degree = int(order)
    frames = min(window_frames(window_s, order, fps), len(x) - 1 + len(x) % 2)
    return x.copy() if frames <= degree else savgol_filter(x, frames, degree, axis=0)


def window_frames(window_s: float, order: float, fps: float) -> int:
    """Return the frames of a window; at the ends of a sequence, a frame depends on all of the last one."""
    degree = int(order)
    return max(2 * round((window_s * fps - 1) / 2) + 1, degree + 1 + degree % 2)


FILTERS.add(
    "savitzky_golay",
    FilterKind(
        "Savitzky-Golay",
        savitzky_golay,
        grid={"window_s": tuple(np.geomspace(0.1, 3.2, 11)), "order": (2, 3)},
        reach=window_frames,
        released=lambda fps: {"window_s": 31 / fps, "order": 2},  # 31 frames
        colours=("#88309e", "#cb7cd7"),
    ),
)
