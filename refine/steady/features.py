"""What the networks see: numbers that do not change when a sequence is moved, turned, scaled or its joints reordered.

Lengths are logarithms of shares of the body's size, times are in seconds. Every number belongs to a joint; what the
others do, the networks learn from means over all joints.
"""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from refine.steady.bank import (
    COARSEST,
    PART,
    SMALLEST,
    Bank,
    Clock,
    Convolution,
    bell,
    blend,
    distance,
    norm,
    parts,
    timewise,
)
from refine.steady.room import empty

FIRST_LOOK = (0.3, 0.1, 0.035)
"""Bells of the bank that judges the observations, seconds, from coarse to fine."""

NEAR, WIDE = 0.08, 0.5
"""Standard deviations of the windows over which numbers are averaged, seconds."""

SMALL = 3e-4
"""Shares of the body's size that are as good as nothing: a tenth of a millimetre."""

SLOW = 1e-2
"""Speed that is as good as rest, body sizes a second."""

FEWER = 4
"""Places between two wide windows; in between they are blended."""

COLUMNS = 21
"""Numbers that the mixer sees of a near and of a wide window."""

JUDGE_FEATURES = 26
MIXER_FEATURES = 2 * COLUMNS + 4


def _log(x: np.ndarray, floor: float = SMALL) -> None:
    """Replace numbers that are not negative by their logarithms; `floor` is as good as nothing."""
    x += np.float32(floor)
    np.log(x, out=x)


def _mean(window: Convolution, values: np.ndarray) -> np.ndarray:
    """Average columns [T, C] over windows that end with the sequence."""
    return _even_out(window, window(values)[0], len(values))


def _even_out(window: Convolution, sums: np.ndarray, frames: int) -> np.ndarray:
    """Divide sums over windows that end with the sequence by their weights; those of a whole window sum to 1."""
    inside = window(np.ones((frames, 1), np.float32))[0]
    whole = window.whole(frames)
    for ends in (slice(0, whole.start), slice(whole.stop, None)):
        sums[ends] /= np.maximum(inside[ends], np.float32(1e-6))
    return sums


def _speed(x: np.ndarray, fps: float) -> np.ndarray:
    """Return speeds by central differences, [T, J], in the unit of `x` a second."""
    speed = timewise(len(x), x.shape[2])
    speed[:] = 0
    if len(x) > 2:
        distance(x[2:], x[:-2], speed[1:-1])
        speed *= np.float32(fps / 2)
        speed[0], speed[-1] = speed[1], speed[-2]
    return speed


def _bend(x: np.ndarray) -> np.ndarray:
    """Return the norms of second differences, [T, J], a frame squared."""
    bend = timewise(len(x), x.shape[2])
    bend[:] = 0
    if len(x) > 2:
        for rows in parts(len(x) - 2):
            before, now, after = (x[rows.start + shift : rows.stop + shift] for shift in range(3))
            norm(after - 2 * now + before, bend[1:-1][rows])
        bend[0], bend[-1] = bend[1], bend[-2]
    return bend


