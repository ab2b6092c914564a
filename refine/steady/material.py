"""Examples to learn from: what an estimator says and what is true, of any skeleton, in 2D and 3D, at any frame rate."""

from dataclasses import dataclass

import numpy as np

from data.ntu.simulate.kinect import SETTINGS, kinect_noise
from refine.steady.movements import make_movement
from refine.steady.noise import Course, anything, detector, draw_course, lifter, mishaps

RATES = (10, 12, 15, 20, 24, 25, 25, 30, 30, 30, 30, 48, 50, 50, 50, 60, 60, 100, 120, 240)
LONGEST = 6.0
"""Seconds."""

MOST_FRAMES = 256

SEVENTEEN = (0, 16, 17, 18, 12, 13, 14, 1, 20, 2, 3, 4, 5, 6, 8, 9, 10)
"""The simulator's joints that are nearest to Human3.6M's."""


@dataclass(frozen=True)
class Example:
    """One sequence.

    Parameters
    ----------
    noisy
        float32 [T, J, D], what was measured; NaN where nothing was.
    truth
        float32 [T, J, D].
    confidence
        float32 [T, J], 0 to 1; None if the estimator gives none.
    fps
        Frames a second.
    kind
        Which errors it has.
    """

    noisy: np.ndarray
    truth: np.ndarray
    confidence: np.ndarray | None
    fps: float
    kind: str


def make_example(seed: int, number: int, performers: tuple[int, ...] = (), kind: str | None = None) -> Example:
    """Draw an example; it depends on the arguments alone.

    Parameters
    ----------
    seed, number
        Of the material, and of the example in it.
    performers
        Whose movements; the training performers by default.
    kind
        `kinect`, `lifter`, `detector`, `anything` or `clean`; drawn if None.
    """
    rng = np.random.default_rng([seed, number])
    drawn = str(rng.choice(["kinect", "lifter", "detector", "anything", "clean"], p=[0.44, 0.2, 0.12, 0.12, 0.12]))
    kind = kind or drawn
    fps = 30.0 if kind == "kinect" else float(rng.choice(RATES))
    if kind == "lifter" and rng.random() < 0.5:
        fps = 50.0
    frames = int(min(rng.uniform(1.5, LONGEST) * fps, MOST_FRAMES))
    movement = make_movement(rng, fps, max(frames, 8), performers)
    if kind == "kinect":
        noisy, truth, confidence = _kinect(rng, movement.joints)
    else:
        noisy, truth, confidence = _other(rng, movement.joints, fps, kind)
    if kind == "kinect" and rng.random() < 0.12:
        every = int(rng.integers(2, 4))
        noisy, truth, fps = noisy[::every], truth[::every], fps / every
        confidence = None if confidence is None else confidence[::every]
    if noisy.shape[-1] == 3 and kind != "lifter" and rng.random() < 0.25:
        noisy, truth = noisy - noisy[:, :1], truth - truth[:, :1]
    if rng.random() < 0.15:
        noisy, confidence = _lose(rng, noisy, confidence, fps)
    if confidence is not None and rng.random() < 0.4 and np.isfinite(noisy).all():
        confidence = None
    return Example(
        noisy.astype(np.float32),
        truth.astype(np.float32),
        None if confidence is None else confidence.astype(np.float32),
        fps,
        kind,
    )


