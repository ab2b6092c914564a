"""How much of a movement is left: measures to go beside those of how smooth it became.

An error per frame rewards whoever flattens what is uncertain, and an error of acceleration whoever flattens all. These
tell. Poses are [T, J, D] in any unit.
"""

from collections.abc import Sequence

import numpy as np

BANDS = ((0.5, 1.5), (1.5, 3.0), (3.0, 6.0))
"""Hertz."""


def band_gains(
    poses: Sequence[np.ndarray],
    truth: Sequence[np.ndarray],
    fps: float,
    root: Sequence[int] = (),
    bands: Sequence[tuple[float, float]] = BANDS,
) -> list[float]:
    """Compute which share of the true movement is in poses, per band of frequencies.

    Re(sum X conj(G)) / sum |G|^2 over all sequences, joints, axes and the frequencies of the band, with X and G the
    Fourier transforms of poses and truth under a Hann window. 1 keeps all; noise that has nothing to do with the
    movement does not count.

    Parameters
    ----------
    poses, truth
        [T, J, D] each.
    fps
        Frames a second.
    root
        Joints whose mean is taken out of both.
    bands
        Lowest and highest frequency of each, hertz.

    Returns
    -------
    list of float
        NaN where nothing moves or no sequence is long enough.
    """
    kept, whole = np.zeros(len(bands)), np.zeros(len(bands))
    for one, target in zip(poses, truth, strict=True):
        if len(one) < 4:
            continue
        spectra = [_spectrum(x, root) for x in (one, target)]
        frequencies = np.fft.rfftfreq(len(one), 1 / fps)
        shared = (spectra[0] * spectra[1].conj()).real.sum(axis=(1, 2))
        energy = (spectra[1] * spectra[1].conj()).real.sum(axis=(1, 2))
        for number, (low, high) in enumerate(bands):
            inside = (frequencies >= low) & (frequencies < high)
            # Long sequences count by their length, not by its square.
            kept[number] += shared[inside].sum() / len(one)
            whole[number] += energy[inside].sum() / len(one)
    with np.errstate(invalid="ignore", divide="ignore"):
        return [float(share) for share in kept / whole]


def _spectrum(x: np.ndarray, root: Sequence[int]) -> np.ndarray:
    x = x.astype(np.float64)
    if root:
        x = x - x[:, list(root)].mean(axis=1, keepdims=True)
    window = np.hanning(len(x) + 2)[1:-1, None, None]
    return np.fft.rfft((x - x.mean(axis=0)) * window, axis=0)


def moved_by(poses: Sequence[np.ndarray], given: Sequence[np.ndarray], root: Sequence[int] = ()) -> float:
    """Return the mean distance by which joints were moved; of clean input, the clean error."""
    distances = []
    for one, other in zip(poses, given, strict=True):
        difference = one.astype(np.float64) - other
        if root:
            difference = difference - difference[:, list(root)].mean(axis=1, keepdims=True)
        distances.append(np.linalg.norm(difference, axis=-1).ravel())
    return float(np.nanmean(np.concatenate(distances)))


def own_acceleration(poses: Sequence[np.ndarray], root: Sequence[int] = ()) -> float:
    """Return the mean norm of second differences, per frame squared."""
    norms = []
    for one in poses:
        x = one.astype(np.float64)
        if root:
            x = x - x[:, list(root)].mean(axis=1, keepdims=True)
        norms.append(np.linalg.norm(np.diff(x, 2, axis=0), axis=-1).ravel())
    return float(np.nanmean(np.concatenate(norms)))


def amplitude(path: np.ndarray, wave: np.ndarray) -> float:
    """Return how much of a known wave is in a path, both [T, D] or [T]: 1 for all of it."""
    centred = wave - wave.mean(axis=0)
    return float((path * centred).sum() / (centred * centred).sum())
