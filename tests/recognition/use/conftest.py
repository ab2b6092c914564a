import numpy as np
import pytest
import torch
from torch import nn

from data.skeletons.layouts import NTU25
from recognition.config import InputSection, RecognizeConfig
from recognition.stage import recognize
from recognition.use.recognizer import Recognizer

HAND = NTU25.joints.index("left hand")

SETTINGS = {
    "input": {"frames": 12},
    "model": {"width": 6, "blocks": 3, "temporal_kernel": 3},
    "train": {"epochs": 6, "batch": 6, "lr": 0.05, "warmup": 1},
}


@pytest.fixture(scope="session")
def run(make_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recognize") / "run"
    store = make_store(replications=6, second_actor=True)
    data = {"store": store.folder, "validation": 0.3}
    sections = {"run": {"dir": folder, "device": "cpu"}, "data": data, **SETTINGS, "test": {"clips": 2}}
    recognize(RecognizeConfig.model_validate(sections))
    return store, folder


@pytest.fixture(scope="session")
def streams(run, tmp_path_factory):
    store, _ = run
    folder = tmp_path_factory.mktemp("recognize") / "streams"
    weights = {"two": {"joint": 1, "bone": 3}}
    sections = {
        "run": {"dir": folder, "device": "cpu"},
        "data": {"store": store.folder, "validation": 0.3},
        **SETTINGS,
        "streams": ["joint", "bone"],
        "ensemble": {"weights": weights},
    }
    recognize(RecognizeConfig.model_validate(sections))
    return folder


class OneJoint(nn.Module):
    """A network whose second score is the height of the left hand in the second half of the clip; the rest is 0."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(2.0))

    def forward(self, x, clip, clips):
        height = self.gain * x[:, x.shape[1] // 2 :, HAND, 1].mean(1)
        second = torch.zeros(clips).index_add(0, clip, height)
        return torch.stack([torch.zeros(clips), second], dim=1)


@pytest.fixture
def one_joint():
    return Recognizer(OneJoint(), InputSection(frames=10), NTU25, False, np.array([1, 23]), 1, None)
