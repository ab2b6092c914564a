import dataclasses

import numpy as np
import pytest

from data.ntu.simulate.actions import repertoire
from data.ntu.simulate.bodies import make_performer
from data.ntu.simulate.motion import FRAMES, MIRROR
from data.skeletons.layouts import BONES
from tests.data.ntu.simulate.acting import act

ACTIONS = sorted(repertoire().actions)


@pytest.mark.parametrize("number", ACTIONS)
def test_bones_keep_their_length_and_feet_stay_above_the_floor(number):
    joints = act(number)
    child, parent = np.array(BONES).T
    lengths = np.linalg.norm(joints[:, :, child] - joints[:, :, parent], axis=-1)
    assert np.ptp(lengths, axis=1).max() < 1e-6
    assert np.isfinite(joints).all()
    assert FRAMES[0] <= joints.shape[1] <= FRAMES[1]
    assert joints[..., 1].min() > -0.02
    assert np.linalg.norm(np.diff(joints, axis=1), axis=-1).max() < 0.6  # 18 m/s: nobody jumps in a frame


@pytest.mark.parametrize("number", ACTIONS)
def test_feet_on_the_floor_do_not_slide(number):
    for seed in (0, 1):
        joints = act(number, seed=seed)
        height = joints[:, :, [14, 18], 1]
        stands = height < height.min(axis=1, keepdims=True) + 0.01
        for ends in ([14, 18], [15, 19]):  # ankles, toes
            moved = np.linalg.norm(np.diff(joints[:, :, ends][..., [0, 2]], axis=1), axis=-1)
            assert moved[stands[:, 1:] & stands[:, :-1]].max() < 0.008
        assert stands.any(axis=(1, 2)).all()


@pytest.mark.parametrize("number", ACTIONS)
def test_joints_stay_within_their_limits(number):
    joints = act(number, seed=2)
    for shoulder in (4, 8):
        assert bend(joints, shoulder, shoulder + 1, shoulder + 2).max() < 151  # elbows
        assert bend(joints, shoulder + 1, shoulder + 2, shoulder + 3).max() < 75  # wrists
    for hip in (12, 16):
        assert bend(joints, hip, hip + 1, hip + 2).max() < 151
        knee, line = joints[:, :, hip + 1] - joints[:, :, hip], joints[:, :, hip + 2] - joints[:, :, hip]
        out = knee - line * (np.sum(knee * line, -1) / np.sum(line**2, -1))[..., None]
        toes = joints[:, :, hip + 3] - joints[:, :, hip + 2]
        shin = joints[:, :, hip + 2] - joints[:, :, hip + 1]
        toes -= shin * (np.sum(toes * shin, -1) / np.sum(shin**2, -1))[..., None]
        assert (np.sum(out * toes, -1) > -1e-3).all()  # knees bend forwards
    assert bend(joints, 20, 2, 3).max() < 75


