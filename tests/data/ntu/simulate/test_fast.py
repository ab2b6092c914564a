import numpy as np
import pytest

from data.ntu.simulate.actions import repertoire
from data.ntu.simulate.bodies import make_performer
from data.ntu.simulate.fast import LIFTS, MOVEMENTS, SPEEDS, add_movement
from data.ntu.simulate.motion import perform
from data.skeletons.layouts import NTU25

ALONG = np.array([0.6, 0.0, 0.8])
FPS = 120.0
HANDS, FEET = (7, 11, 21, 23), (15, 19)


def standing(frames=600, action=26):
    """Somebody who stands still for five seconds: the first frame of an action."""
    people = (make_performer(0, 1),)
    joints = perform(repertoire().actions[action], people, 45.0, np.random.default_rng(1), np.random.default_rng(2))[0]
    return np.repeat(joints[:1], frames, axis=0)


def moved(kind, seed, joints=None):
    joints = standing() if joints is None else joints
    return add_movement(kind, joints, ALONG, np.random.default_rng(seed), FPS)


def speeds(joints):
    return np.linalg.norm(np.diff(joints, axis=0), axis=-1) * FPS


def bones(joints):
    first, second = np.array(NTU25.bones).T
    return np.linalg.norm(joints[:, first] - joints[:, second], axis=-1)


@pytest.mark.parametrize("kind", MOVEMENTS)
@pytest.mark.parametrize("seed", range(3))
def test_bones_keep_their_lengths_and_nothing_is_below_the_floor(kind, seed):
    joints = moved(kind, seed)
    assert np.abs(joints - standing()).max() > 0.1
    np.testing.assert_allclose(bones(joints), bones(standing()), atol=1e-9)
    assert joints[..., 1].min() > -1e-9
    # Nothing jumps from one frame to the next: what moves fastest is a kicking foot.
    assert speeds(joints).max() < 25
    assert np.linalg.norm(np.diff(joints, 2, axis=0), axis=-1).max() * FPS**2 < 800


@pytest.mark.parametrize("kind", ["walk", "run"])
def test_people_cross_the_room_at_1_to_4_metres_a_second_and_look_ahead(kind):
    for seed in range(4):
        joints = moved(kind, seed)
        pace = np.diff(joints[:, 0], axis=0) * FPS
        along = np.abs(pace @ ALONG)
        assert SPEEDS[kind][0] < np.percentile(along, 95) < 1.05 * SPEEDS[kind][1]
        assert np.abs(pace @ np.cross(ALONG, [0, 1, 0])).max() < 0.02  # nowhere else
        fast = along > 0.9 * np.percentile(along, 95)
        left = (joints[:-1, 12] - joints[:-1, 16])[fast]
        ahead = np.cross(left, [0, 1, 0])
        assert ((ahead * pace[fast]).sum(1) > 0.9 * np.linalg.norm(ahead, axis=1) * along[fast]).mean() > 0.95
        # While one foot swings, it is lifted, and the other stands back.
        feet = joints[:, [14, 18], 1]
        assert 0.5 * LIFTS[kind] < np.ptp(feet) < 1.5 * LIFTS[kind]
        apart = (joints[:, 14] - joints[:, 18]) @ ALONG
        assert np.ptp(apart[:-1][fast]) > 0.4


def test_a_jump_obeys_gravity():
    for seed in range(4):
        joints = moved("jump", seed)
        height = joints[:, FEET, 1].mean(1) - standing()[:, FEET, 1].mean(1)
        flying = height > 1e-6
        assert 0.05 < height.max() <= 0.5
        inside = flying[2:] & flying[1:-1] & flying[:-2]
        np.testing.assert_allclose(np.diff(height, 2)[inside] * FPS**2, -9.81, rtol=1e-6)
        assert joints[:, 0, 1].min() < standing()[0, 0, 1] - 0.05  # it gives way before and after
        np.testing.assert_allclose(joints[:, FEET][~flying], standing()[:, FEET][~flying], atol=0.02)


def test_whoever_falls_lies_on_the_floor():
    for seed in range(4):
        joints = moved("fall", seed)
        assert joints[-1, :, 1].max() < 0.7
        assert joints[-1, 3, 1] < 0.5 < 1.3 < joints[0, 3, 1]
        assert 2.5 < speeds(joints)[:, 3].max() < 8  # a head that falls 1.5 m freely reaches 5.4 m/s


@pytest.mark.parametrize(("kind", "ends", "low", "high"), [("kick", FEET, 5, 20), ("throw", HANDS, 4, 15)])
def test_kicks_and_throws_go_ahead_and_come_back(kind, ends, low, high):
    still = standing()
    left = still[0, 12] - still[0, 16]
    ahead = np.cross(left, [0, 1, 0]) / np.linalg.norm(np.cross(left, [0, 1, 0]))
    for seed in range(4):
        joints = moved(kind, seed)
        change = (joints - still)[:, list(ends)] @ ahead
        assert change.max() > 0.3
        assert low < speeds(joints)[:, list(ends)].max() < high
        np.testing.assert_allclose(joints[[0, -1]], still[[0, -1]], atol=1e-9)
        others = [joint for joint in range(25) if joint not in range(4, 12) and joint not in range(12, 25)]
        np.testing.assert_array_equal(joints[:, others], still[:, others])


def test_who_sits_only_throws():
    sitting = standing(action=9)  # standing up
    for kind in MOVEMENTS:
        assert np.array_equal(moved(kind, 0, sitting), sitting) == (kind != "throw")
