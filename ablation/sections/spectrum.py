"""How the joints' motion is spread over frequencies: what smoothing removed, and what it left."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.signal import welch

from ablation.sections.poses import clip_tracks, unit
from data.skeletons.store import ClipStore

SEGMENT = 32
"""Frames of a segment, about a second: what is slower cannot be told apart."""


@dataclass(frozen=True)
class Spectrum:
    """Power spectral densities of joint positions.

    Parameters
    ----------
    frequency
        float64 [F], Hz; zero is left out.
    power
        For each arm, float64 [F], mm^2/Hz or px^2/Hz, the mean over coordinates, joints and segments.
    """

    frequency: np.ndarray
    power: dict[str, np.ndarray]


def joint_spectrum(stores: Mapping[str, ClipStore], names: np.ndarray) -> Spectrum | None:
    """Estimate the spectrum of joint motion in several arms by Welch's method (IEEE Trans. Audio Electroac. 1967).

    Hann windows of `SEGMENT` frames that overlap by half, each without its linear trend. Joints that are seen in every
    frame of a track count; shorter tracks do not.

    Parameters
    ----------
    stores
        The skeletons of each arm.
    names
        Which clips.

    Returns
    -------
    None if no track is long enough.
    """
    frequency, power = np.zeros(0), {}
    for arm, store in stores.items():
        total, weight, scale = np.zeros(SEGMENT // 2), 0, unit(store.layout.dims)[1]
        for _, joints, seen in clip_tracks(store, names):
            whole = seen.all(0)
            if len(joints) < SEGMENT or not whole.any():
                continue
            # scipy-stubs do not know detrend="linear"
            frequency, density = welch(  # type: ignore[call-overload]
                scale * joints[:, whole], store.info.fps, nperseg=SEGMENT, detrend="linear", axis=0
            )
            segments = 1 + (len(joints) - SEGMENT) // (SEGMENT // 2)
            total += segments * density[1:].sum((1, 2))
            weight += segments * density[0].size
        if not weight:
            return None
        power[arm] = total / weight
    return Spectrum(frequency[1:], power)