def bend(joints, a, b, c):
    """Return by how many degrees the chain of joints a, b, c is bent at b."""
    one, two = joints[..., b, :] - joints[..., a, :], joints[..., c, :] - joints[..., b, :]
    cosine = np.sum(one * two, -1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(two, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def test_limbs_do_not_flip_over():
    slow = [number for number in ACTIONS if number not in (7, 22, 24, 27, 50, 51)]  # throws, kicks, jumps, punches
    worst = {
        number: max(np.linalg.norm(np.diff(act(number, seed), 2, axis=1), axis=-1).max() for seed in range(3))
        for number in slow
    }
    assert max(worst.values()) < 0.25, worst  # metres per frame^2


def test_the_same_seeds_give_the_same_movement():
    for number in (42, 55):
        np.testing.assert_array_equal(act(number), act(number))


def test_walkers_get_where_they_walk():
    towards, apart = act(59), act(60)
    gap = np.linalg.norm(towards[0, :, 0] - towards[1, :, 0], axis=-1)
    assert gap[0] > 1.9
    assert gap[-1] < 1.3
    gap = np.linalg.norm(apart[0, :, 0] - apart[1, :, 0], axis=-1)
    assert gap[0] < 1.1
    assert gap[-1] > 1.9
    ahead = np.cross(apart[0, :, 4] - apart[0, :, 8], [0.0, 1.0, 0.0])[:, [0, 2]]
    assert ahead[0] @ ahead[-1] < 0  # turned round
    lifted = towards[0, :, [14, 18], 1] > towards[0, :, [14, 18], 1].min() + 0.02
    assert lifted.any(axis=1).all()
    assert not lifted.all(axis=0).any()  # one foot or the other is on the floor


def test_orders_differ_where_only_the_order_tells_actions_apart():
    for on, off, place in ((18, 19, 3), (20, 21, 3), (16, 17, 19)):
        when = [np.linalg.norm(act(n)[0, :, 11] - act(n)[0, :, place], axis=-1).argmin() / act(n).shape[1]
                for n in (on, off)]  # fmt: skip
        assert when[0] > when[1]


def test_hands_reach_what_the_action_says():
    drinking = act(1)[0]
    assert np.linalg.norm(drinking[:, 11] - drinking[:, 3], axis=-1).min() < 0.25
    clapping = act(10, seed=2)[0]
    apart = np.linalg.norm(clapping[:, 7] - clapping[:, 11], axis=-1)
    assert apart.min() < 0.10 < 0.3 < apart.max()
    assert act(6)[0][:, 11, 1].min() < 0.45  # picking up
    sitting = act(8)[0][:, 0, 1]
    assert sitting[-1] < 0.75 * sitting[0]
    waving = act(23)[0]
    assert waving[:, 11, 1].max() > waving[:, 20, 1].max()


def test_a_left_handed_performer_is_the_mirror_image():
    right = dataclasses.replace(make_performer(3, 1), left_handed=False)
    left = dataclasses.replace(right, left_handed=True)
    a, b = act(23, people=(right,))[0], act(23, people=(left,))[0]
    np.testing.assert_allclose(distances(a[:, MIRROR]), distances(b), atol=1e-9)
    assert np.ptp(a[:, 11, 1]) > 0.5 > 0.2 > np.ptp(a[:, 7, 1])
    assert np.ptp(b[:, 7, 1]) > 0.5 > 0.2 > np.ptp(b[:, 11, 1])
    up = (handedness(a) * handedness(b)) > 0  # mirrored, but nobody is inside out: left is left of the right
    assert up.all()


def distances(joints):
    return np.linalg.norm(joints[:, :, None] - joints[:, None], axis=-1)


def handedness(joints):
    """Return the sign of the volume spanned by the shoulders, the spine and the feet."""
    across, up = joints[:, 4] - joints[:, 8], joints[:, 20] - joints[:, 0]
    toes = joints[:, [15, 19]].mean(axis=1) - joints[:, [14, 18]].mean(axis=1)
    return np.sign(np.einsum("ti,ti->t", np.cross(across, up), toes))


@pytest.mark.parametrize("number", [50, 56, 58])
def test_two_people_face_each_other(number):
    joints = act(number, azimuth=20.0)
    assert len(joints) == 2
    across = joints[:, 0, 4] - joints[:, 0, 8]  # from the right to the left shoulder
    ahead = np.cross(across, [0.0, 1.0, 0.0])
    towards = joints[1, 0, 20] - joints[0, 0, 20]
    assert ahead[0] @ towards > 0.8 * np.linalg.norm(ahead[0]) * np.linalg.norm(towards)
    assert ahead[1] @ -towards > 0.8 * np.linalg.norm(ahead[1]) * np.linalg.norm(towards)


def test_hands_meet_in_a_handshake():
    joints = act(58)
    assert np.linalg.norm(joints[0, :, 11] - joints[1, :, 11], axis=-1).min() < 0.15


def test_performers_and_repetitions_differ():
    once, again = act(12, seed=0)[0], act(12, seed=1)[0]
    assert once.shape != again.shape or np.abs(once - again).max() > 0.005
    assert make_performer(0, 1).height != make_performer(0, 2).height
    assert make_performer(0, 1) == make_performer(0, 1)
