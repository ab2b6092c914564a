"""A trained SmoothNet as a folder for others, which is named wherever a refiner can be."""

import json

import numpy as np
import pytest
import torch

from base.errors import InputError
from refine.files.methods import open_method
from refine.named import load_named
from refine.nets.registry import ModelSection, build_net
from refine.normalise import Normalise
from refine.publish import is_refine_run, publish
from refine.refiner import refine_poses, refiner_content
from training.checkpoints import save_checkpoint
from training.published import CARD, CONFIG, SCORES
from training.weights_file import WEIGHTS

ROW = {
    "benchmark": "h36m_fcn_3D", "split": "test", "window": 8, "frames": 40, "seconds": 1.0,
    "input": {"mpjpe": 73.9, "accel": 29.72}, "output": {"mpjpe": 70.01, "accel": 1.23},
}  # fmt: skip


@pytest.fixture
def trained(tmp_path):
    """A finished run of refine."""
    model = ModelSection(window=8, hidden=16, res_hidden=4, blocks=1)
    torch.manual_seed(0)
    content = refiner_content(model.model_dump(), Normalise("root", "body"), 50.0, ["h36m_fcn_3D"])
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    save_checkpoint(run / "checkpoints/best.pt", {**content, "state_dict": build_net(model).state_dict()})
    (run / "results.json").write_text(json.dumps({"rows": [ROW]}))
    (run / "config.yaml").write_text(
        f"run: {{dir: {run}}}\ntrain: {{on: [h36m_fcn_3D], checkpoint: null}}\nmodel: {{window: 8}}\n"
    )
    return run


def test_refines_what_the_run_does_wherever_it_is_named(trained, tmp_path, rng):
    assert is_refine_run(trained)
    publish(trained, tmp_path / "mine")
    poses = [rng.normal(size=(30, 17, 3)).cumsum(0).astype(np.float32)]
    expected = refine_poses(load_named(trained), poses, fps=25)[0]
    assert np.abs(expected - poses[0]).max() > 0.01
    np.testing.assert_array_equal(refine_poses(load_named(tmp_path / "mine"), poses, fps=25)[0], expected)
    assert load_named(tmp_path / "mine").describe()["trained_on"] == ["h36m_fcn_3D"]
    assert open_method(str(tmp_path / "mine")) is not None
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == sorted([CARD, CONFIG, SCORES, WEIGHTS])
    card = (tmp_path / "mine" / CARD).read_text()
    assert "| h36m_fcn_3D (test) | 73.90 | 70.01 | 29.72 | 1.23 |" in card
    for path in (tmp_path / "mine").iterdir():
        assert str(tmp_path).encode() not in path.read_bytes(), path.name


def test_only_what_refine_has_trained_is_published(trained, tmp_path):
    with pytest.raises(InputError, match="already exists"):
        publish(trained, trained.parent)
    save_checkpoint(trained / "checkpoints/best.pt", {"state_dict": load_named(trained).net.state_dict()})
    with pytest.raises(InputError, match="does not say how it is used"):
        publish(trained, tmp_path / "mine")
    assert not is_refine_run(tmp_path)