def _kinect(rng: np.random.Generator, clean: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    severity = float(np.exp(rng.uniform(np.log(0.3), np.log(3.0))))
    if rng.random() < 0.15:
        severity *= 0.1  # near-clean
    setting = SETTINGS["lab" if rng.random() < 0.3 else "ntu"]
    noisy, tracked = kinect_noise(clean, rng, severity, None, setting)
    confidence = np.array([0.0, 0.5, 1.0])[tracked]
    noisy = np.where(tracked[..., None] > 0, noisy, np.nan)
    if rng.random() < 0.2:
        chosen = np.sort(rng.choice(25, int(rng.integers(12, 25)), replace=False))
        return noisy[:, chosen], clean[:, chosen], confidence[:, chosen]
    return noisy, clean, confidence


def _other(
    rng: np.random.Generator, clean: np.ndarray, fps: float, kind: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    truth = _skeleton(rng, clean)
    flat = kind == "detector" or (kind != "lifter" and rng.random() < 0.25)
    if flat:
        truth = _project(rng, truth)
    relative = kind == "lifter" and rng.random() < 0.85  # lifters tell where joints are from the root, which is at 0
    if relative:
        truth = truth - truth[:, :1]
    if kind == "clean":
        courses = draw_clean(rng)
    else:
        courses = {"lifter": lifter, "detector": detector, "anything": anything}[kind](rng)
    noisy = truth.copy()
    for course in courses:
        error = draw_course(rng, course, truth.shape, fps)
        noisy += error * _uneven(rng, truth.shape[-1])
    if kind == "lifter" and rng.random() < 0.4:
        # Estimators that are not sure of a movement show less of it.
        noisy -= rng.uniform(0.05, 0.35) * (truth - truth.mean(axis=0))
    touched = np.zeros(truth.shape[:2], bool)
    if kind != "clean" and rng.random() < 0.7:
        touched = mishaps(rng, noisy, fps, float(np.exp(rng.uniform(np.log(0.02), np.log(0.8)))))
    if flat or rng.random() < 0.1:
        pixel = 1.75 / rng.uniform(60, 600)  # metres, for a person so many pixels high
        if kind != "clean":
            noisy = np.round(noisy / pixel) * pixel
    if relative:
        noisy[:, 0] = 0
    confidence = None
    if rng.random() < 0.6:
        off = np.linalg.norm(noisy - truth, axis=-1) / rng.uniform(0.02, 0.15)
        confidence = np.clip(np.exp(-off) * np.exp(0.3 * rng.standard_normal(off.shape)), 0.02, 1.0)
        confidence = np.where(touched, confidence * rng.uniform(0.3, 1.0), confidence)
    return noisy, truth, confidence


def draw_clean(rng: np.random.Generator) -> list[Course]:
    """Draw errors that are next to nothing: there is hardly anything to refine in much of what is refined."""
    courses = anything(rng)
    share = float(rng.choice([0.0, 0.003, 0.02, 0.06]))
    return [type(course)(course.size * share, course.seconds, course.smooth) for course in courses]


def _skeleton(rng: np.random.Generator, clean: np.ndarray) -> np.ndarray:
    """Take some joints, and points between and beside them, as other skeletons have."""
    choice = rng.random()
    if choice < 0.3:
        return clean.copy()
    if choice < 0.6:
        return clean[:, list(SEVENTEEN)]
    count = int(rng.integers(5, 34))
    first = rng.integers(0, 25, count)
    second = rng.integers(0, 25, count)
    near = np.linalg.norm(clean[:, first] - clean[:, second], axis=-1).mean(axis=0) < 0.6
    share = np.where(near & (rng.random(count) < 0.5), rng.uniform(0, 0.5, count), 0.0)[:, None]
    return (1 - share) * clean[:, first] + share * clean[:, second]


def _project(rng: np.random.Generator, truth: np.ndarray) -> np.ndarray:
    """Take a picture; in metres at the distance of the body."""
    centre = truth.reshape(-1, 3).mean(axis=0)
    away = float(rng.uniform(2.0, 8.0))
    depth = np.maximum(truth[..., 2:] - centre[2] + away, 0.8)
    return (truth[..., :2] - centre[:2]) * (away / depth)


def _uneven(rng: np.random.Generator, dims: int) -> np.ndarray:
    """Make errors larger along one direction: depth."""
    direction = rng.standard_normal(dims)
    direction /= np.linalg.norm(direction)
    factor = np.ones(dims) + (rng.uniform(0, 2) if rng.random() < 0.5 else 0.0) * np.abs(direction)
    return factor / np.sqrt((factor**2).mean())


def _lose(
    rng: np.random.Generator, noisy: np.ndarray, confidence: np.ndarray | None, fps: float
) -> tuple[np.ndarray, np.ndarray]:
    """Let joints be missing for a while."""
    frames, joints, _ = noisy.shape
    noisy = noisy.copy()
    for _ in range(int(rng.integers(1, 8))):
        length = 1 + int(rng.exponential(0.3 * fps))
        start = int(rng.integers(1, frames))
        noisy[start : min(start + length, frames - 1), int(rng.integers(joints))] = np.nan
    seen = np.isfinite(noisy).all(axis=-1)
    confidence = np.ones((frames, joints)) if confidence is None else confidence
    return noisy, np.where(seen, confidence, 0.0)
