"""Somebody else's package adds a kind of each sort, and the real commands take it (docs/adding.md)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
SMALL_STAND_IN = ["simulate.clips=48", "simulate.actions=[6, 9, 23, 50]", "simulate.performers=[1, 2, 3, 4, 5, 6]"]

RECOGNISER = """
import torch
from recognition.nets.registry import NETS, NetKind


class MeanPose(torch.nn.Module):
    def __init__(self, joints, channels, classes):
        super().__init__()
        self.linear = torch.nn.Linear(joints * channels, classes)

    def forward(self, x, clip, clips):
        mean = x.mean(1).flatten(1)
        summed = mean.new_zeros(clips, mean.shape[1]).index_add_(0, clip, mean)
        return self.linear(summed)


def build(section, layout, channels, classes):
    return MeanPose(len(layout.joints), channels, classes)


NETS.add("mean_pose", NetKind(build))
"""


def install(folder: Path, name: str, source: str, group: str) -> None:
    """Lay a package with one entry point into a folder, as pip does."""
    (folder / f"{name}.py").write_text(source)
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{group}]\n{name} = {name}\n")


def run(*words, folder: Path, plugins: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(plugins)}
    command = [sys.executable, str(ROOT / "run.py"), *map(str, words)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def plugins(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


def test_a_recogniser(tmp_path, plugins):
    install(plugins, "mean_pose", RECOGNISER, "steady.recognizers")
    words = ["model.name=mean_pose", "input.frames=16", "train.epochs=2", "train.warmup=0", "train.precision=fp32"]
    run("recognize", *SMALL_STAND_IN, *words, "run.dir=toy", folder=tmp_path, plugins=plugins)
    kept = torch.load(tmp_path / "toy/checkpoints/best.pt", weights_only=True)
    assert set(kept["state_dict"]) == {"linear.weight", "linear.bias"}
    assert json.loads((tmp_path / "toy/results.json").read_text())["classes"] == 4
    store = next(tmp_path.glob("*/ntu/simulated/raw"))
    run("predict", store, "-m", "toy", folder=tmp_path, plugins=plugins)  # loaded by its own kind
    assert (tmp_path / "predictions.csv").read_text().count(
        "\n"
    ) == 1 + 4 * 48  # the header, and the four actions of each clip
