"""A bank of smoothers, from hardly any to a second and more, that leave trends exactly as they are.

The coarsest is a weighted local fit of a parabola, by itself exact on rest, constant velocity and constant
acceleration. Every finer one smooths what the next coarser one left over, with a bell-shaped kernel:

    y_k = y_(k+1) + K_k(c (x - y_(k+1))) / (K_k c + RESERVE)

So each is exact wherever the coarsest is, whatever the confidences c; the response of y_k is flat in its passband (what
it takes away is the product of what all coarser ones take away); and where nothing trustworthy is near, a fine smoother
says what the next coarser one says. Nothing needs to be known beyond the ends: there is no confidence there.

Everything is linear in the coordinates, with factors that are the same for all coordinates of a joint: moving, turning
and scaling the input moves, turns and scales the output. Times are in seconds. Sequences are [T, D, J] here, and lie in
memory with all times of a coordinate beside each other (`timewise`): long rows make for short times. Others do, too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.lib.stride_tricks import as_strided

from refine.steady.room import empty

COARSEST = 0.8
"""Standard deviation of the local parabola's weights, seconds."""

FINER = (0.3, 0.17, 0.1, 0.06, 0.035, 0.02)
"""Standard deviations of the other smoothers' kernels, seconds, from coarse to fine."""

RESERVE = 0.03
"""The share of confidence, of what is usual around, up to which a smoother follows the next coarser one."""

SMALLEST = 1e-4
"""Confidence of what is missing and was filled in: so little that only what nobody saw depends on it."""

PER_SECOND = 15
"""Weights of the smoothers are worked out about so many times a second, parabolas at a quarter of that."""


@dataclass(frozen=True)
class Clock:
    """How the frames of a sequence lie in time.

    Parameters
    ----------
    fps
        Frames a second.
    """

    fps: float

    @property
    def step(self) -> int:
        """Frames between two places at which weights are worked out."""
        return max(1, round(self.fps / PER_SECOND))

    @property
    def stride(self) -> int:
        """Frames between two local parabolas."""
        return 4 * self.step

    def radius(self, sigma: float) -> int:
        """Frames to either side that a kernel of standard deviation `sigma` seconds reaches."""
        return max(1, int(np.ceil(3 * sigma * self.fps)) - 1)


def bell(clock: Clock, sigma: float) -> np.ndarray:
    """Return the weights of a bell that ends, float64 [2 radius + 1], sum 1.

    (1 - (t / 3 sigma)^2)^3 is nearly a Gaussian of standard deviation sigma, but ends smoothly at 3 sigma: a Gaussian
    that is cut off lets through what is fast.
    """
    radius = clock.radius(sigma)
    times = np.arange(-radius, radius + 1) / clock.fps
    weights = np.maximum(1 - (times / (3 * sigma)) ** 2, 0.0) ** 3
    return weights / weights.sum()


SHORT = 48
"""Blocks: if there are fewer, it takes longer to set them apart than to copy all."""

REGISTER = 64
"""Bytes: places that fill so much are worked out by one product of matrices. A longer block multiplies more zeros."""


