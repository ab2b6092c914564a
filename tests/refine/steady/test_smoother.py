"""What holds whatever the networks learnt."""

from functools import partial

import numpy as np
import pytest

from refine.steady.bank import Clock
from refine.steady.bones import hang
from refine.steady.features import JUDGE_FEATURES, MIXER_FEATURES
from refine.steady.net import Network, Networks
from refine.steady.smoother import Steady, cut, refine_sequence
from tests.refine.steady.missing import refined_without
from tests.refine.steady.test_net import random_network


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def networks(rng):
    judge = random_network(rng, JUDGE_FEATURES, 8, 1)
    mixer = random_network(rng, MIXER_FEATURES, 8, 8, 8)
    return Networks(judge, mixer)


def walking(rng, frames=100, joints=7, dims=3, fps=30):
    t = np.arange(frames)[:, None, None] / fps
    swing = 0.2 * np.sin(2 * np.pi * rng.uniform(0.3, 2, (1, joints, dims)) * t + rng.uniform(0, 6, (1, joints, dims)))
    poses = rng.normal(0, 0.4, (1, joints, dims)) + swing + 0.5 * t
    return poses + rng.normal(0, 0.02, poses.shape)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("fps", [10, 30, 120])
def test_moving_turning_scaling_and_reordering(rng, networks, dims, fps):
    x = walking(rng, dims=dims, fps=fps)
    confidence = rng.uniform(0.2, 1, x.shape[:2])
    bones = [(0, 1), (1, 2), (1, 3), (3, 4)]
    order = rng.permutation(7)
    turn, _ = np.linalg.qr(rng.normal(size=(dims, dims)))
    refined = refine_sequence(networks, x, fps, confidence, tree=hang(bones, 7))
    place = np.argsort(order)
    again = [(int(place[a]), int(place[b])) for a, b in bones]
    moved = 1000 * (x @ turn)[:, order] + np.arange(5.0, 5 + dims)
    found = refine_sequence(networks, moved, fps, confidence[:, order], tree=hang(again, 7))
    assert np.abs(refined - x).max() > 0.005  # something was done
    np.testing.assert_allclose(found, 1000 * (refined @ turn)[:, order] + np.arange(5.0, 5 + dims), atol=0.2)


@pytest.mark.parametrize("frames", [3, 20, 90])
def test_trends_are_exact(rng, networks, frames):
    t = np.arange(frames)[:, None, None] / 30
    shape = rng.normal(0, 0.4, (1, 6, 3))
    for path in (0 * t, t * [2.0, -1.0, 3.0], 0.5 * t**2 * [1.0, -9.81, 0.3] + t):
        x = shape + path
        np.testing.assert_allclose(refine_sequence(networks, x, 30.0, tree=hang([(0, 1), (1, 2)], 6)), x, atol=2e-5)


@pytest.mark.parametrize("frames", [1, 2])
def test_too_short_to_refine(rng, networks, frames):
    x = rng.normal(size=(frames, 5, 3))
    np.testing.assert_allclose(refine_sequence(networks, x, 30.0), x, atol=1e-6)


def test_strength_is_monotone_and_ends_at_the_input(rng, networks):
    x = walking(rng)
    whole = refine_sequence(networks, x, 30.0) - x
    for strength in (0.0, 0.25, 0.5):
        part = refine_sequence(networks, x, 30.0, strength=strength) - x
        np.testing.assert_allclose(part, strength * whole, atol=1e-6)
    assert (refine_sequence(networks, x, 30.0, strength=0.0) == x).all()


def test_blocks_do_not_show(rng, networks, monkeypatch):
    x = walking(rng, frames=3000, joints=3, fps=10)
    whole = refine_sequence(networks, x, 10.0, workers=1)
    monkeypatch.setattr("refine.steady.smoother.BLOCK", 64)
    steady = Steady(networks, 10.0)
    blocks = list(steady.blocks(3000))
    assert len(blocks) > 4
    covered = np.concatenate([np.arange(3000)[read][good] for read, good in blocks])
    np.testing.assert_array_equal(covered, np.arange(3000))
    for workers in (1, 2):
        np.testing.assert_allclose(refine_sequence(networks, x, 10.0, workers=workers), whole, atol=2e-4)


@pytest.mark.parametrize(("frames", "count"), [(0, 1), (1, 1), (10_900, 1), (11_000, 2), (60_000, 4), (240_000, 16)])
def test_an_even_number_of_blocks_of_one_length(frames, count):
    blocks = list(cut(frames, 600, 8))
    lengths = [len(range(frames)[read][good]) for read, good in blocks]
    assert len(blocks) == count
    assert sum(lengths) == frames
    assert max(lengths) - min(lengths) < 8 * count
    assert all((read.start + good.start) % 8 == 0 for read, good in blocks)
    # Each has the overlap on either side, but at the sequence's ends.
    assert all(good.start == min(600, read.start + good.start) for read, good in blocks)
    assert all(read.stop == min(frames, read.start + good.stop + 600) for read, good in blocks)


def test_far_away_nothing_is_lost(rng, networks):
    x = walking(rng)
    near, far = (refine_sequence(networks, x + offset, 30.0) - offset for offset in (0.0, 1e4))
    np.testing.assert_allclose(far, near, atol=1e-5)


def test_missing_joints_do_not_count(rng, networks):
    missing, refined = refined_without(partial(refine_sequence, networks), rng, walking(rng), 5)
    assert np.isfinite(refined[~missing]).all()


def test_the_observation_is_within_reach(rng):
    judge = random_network(rng, JUDGE_FEATURES, 8, 1)
    raw = np.full(8, -60.0, np.float32)
    raw[0] = 0
    mixer = Network(((np.zeros((MIXER_FEATURES, 8), np.float32), None, raw),))
    x = walking(rng)
    np.testing.assert_allclose(refine_sequence(Networks(judge, mixer), x, 30.0), x, atol=1e-6)


def test_steps_in_seconds():
    assert [Clock(fps).step for fps in (10, 15, 30, 50, 240)] == [1, 1, 2, 3, 16]
