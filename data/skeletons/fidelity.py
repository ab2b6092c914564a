"""How much of a movement is left: measures to go beside those of how smooth it became.

An error per frame rewards whoever flattens what is uncertain, and an error of acceleration whoever flattens all. These
tell. Poses are [T, J, D] in any unit.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from torch import Tensor

from base.words import listed
from data.skeletons.gaps import fill_gaps
from data.skeletons.metrics import acceleration_distances, align_roots, three_in_a_row

Band = tuple[float, float]
"""Lowest and highest frequency, hertz; the second is not in it."""

BANDS: tuple[Band, ...] = ((0.5, 1.5), (1.5, 3.0), (3.0, 6.0))
"""Most of what people do, quick gestures, and what of those is abrupt."""

RAW_BANDS = BANDS[:2]
"""Where what was measured may stand in for an unknown truth: above, most of it is noise, which shall not be kept."""

TELLING = 1
"""Of the bands, the one to show where there is room for one: quick enough that smoothing takes it, no noise yet."""

LEAST_LEFT = 0.8
"""A method that keeps a smaller share of the movement than this flattens it."""

ROUNDING = 1e-7
"""A movement of this share of how far from the origin it is may be rounding."""

LONGEST = 8192
"""Frames that are transformed together; longer sequences are cut into pieces of about the same length."""


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
    methods
        How many methods' poses are compared with the same truth.
    """

    def __init__(self, fps: float, root: Sequence[int] = (), bands: Sequence[Band] = BANDS, methods: int = 1) -> None:
        self.fps, self.root, self.bands = fps, list(root), tuple(bands)
        self.sequences = 0
        self.short = np.zeros(len(bands), np.int64)
        """How many of the sequences, per band, last no whole period of its lowest frequency and have no say in it."""
        self._kept, self._whole = np.zeros((methods, len(bands))), np.zeros(len(bands))

    def add(self, poses: np.ndarray, truth: np.ndarray, known: np.ndarray | None = None) -> None:
        """Add a sequence.

        Parameters
        ----------
        poses, truth
            [T, J, D]; of several methods [methods, T, J, D].
        known
            bool [T, J]: where all are known; elsewhere all are bridged alike, by straight lines in time. None for
            everywhere.
        """
        self.sequences += 1
        self.short += [len(truth) * low < self.fps for low, _ in self.bands]
        many = poses.reshape(len(self._kept), *truth.shape)
        for rows in _pieces(len(truth)):
            self._add(
                many[:, rows], truth[rows], np.ones(truth[rows].shape[:2], bool) if known is None else known[rows]
            )

    def _add(self, poses: np.ndarray, truth: np.ndarray, known: np.ndarray) -> None:
        frames = len(truth)
        heard = [frames * low >= self.fps for low, _ in self.bands]
        # [T, J, D, methods and truth]: gaps and trends are those of numbers over time, whosoever they are.
        x = np.stack([truth, *poses], axis=-1, dtype=np.float64)
        if self.root:
            roots = known[:, self.root, None, None]
            count = roots.sum(axis=1, keepdims=True)
            x = x - np.where(roots, x[:, self.root], 0).sum(axis=1, keepdims=True) / np.maximum(count, 1)
            known = known & (count > 0)[:, :, 0, 0]
        if not any(heard) or not known.any():
            return
        spectra = _spectra(x.reshape(*known.shape, -1), known).reshape(-1, *x.shape[1:])
        shared = np.einsum("fjdm,fjd->fm", spectra, spectra[..., 0].conj()).real
        farthest = float(np.abs(truth[known]).max())
        if shared[:, 0].sum() <= (ROUNDING * farthest * frames) ** 2 * truth[0].size:
            return  # nothing moves
        frequencies = np.fft.rfftfreq(frames, 1 / self.fps)
        for number, (low, high) in enumerate(self.bands):
            if heard[number]:
                inside = (frequencies >= low) & (frequencies < high)
                # Long sequences count by their length, not by its square.
                sums = shared[inside].sum(axis=0) / frames
                self._whole[number] += sums[0]
                self._kept[:, number] += sums[1:]

    def gains(self, method: int = 0) -> list[float]:
        """Return the gain in each band; NaN where nothing moves, no sequence is long enough, or `fps` is too low."""
        return [
            kept / whole if whole > 0 and high <= self.fps / 2 else math.nan
            for kept, whole, (_, high) in zip(
                self._kept[method].tolist(), self._whole.tolist(), self.bands, strict=True
            )
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


class Fidelity:
    """How much of the true movement is left: gains, and own acceleration, added up over sequences.

    Parameters
    ----------
    fps, root, bands, methods
        As of `BandGains`. Accelerations are of the joints where they are: who wants them about a root aligns it before.
    """

    def __init__(self, fps: float, root: Sequence[int] = (), bands: Sequence[Band] = BANDS, methods: int = 1) -> None:
        self.bands = BandGains(fps, root, bands, methods)
        self._sums = np.zeros(1 + methods)

    def add(self, poses: np.ndarray, truth: np.ndarray, known: np.ndarray | None = None) -> None:
        """Add a sequence, see `BandGains.add`."""
        self.bands.add(poses, truth, known)
        there = True if known is None else known[:-2] & known[1:-1] & known[2:]
        for number, x in enumerate((truth, *poses.reshape(-1, *truth.shape))):
            norms = np.linalg.norm(np.diff(x.astype(np.float64), 2, axis=0), axis=-1)
            self._sums[number] += norms.sum(where=there)

    def figures(self, method: int = 0) -> dict[str, Any]:
        """Return `gain`, a list of a number per band, and `own_acceleration`, a share of the truth's; None for none."""
        own = float(self._sums[1 + method] / self._sums[0]) if self._sums[0] > 0 else math.nan
        return {"gain": [number(gain) for gain in self.bands.gains(method)], "own_acceleration": number(own)}


def band_label(band: Sequence[float]) -> str:
    """Write a band: 0.5-1.5 Hz."""
    return f"{band[0]:g}-{band[1]:g} Hz"


def number(value: float, digits: int = 4) -> float | None:
    """Round a figure; None for one that does not exist."""
    return round(value, digits) if math.isfinite(value) else None


def _aligned(
    poses: np.ndarray, truth: np.ndarray, root: Sequence[int], known: np.ndarray | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    # Whatever their strides: filters that run backwards leave negative ones.
    return align_roots(np.ascontiguousarray(poses), np.ascontiguousarray(truth), root, known)


def _pieces(frames: int) -> Iterator[slice]:
    edges = np.linspace(0, frames, max(1, -(-frames // LONGEST)) + 1).round().astype(int).tolist()
    for first, end in pairwise(edges):
        yield slice(first, end)


def _spectra(x: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Transform [T, J, numbers] over time."""
    if not known.all():
        x = fill_gaps(x, known)
    x = x.reshape(len(x), -1)
    time = np.arange(len(x)) - (len(x) - 1) / 2
    x = x - x[:1]  # what rests is 0 to the last digit
    x -= x.mean(axis=0) + time[:, None] * (time @ x) / max(time @ time, 1.0)
    return np.fft.rfft(x * np.hanning(len(x) + 2)[1:-1, None], axis=0)


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


def lost_bands(gain: Sequence[float | None], reference: Sequence[float | None]) -> list[int]:
    """Return the bands, by their numbers, in which less than `LEAST_LEFT` is left of what was put in.

    Parameters
    ----------
    gain, reference
        Of what a method made and of what it was given, per band; None or NaN where it is not known.
    """
    pairs = enumerate(zip(gain, reference, strict=True))
    return [at for at, (one, of) in pairs if one is not None and of is not None and one < LEAST_LEFT * of]


def flattened(gain: Sequence[float | None], reference: Sequence[float | None], own: float | None) -> bool:
    """Whether a method's acceleration falls because its movement does.

    Parameters
    ----------
    gain, reference
        See `lost_bands`; any such band tells.
    own
        Its own acceleration as a share of the truth's, None where it is not known: less than `LEAST_LEFT` tells, too.
    """
    return bool(lost_bands(gain, reference)) or (own is not None and own < LEAST_LEFT)


def in_words(gain: Sequence[float | None], reference: Sequence[float | None], own: float | None, of: str) -> str:
    """Say how much of the movement a method left, in the bands that it lost, or else in the most telling one.

    Parameters
    ----------
    gain, reference, own
        See `flattened`.
    of
        What the shares are of, such as `the true movement`.

    Returns
    -------
    str
        Such as `left 53% of the true movement between 1.5 and 3 Hz (of 94% put in)`; empty if nothing is known.
    """
    told = lost_bands(gain, reference) or [at for at in (TELLING, 0) if gain[at] is not None][:1]
    shares = [
        f"{gain[at]:z.0%}{f' of {of}' if at == told[0] else ''} between {BANDS[at][0]:g} and {BANDS[at][1]:g} Hz"
        for at in told
    ]
    put_in = [f"{reference[at]:z.0%}" for at in told if reference[at] is not None]
    said = []
    if shares:
        whole = all(share == "100%" for share in put_in)
        said.append(f"left {listed(shares)}" + ("" if whole else f" (of {listed(put_in)} put in)"))
    if own is not None and (own < LEAST_LEFT or not said):
        said.append(f"accelerates {own:.2f} times as much as the truth")
    return " and ".join(said)