class Features:
    """The numbers at one frame rate.

    Parameters
    ----------
    clock
        The frame rate.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.look = Bank(clock, FIRST_LOOK)
        self.bank = Bank(clock)
        self._near = Convolution(bell(clock, NEAR)[None])
        self._wide = Convolution(bell(clock, WIDE)[None], clock.stride, 1, 2)
        self._places = Convolution(bell(clock, NEAR)[None], clock.step)
        # The wide window is the near one's means once more averaged, at a quarter of the places.
        rest = bell(Clock(clock.fps / clock.step), float(np.sqrt(WIDE**2 - NEAR**2)))
        self._far = Convolution(rest[None], FEWER, 1, 2)

    @cached_property
    def radius(self) -> int:
        """Frames to either side on which a result depends."""
        windows = 2 * (self.clock.radius(WIDE) + self.clock.radius(NEAR)) + (2 * FEWER + 4) * self.clock.step
        usual = 2 * self.clock.radius(COARSEST) + 6 * self.clock.stride
        return self.look.radius + self.bank.radius + windows + usual + 4

    def judge(self, x: np.ndarray, confidence: np.ndarray, strain: np.ndarray) -> np.ndarray:
        """Describe each observation, to judge how far off it is.

        Parameters
        ----------
        x
            float32 [T, D, J], in body sizes.
        confidence
            float32 [T, J], 0 to 1.
        strain
            float32 [n, T, J], see `refine.steady.partners.Partners.strain`.

        Returns
        -------
        float32 array [JUDGE_FEATURES, T, J]
        """
        return np.concatenate([part for _, part in self.judge_parts(x, confidence, strain)], axis=1)

    def judge_parts(
        self, x: np.ndarray, confidence: np.ndarray, strain: np.ndarray
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield what `judge` returns a part of the frames at a time, which stays in the processor's cache."""
        frames, dims, joints = x.shape
        smoothed = self.look(x, np.maximum(self.look.relative(confidence), np.float32(SMALLEST)))
        off = timewise(frames, 6, joints)
        for number, y in enumerate(smoothed):
            distance(x, y, off[:, number])
        off[:, 4] = strain.min(axis=0, initial=np.inf) if len(strain) else 0
        off[:, 5] = confidence
        bend, speed = _bend(x), _speed(smoothed[2], self.clock.fps)
        step = timewise(frames + 1, joints)
        step[:] = 0
        if frames > 1:
            distance(x[1:], x[:-1], step[1:-1])
            step[0], step[-1] = step[1], step[-2]
        flat = off.reshape(frames, -1)
        near = _mean(self._near, flat).reshape(frames, 6, joints)
        wide = _mean(self._wide, flat).reshape(-1, 6, joints)
        every = self.clock.stride
        for rows in parts(frames, every, PART // 2):
            out = empty((joints, JUDGE_FEATURES, rows.stop - rows.start)).transpose(1, 2, 0)
            out[:5] = off[rows, :5].transpose(1, 0, 2)
            out[5] = bend[rows]
            before, after = step[rows], step[rows.start + 1 : rows.stop + 1]
            np.minimum(before, after, out=out[6])
            np.maximum(before, after, out=out[7])
            out[8:14] = near[rows].transpose(1, 0, 2)
            out[14:20] = blend(wide[rows.start // every :], rows.stop - rows.start, every).transpose(1, 0, 2)
            out[20] = confidence[rows]
            out[21] = speed[rows]
            out[23] = strain[:, rows].mean(axis=0) if len(strain) else 0
            _log(out[:13])
            _log(out[14:19])
            _log(out[21], SLOW)
            _log(out[23])
            out[22] = out[2].mean(axis=1, keepdims=True)
            out[24] = np.log(self.clock.fps / 30)
            out[25] = dims == 3
            yield rows, out

    def mixer(
        self,
        x: np.ndarray,
        confidence: np.ndarray,
        strain: np.ndarray,
        weight: np.ndarray,
        error: np.ndarray,
        smoothed: list[np.ndarray],
    ) -> np.ndarray:
        """Describe a sequence around places `clock.step` frames apart, to choose among the smoothers.

        Parameters
        ----------
        x
            float32 [T, D, J], in body sizes.
        confidence
            float32 [T, J], as given.
        strain
            float32 [n, T, J], see `refine.steady.partners.Partners.strain`.
        weight
            float32 [T, J]: what each observation counts, about 1.
        error
            float32 [T, J]: the logarithm of how far off it is judged to be.
        smoothed
            What the bank made of it.

        Returns
        -------
        float32 array [MIXER_FEATURES, places, J]
            From one place before the first frame to two after the last; there it is as at the ends.
        """
        found = [part for _, part in self.mixer_parts(x, confidence, strain, weight, error, smoothed)]
        first, last = found[0][:, :1], found[-1][:, -1:]
        return np.concatenate([first, *found, last, last], axis=1)

    def mixer_parts(
        self,
        x: np.ndarray,
        confidence: np.ndarray,
        strain: np.ndarray,
        weight: np.ndarray,
        error: np.ndarray,
        smoothed: list[np.ndarray],
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield what `mixer` returns, but for what lies beyond the ends, a part of the places at a time."""
        frames, dims, joints = x.shape
        step = self.clock.step
        lowest = strain.min(axis=0, initial=np.inf) if len(strain) else np.zeros_like(weight)
        bend = _bend(x)
        speeds = [_speed(smoothed[level], self.clock.fps) for level in (1, 3, 5)]
        places = -(-frames // step)
        near = timewise(places, COLUMNS * joints)
        reach = -(-self._places.radius // step)
        for some in parts(places, 1, max(PART // step, 1)):
            first = max(some.start - reach, 0)
            rows = slice(first * step, min((some.stop + reach) * step, frames))
            columns = timewise(rows.stop - rows.start, COLUMNS, joints)
            counts = weight[rows]
            levels = [x[rows], *(y[rows] for y in smoothed)]
            for number, y in enumerate(levels[1:]):
                norm(levels[0] - y, columns[:, number])
            for number in range(6):
                norm(levels[number + 2] - levels[number + 1], columns[:, 7 + number])
            for number, rest in enumerate((*speeds, bend, lowest, weight, confidence, error), start=13):
                columns[:, number] = rest[rows]
            columns[:, :7] *= counts[:, None]
            columns[:, 16] *= counts
            near[some] = self._places(columns.reshape(len(columns), -1))[0, some.start - first :][
                : some.stop - some.start
            ]
        near = _even_out(self._places, near, frames)
        far = _mean(self._far, near)
        for rows in parts(places, FEWER, PART // 2):
            count = rows.stop - rows.start
            out = empty((joints, MIXER_FEATURES, count)).transpose(1, 2, 0)
            wide = blend(far[rows.start // FEWER :], count, FEWER)
            for number, means in enumerate((near[rows], wide)):
                mean = means.reshape(count, COLUMNS, joints).transpose(1, 0, 2)
                part = out[COLUMNS * number : COLUMNS * (number + 1)]
                part[:] = mean
                share = np.maximum(part[18], np.float32(1e-6), out=part[18])
                part[:7] /= share
                part[16] /= share
                _log(part[:13])
                _log(part[13:16], SLOW)
                _log(part[16:18])
                _log(part[18], 0.01)
            at = np.arange(rows.start, rows.stop) * self.clock.step
            to_end = np.maximum(np.minimum(at, frames - 1 - at), 0) / self.clock.fps
            out[42] = np.exp(-to_end / 0.1)[:, None]
            out[43] = np.exp(-to_end / 0.5)[:, None]
            out[44] = np.log(self.clock.fps / 30)
            out[45] = dims == 3
            yield rows, out
