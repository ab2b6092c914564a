"""Files made by hand: clips of people as PYSKL, and as the data set, has them, sound and bad."""

import os
import pickle

import numpy as np

from data.ntu.text import Body, Skeleton, write_skeleton

NAMES = [f"S001C001P00{number}R001A00{number}" for number in range(1, 6)]


def person(frames=4, actors=1, seed=0, scale=1.0):
    """Somebody 1.7 m tall, three metres from the camera; [M, T, 25, 3]."""
    rng = np.random.default_rng(seed)
    joints = np.array([0.2, 0.1, 3]) + rng.uniform(-0.3, 0.3, (actors, frames, 25, 3))
    joints[:, :, 3, 1], joints[:, :, 15, 1] = 0.95, -0.75
    return (scale * joints).astype(np.float32)


def annotation(number, **changes):
    keypoint = changes.get("keypoint", person(seed=number))
    item = {"frame_dir": NAMES[number], "label": number, "keypoint": keypoint, "total_frames": keypoint.shape[1]}
    return item | changes


def flat(number, shape=(1080, 1920)):
    keypoint = np.random.default_rng(number).uniform(1, 1000, (1, 4, 17, 2))
    return annotation(number, keypoint=keypoint, img_shape=shape, keypoint_score=np.ones((1, 4, 17)))


def save(path, items, split=None):
    path.write_bytes(pickle.dumps({"split": split or {}, "annotations": items}))
    return path


def with_nan():
    joints = person()
    joints[0, 2, 7, 1] = np.nan
    return joints


def as_text(scale=1.0, seed=0):
    joints = person(seed=seed, scale=scale)[0]
    return write_skeleton(Skeleton(4, (Body(2**56, np.arange(4), joints, np.full((4, 25), 2, np.uint8)),)))


class Evil:
    def __reduce__(self):
        return os.system, ("touch owned",)
