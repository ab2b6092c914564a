"""Clean movements to learn from: the simulator's actions, and on top of them what those do not have.

The simulator's people stand where they are. Here they also walk and run through the room, turn, jump, wave one limb
while all else rests, and gesture quickly; at any speed and frame rate.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from data.ntu.names import ClipName
from data.ntu.simulate.bodies import FPS
from data.ntu.simulate.clips import clean_clip
from data.ntu.simulate.config import SimulateSection
from data.ntu.simulate.kinematics import minimum_jerk, wander
from data.ntu.splits import TRAIN_PERFORMERS

SEED = 160
"""Of the clips that are learnt from; no other stand-in has it."""

LIMBS = (
    ((6, 7, 21, 22), (5,)), ((10, 11, 23, 24), (9,)), ((14, 15), (13,)), ((18, 19), (17,)),
    ((7, 21, 22), ()), ((11, 23, 24), ()), ((2, 3), ()), ((3,), ()),
)  # fmt: skip
"""Ends of limbs that move together, and the joints that go half of the way."""

LEGS = (((14, 15), 13, 1.0), ((18, 19), 17, -1.0))
ARMS = (((6, 7, 21, 22), 5, -1.0), ((10, 11, 23, 24), 9, 1.0))

ACCELERATION = 90.0
"""Metres per second squared that a limb's end reaches."""


@dataclass(frozen=True)
class Movement:
    """What truly happened.

    Parameters
    ----------
    joints
        float64 [T, 25, 3], metres, in a camera's axes.
    fps
        Frames a second.
    """

    joints: np.ndarray
    fps: float


def make_movement(rng: np.random.Generator, fps: float, frames: int, performers: tuple[int, ...] = ()) -> Movement:
    """Draw a movement.

    Parameters
    ----------
    rng
        Draws it.
    fps
        Frames a second.
    frames
        At most how many.
    performers
        Whose; the training performers by default.
    """
    people = performers or TRAIN_PERFORMERS
    name = ClipName(
        setup=int(rng.integers(1, 18)),
        camera=int(rng.integers(1, 4)),
        performer=int(rng.choice(people)),
        replication=int(rng.integers(1, 3)),
        action=int(rng.integers(1, 61)),
    )
    section = SimulateSection(seed=SEED + int(rng.integers(0, 100)), performers=(name.performer,))
    clean = clean_clip(section, name)[0][0]
    speed = float(np.exp(rng.uniform(-0.3, 0.7))) if rng.random() < 0.5 else 1.0
    length = int((len(clean) - 1) / FPS / speed * fps) + 1
    count = min(frames, length)
    first = int(rng.integers(0, length - count + 1))
    times = (first + np.arange(count)) / fps * speed * FPS
    joints = CubicSpline(np.arange(len(clean)), clean)(times)
    seconds = np.arange(count) / fps
    still = rng.random() < 0.15
    if still:
        joints = np.repeat(joints[:1], count, axis=0)
        if rng.random() < 0.5:
            joints += wander(rng, count, 3, max(fps, 2.0), float(rng.uniform(0, 0.03)))[:, None]
    if not still and rng.random() < 0.3:
        joints = _walk(rng, joints, seconds)
    if rng.random() < 0.1:
        joints[..., 1] += _jumps(rng, seconds)[:, None]
    if rng.random() < (0.4 if still else 0.35):
        for _ in range(int(rng.integers(1, 3))):
            _add(joints, _wave(rng, seconds), rng)
    if rng.random() < (0.6 if still else 0.3):
        for _ in range(int(rng.integers(1, 3))):
            _add(joints, _gestures(rng, seconds), rng)
    joints[..., 2] += max(0.0, 1.0 - joints[..., 2].min())  # nobody walks through the camera
    return Movement(joints, fps)


def _add(joints: np.ndarray, path: np.ndarray, rng: np.random.Generator) -> None:
    ends, middles = LIMBS[int(rng.integers(len(LIMBS)))]
    joints[:, list(ends)] += path[:, None]
    for middle in middles:
        joints[:, middle] += 0.5 * path


def _direction(rng: np.random.Generator) -> np.ndarray:
    direction = rng.standard_normal(3)
    return direction / np.linalg.norm(direction)


