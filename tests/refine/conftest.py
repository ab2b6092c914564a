from pathlib import Path

import numpy as np
import pytest

from base.config import load_config
from data.ntu.names import parse_name
from data.skeletons.store import StoreInfo, StoreWriter, Track
from refine.benchmarks.table import benchmarks
from refine.config import RefineConfig
from refine.nets.registry import ModelSection, build_net
from refine.nets.smoothnet import SmoothNet
from refine.normalise import Normalise
from refine.refiner import Refiner
from tests.refine.smpl_model import make_arrays, write_smpl


def make_net(window=8, hidden=16, res_hidden=4, blocks=2, seed=0):
    import torch

    torch.manual_seed(seed)
    return SmoothNet(window, hidden, res_hidden, blocks, dropout=0.5).eval()


def new_net(kind, window=8, hidden=16, res_hidden=4, blocks=1, dropout=0.5):
    section = ModelSection(
        kind=kind, window=window, hidden=hidden, res_hidden=res_hidden, blocks=blocks, dropout=dropout
    )
    return build_net(section)


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


def write_row(root, row, rng, split="test", lengths=(40, 9, 3), joints=None, noise=0.05, key="joints"):
    """Write a pair of files of any row in the released layout; return the arrays written, by file and key."""
    joints = joints or next(iter({**row.pick, **row.joints}))
    names = objects([np.array([f"s{i}/{frame:06d}" for frame in range(n)]) for i, n in enumerate(lengths)])
    detected, truth = {"imgname": names}, {"imgname": names}
    if row.representation == "smpl":
        pose = [0.4 * np.sin(np.arange(n)[:, None] / 20 + rng.uniform(0, 6, (1, 72))) for n in lengths]
        noisy = [x + rng.normal(0, noise, x.shape) for x in pose]
        shape = [rng.normal(0, 0.5, (1, 10)).repeat(n, 0) for n in lengths]
        detected |= {"pose": objects(noisy), "shape": objects(shape)}
        truth |= {"pose": objects(pose)}
        if row.dataset == "aist":  # whose truth is the mean body, scaled and placed
            truth |= {"trans": objects([np.zeros((n, 3)) for n in lengths])}
            truth |= {"scaling": objects([np.full((n, 1), 0.95) for n in lengths])}
        else:
            truth |= {"shape": objects(shape)}
    elif row.representation == "2D":
        noisy, pose = moving_poses(rng, lengths, joints, noise)
        flat = [[500 + 200 * x.reshape(len(x), joints, 3)[..., :2] for x in side] for side in (noisy, pose)]
        detected |= {f"{key}_2d": objects([x.reshape(len(x), -1) for x in flat[0]])}
        truth |= {f"{key}_2d": objects([x.reshape(len(x), -1) for x in flat[1]])}
        if row.normalise == "image_size":
            truth |= {"imgshape": objects([np.array([800, 1000, 3])] * len(lengths))}
            truth |= {"bbox": objects([np.tile([300, 350, 620, 750], (n, 1)) for n in lengths])}
    else:
        noisy, pose = moving_poses(rng, lengths, joints, noise)
        if row.root != (0,):  # relative to another joint than the first: none is zero
            noisy, pose = ([x + 0.5 for x in side] for side in (noisy, pose))
        factor = 1000 if row.unit == "mm" else 1
        detected |= {f"{key}_3d": objects([x * factor for x in noisy])}
        truth |= {f"{key}_3d": objects([x * factor for x in pose])}
    for path, content in zip(row.paths(root, split), (detected, truth), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **content)
    return detected, truth


def write_published(folder):
    """Write small files of every benchmark of the table, as released, and a body model; return the folder."""
    rng = np.random.default_rng(5)
    for row in benchmarks().values():
        for split in row.splits:
            write_row(folder / "poses", row, rng, split, lengths=(40, 30, 5) if split == "train" else (36, 5))
    write_smpl(folder / "SMPL_NEUTRAL.pkl", make_arrays(rng))
    return folder


@pytest.fixture
def workplace(tmp_path, rng):
    for split in ("train", "test"):
        write_benchmark(tmp_path / "poses", *moving_poses(rng, (60, 40, 50, 6)), split=split)
    with StoreWriter(tmp_path / "raw", StoreInfo(fps=30.0)) as writer:
        joints = rng.normal(size=(40, 25, 3)).astype(np.float32)
        track = Track(0, 0, joints, np.full((40, 25), 2, np.uint8))
        writer.add(parse_name("S001C001P001R001A001"), 40, [track])
    return tmp_path


@pytest.fixture
def configured(workplace):
    """Return a function that makes a small configuration; it takes overrides."""
    (workplace / "refine.yaml").write_text(f"""
run: {{dir: {workplace}/run, device: cpu}}
benchmarks: {{root: {workplace}/poses}}
model: {{window: 8, hidden: 16, res_hidden: 4, blocks: 1, dropout: 0.1}}
train: {{on: [h36m_fcn_3D], epochs: 2, windows: 100, validation: 0.3}}
evaluate: {{on: [h36m_fcn_3D], filters: [gaussian]}}
apply: {{input: {workplace}/raw, output: {workplace}/refined}}
""")
    return lambda *overrides: load_config(RefineConfig, workplace / "refine.yaml", overrides)
