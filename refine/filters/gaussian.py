"""The Gaussian filter: an average over time."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from data.skeletons.resample import extended
from refine.filters.registry import FILTERS, FilterKind


def gaussian(x: np.ndarray, sigma_s: float, fps: float) -> np.ndarray:
    """Average over time with Gaussian weights; at the ends the first and last frame stand for what is beyond.

    Parameters
    ----------
    x
        [T, ...].
    sigma_s
        Standard deviation, seconds.
    fps
        Frames a second.
    """
    return gaussian_filter1d(x, sigma_s * fps, axis=0, mode="nearest")


def gaussian_of_motion(x: np.ndarray, sigma_s: float, fps: float) -> np.ndarray:
    """As `gaussian`, but what goes on at an end goes on beyond it."""
    reach = gaussian_reach(sigma_s, fps)
    return gaussian_filter1d(extended(x, reach), sigma_s * fps, axis=0)[reach : reach + len(x)] if reach else x


def gaussian_reach(sigma_s: float, fps: float) -> int:
    """Return how many frames to either side of it a frame depends on: where SciPy ends the weights."""
    return int(4 * sigma_s * fps + 0.5)


FILTERS.add(
    "gaussian",
    FilterKind(
        "Gaussian",
        gaussian,
        grid={"sigma_s": tuple(np.geomspace(0.01, 0.64, 13))},
        released=lambda fps: {"sigma_s": 3 / fps},  # 3 frames
        smooth_motion=gaussian_of_motion,
        reach=gaussian_reach,
        colours=("#00809f", "#49ddee"),
    ),
)
