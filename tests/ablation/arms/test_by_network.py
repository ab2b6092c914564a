import hashlib

import numpy as np
import pytest
import torch

from ablation.arms import by_network
from ablation.arms.registry import ARMS
from ablation.study.stores import list_sources, make_stores
from base.errors import InputError
from refine.nets.smoothnet import SmoothNet
from refine.normalise import Normalise
from refine.refiner import refiner_content
from tests.ablation.small_study import configured
from training.checkpoints import save_checkpoint

WINDOW = 8
ANSWERS = {"itself": torch.eye(WINDOW), "its mean": torch.full((WINDOW, WINDOW), 1 / WINDOW)}


def write_refiner(path, answer):
    """A network that multiplies every window by a matrix: relu(x) - relu(-x), where a leaky one makes 1.1 x of it."""
    net = SmoothNet(WINDOW, hidden=2 * WINDOW, res_hidden=4, blocks=0)
    eye = torch.eye(WINDOW)
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
        net.input_layer.weight.copy_(torch.cat([eye, -eye]))
        slope = net.encoder[1].negative_slope
        net.decoder.weight.copy_(torch.cat([answer, -answer], 1) / (1 + slope))
    described = refiner_content({"window": WINDOW}, Normalise("none", "none"), 30.0, ["h36m_fcn_3D"])
    save_checkpoint(path, {"state_dict": net.state_dict(), **described})
    return path


@pytest.fixture
def study(settings, tmp_path):
    """Configure a study whose refiner answers every window with this, and give its clips, too.

    The mean of overlapping windows adds no smoothing of its own.
    """

    def made(answer, **apply):
        path = write_refiner(tmp_path / "refiner.pt", ANSWERS[answer])
        refine = {**settings["refine"], "train": {**settings["refine"]["train"], "checkpoint": path}, "apply": apply}
        config = configured(settings, arms=["raw", "refined"], refine=refine)
        return config, list_sources(config)[0]

    return made


def acceleration(store):
    """Mean second difference in metres; all tracks of a small study have 24 frames."""
    return np.abs(np.diff(np.reshape(store.joints, (-1, 24, 25, 3)), 2, axis=1)).mean()


def test_a_network_that_answers_with_its_input_leaves_the_clips(study, tmp_path):
    made = make_stores(*study("itself", merge="mean"))
    raw, refined = made.stores["raw"], made.stores["refined"]
    assert refined.clips.name.tolist() == raw.clips.name.tolist()
    np.testing.assert_allclose(refined.joints, raw.joints, atol=1e-5)
    assert refined.info.kind == "refined"
    digest = hashlib.sha256((tmp_path / "refiner.pt").read_bytes()).hexdigest()
    assert made.how["refined"] == (
        f"SmoothNet, window 8, trained on h36m_fcn_3D; 30 frames a second; checkpoint {digest[:12]}"
    )


def test_a_network_that_answers_with_the_mean_makes_still_clips_once(study, monkeypatch):
    made = make_stores(*study("its mean", merge="mean"))
    raw, refined = made.stores["raw"], made.stores["refined"]
    assert acceleration(refined) < 0.5 * acceleration(raw)
    other = make_stores(*study("itself", merge="mean")).stores["refined"]
    assert other.folder != refined.folder

    def forbidden(*_, **__):
        raise AssertionError("a finished part is made again")

    monkeypatch.setattr(by_network, "apply_refiner", forbidden)
    monkeypatch.setattr(by_network, "refine", forbidden)
    assert make_stores(*study("its mean", merge="mean")).stores["refined"].folder == refined.folder


def test_frames_between_windows_leave_none_out(study):
    with pytest.raises(InputError, match=r"refine\.apply\.stride: found 9, but SmoothNet has windows of 8 frames"):
        make_stores(*study("itself", stride=9))


def test_it_needs_the_files_that_it_is_trained_on(settings, study):
    config = configured(settings, arms=["raw", "refined"])
    (source,) = list_sources(config)
    needs = ARMS["refined"].needs
    folder = settings["refine"]["benchmarks"]["root"] / "ntusim_kinect_3D"
    assert set(needs(config, source)) == set(folder.glob("*/*_train.npz"))
    assert needs(*study("itself")) == []
