"""What the network sees of a body: numbers that do not change when it is moved, turned about the vertical or scaled.

Positions are taken from the middle of the trunk as `steady` has it, in body sizes, and in the body's own axes: from
right to left, up, forward. These follow the body's turns, but smoothly: they are means over a second and more, so that
no noise comes in by the axes. The vertical is the coordinate axis that the trunk stands along most.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from data.skeletons.layouts import NTU25
from refine.steady.bank import Clock, Convolution, bell, norm
from refine.steady.bones import Tree, bone_weights, hang, lengths_of, usual_lengths
from refine.steady.net import Networks
from refine.steady.partners import FRAMES, Partners, find_partners
from refine.steady.room import empty
from refine.steady.smoother import Prepared, Steady, prepare

JOINTS = 25

FPS = 30.0
"""The rate at which the network works; other rates are taken to it."""

SAME_RATE = 0.01
"""Rates that differ by less than this share count as one."""

TRUNK = (0, 1, 20, 4, 8, 12, 16)
"""Joints whose middle is where the body is."""

ACROSS = ((4, 8), (12, 16))
"""(left, right): shoulders and hips."""

SPINE = (20, 0)
"""From the upper to the lower end."""

TURNING = 0.5
"""Standard deviation of the window over which the body's axes are averaged, seconds."""

CHOICES = (0, 4, 2)
"""Beside `steady`'s own result, the network sees and may choose these: the observation, bells of 0.1 and of 0.3 s."""

NOISE = 0.3
"""Standard deviation of the window over which noise is measured, seconds."""

QUIET = 2e-3
"""Body sizes: of less than this, 1 mm, the noise is so small that little is changed."""

POSITIONS = 3 * JOINTS
COLUMNS = POSITIONS * (1 + len(CHOICES)) + 4 * JOINTS + 5
"""Numbers a frame: positions, what the choices add to them, and what else is known."""

TREE: Tree = hang(NTU25.bones, JOINTS)


@dataclass(frozen=True)
class Body:
    """What stays the same for a whole sequence.

    Parameters
    ----------
    partners
        Who keeps a distance from whom, in body sizes.
    size
        Of the body, in the poses' unit.
    up
        The axis along which the trunk stands.
    sign
        1 or -1: whether up is where that axis points.
    lengths
        float32 [25]: the logarithm of how long the bone to each joint usually is, in body sizes; 0 if not known.
    """

    partners: Partners
    size: float
    up: int
    sign: float
    lengths: np.ndarray


