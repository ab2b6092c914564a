import numpy as np
import pytest

from data.ntu.names import ClipName
from data.ntu.simulate.cameras import AIM, SETUPS, facing, to_camera
from tests.data.ntu.simulate.acting import act


def test_a_person_facing_the_camera_stands_upright_before_it():
    name = ClipName(setup=1, camera=2, performer=1, replication=1, action=23)
    joints = to_camera(act(23, azimuth=facing(name))[0], name)
    assert (np.abs(joints[..., 2] - 3.5) < 1.0).all()
    assert (joints[:, 3, 1] > joints[:, 20, 1]).all()
    assert (joints[:, 20, 1] > joints[:, 0, 1] + 0.3).all()
    assert (joints[:, 4, 0] < joints[:, 8, 0] - 0.2).all()  # as in the released clips
    side = ClipName(setup=1, camera=3, performer=1, replication=1, action=23)
    turned = to_camera(act(23, azimuth=facing(side))[0], side)
    assert np.abs(turned[:, 4, 0] - turned[:, 8, 0]).max() < 0.2


@pytest.mark.parametrize("camera", [1, 2, 3])
@pytest.mark.parametrize("setup", [1, 7, 17])
def test_a_camera_is_where_its_setup_says_and_looks_at_the_stage(setup, camera):
    name = ClipName(setup=setup, camera=camera, performer=1, replication=1, action=1)
    height, distance = SETUPS[setup - 1]
    aim = to_camera(np.array([0.0, AIM, 0.0]), name)
    np.testing.assert_allclose(aim, [0, 0, np.hypot(distance, height - AIM)], atol=1e-12)
    angle = np.radians({1: 0, 2: 45, 3: -45}[camera])
    lens = np.array([distance * np.sin(angle), height, distance * np.cos(angle)])
    np.testing.assert_allclose(to_camera(lens, name), 0, atol=1e-12)


def test_the_axes_of_a_camera_are_perpendicular_and_right_handed(rng):
    name = ClipName(setup=4, camera=2, performer=1, replication=1, action=1)
    origin, *axes = to_camera(np.concatenate([np.zeros((1, 3)), np.eye(3)]), name)
    rotation = np.array(axes) - origin
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    points = rng.normal(size=(5, 7, 3))
    np.testing.assert_allclose(to_camera(points, name), points @ rotation + origin, atol=1e-12)
