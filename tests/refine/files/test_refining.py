from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from base.errors import InputError
from data.recordings.rates import clock_of
from refine.files.methods import Method, open_method
from refine.files.refining import Options, check_moving, refine_recording
from refine.steady.api import refine
from tests.refine.files.made import SKELETON, as_recording, walkers

TEN_UP = Method(lambda piece: piece.joints + 10, {})
"""Moves everything, so that what it was given can be told."""


def refined(recording, method="steady", fps=30.0, **options):
    method = open_method(method) if isinstance(method, str) else method
    return refine_recording(recording, clock_of(recording, "a", fps), method, Options(**options))


def test_people_are_refined_each_alone_whatever_their_order(rng):
    """Also people who cross, of whom the file does not say who is who."""
    people = walkers(rng, 3, noise=2)
    order = np.array([rng.permutation(3) for _ in range(people.shape[1])])
    alone = refine(people, 30)
    for recording in (as_recording(people), as_recording(people, ids=False, order=order)):
        who = recording.person if recording.person is not None else order.ravel()
        found = refined(recording)
        np.testing.assert_allclose(found.joints, alone[who, recording.frame], atol=1e-3)
        assert (found.people, found.jumps, found.gaps, found.missing, found.unsure) == (3, 0, 0, 0, 0)


@pytest.mark.parametrize("method", ["steady", "one_euro"])
def test_strength_0_is_the_input_to_the_bit_and_half_is_half_way(rng, method):
    people = walkers(rng, 2, noise=2)
    people[0, 10:13, 4] = np.nan
    recording = as_recording(people)
    nothing, half, all_of_it = (refined(recording, method, strength=s).joints for s in (0.0, 0.5, 1.0))
    np.testing.assert_array_equal(nothing, recording.joints)
    np.testing.assert_allclose(half, (recording.joints + all_of_it) / 2)
    seen = np.isfinite(recording.joints)
    assert np.abs(all_of_it - recording.joints)[seen].max() > 0.5


def test_what_is_missing_or_unsure_stays_and_is_counted(rng):
    people = walkers(rng, 1)
    people[0, 4, 2] = np.nan
    trust = np.full((40, 14), 0.8, np.float32)
    trust[7, 3], trust[8, 3], trust[9, 3] = 0, 0.3, 0.5
    recording = replace(as_recording(people), confidence=trust)
    found = refined(recording, TEN_UP, min_confidence=0.5)
    assert (found.missing, found.unsure) == (1, 2)
    moved = found.joints - recording.joints
    expected = np.full(moved.shape, 10.0)
    expected[4, 2], expected[[7, 8], 3] = np.nan, 0
    np.testing.assert_allclose(moved, expected)


def test_nothing_is_learnt_from_what_is_unsure(rng):
    people = walkers(rng, 1)
    trust = np.full((40, 14), 0.8, np.float32)
    trust[20, 3] = 0.1
    far = people.copy()
    far[0, 20, 3] += 40
    results = [refined(replace(as_recording(x), confidence=trust), min_confidence=0.5).joints for x in (people, far)]
    results[0][20, 3] = results[1][20, 3]
    np.testing.assert_allclose(*results, atol=1e-4)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("ids", [True, False])
def test_what_is_farther_away_than_anything_is_left_alone(rng, ids):
    people = walkers(rng, 1)
    expected = refined(as_recording(people)).joints
    people[0, 20, 3] = [1e300, 5]
    found = refined(as_recording(people, ids=ids))
    assert (found.people, found.unsure, found.missing) == (1, 1, 0)
    assert found.joints[20, 3].tolist() == [1e300, 5]
    others = np.arange(40) != 20
    np.testing.assert_allclose(found.joints[others], expected[others], atol=1)


def test_a_file_whose_scores_are_all_0_has_none(rng):
    recording = as_recording(walkers(rng, 1))
    scored = replace(recording, confidence=np.zeros((40, 14), np.float32))
    np.testing.assert_array_equal(refined(scored).joints, refined(recording).joints)


