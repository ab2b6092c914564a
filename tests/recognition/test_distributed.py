"""Each step of two processes must be that of one, but for rounding, which has not grown much after two short epochs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from base.config import load_config
from recognition.config import RecognizeConfig
from recognition.stage import recognize

pytest.importorskip("lightning_fabric")
ROOT = Path(__file__).parents[2]
CONFIG = """
run: {{dir: {dir}, device: cpu, devices: {devices}}}
data: {{store: {store}, validation: 0.3}}
input: {{frames: 8}}
model: {{name: {name}, width: 6, blocks: 3, temporal_kernel: 3}}
train: {{epochs: 2, batch: 5, lr: 0.02, warmup: 0, ema: 0.8, swap: 0.5, label_smoothing: 0.1}}
test: {{clips: 2}}
"""


def start(*words):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")


def test_steps_of_two_processes_are_those_of_one(make_store):
    """Clips of one and of two actors, so that the processes have other numbers of rows."""
    store = make_store(performers=(1, 2), noise=0.3, second_actor="some")
    found = start(*TORCHRUN, Path(__file__).parent / "distributed_steps.py", store.folder)
    assert found.returncode == 0, found.stderr
    result = json.loads(next(line for line in found.stdout.splitlines() if line.startswith("{")))
    for apart in (result["stgcn"], result["stgcn++"]):
        assert {"losses", "scores", "input_norm.weight", "input_norm.running_var"} <= set(apart)
        assert max(apart.values()) < 1e-6  # the network's float32 mean leaves about 1e-8


def test_a_run_of_two_processes_is_that_of_one(make_store, tmp_path):
    store = make_store(replications=2, second_actor=True, noise=0.5)
    for devices in (1, 2):
        path = tmp_path / f"{devices}.yaml"
        path.write_text(CONFIG.format(dir=tmp_path / str(devices), devices=devices, store=store.folder, name="stgcn"))
    found = start(ROOT / "run.py", "recognize", tmp_path / "2.yaml")
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("results, scores and confusion matrix") == 1
    recognize(load_config(RecognizeConfig, tmp_path / "1.yaml"))
    one, two = (torch.load(tmp_path / str(devices) / "checkpoints/last.pt") for devices in (1, 2))
    for before, after in zip(one["history"], two["history"], strict=True):
        assert after == pytest.approx(before, rel=1e-3)
    assert two["average"]["steps"] == one["average"]["steps"]
    scores = [np.load(tmp_path / str(devices) / "scores.npz") for devices in (1, 2)]
    assert scores[0]["clip"].tolist() == scores[1]["clip"].tolist()
    np.testing.assert_allclose(scores[1]["score"], scores[0]["score"], atol=1e-3)
    results = [json.loads((tmp_path / str(devices) / "results.json").read_text()) for devices in (1, 2)]
    assert set(results[0]) == set(results[1])
