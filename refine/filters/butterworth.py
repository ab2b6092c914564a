"""The Butterworth filter: the low-pass filter of biomechanics, forwards and backwards."""

import numpy as np
from scipy.signal import butter, sosfiltfilt

from refine.filters.registry import FILTERS, FilterKind


def butterworth(x: np.ndarray, cutoff_hz: float, order: float, fps: float) -> np.ndarray:
    """Take out what is faster than a cutoff, without delay (Winter, Sidhu & Hobson, J. Biomechanics 1974).

    The filter runs forwards and then backwards over time, so that what is slow keeps its place; at the cutoff, half of
    an amplitude is left. Beyond its ends a sequence goes on by its mirror image through the end point.

    Parameters
    ----------
    x
        [T, ...].
    cutoff_hz
        Hertz; from half the frame rate on there is nothing to take out.
    order
        Of the filter that runs either way.
    fps
        Frames a second.
    """
    if len(x) < 2 or 2 * cutoff_hz >= fps:
        return x.copy()
    sections = butter(int(order), cutoff_hz, fs=fps, output="sos")
    reach = min(round(3 * fps / cutoff_hz), len(x) - 1)  # by then, what the ends do to the filter has died away
    line = np.linspace(x[0], x[-1], len(x))  # taken out, so that a line comes out as one however short it is
    return sosfiltfilt(sections, x - line, axis=0, padlen=reach) + line


FILTERS.add(
    "butterworth",
    FilterKind("Butterworth", butterworth, grid={"cutoff_hz": tuple(np.geomspace(0.4, 12.8, 11)), "order": (2, 4)}),
)
