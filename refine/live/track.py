"""One person's frames as they come: each is judged, twice, and refined once, a fixed number of frames later.

The same three parts as of `refine.steady`, with nothing of the future beyond the delay: a judge of observations, a bank
of smoothers (`refine.live.lines`), a mixer that chooses among them for every joint and frame. What the networks see
does not change when everything is moved, turned or scaled.
"""

from dataclasses import dataclass

import numpy as np

from refine.live.bodies import Body
from refine.live.lines import Shape, bells, fit_lines, hesitation
from refine.steady.net import Networks, softmax

LOOK = Shape([0.3, 0.1, 0.04])
"""Widths of the lines by which observations are judged, seconds."""

BANK = Shape([0.5, 0.25, 0.25, 0.12, 0.12, 0.06, 0.06, 0.03], [0.0, 0.0, 0.4, 0.0, 0.2, 0.0, 0.1, 0.0])
"""Widths of the lines that are mixed, seconds; some let a new frame come in slowly."""

AGAIN = (0.0, 0.1, 0.333)
"""Seconds after which an observation is judged: at once, and twice more."""

NEAR, WIDE = 0.1, 0.6
"""Seconds over which numbers are averaged."""

SMALL = 3e-4
"""Shares of the body's size that are as good as nothing."""

SLOW = 1e-2
"""Speed that is as good as rest, body sizes a second."""

FINEST_ERROR = 1e-3
"""Body sizes: observations that are better than this count alike, and so do those that are off by more than one."""

SHARPNESS = 3.0
"""The power of the judged error by which observations count less."""

INNOVATIONS = 8
COLUMNS = 18
JUDGE_FEATURES = 33
MIXER_FEATURES = 2 * COLUMNS + INNOVATIONS + 13
LEVELS = 1 + len(BANK.sigmas)


def norm(x: np.ndarray) -> np.ndarray:
    """Return the lengths [..., J] of vectors [..., D, J]."""
    return np.asarray(np.sqrt(np.einsum("...dj,...dj->...j", x, x)))


def _log(rows: np.ndarray, floor: float = SMALL) -> None:
    """Take the logarithms of float32 numbers in place; `floor` is as good as nothing."""
    rows += np.float32(floor)
    np.log(rows, out=rows)


class Means:
    """Running means over a short and a long while.

    Parameters
    ----------
    rows, joints
        How many numbers.
    """

    def __init__(self, rows: int, joints: int) -> None:
        self._sums = np.zeros((2, rows, joints), np.float32)
        self._counts = np.zeros((2, 1, joints), np.float32)

    def take(self, values: np.ndarray, seen: np.ndarray, seconds: float) -> None:
        """Take in numbers [rows, J] that came so many seconds after the ones before."""
        keep = np.exp(-seconds / np.array([NEAR, WIDE], np.float32))[:, None, None]
        given = 1 - keep
        self._sums *= keep
        self._counts *= keep
        self._sums += given * (values * seen).astype(np.float32)
        self._counts += given * seen

    def __call__(self) -> np.ndarray:
        """Return the means, [2, rows, J]."""
        return np.asarray(self._sums / np.maximum(self._counts, np.float32(1e-9)))


@dataclass(frozen=True)
class Found:
    """One frame on its way through the mixer.

    Parameters
    ----------
    numbers
        float32 [MIXER_FEATURES, 1, J]: what the mixer sees.
    levels
        [LEVELS, D, J]: where the smoothers have it, from the observation: the observation itself, then the lines.
    """

    numbers: np.ndarray
    levels: np.ndarray