def test_a_motion_is_cut_at_jumps_and_long_gaps(rng):
    people = walkers(rng, 1, 100)
    people[0, 20:] += [0, 400]
    people[0, 60:80] = np.nan
    recording = as_recording(people)
    found = refined(recording)
    assert (found.people, found.jumps, found.gaps) == (1, 1, 1)
    for part in (slice(0, 20), slice(20, 60), slice(60, 80)):
        np.testing.assert_allclose(found.joints[part], refine(recording.joints[part], 30), atol=1e-3)


def test_a_point_that_jitters_does_not_jump_and_one_that_leaps_does(rng):
    point = rng.normal(0, 1, (1, 60, 1, 2))
    assert refined(as_recording(point)).jumps == 0
    point[0, 30:] += 100
    found = refined(as_recording(point))
    assert found.jumps == 1
    assert np.abs(found.joints[30] - found.joints[29]).max() > 90


def test_who_is_elsewhere_for_two_frames_is_put_back(rng):
    people = walkers(rng, 1, noise=0)
    astray = people.copy()
    astray[0, 20:22] += [0, 400]
    found = refined(as_recording(astray))
    assert (found.jumps, found.astray) == (0, 2)
    np.testing.assert_allclose(found.joints, people[0], atol=2)


@pytest.mark.parametrize(("fill", "count"), [(0.0, 0), (0.05, 1), (0.1, 4)])
def test_gaps_are_filled_up_to_a_length(fill, count, rng):
    """At 30 frames a second, 0.05 s are one frame and 0.1 s are three; a gap at the end stays."""
    people = walkers(rng, 1, noise=0)
    gaps = [(4, slice(10, 11)), (5, slice(20, 23)), (6, slice(30, 34)), (7, slice(38, 40))]
    given = people.copy()
    for joint, rows in gaps:
        given[0, rows, joint] = np.nan
    recording = as_recording(given)
    found = refined(recording, fill=fill)
    assert found.filled.sum() == count
    assert found.missing == 10
    np.testing.assert_array_equal(
        np.isfinite(found.joints[..., 0]), np.isfinite(recording.joints[..., 0]) | found.filled
    )
    np.testing.assert_allclose(found.joints[found.filled], people[0][found.filled], atol=1)


def test_filled_gaps_of_the_input_are_on_a_line(rng):
    people = walkers(rng, 1)
    people[0, 20:23, 5] = np.nan
    found = refined(as_recording(people), strength=0.0, fill=0.2)
    line = people[0, 19, 5] + (people[0, 23, 5] - people[0, 19, 5]) * np.arange(1, 4)[:, None] / 4
    np.testing.assert_allclose(found.joints[20:23, 5], line)


def test_frames_without_a_row_are_counted_and_bridged(rng):
    """The same as if their joints were missing."""
    people = walkers(rng, 1)
    holes = people.copy()
    holes[0, [10, 20, 21]] = np.nan
    recording = as_recording(holes)
    found = refined(recording, fill=0.04)
    assert (len(found.joints), found.absent) == (37, 1)
    np.testing.assert_allclose(found.joints, refine(holes[0], 30)[recording.frame], atol=1e-3)


def test_rotations_are_refined_among_others_and_alone(rng):
    """Moved by 3 among others and by 1 alone, with weights 1/9 and 1: by 1.2 in all; what is no rotation, by 3."""
    method = Method(lambda piece: piece.joints + (1 if piece.joints.shape[1] == 2 else 3), {})
    joints = rng.normal(size=(1, 20, 9, 3))
    joints[0, :, 3:5] = np.nan
    groups = ((0, 1, 2), tuple(range(3, 9)))
    recording = replace(as_recording(joints), groups=groups, rotations=(1,))
    moved = refined(recording, method).joints - joints[0]
    expected = np.full(moved.shape, 1.2)
    expected[:, :3] = 3
    expected[np.isnan(joints[0])] = np.nan
    np.testing.assert_allclose(moved, expected)


def test_noise_of_rotations_is_smoothed(rng):
    truth = 0.02 * np.sin(2 * np.pi * np.arange(90) / 60)[:, None, None] * rng.normal(size=(6, 3))
    noisy = Rotation.from_rotvec((truth + rng.normal(0, 0.03, truth.shape)).reshape(-1, 3)).as_matrix()
    joints = noisy.reshape(90, 6, 3, 3)[..., :2].swapaxes(-1, -2).reshape(90, 12, 3)
    clean = Rotation.from_rotvec(truth.reshape(-1, 3)).as_matrix().reshape(90, 6, 3, 3)[..., :2]
    clean = clean.swapaxes(-1, -2).reshape(90, 12, 3)
    found = refined(replace(as_recording(joints[None]), groups=(tuple(range(12)),), rotations=(0,)))
    assert np.linalg.norm(found.joints - clean, axis=-1).mean() < 0.7 * np.linalg.norm(joints - clean, axis=-1).mean()


