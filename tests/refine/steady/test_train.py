import numpy as np
import pytest

from refine.steady import fitting
from refine.steady import train as training
from refine.steady.learning import Recipe
from refine.steady.net import load_networks
from refine.steady.train import train
from tests.refine.steady.interrupted import same_when_interrupted

TINY = Recipe(examples=4, judge_steps=4, mixer_steps=6, batch=2, judge_width=4, mixer_width=4)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(training, "SHARD", 4)
    monkeypatch.setattr(fitting, "SHARD", 4)
    monkeypatch.setattr(fitting, "SAVE_EVERY", 2)


def test_the_same_command_gives_the_same_bytes_also_when_interrupted(tmp_path):
    networks = load_networks(same_when_interrupted(train, tmp_path, TINY, "mixer: step 4"))
    assert networks.about["recipe"]["mixer_steps"] == 6


def test_training_leaves_the_processors_settings_as_they_were(tmp_path):
    """Numbers next to 0 are numbers again: 1e-310 is one that is below the smallest normal double."""
    train(tmp_path, TINY, say=lambda text: None)
    assert float(np.float64(1e-310) * 1.0) > 0
