import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from data.ntu.simulate.kinematics import (
    across,
    crossed,
    key_weights,
    minimum_jerk,
    steps,
    turned,
    turns,
    two_bones,
    wander,
)


def test_minimum_jerk_starts_and_ends_at_rest():
    time = np.linspace(-0.5, 1.5, 2001)
    way = minimum_jerk(time)
    assert way[0] == 0
    assert way[-1] == 1
    assert way[1000] == pytest.approx(0.5)
    speed = np.gradient(way, time)
    assert speed[[499, 500, 1500, 1501]] == pytest.approx(0, abs=1e-3)
    assert speed.max() == pytest.approx(1.875, abs=1e-3)  # the peak is 15/8 of the mean speed


def test_key_weights_share_out_one():
    weights = key_weights(np.array([0.5, 1.0]), np.array([1.0, 1.5]), np.linspace(0, 2, 50))
    np.testing.assert_allclose(weights.sum(axis=0), 1)
    np.testing.assert_allclose(weights[:, 0], [1, 0, 0])
    np.testing.assert_allclose(weights[:, -1], [0, 0, 1])


def test_a_stepping_foot_stands_still_between_its_swings():
    times = np.linspace(0, 3, 91)
    places = np.array([[0.0, 0.0], [0.4, 0.0], [0.8, 0.1]])
    place, lift = steps(np.array([0.5, 1.5]), np.array([1.0, 2.0]), places, times)
    np.testing.assert_array_equal(place[times <= 0.5], 0)
    np.testing.assert_allclose(place[(times >= 1.0) & (times <= 1.5)], np.tile(places[1], (16, 1)), atol=1e-9)
    np.testing.assert_allclose(place[-1], places[2])
    assert lift.max() == pytest.approx(1.0, abs=0.02)
    assert (lift[(times <= 0.5) | (times >= 2.0)] < 1e-6).all()
    still, none = steps(np.array([]), np.array([]), places[:1], times)
    assert not still.any()
    assert not none.any()


def test_turns_and_limbs():
    forward = turns(np.array([90.0]), np.zeros(1), np.zeros(1))[0] @ [0, 1, 0]
    np.testing.assert_allclose(forward, [0, 0, 1], atol=1e-12)
    right = turns(np.zeros(1), np.zeros(1), np.array([90.0]))[0] @ [0, 0, 1]
    np.testing.assert_allclose(right, [-1, 0, 0], atol=1e-12)  # x points left
    root, target = np.zeros((2, 3)), np.array([[0.0, -0.4, 0.0], [0.0, -9.0, 0.0]])
    middle, end = two_bones(root, target, 0.3, 0.25, np.tile([0.0, 0.0, 1.0], (2, 1)))
    np.testing.assert_allclose(end[0], target[0])
    np.testing.assert_allclose(end[1], [0, -0.995 * 0.55, 0])
    np.testing.assert_allclose(np.linalg.norm(middle, axis=1), 0.3)
    np.testing.assert_allclose(np.linalg.norm(end - middle, axis=1), 0.25)
    assert (middle[:, 2] > 0).all()


def test_turns_are_those_of_scipy(rng):
    bend, side, turn = rng.uniform(-180, 180, (3, 20))
    expected = Rotation.from_euler("YXZ", np.stack([-turn, bend, side], -1), degrees=True)
    np.testing.assert_allclose(turns(bend, side, turn), expected.as_matrix(), atol=1e-12)
    vectors = rng.normal(size=(20, 3))
    np.testing.assert_allclose(turned(turns(bend, side, turn), vectors), expected.apply(vectors), atol=1e-12)


def test_products_are_those_of_numpy(rng):
    one, two = rng.normal(size=(2, 20, 3))
    np.testing.assert_allclose(crossed(one, two), np.cross(one, two), atol=1e-12)
    np.testing.assert_allclose(across(np.array([[3.0, 4.0, 7.0]]), np.array([[0.0, 0.0, 1.0]])), [[0.6, 0.8, 0.0]])


def test_wandering_has_the_deviation_and_the_correlation_that_were_asked_for():
    found = wander(np.random.default_rng(0), 20000, 4, 5.0, 0.03)
    assert found.shape == (20000, 4)
    assert found.std() == pytest.approx(0.03, rel=0.05)
    for lag in (3, 7):  # white noise under a Gaussian filter: exp(-lag^2 / (4 sigma^2))
        assert (found[lag:] * found[:-lag]).mean() / found.var() == pytest.approx(np.exp(-(lag**2) / 100), abs=0.05)