def test_what_rests_stays_to_the_last_digit():
    joints = SKELETON[None].repeat(50, 0) * 1.1
    np.testing.assert_array_equal(refined(as_recording(joints[None])).joints, joints)


def test_rows_without_any_joint_are_nobody(rng):
    people = walkers(rng, 1)
    recording = as_recording(people)
    nobody = np.full_like(recording.joints, np.nan)
    both = replace(
        recording,
        joints=np.concatenate([recording.joints, nobody]),
        frame=np.concatenate([recording.frame] * 2),
        person=None,
    )
    assert refined(both).people == 1


def test_groups_are_refined_each_by_itself(rng):
    """As two files would be; the bones that are between groups are none."""
    joints = walkers(rng, 1)[0]
    bones = ((0, 1), (2, 3), (4, 5), (12, 13))
    whole = replace(as_recording(joints[None]), groups=((0, 1, 2, 3), tuple(range(4, 14))), bones=bones)
    found = refined(whole)
    for group in whole.groups:
        part = refined(as_recording(joints[None, :, list(group)]))
        np.testing.assert_allclose(found.joints[:, list(group)], part.joints)
    assert [motion.joints for motion in found.motion] == [4, 10]


def test_a_scale_is_of_the_change(rng):
    """Coordinates from 0 to 1 in an image of 1920 x 1080 are refined as pixels are."""
    pixels = as_recording(walkers(rng, 2, noise=2))
    share = replace(pixels, joints=pixels.joints / [1920, 1080], scale=(1920.0, 1080.0))
    np.testing.assert_allclose(refined(share).joints * [1920, 1080], refined(pixels).joints, atol=1e-6)


def test_uneven_times_are_honoured(rng):
    """A body on its way, seen at any times: what was observed is nearer to the truth than before."""
    times = np.cumsum(rng.uniform(0.02, 0.05, 120))
    way = np.stack([300 * np.sin(2 * times), 100 * np.cos(times)], -1)
    truth = way[:, None] + SKELETON
    recording = as_recording((truth + rng.normal(0, 3, truth.shape))[None], seconds=times)
    found = refine_recording(recording, clock_of(recording, "a"), open_method("steady"), Options())
    errors = [np.linalg.norm(x - truth, axis=-1).mean() for x in (recording.joints, found.joints)]
    assert errors[1] < 0.6 * errors[0]


def test_rest_and_constant_speed_come_out_as_they_went_in():
    time = np.arange(60) / 30
    way = SKELETON + time[:, None, None] * np.array([80.0, -30.0])
    for method in ("steady", "gaussian", "one_euro", "savitzky_golay", "butterworth"):
        recording = as_recording(np.stack([way, SKELETON[None].repeat(60, 0) + 500]))
        np.testing.assert_allclose(refined(recording, method).joints, recording.joints, atol=0.01)


def test_movement_and_acceleration_are_told(rng):
    """One Hertz of 50 pixels is kept, noise of a pixel is not."""
    time = np.arange(300) / 30
    wave = SKELETON + 50 * np.sin(2 * np.pi * time)[:, None, None] * np.array([1.0, 0])
    [motion] = refined(as_recording((wave + rng.normal(0, 1, wave.shape))[None])).motion
    assert motion.gain == pytest.approx(1, abs=0.03)
    smooth = 50 * (2 * np.pi) ** 2 * 2 / np.pi  # the mean of |cos|
    assert motion.after == pytest.approx(smooth, rel=0.1)
    assert motion.before > 1.5 * smooth


def test_stills_are_refused(rng):
    recording = as_recording(walkers(rng, 5, 2))
    with pytest.raises(InputError, match=r"^a\.json: shows somebody in 2 frames, expected 3 or more of a motion$"):
        check_moving(recording, "a.json")
    check_moving(as_recording(walkers(rng, 1, 3)), "a.json")
