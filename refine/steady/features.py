"""What the networks see: numbers that do not change when a sequence is moved, turned, scaled or its joints reordered.

Lengths are logarithms of shares of the body's size, times are in seconds. Every number belongs to a joint; what the
others do, the networks learn from means over all joints.
"""

from functools import cached_property

import numpy as np

from refine.steady.bank import Bank, Clock, Convolution, bell

FIRST_LOOK = (0.3, 0.1, 0.035)
"""Bells of the bank that judges the observations, seconds, from coarse to fine."""

NEAR, WIDE = 0.08, 0.5
"""Standard deviations of the windows over which numbers are averaged, seconds."""

SMALL = 3e-4
"""Shares of the body's size that are as good as nothing: a tenth of a millimetre."""

SLOW = 1e-2
"""Speed that is as good as rest, body sizes a second."""

JUDGE_FEATURES = 22
MIXER_FEATURES = 44


def _norm(x: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("tjd,tjd->tj", x, x))


def _log(x: np.ndarray, floor: float = SMALL) -> np.ndarray:
    return np.log(np.maximum(x, 0) + np.float32(floor))


def _speed(x: np.ndarray, fps: float) -> np.ndarray:
    """Return speeds by central differences, [T, J], in the unit of `x` a second."""
    speed = np.zeros(x.shape[:2], np.float32)
    if len(x) > 2:
        speed[1:-1] = _norm(x[2:] - x[:-2]) * np.float32(fps / 2)
        speed[0], speed[-1] = speed[1], speed[-2]
    return speed


def _bend(x: np.ndarray) -> np.ndarray:
    """Return the norms of second differences, [T, J], a frame squared."""
    bend = np.zeros(x.shape[:2], np.float32)
    if len(x) > 2:
        bend[1:-1] = _norm(x[2:] - 2 * x[1:-1] + x[:-2])
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
        self._every_frame = [Convolution(bell(clock, sigma)[None]) for sigma in (NEAR, WIDE)]
        self._places = [Convolution(bell(clock, sigma)[None], clock.step, 1, 2) for sigma in (NEAR, WIDE)]

    @cached_property
    def radius(self) -> int:
        """Frames to either side on which a result depends."""
        window = 2 * self.clock.radius(WIDE)
        return self.look.radius + self.bank.radius + window + 3 * self.clock.step + 4

    def judge(self, x: np.ndarray, confidence: np.ndarray) -> np.ndarray:
        """Describe each observation, to judge how far off it is.

        Parameters
        ----------
        x
            float32 [T, J, D], in body sizes.
        confidence
            float32 [T, J], 0 to 1.

        Returns
        -------
        float32 array [T, J, JUDGE_FEATURES]
        """
        frames, joints, dims = x.shape
        smoothed = self.look(x, np.maximum(confidence, np.float32(1e-4)))
        out = np.empty((JUDGE_FEATURES, frames, joints), np.float32)
        off = np.empty((frames, 5, joints), np.float32)
        for number, y in enumerate(smoothed):
            off[:, number] = _norm(x - y)
        off[:, 4] = confidence
        out[0:4] = _log(off[:, :4]).transpose(1, 0, 2)
        out[4] = _log(_bend(x))
        step = np.zeros((frames + 1, joints), np.float32)
        if frames > 1:
            step[1:-1] = _norm(np.diff(x, axis=0))
            step[0], step[-1] = step[1], step[-2]
        out[5] = _log(np.minimum(step[:-1], step[1:]))
        out[6] = _log(np.maximum(step[:-1], step[1:]))
        for number, window in enumerate(self._every_frame):
            mean = self._mean(window, off.reshape(frames, -1)).reshape(frames, 5, joints).transpose(1, 0, 2)
            out[7 + 5 * number : 11 + 5 * number] = _log(mean[:4])
            out[11 + 5 * number] = mean[4]
        out[17] = confidence
        out[18] = _log(_speed(smoothed[2], self.clock.fps), SLOW)
        out[19] = _log(off[:, 2]).mean(axis=1, keepdims=True)
        out[20] = np.log(self.clock.fps / 30)
        out[21] = dims == 3
        return out.transpose(1, 2, 0)

    def mixer(
        self, x: np.ndarray, confidence: np.ndarray, weight: np.ndarray, error: np.ndarray, smoothed: list[np.ndarray]
    ) -> np.ndarray:
        """Describe a sequence around places `clock.step` frames apart, to choose among the smoothers.

        Parameters
        ----------
        x
            float32 [T, J, D], in body sizes.
        confidence
            float32 [T, J], as given.
        weight
            float32 [T, J]: what each observation counts, about 1.
        error
            float32 [T, J]: the logarithm of how far off it is judged to be.
        smoothed
            What the bank made of it.

        Returns
        -------
        float32 array [places, J, MIXER_FEATURES]
        """
        frames, joints, dims = x.shape
        columns = np.empty((frames, 20, joints), np.float32)
        for number, y in enumerate(smoothed):
            columns[:, number] = _norm(x - y) * weight
        for number in range(6):
            columns[:, 7 + number] = _norm(smoothed[number + 1] - smoothed[number])
        for number, level in enumerate((1, 3, 5)):
            columns[:, 13 + number] = _speed(smoothed[level], self.clock.fps)
        columns[:, 16] = _bend(x) * weight
        columns[:, 17] = weight
        columns[:, 18] = confidence
        columns[:, 19] = error
        places = -(-frames // self.clock.step) + 3
        out = np.empty((MIXER_FEATURES, places, joints), np.float32)
        flat = columns.reshape(frames, -1)
        for number, window in enumerate(self._places):
            mean = self._mean(window, flat).reshape(places, 20, joints).transpose(1, 0, 2)
            part = out[20 * number : 20 * number + 20]
            share = np.maximum(mean[17], 1e-6)
            part[:7] = _log(mean[:7] / share)
            part[7:13] = _log(mean[7:13])
            part[13:16] = _log(mean[13:16], SLOW)
            part[16] = _log(mean[16] / share)
            part[17] = np.log(share + np.float32(0.01))
            part[18:20] = mean[18:20]
        at = (np.arange(places) - 1) * self.clock.step
        to_end = np.maximum(np.minimum(at, frames - 1 - at), 0) / self.clock.fps
        out[40] = np.exp(-to_end / 0.1)[:, None]
        out[41] = np.exp(-to_end / 0.5)[:, None]
        out[42] = np.log(self.clock.fps / 30)
        out[43] = dims == 3
        return out.transpose(1, 2, 0)

    def _mean(self, window: Convolution, values: np.ndarray) -> np.ndarray:
        """Average columns [T, C] over windows that end with the sequence."""
        inside = window(np.ones((len(values), 1), np.float32))[0]
        return window(values)[0] / np.maximum(inside, np.float32(1e-6))
