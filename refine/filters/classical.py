"""Classical filters over whole sequences.

Time is in seconds and hertz and lengths are in body sizes (`refine.normalise.body_size`), so that parameters mean the
same at 25 and at 50 frames a second, in metres, millimetres and pixels.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import savgol_filter

from data.skeletons.metrics import mpjpe
from refine.in_space import Sightings, as_sightings, refine_in_space
from refine.normalise import body_size
from refine.resample import extended
from refine.splits import Pieces

Filter = Literal["one_euro", "savitzky_golay", "gaussian"]
Parameters = dict[str, float]

SPEED_CUTOFF_HZ = 1.0
"""One-Euro's cutoff for its estimate of speed, as its authors recommend."""

GRIDS: Mapping[Filter, Mapping[str, Sequence[float]]] = {
    "gaussian": {"sigma_s": tuple(np.geomspace(0.01, 0.64, 13))},
    "savitzky_golay": {"window_s": tuple(np.geomspace(0.1, 3.2, 11)), "order": (2, 3)},
    "one_euro": {"min_cutoff_hz": tuple(np.geomspace(0.1, 25.6, 9)), "beta": (0.0, *np.geomspace(0.03, 30, 7))},
}
"""The parameters that `tune_filter` tries."""


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
    frames = max(2 * round((window_s * fps - 1) / 2) + 1, degree + 1 + degree % 2)
    frames = min(frames, len(x) - 1 + len(x) % 2)
    return x.copy() if frames <= degree else savgol_filter(x, frames, degree, axis=0)


def one_euro(
    x: np.ndarray, min_cutoff_hz: float, beta: float, fps: float, speed_cutoff_hz: float = SPEED_CUTOFF_HZ
) -> np.ndarray:
    """Smooth causally, less where motion is fast: the 1 Euro filter (Casiez, Roussel & Vogel, CHI 2012).

    Exponential smoothing of each coordinate with the cutoff `min_cutoff_hz + beta x |speed|`.

    Parameters
    ----------
    x
        [T, ...].
    min_cutoff_hz
        Cutoff at rest, hertz.
    beta
        Hertz per unit of speed, the unit of `x` per second.
    fps
        Frames a second.
    speed_cutoff_hz
        Cutoff of the estimate of speed, hertz.
    """
    result = np.empty_like(x)
    if not len(x):
        return result
    result[0] = x[0]
    speed = np.zeros_like(x[0])
    keep = 1 / (1 + fps / (2 * math.pi * speed_cutoff_hz))
    for frame in range(1, len(x)):  # each frame depends on the result of the one before
        previous = result[frame - 1]
        step = x[frame] - previous
        speed += keep * (step * fps - speed)
        cutoff = min_cutoff_hz + beta * np.abs(speed)
        result[frame] = previous + step / (1 + fps / (2 * math.pi * cutoff))
    return result


TURNED: Mapping[Filter, bool] = {"one_euro": True, "savitzky_golay": False, "gaussian": False}
"""Whether a filter minds in which axes it sees a motion; those that are linear do not."""

FILTERS: Mapping[Filter, Callable[..., np.ndarray]] = {
    "gaussian": gaussian,
    "savitzky_golay": savitzky_golay,
    "one_euro": one_euro,
}


def released_parameters(name: Filter, fps: float) -> Parameters:
    """Return the parameters with which SmoothNet's authors compare, turned from frames into seconds.

    Savitzky-Golay: 31 frames, order 2. Gaussian: sigma 3 frames. One-Euro: minimal cutoff 0.04, beta 0.7, cutoff of the
    speed 1, with a step of one frame, on metres or normalised images (not on body sizes).
    """
    if name == "gaussian":
        return {"sigma_s": 3 / fps}
    if name == "savitzky_golay":
        return {"window_s": 31 / fps, "order": 2}
    return {"min_cutoff_hz": 0.04 * fps, "beta": 0.7, "speed_cutoff_hz": fps}


def smooth(
    name: Filter,
    sequences: Sequence[np.ndarray],
    parameters: Mapping[str, float],
    fps: float,
    sizes: Sequence[float] | None = None,
    *,
    seen: Sequence[np.ndarray | None] | None = None,
    confidences: Sequence[np.ndarray | None] | None = None,
    times: Sequence[np.ndarray | None] | None = None,
) -> list[np.ndarray]:
    """Filter skeletons in space, or in an image, in body sizes.

    A skeleton at rest, at constant velocity or at constant acceleration comes out as it went in, and what was not seen
    as it was (`refine.in_space`). Filtering commutes exactly, to rounding, with moving, turning, scaling and mirroring.

    Parameters
    ----------
    name
        Which filter.
    sequences
        [T, J, D] each; a joint that is not finite was not seen.
    parameters
        As `tune_filter` returns them.
    fps
        Frames a second.
    sizes
        The body size of each sequence; measured if not given.
    seen, confidences, times
        See `refine.refiner.refine_poses`.

    Returns
    -------
    list of arrays
        float32 [T, J, D] each.
    """
    return smooth_sightings(name, as_sightings(sequences, sizes, seen, confidences, times), parameters, fps)[0]


