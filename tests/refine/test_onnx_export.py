import json
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from base.errors import InputError
from refine import onnx_export, refine
from refine.nets.registry import ModelSection, build_net
from refine.normalise import Normalise
from refine.onnx_export import Windows, export, export_steady, export_windows, is_refiner
from refine.refiner import Refiner, refiner_content
from refine.steady.net import Networks
from refine.steady.smoother import shipped


@cache  # making one takes a second
def session_of(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    """Exported once: it takes seconds."""
    path = tmp_path_factory.mktemp("onnx") / "steady.onnx"
    assert export(Path("steady"), path) < onnx_export.TOLERANCE
    return path


@pytest.mark.parametrize(("frames", "joints", "dims"), [(17, 5, 2), (123, 17, 2), (301, 33, 3)])
def test_the_whole_of_steady_is_in_the_graph(steady, frames, joints, dims):
    rng = np.random.default_rng(frames)
    poses = rng.normal(0, 40, (1, joints, dims)) + rng.normal(0, 2, (frames, joints, dims)).cumsum(0) + 500
    poses = poses.astype(np.float32)
    confidence = rng.uniform(0, 1, (frames, joints)).astype(np.float32)
    poses[rng.random((frames, joints)) < 0.05] = np.nan
    expected = refine(poses.astype(np.float64), 30, confidence)
    found = session_of(steady).run(None, {"poses": poses[None], "confidence": confidence[None]})[0][0]
    known = np.isfinite(expected)
    assert np.abs(expected - poses)[known].max() > 1
    # Body sizes are about 90.
    np.testing.assert_allclose(found[known], expected[known], atol=90 * 1e-4)
    assert np.isfinite(found).all()


def test_nothing_known_is_nothing_known(steady):
    given = {"poses": np.full((1, 20, 6, 2), np.nan, np.float32), "confidence": np.ones((1, 20, 6), np.float32)}
    assert np.isnan(session_of(steady).run(None, given)[0]).all()


def test_the_file_says_how_it_is_used(steady):
    said = {entry.key: entry.value for entry in onnx.load(steady).metadata_props}
    assert json.loads(said["fps"]) == 30
    assert json.loads(said["least frames"]) == 17
    assert json.loads(said["least joints"]) == 5


def refiner_of(kind):
    torch.manual_seed(0)
    net = build_net(ModelSection(kind=kind, window=8, hidden=12, res_hidden=4, blocks=1))
    return Refiner(net.eval(), Normalise("channel", "body"), 30.0)


@pytest.mark.parametrize("kind", ["basic", "motion_aware"])
def test_windows_of_a_smoothnet(tmp_path, kind):
    refiner = refiner_of(kind)
    assert export_windows(refiner, tmp_path / "net.onnx") < 1e-5
    windows = np.random.default_rng(0).normal(3, 1, (4, 6, 8)).astype(np.float32)
    found = session_of(tmp_path / "net.onnx").run(None, {"windows": windows})[0]
    mean = windows.mean(-1, keepdims=True)
    with torch.inference_mode():
        away = refiner.net(torch.from_numpy(windows - mean)) - refiner.net(torch.zeros(1, 1, 8))
    np.testing.assert_allclose(found, away.numpy() + mean, atol=1e-5)
    still = np.full((1, 2, 8), 7.0, np.float32)
    np.testing.assert_allclose(session_of(tmp_path / "net.onnx").run(None, {"windows": still})[0], still, atol=1e-6)


def test_a_checkpoint_of_refine_is_told_from_one_of_recognize(tmp_path):
    refiner = refiner_of("basic")
    section = {"kind": "basic", "window": 8, "hidden": 12, "res_hidden": 4, "blocks": 1, "dropout": 0.5}
    content = {"state_dict": refiner.net.state_dict()} | refiner_content(section, refiner.normalise, 30.0, ())
    torch.save(content, tmp_path / "best.pt")
    torch.save({"state_dict": {}, "actions": [1]}, tmp_path / "other.pt")
    assert is_refiner(tmp_path / "best.pt")
    assert not is_refiner(tmp_path / "other.pt")
    assert export(tmp_path / "best.pt", tmp_path / "out.onnx") < 1e-5
    with pytest.raises(InputError, match=r"ends in \.onnx"):
        export(tmp_path / "best.pt", tmp_path / "out.pt")


def test_what_computes_something_else_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(Windows, "forward", lambda self, x: x + torch.rand(()))
    with pytest.raises(InputError, match="is off by"):
        export_windows(refiner_of("basic"), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_other_networks_than_the_shipped_ones(monkeypatch, tmp_path):
    given = []
    monkeypatch.setattr(onnx_export, "_write", lambda module, *rest: given.append(module) or 0.0)
    export_steady(Networks(shipped().judge, shipped().mixer), tmp_path / "x.onnx", 50.0)
    assert given[0].clock.fps == 50
