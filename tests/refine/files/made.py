"""Recordings and files that are made for tests."""

import json

import numpy as np

from data.recordings.recording import Recording

SKELETON = np.array(
    [[0, -90], [0, -60], [-20, -55], [-35, -30], [-40, -5], [20, -55], [35, -30], [40, -5], [-10, 0], [-12, 40],
     [-12, 80], [10, 0], [12, 40], [12, 80]], float
)  # fmt: skip
"""A body in an image, some 35 by its own measure."""


def never(joints, output):
    raise AssertionError("nothing is written here")


def as_recording(people, ids=True, order=None, frames=None, **more):
    """Rows of people [P, T, J, D]; `order` [T, P] is that of the people in each frame."""
    people = np.asarray(people, float)
    count, length = people.shape[:2]
    order = np.tile(np.arange(count), (length, 1)) if order is None else np.asarray(order)
    joints = people.transpose(1, 0, 2, 3)[np.arange(length)[:, None], order].reshape(-1, *people.shape[2:])
    frame = np.repeat(np.arange(length) if frames is None else frames, count)
    here = np.isfinite(joints).all(-1).any(-1)
    person = order.ravel()[here] if ids else None
    return Recording(joints[here], frame[here], more.pop("write", never), person=person, **more)


def walkers(rng, count=3, length=40, noise=0.5):
    """People who walk through each other, each at a pace of his own, 30 frames a second; [P, T, J, 2] pixels."""
    time = np.arange(length) / 30
    shape = SKELETON * rng.uniform(0.9, 1.1, (count, 1, 2)) + rng.normal(0, 3, (count, *SKELETON.shape))
    middle = rng.uniform(-15, 15, (count, 1, 2)) + np.array([500, 300])
    angle = 2 * np.pi * (np.arange(count) + rng.uniform(-0.2, 0.2, count)) / count
    way = np.stack([np.cos(angle), 0.3 * np.sin(angle)], -1)[:, None] * rng.uniform(150, 250, (count, 1, 1))
    path = middle + way * (time[:, None] - time.mean())
    return path[:, :, None] + shape[:, None] + rng.normal(0, noise, (count, length, *SKELETON.shape))


def write_openpose(folder, people, score=0.9):
    """Write people [P, T, 14, 2] as a folder of OpenPose's files, whose bodies have 14 joints here; NaN is 0, 0, 0."""
    folder.mkdir(parents=True)
    for frame, here in enumerate(np.asarray(people, float).transpose(1, 0, 2, 3)):
        listed = []
        for joints in here:
            if not np.isfinite(joints).any():
                continue
            seen = np.isfinite(joints).all(-1)
            rows = np.concatenate([np.nan_to_num(joints), np.where(seen, score, 0)[:, None]], 1).round(3)
            listed.append({"person_id": [-1], "pose_keypoints_2d": rows.ravel().tolist()})
        text = json.dumps({"version": 1.3, "people": listed})
        (folder / f"clip_{frame:012d}_keypoints.json").write_text(text)
    return folder


def tree(folder):
    """All files of a folder and what is in them."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
