from dataclasses import replace

import numpy as np
import pytest

from base.errors import InputError
from refine.live import train as training
from refine.live.stream import Stream
from refine.live.track import LEVELS, MIXER_FEATURES
from refine.live.train import DELAYS, follow, mixer_sample, train
from refine.steady.material import make_example
from refine.steady.net import Network, Networks
from refine.steady.train import LEARNT_FROM, Recipe
from tests.refine.steady.test_net import random_network

TINY = Recipe(examples=2, judge_steps=2, mixer_steps=3, batch=1, judge_width=4, mixer_width=4)


def short(*given):
    example = make_example(*given)
    trust = None if example.confidence is None else example.confidence[:24]
    return replace(example, noisy=example.noisy[:24], truth=example.truth[:24], confidence=trust)


def test_the_same_command_gives_the_same_bytes_also_when_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "make_example", short)
    monkeypatch.setattr(training, "SHARD", 1)
    monkeypatch.setattr("refine.steady.train.SHARD", 1)
    monkeypatch.setattr("refine.steady.train.SAVE_EVERY", 2)
    whole = train(tmp_path / "whole", TINY, say=lambda text: None).read_bytes()

    def stop(text):
        if "mixer: step 2" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "again", TINY, say=stop)
    assert train(tmp_path / "again", TINY, say=lambda text: None).read_bytes() == whole
    with pytest.raises(InputError, match="another recipe"):
        train(tmp_path / "again", replace(TINY, seed=2), say=lambda text: None)
    stream = Stream(30, 0, model=tmp_path / "whole" / "live.safetensors")
    assert np.isfinite(stream.update(np.ones((3, 2))).pose).all()


def test_a_sample_holds_the_errors_of_every_smoother_in_body_sizes():
    judge = random_network(np.random.default_rng(0), training.JUDGE_FEATURES, 4, 1)
    delay = DELAYS[6]
    sample = mixer_sample(3, 0, LEARNT_FROM, judge, delay)
    example = make_example(3, 0, LEARNT_FROM)
    frames = len(example.noisy) - round(delay * example.fps)
    assert sample.numbers.shape == (frames, example.noisy.shape[1], MIXER_FEATURES)
    sizes = follow(example, Networks(Network(()), Network(())), 0, lambda track, frame, size: None)
    off = (example.noisy - example.truth)[:frames]
    expected = np.nan_to_num(off) / np.array(sizes)[-frames:, None, None]
    assert sample.off.shape[2] == LEVELS
    np.testing.assert_allclose(sample.off[:, :, 0], expected, atol=1e-6)
