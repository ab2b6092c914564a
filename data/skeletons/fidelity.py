"""How much of a movement is left: measures to go beside those of how smooth it became.

An error per frame rewards whoever flattens what is uncertain, and an error of acceleration whoever flattens all. These
tell. Poses are [T, J, D] in any unit.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy.signal import detrend
from torch import Tensor

from data.skeletons.gaps import fill_gaps
from data.skeletons.metrics import acceleration_distances, align_roots, three_in_a_row

Band = tuple[float, float]
"""Lowest and highest frequency, hertz; the second is not in it."""

BANDS: tuple[Band, ...] = ((0.5, 1.5), (1.5, 3.0), (3.0, 6.0))
"""Most of what people do, quick gestures, and what of those is abrupt."""

RAW_BANDS = BANDS[:2]
"""Where what was measured may stand in for an unknown truth: above, most of it is noise, which shall not be kept."""

LEAST_LEFT = 0.8
"""A method that keeps a smaller share of the movement than this flattens it."""

ROUNDING = 1e-7
"""A movement of this share of how far from the origin it is may be rounding."""

LONGEST = 8192
"""Frames that are transformed together; longer sequences are cut into pieces of about the same length."""


@dataclass
class BandGains:
    """Which share of one movement is in another, per band of frequencies, added up over sequences.

    Re(sum X conj(G)) / sum |G|^2 over all sequences, joints, axes and the frequencies of the band, with X and G the
    Fourier transforms of the poses and of the truth, each without its linear trend, under a Hann window. 1 keeps all; a
    delay, or a movement in the wrong direction, counts as lost; noise that has nothing to do with the movement does not
    count.

    Parameters
    ----------
    fps
        Frames a second.
    root
        Joints whose mean is taken out of both; none for poses in an image.
    bands
        Hertz. A band that is not wholly below half the frame rate has no gain.
    """

    fps: float
    root: Sequence[int] = ()
    bands: Sequence[Band] = BANDS
    sequences: int = 0
    """How many were added."""
    short: np.ndarray = field(init=False)
    """How many of them, int64 per band, last no whole period of its lowest frequency and have no say in it."""

    def __post_init__(self) -> None:
        self._kept, self._whole = np.zeros(len(self.bands)), np.zeros(len(self.bands))
        self.short = np.zeros(len(self.bands), np.int64)

    def add(self, poses: np.ndarray, truth: np.ndarray, known: np.ndarray | None = None) -> None:
        """Add a sequence.

        Parameters
        ----------
        poses, truth
            [T, J, D].
        known
            bool [T, J]: where both are known; elsewhere both are bridged alike, by straight lines in time. None for
            everywhere.
        """
        self.sequences += 1
        for rows in _pieces(len(poses)):
            self._add(poses[rows], truth[rows], None if known is None else known[rows])
        self.short += [len(poses) * low < self.fps for low, _ in self.bands]

    def _add(self, poses: np.ndarray, truth: np.ndarray, known: np.ndarray | None) -> None:
        frames = len(poses)
        heard = [frames * low >= self.fps for low, _ in self.bands]
        if not any(heard) or (known is not None and not known.any()):
            return
        first, second, mask = _aligned(poses, truth, self.root, known)
        spectra = [_spectrum(x.numpy(), None if mask is None else mask.numpy()) for x in (first, second)]
        frequencies = np.fft.rfftfreq(frames, 1 / self.fps)
        shared = np.einsum("fjd,fjd->f", spectra[0], spectra[1].conj()).real
        energy = np.einsum("fjd,fjd->f", spectra[1], spectra[1].conj()).real
        farthest = float(np.abs(truth if known is None else truth[known]).max())
        if energy.sum() <= (ROUNDING * farthest * frames) ** 2 * second[0].numel():
            return  # nothing moves
        for number, (low, high) in enumerate(self.bands):
            if heard[number]:
                inside = (frequencies >= low) & (frequencies < high)
                # Long sequences count by their length, not by its square.
                self._kept[number] += shared[inside].sum() / frames
                self._whole[number] += energy[inside].sum() / frames

    def gains(self) -> list[float]:
        """Return the gain in each band; NaN where nothing moves, no sequence is long enough, or `fps` is too low."""
        return [
            kept / whole if whole > 0 and high <= self.fps / 2 else math.nan
            for kept, whole, (_, high) in zip(self._kept.tolist(), self._whole.tolist(), self.bands, strict=True)
        ]


def band_gains(
    poses: Sequence[np.ndarray],
    truth: Sequence[np.ndarray],
    fps: float,
    root: Sequence[int] = (),
    bands: Sequence[Band] = BANDS,
    known: Sequence[np.ndarray | None] | None = None,
) -> list[float]:
    """Return which share of the true movement is in poses, per band: `BandGains` of all sequences."""
    found = BandGains(fps, root, bands)
    for triple in zip(poses, truth, known or [None] * len(poses), strict=True):
        found.add(*triple)
    return found.gains()


def _aligned(
    poses: np.ndarray, truth: np.ndarray, root: Sequence[int], known: np.ndarray | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    # Whatever their strides: filters that run backwards leave negative ones.
    return align_roots(np.ascontiguousarray(poses), np.ascontiguousarray(truth), root, known)


def _pieces(frames: int) -> Iterator[slice]:
    edges = np.linspace(0, frames, max(1, -(-frames // LONGEST)) + 1).round().astype(int).tolist()
    for first, end in pairwise(edges):
        yield slice(first, end)


def _spectrum(x: np.ndarray, known: np.ndarray | None) -> np.ndarray:
    if known is not None and not known.all():
        x = fill_gaps(x, known)
    window = np.hanning(len(x) + 2)[1:-1, None, None]
    return np.fft.rfft(detrend(x, axis=0) * window, axis=0)


def moved_by(
    poses: Sequence[np.ndarray],
    given: Sequence[np.ndarray],
    root: Sequence[int] = (),
    known: Sequence[np.ndarray | None] | None = None,
) -> float:
    """Return the mean distance by which joints were moved; of clean input, the clean error. NaN of nothing."""
    total, count = 0.0, 0
    for one, other, mask in zip(poses, given, known or [None] * len(poses), strict=True):
        first, second, counted = _aligned(one, other, root, mask)
        distances = (first - second).norm(dim=-1)
        distances = distances.ravel() if counted is None else distances[counted]
        total, count = total + float(distances.sum()), count + len(distances)
    return total / count if count else math.nan


def own_acceleration(
    poses: Sequence[np.ndarray], root: Sequence[int] = (), known: Sequence[np.ndarray | None] | None = None
) -> float:
    """Return the mean norm of second differences, per frame squared; NaN of nothing."""
    total, count = 0.0, 0
    for one, mask in zip(poses, known or [None] * len(poses), strict=True):
        if len(one) < 3:
            continue
        x, _, counted = _aligned(one, one, root, mask)
        norms = acceleration_distances(x)
        norms = norms.ravel() if counted is None else norms[three_in_a_row(counted)]
        total, count = total + float(norms.sum()), count + len(norms)
    return total / count if count else math.nan


def amplitude(path: np.ndarray, wave: np.ndarray) -> float:
    """Return how much of a known wave is in a path, both [T, D] or [T]: 1 for all of it."""
    centred = wave - wave.mean(axis=0)
    return float((path * centred).sum() / (centred * centred).sum())


def flattened(gain: Sequence[float | None], reference: Sequence[float | None], own: float | None) -> bool:
    """Whether a method's acceleration falls because its movement does.

    Parameters
    ----------
    gain
        Of the method, per band; None or NaN where it is not known.
    reference
        Of what was put in: less than `LEAST_LEFT` of it is left in any band.
    own
        Its own acceleration as a share of the truth's: less than `LEAST_LEFT`. None where it is not known.
    """
    pairs = [(one, of) for one, of in zip(gain, reference, strict=True) if one is not None and of is not None]
    return any(one < LEAST_LEFT * of for one, of in pairs) or (own is not None and own < LEAST_LEFT)
