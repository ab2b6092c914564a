"""A study that is trained in a few seconds, for the tests of everything that needs one."""

import numpy as np

from ablation.study.config import AblateConfig
from ablation.study.plan import plan
from ablation.study.stores import list_sources, make_stores
from data.ntu.names import ClipName, parse_name
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store


def write_store(folder, noise, performers=(1, 2, 3), actions=(1, 2), kind="raw"):
    rng = np.random.default_rng(0)
    with StoreWriter(folder, StoreInfo(kind=kind)) as writer:
        for performer in performers:
            for action in actions:
                for replication in (1, 2, 3):
                    joints = np.cumsum(rng.normal(0, 0.01 * action, (24, 25, 3)), 0) + rng.normal(0, 0.3, (1, 25, 3))
                    joints = joints + noise * rng.normal(size=joints.shape)
                    track = Track(0, 0, joints.astype(np.float32), np.full((24, 25), 2, np.uint8))
                    writer.add(ClipName(1, 1, performer, replication, action), 24, [track])
    return folder


def write_benchmark(root):
    rng = np.random.default_rng(0)
    truth = [np.cumsum(rng.normal(0, 0.01, (80, 75)), 0) + rng.normal(0, 0.3, 75) for _ in range(3)]
    for part, name, noise in (("detected", "ntusim_kinect_3D", 0.03), ("groundtruth", "ntusim_gt_3D", 0)):
        folder = root / "ntusim_kinect_3D" / part
        folder.mkdir(parents=True)
        for split in ("train", "test"):
            sequences = np.empty(3, object)
            for n, joints in enumerate(truth):
                sequences[n] = (joints + noise * rng.normal(size=joints.shape)).astype(np.float32)
            np.savez(folder / f"{name}_{split}.npz", joints_3d=sequences)
    return root


def configured(settings, **changed):
    return AblateConfig.model_validate({"executor": "serial", **settings, **changed})


def planned(config):
    return plan(config, [make_stores(config, source) for source in list_sources(config)])


def write_clips(folder, clips, kind="raw"):
    """Write clips: {action: joints [T, 25, 3]}, one each."""
    with StoreWriter(folder, StoreInfo(kind=kind)) as writer:
        for action, joints in clips.items():
            seen = np.full(joints.shape[:2], 2, np.uint8)
            name = ClipName(1, 1, 3, 1, action)
            writer.add(name, len(joints), [Track(0, 0, joints.astype(np.float32), seen, None)])
    return open_store(folder)


def moving(speed, frames=64):
    """All joints move along x by so many metres a frame."""
    joints = np.zeros((frames, 25, 3))
    joints[..., 0] = speed * np.arange(frames)[:, None]
    return joints


def write_tracks(folder, clips):
    """clips: name -> tracks (actor, first frame, joints[, tracked])."""
    with StoreWriter(folder, StoreInfo()) as writer:
        for name, tracks in clips.items():
            made = [
                Track(actor, first, joints.astype(np.float32), np.full(joints.shape[:2], 2, np.uint8) * seen)
                for actor, first, joints, seen in tracks
            ]
            writer.add(parse_name(name), 60, made)
    return open_store(folder)


def bending(frames, bend, place=0.0):
    """All joints on a parabola of second difference `bend` metres, the body spread over its joints."""
    path = bend * np.arange(frames) ** 2 / 2
    joints = np.tile(np.linspace(0, 1, 25)[:, None], (frames, 1, 3)) + place
    joints[..., 0] += path[:, None]
    return joints
