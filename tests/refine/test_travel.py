import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from refine.travel import body_axes, body_path, smooth_path


@pytest.mark.parametrize("frames", [1, 2, 3, 10, 200])
def test_a_parabola_is_travel_to_the_ends(frames):
    time = np.arange(frames)[:, None] / 30
    path = 100 + time * [1.0, 0.0, -0.5] + time**2 * [0.0, 0.3, 1.0]
    np.testing.assert_allclose(smooth_path(path, 30), path, atol=1e-9)


def test_so_it_is_by_some_of_its_frames(rng):
    time = np.arange(100)[:, None] / 30
    path = 3 + time * [1.0, -0.5] + time**2 * [0.3, 1.0]
    known = rng.random(100) < 0.4
    spoilt = np.where(known[:, None], path, np.nan)
    np.testing.assert_allclose(smooth_path(spoilt, 30, known), path, atol=1e-8)


def test_a_joint_that_comes_or_goes_is_no_motion(rng):
    pose, steps = rng.normal(size=(1, 6, 3)), rng.normal(size=(40, 1, 3)).cumsum(0)
    known = rng.random((40, 6)) < 0.7
    known[:, 0] = True
    path = body_path(np.where(known[..., None], pose + steps, 0.0), known)
    np.testing.assert_allclose(path - path[0], (steps - steps[0])[:, 0], atol=1e-9)


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_axes_turn_with_the_body(rng, mirrored):
    joints = rng.normal(size=(1, 9, 3)) + 0.05 * rng.normal(size=(30, 9, 3))
    turn = Rotation.random(rng=2).as_matrix() @ np.diag([-1.0 if mirrored else 1.0, 1, 1])
    np.testing.assert_allclose(joints @ body_axes(joints), (joints @ turn) @ body_axes(joints @ turn), atol=1e-9)


def test_bodies_one_after_another_are_followed_each_by_itself(rng):
    joints, known = rng.normal(size=(50, 4, 3)), rng.random((50, 4)) < 0.8
    known[:10] = True
    known[30] = False  # a frame of which nothing is known, and two that have no joint in common
    known[41], known[42] = [True, False, False, False], [False, True, True, True]
    lengths = (10, 15, 25)
    together = body_path(joints, known, known, lengths)
    for rows in (slice(0, 10), slice(10, 25), slice(25, 50)):
        np.testing.assert_array_equal(together[rows], body_path(joints[rows], known[rows], known[rows]))
