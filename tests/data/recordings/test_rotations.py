import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from data.recordings.rotations import (
    as_points,
    axis_angle_points,
    axis_angles_near,
    euler_near,
    euler_points,
    from_points,
)

ORDERS = ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"]


def test_points_are_the_columns_of_a_matrix_worked_out_by_hand():
    # 90 degrees about Z, then 90 about the new X: x goes to y, y to z.
    points = euler_points(np.array([[90.0, 90.0, 0.0]]), "ZXY")
    np.testing.assert_allclose(points, [[[0, 1, 0], [0, 0, 1]]], atol=1e-15)
    np.testing.assert_allclose(axis_angle_points(np.array([0, 0, np.pi / 2])), [[0, 1, 0], [-1, 0, 0]], atol=1e-15)


def test_points_that_are_off_become_a_rotation():
    rotation = Rotation.random(50, rng=np.random.default_rng(0))
    points = as_points(rotation.as_matrix())
    x, y = points[:, 0] * 1.3, points[:, 1] * 0.7 + points[:, 0] * 0.2  # which Gram and Schmidt take back
    np.testing.assert_allclose(from_points(np.stack([x, y], 1)), rotation.as_matrix(), atol=1e-12)


def test_what_is_no_two_directions_is_no_rotation():
    assert np.isnan(from_points(np.array([[1.0, 0, 0], [2.0, 0, 0]]))).any()
    assert np.isnan(from_points(np.zeros((2, 3)))).all()


@pytest.mark.parametrize("order", ORDERS)
def test_euler_angles_come_back_whatever_turns_they_had(order):
    rng = np.random.default_rng(1)
    angles = rng.uniform(-500, 500, (200, 3))
    back = euler_near(euler_points(angles, order), order, angles + rng.normal(0, 2, angles.shape))
    np.testing.assert_allclose(back, angles, atol=1e-8)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("middle", [90.0, -90.0, 270.0])
def test_where_two_axes_coincide_the_rotation_is_the_same_and_the_first_angle_stays(order, middle):
    angles = np.array([[20.0, middle, -35.0], [400.0, middle, 10.0]])
    points = euler_points(angles, order)
    back = euler_near(points, order, angles)
    np.testing.assert_allclose(euler_points(back, order), points, atol=1e-7)
    np.testing.assert_allclose(back, angles, atol=1e-5)


def test_axes_times_angles_come_back_whatever_turns_they_had():
    vectors = np.random.default_rng(2).normal(0, 4, (200, 3))
    vectors[0] = 0
    np.testing.assert_allclose(axis_angles_near(axis_angle_points(vectors), vectors), vectors, atol=1e-10)


def test_nothing_known_stays_so():
    assert np.isnan(axis_angle_points(np.full((2, 3), np.nan))).all()
    assert np.isnan(euler_points(np.array([[0.0, np.nan, 0.0]]), "XYZ")).all()
