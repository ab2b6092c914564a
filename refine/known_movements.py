"""Movements that are known to the last digit, and what a method leaves of them: a quick gesture, and travel.

What is found is a property of the method, not of any data: half a metre up and down within 0.3 s, as a raised hand in a
throw or a slap, by itself and as a Kinect sees it; and somebody who slides through the room.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from data.ntu.names import ClipName
from data.ntu.simulate.clips import clean_clip
from data.ntu.simulate.config import SimulateSection
from data.ntu.simulate.kinect import kinect_noise
from data.skeletons.fidelity import moved_by
from data.skeletons.store import Track
from refine.in_space import Sightings
from refine.trust import INFERRED

FPS = 30.0
FRAMES = 150
HEIGHT, SECONDS = 0.5, 0.3
"""Metres that the hand goes up, and seconds until it is down again."""
PEAK = 65
"""The frame in which it is highest."""
DRAWS = (0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12)
"""Draws of a Kinect's errors with which the gesture is measured; in none of them the whole body jumps."""
VELOCITY = (2.0, 0.1, 1.0)
"""Metres a second, of who travels."""

HAND, ELBOW = (10, 11, 23, 24), 9


class LeftOfKnown(NamedTuple):
    """What a method leaves of the known movements.

    Parameters
    ----------
    gesture_peak
        Metres that the hand goes up in a gesture of half a metre without any errors.
    noisy_gesture_peak
        The same with a Kinect's errors, as measured (severity 1), the median over draws of them.
    travel_error
        Millimetres by which joints are moved of somebody who travels steadily, all joints alike.
    """

    gesture_peak: float
    noisy_gesture_peak: float
    travel_error: float


def standing(frames: int) -> np.ndarray:
    """Return somebody who stands before the camera, the right hand raised, still: [T, 25, 3], metres."""
    return np.repeat(_pose()[None], frames, axis=0)


@cache
def _pose() -> np.ndarray:
    clean = clean_clip(SimulateSection(seed=5), ClipName(1, 2, 1, 1, 23))[0][0]
    return clean[int(clean[:, [6, 10], 1].max(axis=1).argmax())]


def hand_moves(path: np.ndarray, seed: int, severity: float) -> tuple[np.ndarray, np.ndarray]:
    """Let a hand move along a path [T, 3] (tips with it, the elbow half), measure it; returns joints and states."""
    clean = standing(len(path))
    clean[:, list(HAND)] += path[:, None]
    clean[:, ELBOW] += 0.5 * path
    clean[..., 2] += 3.0 - clean[..., 2].mean()
    noisy, tracked = kinect_noise(clean, np.random.default_rng([seed, 77]), severity)
    return noisy.astype(np.float32), tracked


def gesture() -> np.ndarray:
    """Return how high the hand is in each frame, [T], metres: up and down along one period of a sine, squared."""
    seconds = (np.arange(FRAMES) - PEAK) / FPS
    return HEIGHT * np.cos(np.pi * np.clip(seconds / SECONDS, -0.5, 0.5)) ** 2


@cache
def known_tracks() -> tuple[Track, ...]:
    """Return the known movements: the gesture, travel, then the gesture with errors."""
    path = gesture()[:, None] * [0.0, 1.0, 0.0]
    travel = standing(FRAMES) + np.arange(FRAMES)[:, None, None] / FPS * np.array(VELOCITY)
    seen = [hand_moves(path, 0, 0.0), (travel.astype(np.float32), np.full(travel.shape[:2], 2, np.uint8))]
    seen += [hand_moves(path, seed, 1.0) for seed in DRAWS]
    return tuple(Track(0, 0, joints, tracked) for joints, tracked in seen)


def left_of(refined: Sequence[np.ndarray]) -> LeftOfKnown:
    """Say what is left of the known movements, once a method has refined each of `known_tracks`."""
    clean, travel, *noisy = refined
    moved = 1000 * moved_by([travel], [known_tracks()[1].joints])
    return LeftOfKnown(_peak(clean), float(np.median([_peak(one) for one in noisy])), moved)


def measure_known(
    method: Callable[[Sequence[Sightings]], Sequence[np.ndarray]], size: float | None = None
) -> LeftOfKnown:
    """Let a method refine the known movements, at `FPS` frames a second, and say what is left of them.

    `size` is what it shall take for the body's, in metres; measured if None.
    """
    sightings = [
        Sightings(track.joints, track.tracked > 0, np.where(track.tracked == 1, INFERRED, 1.0), size=size)
        for track in known_tracks()
    ]
    return left_of(method(sightings))


def _peak(joints: np.ndarray) -> float:
    height = joints[:, HAND[0], 1].astype(np.float64)
    rest = np.r_[PEAK - 35 : PEAK - 7, PEAK + 7 : PEAK + 35]
    return float(height[PEAK - 5 : PEAK + 6].max() - np.median(height[rest]))
