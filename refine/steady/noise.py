"""Errors of many kinds, to learn from: of depth cameras, of lifters from images, of detectors in images, of anything.

What estimators get wrong is not white: it stays for a while, comes in bursts, is shared by all joints in part, and is
largest where the estimator knows least.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter


@dataclass(frozen=True)
class Course:
    """How an error goes on from frame to frame.

    Parameters
    ----------
    size
        Standard deviation per axis.
    seconds
        In which its autocorrelation falls to 1/e; 0 for white.
    smooth
        Whether its course is smooth.
    tails
        Degrees of freedom of Student's t; 0 for normal.
    """

    size: float
    seconds: float = 0.0
    smooth: bool = False
    tails: float = 0.0


def unit_noise(rng: np.random.Generator, shape: tuple[int, ...], frames: float, smooth: bool = False) -> np.ndarray:
    """Return noise of unit variance along the first axis; its autocorrelation falls to 1/e in about `frames` frames."""
    if frames <= 0:
        return rng.standard_normal(shape)
    keep = float(np.exp(-1.0 / (0.6 * frames if smooth else frames)))
    margin = int(min(4 * frames, 2000)) + 1
    white = rng.standard_normal((shape[0] + margin, *shape[1:]))
    if smooth:
        gain = np.sqrt((1 - keep**2) ** 3 / (1 + keep**2))
        return lfilter([gain], [1.0, -2 * keep, keep**2], white, axis=0)[margin:]
    return lfilter([np.sqrt(1 - keep**2)], [1.0, -keep], white, axis=0)[margin:]


def draw_course(rng: np.random.Generator, course: Course, shape: tuple[int, int, int], fps: float) -> np.ndarray:
    """Draw an error [T, J, D]: sizes differ from joint to joint and over time, part is shared by all joints."""
    frames, joints, _ = shape
    noise = unit_noise(rng, shape, course.seconds * fps, course.smooth)
    if course.tails:
        noise *= np.sqrt((course.tails - 2) / rng.chisquare(course.tails, (frames, joints, 1)))
    shared = rng.choice([0.0, 0.3, 0.7])
    if shared:
        common = unit_noise(rng, (frames, 1, shape[2]), course.seconds * fps, course.smooth)
        noise = np.sqrt(1 - shared**2) * noise + shared * common
    sizes = np.exp(rng.uniform(0, 0.8) * rng.standard_normal((1, joints, 1)))
    gusts = np.exp(rng.uniform(0, 0.9) * unit_noise(rng, (frames, joints, 1), rng.uniform(0.1, 1.5) * fps, True))
    scale = course.size / np.sqrt((sizes**2).mean() * (gusts**2).mean())
    return scale * sizes * gusts * noise


def lifter(rng: np.random.Generator) -> list[Course]:
    """Draw what a lifter from images gets wrong, metres: mostly slow, and a little that jumps with the detections."""
    return [
        Course(float(rng.uniform(0.015, 0.06)), float(rng.uniform(0.6, 4.0)), bool(rng.random() < 0.5)),
        Course(float(rng.uniform(0.004, 0.025)), float(rng.uniform(0.08, 0.4)), bool(rng.random() < 0.5)),
        Course(float(rng.uniform(0.002, 0.012)), tails=float(rng.choice([0.0, 3.0, 5.0]))),
    ]


def detector(rng: np.random.Generator) -> list[Course]:
    """Draw what a detector in images gets wrong, in metres at the body."""
    return [
        Course(float(rng.uniform(0.005, 0.04)), float(rng.uniform(0.3, 3.0))),
        Course(float(rng.uniform(0.002, 0.015)), float(rng.uniform(0.03, 0.2))),
        Course(float(rng.uniform(0.001, 0.015)), tails=float(rng.choice([0.0, 3.0, 5.0]))),
    ]


def anything(rng: np.random.Generator) -> list[Course]:
    """Draw errors of which nothing is known, metres."""
    size = float(np.exp(rng.uniform(np.log(0.001), np.log(0.06))))
    courses = []
    for low, high in ((0.0, 0.0), (0.03, 0.15), (0.15, 0.6), (0.6, 4.0)):
        if rng.random() < 0.5:
            share = float(rng.uniform(0.2, 1.0))
            courses.append(Course(size * share, float(rng.uniform(low, high)), bool(rng.random() < 0.3)))
    return courses or [Course(size)]


def mishaps(rng: np.random.Generator, noisy: np.ndarray, fps: float, rate: float) -> np.ndarray:
    """Add spikes, bursts, held values, swaps and jumps of the whole body in place; say where, bool [T, J].

    Parameters
    ----------
    noisy
        [T, J, D], metres.
    fps
        Frames a second.
    rate
        About how many mishaps of each kind a joint has a second.
    """
    frames, joints, dims = noisy.shape
    touched = np.zeros((frames, joints), bool)
    for kind in ("spike", "burst", "hold", "swap", "jump"):
        if rng.random() < 0.5:
            continue
        whole = kind == "jump"
        count = rng.poisson(rate * frames / fps * (0.3 if whole else joints) * rng.uniform(0.1, 1.0))
        for _ in range(int(min(count, 60))):
            seconds = {"spike": 0.02, "burst": 0.3, "hold": 0.3, "swap": 0.2, "jump": 0.1}[kind]
            length = 1 + int(rng.exponential(seconds * fps))
            start = int(rng.integers(0, frames))
            at, joint = slice(start, min(start + length, frames)), int(rng.integers(joints))
            span = at.stop - at.start
            size = 0.12 * float(np.exp(0.8 * rng.standard_normal()))
            if kind == "hold":
                noisy[at, joint] = noisy[start, joint]
            elif kind == "swap":
                other = int(rng.integers(joints))
                noisy[at, [joint, other]] = noisy[at, [other, joint]]
                touched[at, other] = True
            elif whole:
                noisy[at] += size * rng.standard_normal(dims)
                touched[at] = True
            else:
                wander = rng.standard_normal(dims) + 0.3 * unit_noise(rng, (span, dims), 3.0)
                noisy[at, joint] += size * wander
            touched[at, joint] = True
    return touched
