from pathlib import Path

import numpy as np
import pytest

from refine.normalise import Normalise
from refine.refiner import Refiner
from refine.smoothnet import SmoothNet


def make_net(window=8, hidden=16, res_hidden=4, blocks=2, seed=0):
    import torch

    torch.manual_seed(seed)
    return SmoothNet(window, hidden, res_hidden, blocks, dropout=0.5).eval()


def make_refiner(centre="channel", scale="body", fps=None, **sizes):
    return Refiner(make_net(**sizes), Normalise(centre, scale), fps)


def objects(sequences):
    array = np.empty(len(sequences), object)
    array[:] = sequences
    return array


def write_benchmark(
    root: Path, detected, truth, name="h36m_fcn_3D", split="train", key="joints_3d", dataset="h36m", representation="3D"
):
    """Write a pair of files as the authors of SmoothNet release them."""
    folder = root / name
    paths = (
        folder / "detected" / f"{name}_{split}.npz",
        folder / "groundtruth" / f"{dataset}_gt_{representation}_{split}.npz",
    )
    for path, sequences in zip(paths, (detected, truth), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        names = [np.array([f"s{i}/{frame:06d}" for frame in range(len(x))]) for i, x in enumerate(sequences)]
        np.savez_compressed(path, imgname=objects(names), **{key: objects(list(sequences))})
    return paths


def moving_poses(rng, lengths, joints=17, noise=0.05):
    """Give (detected, truth): smooth, root-relative motion in metres [T, joints * 3], and the same with noise."""
    detected, truth = [], []
    for length in lengths:
        time = np.arange(length)[:, None, None] / 50
        shape = rng.normal(0, 0.4, (1, joints, 3))
        swing = 0.2 * np.sin(2 * np.pi * rng.uniform(0.2, 1, (1, joints, 3)) * time + rng.uniform(0, 6, (1, joints, 3)))
        poses = shape + swing
        noisy = poses + rng.normal(0, noise, poses.shape)
        for target, x in ((truth, poses), (detected, noisy)):
            target.append((x - x[:, :1]).reshape(length, -1).astype(np.float32))
    return detected, truth


@pytest.fixture
def rng():
    return np.random.default_rng(7)