def _wave(rng: np.random.Generator, seconds: np.ndarray) -> np.ndarray:
    """Return a sine of one limb, [T, 3]."""
    rate = float(np.exp(rng.uniform(np.log(0.25), np.log(4.5))))
    size = min(float(rng.uniform(0.04, 0.32)), ACCELERATION / (2 * np.pi * rate) ** 2)
    wandering = wander(rng, len(seconds), 1, max(len(seconds) / 4, 2.0), 0.3 if rng.random() < 0.5 else 0.0)[:, 0]
    wave = size * np.sin(2 * np.pi * (rate * seconds + rng.random()) + wandering)
    path = wave[:, None] * _direction(rng)
    if rng.random() < 0.3:  # a circle
        path += size * np.cos(2 * np.pi * rate * seconds + wandering)[:, None] * _direction(rng)
    if rng.random() < 0.4:  # begins and ends
        start, end = np.sort(rng.uniform(-0.2, 1.2, 2)) * seconds[-1]
        path *= (minimum_jerk((seconds - start) / 0.25) * minimum_jerk((end - seconds) / 0.25))[:, None]
    return path


def _gestures(rng: np.random.Generator, seconds: np.ndarray) -> np.ndarray:
    """Return movements there and back, or there alone, [T, 3]."""
    path = np.zeros((len(seconds), 3))
    for _ in range(int(rng.integers(1, 5))):
        lasts = float(np.exp(rng.uniform(np.log(0.2), np.log(1.2))))
        size = min(float(rng.uniform(0.1, 0.65)), ACCELERATION * lasts**2 / 10)
        start = rng.uniform(-0.2, seconds[-1])
        share = (seconds - start) / lasts
        back = rng.random() < 0.6
        course = minimum_jerk(2 * share) * minimum_jerk(2 - 2 * share) if back else minimum_jerk(share)
        path += size * course[:, None] * _direction(rng)
    return path


def _jumps(rng: np.random.Generator, seconds: np.ndarray) -> np.ndarray:
    """Return the height of a body that jumps now and then, [T]."""
    height = np.zeros(len(seconds))
    for _ in range(int(rng.integers(1, 3))):
        top = rng.uniform(0.08, 0.6)
        half = np.sqrt(2 * top / 9.81)
        since = (seconds - rng.uniform(0, seconds[-1])) / half
        height = np.maximum(height, top * (1 - since**2))
    return height


def _walk(rng: np.random.Generator, joints: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Let a body travel, straight or in curves, and swing its legs and arms."""
    speed = float(rng.uniform(0.3, 4.0)) * np.ones(len(seconds))
    if rng.random() < 0.5:
        start, lasts = rng.uniform(-0.5, seconds[-1]), rng.uniform(0.3, 1.5)
        speed *= minimum_jerk((seconds - start) / lasts)
    if rng.random() < 0.4:
        speed *= 1 - minimum_jerk((seconds - rng.uniform(0.2, seconds[-1] + 1)) / rng.uniform(0.3, 1.0))
    turn = rng.uniform(0, 2 * np.pi) + wander(rng, len(seconds), 1, max(len(seconds) / 3, 2.0), 0.5)[:, 0]
    along = np.stack([np.cos(turn), np.zeros(len(seconds)), np.sin(turn)], axis=1)
    step = np.concatenate([[0.0], np.diff(seconds)])
    path = np.cumsum(speed[:, None] * along * step[:, None], axis=0)
    joints = joints + path[:, None]
    if rng.random() < 0.8:
        rate = float(rng.uniform(0.7, 1.7))
        phase = 2 * np.pi * rate * seconds + rng.uniform(0, 2 * np.pi)
        stride = np.minimum(speed / (2 * np.pi * rate) * rng.uniform(0.5, 1.2), 0.4)
        for limbs, share in ((LEGS, 1.0), (ARMS, float(rng.uniform(0.2, 0.9)))):
            for ends, middle, sign in limbs:
                swing = sign * share * (stride * np.sin(phase))[:, None] * along
                swing[:, 1] += share * 0.3 * stride * np.maximum(sign * np.cos(phase), 0) ** 2
                joints[:, list(ends)] += swing[:, None]
                joints[:, middle] += 0.5 * swing
        joints[..., 1] += (0.03 * np.minimum(speed, 2) * np.cos(2 * phase))[:, None]
    return joints