class Convolution:
    """Weighted sums over the frames around each frame, as products of matrices; there are zeros beyond the ends.

    Parameters
    ----------
    taps
        [n, 2 radius + 1]: n sets of weights.
    every
        Take each `every`-th frame only.
    before, after
        How many further places to take before the first and after the last.
    dtype
        Of the computation.
    """

    def __init__(
        self, taps: np.ndarray, every: int = 1, before: int = 0, after: int = 0, dtype: type = np.float32
    ) -> None:
        self.sets, width = taps.shape
        self.radius, self.every, self.before, self.after = width // 2, every, before, after
        self.block = REGISTER // np.dtype(dtype).itemsize
        # [sets, 1, frames of a block, places of it]
        self.matrix = np.zeros((self.sets, 1, (self.block - 1) * every + width, self.block), dtype)
        for place in range(self.block):
            self.matrix[:, 0, place * every : place * every + width, place] = taps

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Sum [T, C]; returns [n, places, C]."""
        frames, columns = values.shape
        if values.dtype != self.matrix.dtype:
            given, values = values, timewise(frames, columns, dtype=self.matrix.dtype)
            values[:] = given
        places = -(-frames // self.every) + self.before + self.after
        blocks = -(-places // self.block)
        out = empty((self.sets, columns, blocks * self.block), self.matrix.dtype)
        hop, start = self.block * self.every, -self.before * self.every - self.radius
        width = self.matrix.shape[2]
        # Blocks all of whose frames there are; the others see zeros beyond the ends.
        first = min(-(start // hop), blocks)
        last = max(min((frames - width - start) // hop + 1, blocks), first)
        if last - first < SHORT:
            first = last = 0
        if first < last:
            self._sum(values, start, first, last, out)
        for low, high in ((0, first), (last, blocks)):
            if low == high:
                continue
            begin = start + low * hop
            padded = timewise((high - low) * hop + width, columns, dtype=values.dtype)
            padded[:] = 0
            inside = values[max(begin, 0) : max(begin + len(padded), 0)]
            padded[max(-begin, 0) :][: len(inside)] = inside
            self._sum(padded, -low * hop, low, high, out)
        return out[:, :, :places].transpose(0, 2, 1)

    def whole(self, frames: int) -> slice:
        """Say at which places the window lies within a sequence."""
        first = self.before - (-self.radius // self.every)
        last = self.before + (frames - self.radius - 1) // self.every + 1
        return slice(first, max(last, first))

    def _sum(self, values: np.ndarray, start: int, first: int, last: int, out: np.ndarray) -> None:
        """Sum blocks, by one call: block 0 begins with the frame `start` of the values."""
        hop, columns = self.block * self.every, values.shape[1]
        time, column = values.strides
        shape = (last - first, columns, self.matrix.shape[2])
        windows = as_strided(values[start + first * hop :], shape, (hop * time, column, time), writeable=False)
        into = out[:, :, first * self.block : last * self.block].reshape(self.sets, columns, -1, self.block)
        np.matmul(windows, self.matrix, out=into.transpose(0, 2, 1, 3))


def timewise(frames: int, *shape: int, dtype: type | np.dtype = np.float32) -> np.ndarray:
    """Return room for [frames, ...] in which all times of a number lie beside each other."""
    return empty((*shape, frames), dtype).transpose(len(shape), *range(len(shape)))


def blend_weights(frames: int, every: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a cubic B-spline's weights between places `every` frames apart, the first of which is one before frame 0.

    Returns
    -------
    places : int array [T, 4]
        The four places around each frame.
    weights : float array [T, 4]
        Positive, sum 1, smooth in time.
    """
    place, rest = np.divmod(np.arange(frames), every)
    u = rest / every
    weights = np.stack([(1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3], axis=1) / 6
    return place[:, None] + np.arange(4), weights


def blend(values: np.ndarray, frames: int, every: int) -> np.ndarray:
    """Spread values at places, [places, ...], the first one before frame 0, smoothly over the frames, [T, ...]."""
    rows = np.moveaxis(values, 0, -1).reshape(-1, len(values))
    return _spread(rows, frames, _spreading(every, values.dtype)).reshape(frames, *values.shape[1:])


STRETCHES = 8
"""Stretches between two places that one product of matrices spreads values over."""


@lru_cache(maxsize=32)
def _spreading(every: int, dtype: np.dtype, powers: int = 1, unit: int = 1) -> np.ndarray:
    """Return what takes values at places to frames, [places times powers, frames].

    The values of a place are factors of powers of the frames from it, in `unit` frames. All stretches between two
    places have the same weights.
    """
    _, weights = blend_weights(every, every)
    u = (np.arange(every)[:, None] - every * (np.arange(4) - 1)) / unit
    matrix = np.zeros((STRETCHES + 3, powers, STRETCHES, every))
    for power in range(powers):
        for stretch in range(STRETCHES):
            matrix[stretch : stretch + 4, power, stretch] = (weights * u**power).T
    return matrix.reshape((STRETCHES + 3) * powers, -1).astype(dtype)


def _spread(rows: np.ndarray, frames: int, spreading: np.ndarray) -> np.ndarray:
    """Spread rows of values at places, [C, places times powers], over the frames, [T, C]."""
    inputs, outputs = spreading.shape
    blocks, hop = -(-frames // outputs), inputs // (STRETCHES + 3) * STRETCHES
    needed = blocks * hop + inputs - hop
    if rows.shape[1] < needed:
        given, rows = rows, np.zeros((len(rows), needed), rows.dtype)
        rows[:, : given.shape[1]] = given
    row, item = rows.strides
    windows = as_strided(rows, (blocks, len(rows), inputs), (hop * item, row, item), writeable=False)
    out = empty((len(rows), blocks, outputs), rows.dtype)
    np.matmul(windows, spreading, out=out.transpose(1, 0, 2))
    return out.reshape(len(rows), -1)[:, :frames].T


class Bank:
    """The smoothers at one frame rate.

    Parameters
    ----------
    clock
        The frame rate.
    sigmas
        Standard deviations of the bells, seconds, from coarse to fine.
    """

    def __init__(self, clock: Clock, sigmas: Sequence[float] = FINER) -> None:
        self.clock, self.sigmas = clock, tuple(sigmas)
        taps = bell(clock, COARSEST)
        u = np.linspace(-1, 1, len(taps))
        self._unit = len(taps) // 2  # frames per unit of u
        powers = taps * u ** np.arange(5)[:, None]
        self._moments = Convolution(powers, clock.stride, 1, 2, np.float64)
        self._sums = Convolution(powers[:3], clock.stride, 1, 2, np.float64)
        self._bells = [Convolution(bell(clock, sigma)[None]) for sigma in self.sigmas]

    @property
    def radius(self) -> int:
        """Frames to either side on which a result depends."""
        reach = sum(one.radius for one in self._bells)
        return reach + self._moments.radius + 2 * self.clock.stride

    @cached_property
    def _usual(self) -> Convolution:
        return Convolution(bell(self.clock, COARSEST)[None], self.clock.stride, 1, 2)

    def __call__(self, x: np.ndarray, confidence: np.ndarray) -> list[np.ndarray]:
        """Smooth.

        Parameters
        ----------
        x
            float32 [T, D, J], finite.
        confidence
            float32 [T, J], about 1, see `relative`; at least `SMALLEST`.

        Returns
        -------
        list of arrays
            float32 [T, D, J] each: the parabola's, then one per bell.
        """
        frames, dims, joints = x.shape
        smoothed = [self._parabola(x, confidence)]
        both = timewise(frames, dims + 1, joints)
        both[:, dims] = confidence
        left = both[:, :dims]
        for convolution in self._bells:
            y = smoothed[-1]
            np.subtract(x, y, out=left)
            left *= confidence[:, None]
            sums = convolution(both.reshape(frames, -1))[0].reshape(frames, dims + 1, joints)
            share = sums[:, dims]
            share += np.float32(RESERVE)
            finer = timewise(frames, dims, joints)
            np.divide(sums[:, :dims], share[:, None], out=finer)
            finer += y
            smoothed.append(finer)
        return smoothed

    def relative(self, confidence: np.ndarray) -> np.ndarray:
        """Divide confidences [T, J] by what is usual around."""
        frames = len(confidence)
        with_one = timewise(frames, confidence.shape[1] + 1)
        with_one[:, :-1], with_one[:, -1] = confidence, 1
        sums = blend(self._usual(with_one)[0], frames, self.clock.stride)
        return confidence * (sums[:, -1:] / np.maximum(sums[:, :-1], 1e-30))

    def _parabola(self, x: np.ndarray, confidence: np.ndarray) -> np.ndarray:
        """Fit parabolas with weights around places a few frames apart, and blend them."""
        frames, dims, joints = x.shape
        if frames < 3:
            return x.copy()
        if frames <= 2 * self.clock.stride:
            return _one_parabola(x, confidence)
        moments = self._moments(confidence)
        counted = timewise(frames, dims, joints, dtype=np.float64)
        np.multiply(x, confidence[:, None], out=counted)
        sums = self._sums(counted.reshape(frames, -1))
        fits = _solve(moments, sums.reshape(3, -1, dims, joints))
        # Each parabola is taken at the frames around it.
        rows = np.stack([values.astype(x.dtype).reshape(len(values), -1).T for values in fits], axis=-1)
        return _spread(
            rows.reshape(dims * joints, -1), frames, _spreading(self.clock.stride, x.dtype, 3, self._unit)
        ).reshape(x.shape)


PART = 512
"""Frames of all joints that stay in the processor's cache."""


def parts(frames: int, multiple: int = 1, most: int = PART) -> Iterator[slice]:
    """Cut frames into parts that stay in the processor's cache, each but the last a multiple of so many frames."""
    size = max(most // multiple, 1) * multiple
    return (slice(first, min(first + size, frames)) for first in range(0, frames, size))


def norm(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return the lengths [T, J] of vectors [T, D, J]."""
    return np.sqrt(np.einsum("tdj,tdj->tj", x, x), out=out)


def distance(x: np.ndarray, y: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return the lengths [T, J] of differences of [T, D, J]."""
    out = timewise(len(x), x.shape[2]) if out is None else out
    for rows in parts(len(x)):
        norm(x[rows] - y[rows], out[rows])
    return out


def _solve(moments: np.ndarray, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Solve weighted fits of a + b u + d u^2.

    Parameters
    ----------
    moments
        [5, places, J]: sums of c u^p, p = 0 to 4.
    sums
        [3, places, D, J]: sums of c u^p x, p = 0 to 2.
    """
    s = moments[:, :, None]
    t0, t1, t2 = sums
    m00, m01, m02 = s[2] * s[4] - s[3] ** 2, s[2] * s[3] - s[1] * s[4], s[1] * s[3] - s[2] ** 2
    m11, m12, m22 = s[0] * s[4] - s[2] ** 2, s[1] * s[2] - s[0] * s[3], s[0] * s[2] - s[1] ** 2
    scale = 1 / np.maximum(s[0] * m00 + s[1] * m01 + s[2] * m02, 1e-300)
    return (
        (m00 * t0 + m01 * t1 + m02 * t2) * scale,
        (m01 * t0 + m11 * t1 + m12 * t2) * scale,
        (m02 * t0 + m12 * t1 + m22 * t2) * scale,
    )


def _one_parabola(x: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Fit one parabola to a sequence that is too short for several."""
    u = np.linspace(-1, 1, len(x))
    powers = u[:, None] ** np.arange(5)
    moments = np.einsum("tp,tj->pj", powers, confidence)[:, None]
    a, b, d = _solve(moments, np.einsum("tp,tdj->pdj", powers[:, :3], x * confidence[:, None])[:, None])
    u = u[:, None, None]
    return (a + b * u + d * u**2).astype(np.float32)
