import numpy as np
import pytest

from refine.live.track import JUDGE_FEATURES, LEVELS, MIXER_FEATURES, NEAR, WIDE, Means, Track
from refine.steady.net import Network, Networks
from tests.refine.steady.test_net import random_network


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def networks(rng):
    return Networks(random_network(rng, JUDGE_FEATURES, 8, 1), random_network(rng, MIXER_FEATURES, 8, LEVELS))


def numbers_of(networks, poses, confidence, fps=30.0, lag=2):
    """Return what both networks see of the last frame."""
    track = Track(networks, fps, lag, *poses[0].shape)
    for frame, (pose, trust) in enumerate(zip(poses, confidence, strict=True)):
        track.advance(pose, trust, frame / fps)
        judged = track.judge_numbers()
        track.believe(networks.judge(judged)[0])
        if frame >= lag:
            mixed = track.look(lag).numbers
    return judged, mixed


def test_running_means_decay_by_the_clock_and_skip_what_is_missing():
    means = Means(1, 2)
    seen = np.array([True, True])
    means.take(np.array([[4.0, 1.0]]), seen, 5.0)
    means.take(np.array([[8.0, 9.0]]), np.array([True, False]), 0.1)
    found = means()
    for row, span in enumerate((NEAR, WIDE)):
        first, keep = 1 - np.exp(-5 / span), np.exp(-0.1 / span)
        np.testing.assert_allclose(
            found[row, 0], [(4 * first * keep + 8 * (1 - keep)) / (first * keep + 1 - keep), 1.0]
        )


@pytest.mark.parametrize("dims", [2, 3])
def test_numbers_do_not_change_when_all_is_moved_turned_and_scaled(rng, networks, dims):
    x = rng.normal(0, 0.4, (1, 6, dims)) + rng.normal(0, 0.05, (14, 6, dims)).cumsum(0)
    confidence = rng.uniform(0.2, 1, (14, 6))
    turn, _ = np.linalg.qr(rng.normal(size=(dims, dims)))
    one = numbers_of(networks, x, confidence)
    two = numbers_of(networks, 300 * (x @ turn) + 7, confidence)
    for a, b in zip(one, two, strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_allclose(a, b, atol=2e-3)
        assert np.ptp(a) > 1


def test_a_long_track_is_as_its_last_part(rng, networks):
    """Room is made again and again; the lines see no more than their windows."""
    x = rng.normal(0, 0.4, (1, 3, 2)) + rng.normal(0, 0.05, (130, 3, 2))
    track = Track(networks, 10.0, 0, 3, 2)
    room = track._room
    assert len(x) > 6 * room // 2
    for frame in range(130):
        track.advance(x[frame], np.ones(3), frame / 10)
        window = track._window
        np.testing.assert_allclose(
            track._x[window].transpose(0, 2, 1) + track._origin.T, x[max(0, frame + 1 - room) : frame + 1]
        )


def test_trust_is_one_over_the_cube_of_the_judged_error_within_bounds(networks):
    track = Track(networks, 30.0, 0, 4, 2)
    track.advance(np.zeros((4, 2)), np.array([1.0, 1, 1, 0]), 0.0)
    track.believe(np.log([[0.1, 1e-9, 50.0, 0.1]] * 3))
    np.testing.assert_allclose(track._trust[0], [1e3, 1e9, 1, 0], rtol=1e-6)


def test_the_observation_is_within_reach(rng, networks):
    bias = np.full(LEVELS, -60.0, np.float32)
    bias[0] = 0
    mixer = Network(((np.zeros((MIXER_FEATURES, LEVELS), np.float32), None, bias),))
    track = Track(Networks(networks.judge, mixer), 30.0, 1, 5, 3)
    x = rng.normal(size=(20, 5, 3))
    for frame in range(20):
        track.push(x[frame], np.ones(5), frame / 30)
        if frame:
            np.testing.assert_allclose(track.refined(1), x[frame - 1], atol=1e-12)
            assert track.time(1) == (frame - 1) / 30
