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

FILTER = """
import numpy as np
from scipy.ndimage import median_filter
from refine.filters.registry import FILTERS, FilterKind


def running_median(x, window_s, fps):
    frames = 2 * round(window_s * fps / 2) + 1
    return median_filter(x, (frames, *[1] * (x.ndim - 1)), mode="nearest")


grid, colours = {"window_s": (0.1, 0.2, 0.4)}, ("#123456", "#abcdef")
FILTERS.add("running_median", FilterKind("Running median", running_median, grid, turned=True, colours=colours))
"""

REFINER = """
import torch
from refine.nets.registry import NETS, NetKind


class Mixed(torch.nn.Module):
    def __init__(self, window):
        super().__init__()
        self.frames = torch.nn.Linear(window, window)

    def forward(self, x):
        return x + 0.1 * self.frames(x)


NETS.add("mixed", NetKind(lambda section: Mixed(section.window)))
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


def test_a_filter_and_a_refiner(tmp_path, plugins):
    """Trained, tuned, kept, loaded, applied and evaluated by `refine`, and compared by `ablate`."""
    install(plugins, "running_median", FILTER, "steady.filters")
    install(plugins, "mixed", REFINER, "steady.refiners")
    small = ["model.kind=mixed", "train.epochs=1", "train.windows=128"]
    words = ["evaluate.filters=[running_median]", "evaluate.released_filters=true", "run.dir=toy"]
    run("refine", *SMALL_STAND_IN, *small, *words, "apply.output=toy-refined", folder=tmp_path, plugins=plugins)
    kept = torch.load(tmp_path / "toy/checkpoints/best.pt", weights_only=True)
    assert set(kept["state_dict"]) == {"frames.weight", "frames.bias"}
    results = json.loads((tmp_path / "toy/results.json").read_text())
    assert results["refiner"]["kind"] == results["rows"][0]["kind"] == "mixed"
    [row] = results["filters"]  # it is tuned, and was never released
    assert (row["filter"], row["tuned_on"]) == ("running_median", "ntusim_kinect_3D")
    assert "Running median" in (tmp_path / "toy/filters.md").read_text()
    assert json.loads((tmp_path / "toy-refined/store.json").read_text())["refiner"]["kind"] == "mixed"

    recogniser = ["model.width=4", "model.blocks=3", "input.frames=8", "train.epochs=1", "train.warmup=0"]
    words = [
        "arms=[raw, refined, running_median]", "seeds=[0]", "run.dir=study", "refine.evaluate.filters=[running_median]",
        "statistics.resamples=100", "report.explained=0", *(f"recognize.{word}" for word in recogniser),
        *(f"refine.{word}" for word in small),
    ]  # fmt: skip
    run("ablate", *SMALL_STAND_IN, *words, folder=tmp_path, plugins=plugins)
    study = json.loads((tmp_path / "study/results.json").read_text())
    assert list(study["arms"]) == ["raw", "refined", "running_median"]
    page = (tmp_path / "study/report.html").read_text()
    assert "Running median" in page
    assert "--arm-running-median: #123456" in page
    assert "--arm-running-median: #abcdef" in page