class Track:
    """The frames of one person.

    Parameters
    ----------
    networks
        Judge and mixer.
    fps
        Frames a second.
    lag
        The greatest age, in frames, at which a frame will be refined.
    joints, dims
        Of the poses.
    """

    def __init__(self, networks: Networks, fps: float, lag: int, joints: int, dims: int) -> None:
        self.networks, self.fps = networks, fps
        self.joints, self.dims = joints, dims
        self.ages = [round(seconds * fps) for seconds in AGAIN]
        self._seen = int(np.ceil(3 * LOOK.sigmas[0] * fps)) + self.ages[-1] + 1
        self._reach = int(np.ceil(3 * BANK.sigmas[0] * fps))
        self._room = self._reach + max(lag, self.ages[-1]) + 1
        self._x = np.zeros((2 * self._room, dims, joints))
        self._confidence = np.zeros((2 * self._room, joints))
        self._trust = np.zeros((2 * self._room, joints))
        self._error = np.zeros((2 * self._room, joints))
        self._strain = np.zeros((2 * self._room, 2, joints))
        self._times = np.zeros(2 * self._room)
        self._end = 0
        self.frames = 0
        self._origin: np.ndarray | None = None
        self._body = Body(joints, fps)
        self._innovations = Means(INNOVATIONS, joints)
        self._columns = Means(COLUMNS, joints)
        self._last_refined: float | None = None
        self._began = 0.0

    @property
    def size(self) -> float:
        """The body's size, in the poses' unit."""
        return self._body.size or 1.0

    def push(self, pose: np.ndarray, confidence: np.ndarray, time: float) -> None:
        """Take in a frame.

        Parameters
        ----------
        pose
            [J, D]; NaN where a joint is missing.
        confidence
            [J], 0 to 1; 0 for what is missing.
        time
            Seconds, later than before.
        """
        self.advance(pose, confidence, time)
        error = self.networks.judge(self.judge_numbers())
        self.believe(error[0])

    def advance(self, pose: np.ndarray, confidence: np.ndarray, time: float) -> None:
        """Put a frame behind the others."""
        if self._end == 2 * self._room:
            keep = self._room - 1
            for ring in (self._x, self._confidence, self._trust, self._error, self._strain, self._times):
                ring[:keep] = ring[self._end - keep : self._end]
            self._end = keep
        seen = confidence > 0
        x = pose.T
        if self._origin is None and seen.any():
            self._origin = x[:, seen].mean(axis=1, keepdims=True)
        at, before = self._end, max(self._end - 1, 0)
        self._x[at] = self._x[before]
        if self._origin is not None:
            np.copyto(self._x[at], x - self._origin, where=seen)
        self._confidence[at] = confidence
        self._trust[at] = 0
        self._times[at] = time
        self._strain[at] = self._body.strain(self._x[at], seen)
        self._body.learn(self._x[at], seen)
        if self.frames == 0:
            self._began = time
        self.frames += 1
        self._end += 1

    @property
    def _window(self) -> slice:
        return slice(self._end - min(self.frames, self._room), self._end)

    def judge_numbers(self) -> np.ndarray:
        """Describe the frames that are judged now, the newest one first, float32 [JUDGE_FEATURES, ages, J]."""
        window = slice(self._end - min(self.frames, self._seen), self._end)
        last = window.stop - 1
        places = np.maximum(window.start, last - np.array(self.ages))
        times, x, confidence = self._times[window], self._x[window], self._confidence[window]
        seconds = times - self._times[places, None]
        kernels = bells(seconds, LOOK.sigmas)
        for number, place in enumerate(places):  # what the others say of it
            kernels[number, :, place - window.start] = 0
        lines = fit_lines(kernels, seconds, LOOK, confidence, x - x[-1])
        size = self.size
        there = self._x[places]
        off = norm((there - x[-1])[:, None] - lines.value) / size
        known = lines.usual > 0
        off *= known[:, None]
        strain = self._strain[places] / size
        seen = self._confidence[places] > 0
        before = np.maximum(places - 1, window.start)
        after = np.minimum(places + 1, last)
        steps = norm(np.stack([there - self._x[before], self._x[after] - there])) / size
        steps[1, places == last] = steps[0, places == last]
        came = float(times[-1] - times[-2]) if len(times) > 1 else 1 / self.fps
        # Innovations of the newest frame; what is left over by the frame that is judged again.
        news = np.concatenate([off[0], strain[0], off[1, :2], confidence[-1:]])
        self._innovations.take(news, seen[0], came)
        means = self._innovations()
        out = np.empty((JUDGE_FEATURES, len(places), self.joints), np.float32)
        out[0:3] = off.transpose(1, 0, 2)
        out[3:5] = strain.transpose(1, 0, 2)
        out[5] = steps.min(axis=0)
        out[6] = steps.max(axis=0)
        out[12:26] = means[:, :7].reshape(14, 1, -1)
        _log(out[:7])
        _log(out[12:26])
        out[7] = norm(lines.slope[:, 1]) / size
        _log(out[7], SLOW)
        out[8] = self._confidence[places]
        out[9:12] = lines.share.transpose(1, 0, 2) * known
        out[26] = means[0, 7]
        out[27] = means[1, 7]
        out[28:30] = np.eye(len(places))[:2, :, None]
        out[30] = np.log(self.fps / 30)
        out[31] = self.dims == 3
        out[32] = np.exp(-(self._times[places, None] - self._began) / 0.3)
        return out

    def believe(self, error: np.ndarray) -> None:
        """Take in what the judge says, the logarithms [ages, J] of how far off observations are, in body sizes."""
        window = self._window
        last = window.stop - 1
        for row in range(len(self.ages))[::-1]:  # what is judged early in a sequence is judged in order
            place = max(window.start, last - self.ages[row])
            trust = np.exp(-SHARPNESS * np.clip(error[row].astype(float), np.log(FINEST_ERROR), 0))
            self._trust[place] = np.where(self._confidence[place] > 0, trust, 0)
            self._error[place] = error[row]

    def look(self, age: int) -> Found:
        """Describe the frame of so many frames ago, to choose among its smoothers; frames must be asked for in turn."""
        place = self._end - 1 - age
        window = slice(max(self._window.start, place - self._reach), self._end)
        times = self._times[window]
        seconds = times - self._times[place]
        kernels = bells(seconds, BANK.sigmas)
        kernels *= hesitation(times[-1] + 1 / self.fps - times, BANK.hesitates)
        lines = fit_lines(kernels, seconds, BANK, self._trust[window], self._x[window] - self._x[place])
        size = self.size
        seen = self._confidence[place] > 0
        columns = np.empty((COLUMNS, self.joints))
        columns[:8] = norm(lines.value)
        columns[8:15] = norm(np.diff(lines.value, axis=0))
        columns[15:18] = norm(lines.slope[[0, 3, 5]])
        columns /= size
        now = float(self._times[place])
        self._columns.take(columns, seen, 1.0 if self._last_refined is None else now - self._last_refined)
        self._last_refined = now
        out = np.empty((MIXER_FEATURES, self.joints), np.float32)
        means = self._columns()
        wide = 2 * COLUMNS
        both = out[:wide].reshape(2, COLUMNS, -1)
        both[...] = means
        both[:, 15:] += np.float32(SLOW - SMALL)
        past = self._innovations()[1]
        out[wide : wide + INNOVATIONS] = past
        _log(out[: wide + 7])
        rest = out[wide + INNOVATIONS :]
        rest[0:3] = np.log(lines.share[[2, 4, 6]] + 0.01)
        rest[3] = np.log(lines.usual + 1e-6)
        rest[4] = self._error[place]
        rest[5] = np.log(self._strain[place, 0] / size + SMALL)
        rest[6] = self._confidence[place]
        rest[7] = np.log(times[-1] - now + 1 / self.fps)
        rest[8] = age == 0
        rest[9] = np.log(self.fps / 30)
        rest[10] = self.dims == 3
        rest[11] = np.exp(-(now - self._began) / 0.2)
        rest[12] = np.exp(-(now - self._began) / 0.8)
        return Found(out[:, None], np.concatenate([np.zeros((1, self.dims, self.joints)), lines.value]))

    def refined(self, age: int) -> np.ndarray:
        """Return the pose [J, D] of so many frames ago; NaN where a joint was missing."""
        found = self.look(age)
        weights = softmax(self.networks.mixer(found.numbers))[:, 0].astype(float)
        change = np.einsum("sj,sdj->jd", weights, found.levels)
        place = self._end - 1 - age
        origin = 0.0 if self._origin is None else self._origin.T
        return np.where((self._confidence[place] > 0)[:, None], self._x[place].T + origin + change, np.nan)

    def time(self, age: int) -> float:
        """Return the time of so many frames ago."""
        return float(self._times[self._end - 1 - age])