def measure_body(poses: np.ndarray, confidence: np.ndarray | None) -> Body:
    """Measure a body on frames spread evenly over its sequence, [T, 25, 3]."""
    every = max(1, -(-len(poses) // FRAMES))
    part = prepare(poses[::every], None if confidence is None else confidence[::every], 1.0)
    partners = find_partners(part.x, part.confidence > 0)
    x = part.x.transpose(0, 2, 1)
    spine = x[:, SPINE[0]] - x[:, SPINE[1]]
    both = np.minimum(part.confidence[:, SPINE[0]], part.confidence[:, SPINE[1]])
    trunk = (spine * (both if both.any() else np.ones_like(both))[:, None]).sum(axis=0)
    up = int(np.abs(trunk).argmax())
    weights = bone_weights(part.confidence, TREE)
    usual = usual_lengths(lengths_of(x, TREE), weights) / partners.size
    lengths = np.zeros(JOINTS, np.float32)
    ends = [joint for _, joint in TREE.bones]
    lengths[ends] = np.where(weights.any(axis=0), np.log(usual + 0.02), 0.0)
    return Body(partners.scaled(), partners.size, up, float(np.where(trunk[up] < 0, -1.0, 1.0)), lengths)


def tells(confidence: np.ndarray | None) -> bool:
    """Say whether confidences tell more of joints than that they are missing."""
    return confidence is not None and bool(((confidence > 0) & (confidence < 1)).any())


@dataclass(frozen=True)
class Axes:
    """The body's axes in each frame.

    Parameters
    ----------
    body
        Knows the vertical.
    across
        float32 [T, 2]: the direction from right to left in the other two axes.
    """

    body: Body
    across: np.ndarray

    @property
    def _others(self) -> tuple[int, int]:
        return (self.body.up + 1) % 3, (self.body.up + 2) % 3

    def into(self, x: np.ndarray) -> np.ndarray:
        """Take vectors [T, 3, ...] into the body's axes."""
        first, second = self._others
        sign = np.float32(self.body.sign)
        a, b = (self.across[:, n].reshape(-1, *[1] * (x.ndim - 2)) for n in (0, 1))
        out = np.empty_like(x)
        out[:, 0] = a * x[:, first] + b * x[:, second]
        out[:, 1] = sign * x[:, self.body.up]
        out[:, 2] = sign * (b * x[:, first] - a * x[:, second])
        return out

    def back(self, x: np.ndarray) -> np.ndarray:
        """Take vectors [T, 3, ...] from the body's axes."""
        first, second = self._others
        sign = np.float32(self.body.sign)
        a, b = (self.across[:, n].reshape(-1, *[1] * (x.ndim - 2)) for n in (0, 1))
        out = np.empty_like(x)
        out[:, first] = a * x[:, 0] + sign * b * x[:, 2]
        out[:, second] = b * x[:, 0] - sign * a * x[:, 2]
        out[:, self.body.up] = sign * x[:, 1]
        return out


@dataclass(frozen=True)
class View:
    """A sequence, or a block of one, as the network sees it.

    Parameters
    ----------
    base
        float32 [T, 3, 25]: what `steady` makes of it, in body sizes.
    choices
        float32 [T, choices, 3, 25]: what the other choices add to that, in the body's axes.
    numbers
        float32 [T, COLUMNS].
    gate
        float32 [T]: from 0, where nothing is noisy and nothing may be changed, towards 1.
    axes
        The body's.
    """

    base: np.ndarray
    choices: np.ndarray
    numbers: np.ndarray
    gate: np.ndarray
    axes: Axes


class Viewer:
    """Looks at sequences of one frame rate.

    Parameters
    ----------
    networks
        Those of `steady`.
    fps
        Frames a second.
    """

    def __init__(self, networks: Networks, fps: float) -> None:
        self.steady, self.clock = Steady(networks, fps), Clock(fps)

    @cached_property
    def _turning(self) -> Convolution:
        return Convolution(bell(self.clock, TURNING)[None])

    @cached_property
    def _noise(self) -> Convolution:
        return Convolution(bell(self.clock, NOISE)[None])

    @property
    def reach(self) -> int:
        """Frames to either side on which a view depends."""
        return self.steady.overlap + self._turning.radius + self._noise.radius

    def __call__(self, given: Prepared, body: Body, told: bool) -> View:
        """Look at a sequence.

        Parameters
        ----------
        given
            In body sizes.
        body
            Measured on all of it.
        told
            See `tells`, of the whole sequence.
        """
        found = self.steady.smooth(given.x, given.confidence, body.partners)
        wide = found.levels[CHOICES[-1]][:, :, list(TRUNK)].mean(axis=2)
        levels = np.stack([found.levels[number] for number in CHOICES], axis=2)
        base = self.steady.mix(found)
        frames = len(base)
        middle = base[:, :, list(TRUNK)].mean(axis=2)
        axes = Axes(body, self._across(base, body))
        numbers = empty((frames, COLUMNS))
        numbers[:, :POSITIONS] = axes.into(base - middle[:, :, None]).reshape(frames, -1)
        levels -= base[:, :, None]
        choices = np.ascontiguousarray(axes.into(levels).transpose(0, 2, 1, 3))
        end = POSITIONS * (1 + len(CHOICES))
        numbers[:, POSITIONS:end] = choices.reshape(frames, -1)
        rest = numbers[:, end : end + 4 * JOINTS].reshape(frames, 4, JOINTS)
        seen = given.confidence > 0
        rest[:, 0] = np.where(seen, np.log(np.maximum(found.trust, np.float32(1e-30))) / -3, 0)
        rest[:, 1] = np.where(seen, 2 * (1 - given.confidence), 0)
        rest[:, 2] = ~seen
        rest[:, 3] = body.lengths
        numbers[:, -5:-2] = axes.into(middle - wide)
        numbers[:, -2] = told
        numbers[:, -1] = 1
        return View(base, choices, numbers, self._gate(levels[:, :, 0], seen), axes)

    def _across(self, base: np.ndarray, body: Body) -> np.ndarray:
        others = [(body.up + 1) % 3, (body.up + 2) % 3]
        across = sum(base[:, others, left] - base[:, others, right] for left, right in ACROSS)
        mean = self._turning(np.asarray(across))[0]
        length = np.sqrt(np.square(mean).sum(axis=1, keepdims=True))
        return np.where(length > 1e-6, mean / np.maximum(length, np.float32(1e-6)), np.array([1, 0], np.float32))

    def _gate(self, left: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Say how noisy a body is: where `steady` leaves all as it is, so must everybody."""
        off = (norm(left) * seen).sum(axis=1, keepdims=True) / np.maximum(seen.sum(axis=1, keepdims=True), 1)
        sums = self._noise(np.concatenate([off, np.ones_like(off)], axis=1).astype(np.float32))[0]
        square = np.square(sums[:, 0] / sums[:, 1])
        return square / (square + np.float32(QUIET**2))


def interpolate(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Take [T, ...] at places between frames, cubic, each from the four frames around it (Catmull and Rom, 1974)."""
    last = len(x) - 1
    place = np.clip(np.floor(at), 0, max(last - 1, 0)).astype(np.int64)
    u = np.clip(at - place, 0, 1)
    # Beyond the ends a line goes on.
    weights = 0.5 * np.stack([-u + 2 * u**2 - u**3, 2 - 5 * u**2 + 3 * u**3, u + 4 * u**2 - 3 * u**3, -(u**2) + u**3])
    start, end = place == 0, place >= last - 1
    weights[1] += np.where(start, 2 * weights[0], 0)
    weights[2] -= np.where(start, weights[0], 0)
    weights[2] += np.where(end, 2 * weights[3], 0)
    weights[1] -= np.where(end, weights[3], 0)
    weights[0][start], weights[3][end] = 0, 0
    if last == 0:
        return np.repeat(x, len(at), axis=0)
    shape = (-1, *[1] * (x.ndim - 1))
    out = np.zeros((len(at), *x.shape[1:]), x.dtype)
    for number, weight in enumerate(weights):
        out += x[np.clip(place + number - 1, 0, last)] * weight.astype(x.dtype).reshape(shape)
    return out
