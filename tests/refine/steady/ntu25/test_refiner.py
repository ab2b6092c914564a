"""What holds whatever the network learnt."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from refine.steady.ntu25.refiner import Corrector, refine_sequence
from refine.steady.smoother import refine_sequence as steady_sequence
from refine.steady.smoother import shipped as steady_shipped
from tests.refine.steady.missing import refined_without
from tests.refine.steady.ntu25.test_net import random_network
from tests.refine.steady.ntu25.test_view import STANDING, moving


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def network(rng):
    return random_network(rng)


@pytest.mark.parametrize("fps", [15.0, 30.0, 50.0])
def test_moving_turning_and_scaling(rng, network, fps):
    x = moving(rng, fps=fps)
    confidence = rng.choice([0.0, 0.5, 1.0], x.shape[:2], p=[0.05, 0.2, 0.75])
    turn = Rotation.from_euler("y", 75, degrees=True).as_matrix()
    shift = np.array([5.0, 6.0, 7.0])
    refined = refine_sequence(network, x, fps, confidence)
    found = refine_sequence(network, 1000 * (x @ turn + shift), fps, confidence)
    alone = steady_sequence(steady_shipped(), x, fps, confidence)
    assert np.abs(refined - alone).max() > 0.01  # it did something of its own
    np.testing.assert_allclose(found / 1000, refined @ turn + shift, atol=2e-3)


@pytest.mark.parametrize("frames", [1, 2, 3, 40])
@pytest.mark.parametrize("fps", [24.0, 30.0])
def test_trends_are_exact(network, frames, fps):
    t = np.arange(frames)[:, None, None] / fps
    for path in (0 * t, t * [2.0, -1.0, 3.0], 0.5 * t**2 * [1.0, -9.81, 0.3] + t):
        x = STANDING + path
        np.testing.assert_allclose(refine_sequence(network, x, fps), x, atol=2e-5)


def test_strength_is_monotone_and_ends_at_the_input(rng, network):
    x = moving(rng)
    whole = refine_sequence(network, x, 30.0) - x
    for strength in (0.0, 0.25, 0.5):
        part = refine_sequence(network, x, 30.0, strength=strength) - x
        np.testing.assert_allclose(part, strength * whole, atol=1e-6)
    assert (refine_sequence(network, x, 30.0, strength=0.0) == x).all()


@pytest.mark.parametrize("fps", [20.0, 30.0])
def test_blocks_do_not_show(rng, network, monkeypatch, fps):
    x = moving(rng, frames=1900, fps=fps).astype(np.float32)
    whole = refine_sequence(network, x, fps, workers=1)
    monkeypatch.setattr("refine.steady.smoother.BLOCK", 64)
    corrector = Corrector(network, steady_shipped(), fps)
    blocks = list(corrector.blocks(len(x)))
    assert len(blocks) > 1
    covered = np.concatenate([np.arange(len(x))[read][good] for read, good in blocks])
    np.testing.assert_array_equal(covered, np.arange(len(x)))
    np.testing.assert_allclose(refine_sequence(network, x, fps, workers=2), whole, atol=1e-3)


def test_far_away_nothing_is_lost(rng, network):
    x = moving(rng)
    near, far = (refine_sequence(network, x + offset, 30.0) - offset for offset in (0.0, 1e4))
    np.testing.assert_allclose(far, near, atol=1e-4)


def test_missing_joints_come_back_and_do_not_count(rng, network):
    _, refined = refined_without(partial(refine_sequence, network), rng, moving(rng), 3)
    assert np.isfinite(refined).all()


def test_states_make_a_difference_if_they_say_anything(rng, network):
    x = moving(rng)
    states = np.where(np.arange(25) < 3, 0.5, 1.0) * np.ones((len(x), 1))
    alone = refine_sequence(network, x, 30.0)
    np.testing.assert_array_equal(refine_sequence(network, x, 30.0, np.ones((len(x), 25))), alone)
    assert np.abs(refine_sequence(network, x, 30.0, states) - alone).max() > 1e-3


def test_other_skeletons_are_refused(rng, network):
    with pytest.raises(ValueError, match=r"expected .frames, 25, 3."):
        refine_sequence(network, rng.normal(size=(10, 17, 3)), 30.0)


def test_torch_is_not_imported():
    code = "import sys, refine.steady.ntu25.refiner; assert not {'torch', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