def smooth_sightings(
    name: Filter, sightings: Sequence[Sightings], parameters: Mapping[str, float], fps: float
) -> tuple[list[np.ndarray], list[Pieces]]:
    """As `smooth`, and say how each track was cut."""

    def method(motions: list[np.ndarray], sizes: list[float]) -> list[np.ndarray]:
        if name == "gaussian":
            return [_gaussian_of_motion(x, **parameters, fps=fps) for x in motions]
        return _filter_arrays(name, motions, parameters, fps, sizes)

    return refine_in_space(sightings, method, fps, turned=TURNED[name])


def _gaussian_of_motion(x: np.ndarray, sigma_s: float, fps: float) -> np.ndarray:
    """As `gaussian`, but what goes on at an end goes on beyond it."""
    sigma = sigma_s * fps
    reach = int(4 * sigma + 0.5)
    return gaussian_filter1d(extended(x, reach), sigma, axis=0)[reach : reach + len(x)] if reach else x


def smooth_sequences(
    name: Filter,
    sequences: Sequence[np.ndarray],
    parameters: Mapping[str, float],
    fps: float,
    sizes: Sequence[float] | None = None,
) -> list[np.ndarray]:
    """Filter sequences of the benchmarks, by their protocol: as the filters are, in body sizes.

    Parameters
    ----------
    name
        Which filter.
    sequences
        float32 [T, J, D] each.
    parameters
        As `tune_filter` returns them.
    fps
        Frames a second.
    sizes
        The body size of each sequence; measured if not given.

    Returns
    -------
    list of arrays
        float32 [T, J, D] each.
    """
    sizes = [body_size(sequence) for sequence in sequences] if sizes is None else sizes
    return [x.astype(np.float32) for x in _filter_arrays(name, sequences, parameters, fps, sizes)]


def _filter_arrays(
    name: Filter,
    sequences: Sequence[np.ndarray],
    parameters: Mapping[str, float],
    fps: float,
    sizes: Sequence[float],
) -> list[np.ndarray]:
    if name != "one_euro":  # the other two are linear: the unit makes no difference
        return [FILTERS[name](x.astype(np.float64), **parameters, fps=fps) for x in sequences]
    # It needs a loop over time, so all sequences share one; what a short one is padded with comes after its end.
    padded = np.zeros((max(map(len, sequences), default=0), sum(x[0].size for x in sequences)))
    columns = np.cumsum([0, *(x[0].size for x in sequences)])
    for x, size, first in zip(sequences, sizes, columns, strict=False):
        padded[: len(x), first : first + x[0].size] = x.reshape(len(x), -1) / size
    smoothed = one_euro(padded, **parameters, fps=fps)
    return [
        (smoothed[: len(x), first : first + x[0].size] * size).reshape(x.shape)
        for x, size, first in zip(sequences, sizes, columns, strict=False)
    ]


def tune_filter(
    name: Filter,
    detected: Sequence[np.ndarray],
    truth: Sequence[np.ndarray],
    fps: float,
    root: Sequence[int],
    known: Sequence[np.ndarray | None] | None = None,
    sizes: Sequence[float] | None = None,
) -> Parameters:
    """Find the parameters with the least MPJPE on sequences with known truth: a grid, then a finer one around the best.

    Parameters
    ----------
    name
        Which filter.
    detected, truth
        [T, J, D] each; from a training split.
    fps
        Frames a second.
    root
        The root joints, see `data.skeletons.metrics.align_root`.
    known
        bool [T, J] each: the joints to score; None for all.
    sizes
        The body size of each sequence; measured if not given.

    Returns
    -------
    dict
        The filter's parameters, by name.
    """
    sizes = [body_size(x) for x in detected] if sizes is None else sizes

    def error(parameters: Parameters) -> float:
        return mpjpe(smooth_sequences(name, detected, parameters, fps, sizes), truth, root, known)

    def search(grid: Mapping[str, Sequence[float]]) -> Parameters:
        tries = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
        return min(tries, key=error)

    best = search(GRIDS[name])
    finer = {key: _between(GRIDS[name][key], value) for key, value in best.items()}
    return {key: round(float(value), 4) for key, value in search(finer).items()}


def _between(grid: Sequence[float], value: float) -> tuple[float, ...]:
    """Give the value and points half way to its neighbours in the grid."""
    if all(float(point).is_integer() for point in grid):
        return (value,)
    at = list(grid).index(value)
    near = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
    middle = tuple((a * value) ** 0.5 if a and value else (a + value) / 2 for a in near)
    return tuple(sorted({middle[0], value, middle[1]}))
