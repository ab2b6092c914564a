from dataclasses import replace

import numpy as np

from refine.live import train as training
from refine.live.stream import Stream
from refine.live.track import LEVELS, MIXER_FEATURES
from refine.live.train import DELAYS, follow, mixer_sample, train
from refine.steady import fitting
from refine.steady.fitting import LEARNT_FROM
from refine.steady.learning import BLIND, Recipe
from refine.steady.material import make_example
from tests.refine.steady.interrupted import same_when_interrupted
from tests.refine.steady.test_net import random_network

TINY = Recipe(examples=2, judge_steps=2, mixer_steps=3, batch=1, judge_width=4, mixer_width=4)


def short(*given):
    example = make_example(*given)
    trust = None if example.confidence is None else example.confidence[:24]
    return replace(example, noisy=example.noisy[:24], truth=example.truth[:24], confidence=trust)


def test_the_same_command_gives_the_same_bytes_also_when_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "make_example", short)
    monkeypatch.setattr(training, "SHARD", 1)
    monkeypatch.setattr(fitting, "SHARD", 1)
    monkeypatch.setattr(fitting, "SAVE_EVERY", 2)
    stream = Stream(30, 0, model=same_when_interrupted(train, tmp_path, TINY, "mixer: step 2"))
    assert np.isfinite(stream.update(np.ones((3, 2))).pose).all()


def test_a_sample_holds_the_errors_of_every_smoother_in_body_sizes():
    judge = random_network(np.random.default_rng(0), training.JUDGE_FEATURES, 4, 1)
    delay = DELAYS[6]
    sample = mixer_sample(3, 0, LEARNT_FROM, judge, delay)
    example = make_example(3, 0, LEARNT_FROM)
    frames = len(example.noisy) - round(delay * example.fps)
    assert sample.numbers.shape == (frames, example.noisy.shape[1], MIXER_FEATURES)
    sizes = follow(example, BLIND, 0, lambda track, frame, size: None)
    off = (example.noisy - example.truth)[:frames]
    expected = np.nan_to_num(off) / np.array(sizes)[-frames:, None, None]
    assert sample.off.shape[2] == LEVELS
    np.testing.assert_allclose(sample.off[:, :, 0], expected, atol=1e-6)
