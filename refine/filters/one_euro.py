"""The 1 Euro filter: causal, and lighter where motion is fast."""

import math

import numpy as np

from refine.filters.registry import FILTERS, FilterKind

SPEED_CUTOFF_HZ = 1.0
"""The cutoff for the estimate of speed, as its authors recommend."""


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


FILTERS.add(
    "one_euro",
    FilterKind(
        "One-Euro",
        one_euro,
        grid={"min_cutoff_hz": tuple(np.geomspace(0.1, 25.6, 9)), "beta": (0.0, *np.geomspace(0.03, 30, 7))},
        # the minimal cutoff 0.04, beta 0.7 and the cutoff of the speed 1, with a step of one frame
        released=lambda fps: {"min_cutoff_hz": 0.04 * fps, "beta": 0.7, "speed_cutoff_hz": fps},
        turned=True,
        sized=True,
        causal=True,
        colours=("#7f3c00", "#f8b570"),
    ),
)
