import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import InputError
from data.recordings.people import MOST_PEOPLE, Follower, body_sizes, follow, tracks_of
from tests.refine.files.made import SKELETON, as_recording, walkers


def partition(labels):
    """Which rows are together, whatever the labels."""
    return {frozenset(np.flatnonzero(labels == one).tolist()) for one in np.unique(labels)}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 5))
def test_people_who_cross_are_told_apart_whatever_their_order_in_the_file(seed, count):
    rng = np.random.default_rng(seed)
    people = walkers(rng, count)
    order = np.array([rng.permutation(count) for _ in range(people.shape[1])])
    recording = as_recording(people, ids=False, order=order)
    found = tracks_of(recording, recording.frame / 30)
    assert partition(found) == partition(order.ravel())


def test_identities_of_the_file_go_before_places(rng):
    people = walkers(rng, 2)
    people[1] = people[0] + 0.1
    recording = as_recording(people)
    assert partition(tracks_of(recording, recording.frame / 30)) == partition(recording.person)


def test_a_short_gap_is_bridged_and_a_long_one_is_not(rng):
    people = walkers(rng, 1, 60)
    for gap, count in ((slice(20, 34), 1), (slice(20, 35), 2)):
        lost = people.copy()
        lost[0, gap] = np.nan
        recording = as_recording(lost, ids=False)
        assert follow(recording.joints, recording.frame, recording.frame / 30).max() + 1 == count


def test_who_jumps_is_another(rng):
    people = walkers(rng, 1, 40)
    people[0, 20:] += [0, 300]
    recording = as_recording(people, ids=False)
    assert follow(recording.joints, recording.frame, recording.frame / 30).tolist() == [0] * 20 + [1] * 20


def test_a_few_joints_that_are_elsewhere_are_no_other_person(rng):
    people = walkers(rng, 1, 40)
    people[0, 20, 3:7] += 2000
    recording = as_recording(people, ids=False)
    assert follow(recording.joints, recording.frame, recording.frame / 30).max() == 0


def test_hidden_joints_move_with_their_body(rng):
    """First the upper half is seen, then the lower one alone, after the whole for one frame."""
    people = walkers(rng, 1, 40)
    people[0, 1:15, 7:] = np.nan
    people[0, 15:, :7] = np.nan
    recording = as_recording(people, ids=False)
    assert follow(recording.joints, recording.frame, recording.frame / 30).max() == 0


def test_tracks_are_numbered_from_left_to_right(rng):
    people = np.stack([SKELETON + np.array([x, 300]) for x in (900, 100, 500)])[:, None].repeat(3, 1)
    recording = as_recording(people, ids=False, order=[[0, 1, 2], [2, 1, 0], [1, 0, 2]])
    assert follow(recording.joints, recording.frame, recording.frame / 30).tolist() == [2, 0, 1, 1, 0, 2, 0, 2, 1]


def test_a_person_without_any_joint_is_in_a_track_of_its_own(rng):
    joints = np.stack([SKELETON, np.full_like(SKELETON, np.nan), SKELETON])
    assert partition(follow(joints, np.array([0, 1, 2]), np.array([0, 1, 2]) / 30)) == {
        frozenset({0, 2}),
        frozenset({1}),
    }


def test_the_size_of_a_body_is_not_that_of_its_face():
    """70 points of a face of 5, and a foot."""
    face = np.stack([5 * np.cos(np.arange(70)), 5 * np.sin(np.arange(70))], -1)
    joints = np.concatenate([face, [[0, 100.0]]])[None]
    size, middle = body_sizes(joints, np.ones((1, 71), bool))
    np.testing.assert_allclose(middle[0], np.median(joints[0], 0))
    np.testing.assert_allclose(size, 0.4 * np.linalg.norm(joints[0, -1] - middle[0]))


def test_who_shows_too_little_is_as_large_as_is_usual():
    joints = np.stack([SKELETON, 2 * SKELETON, 3 * SKELETON, SKELETON])
    seen = np.ones(joints.shape[:2], bool)
    seen[3, 2:] = False
    size, _ = body_sizes(joints, seen)
    np.testing.assert_allclose(size / size[0], [1, 2, 3, 2])


def test_crowds_are_refused():
    joints = np.zeros((MOST_PEOPLE + 1, 3, 2))
    with pytest.raises(InputError, match=r"frame 7: found 501 people, expected at most 500"):
        follow(joints, np.full(len(joints), 7), np.zeros(len(joints)))


def test_frame_after_frame_people_are_told_apart_as_all_at_once(rng):
    people = walkers(rng, 3, 40)
    people[1, 10:30] = np.nan  # away for long enough to be another afterwards
    recording = as_recording(people, ids=False)
    there = np.isfinite(recording.joints).any((1, 2))
    joints, frame = recording.joints[there], recording.frame[there]
    follower = Follower()
    found = [follower.step(joints[frame == one], one / 30) for one in np.unique(frame)]
    np.testing.assert_array_equal(np.concatenate(found), follow(joints, frame, frame / 30))
    assert max(map(max, found)) == 3
    assert not len(follower.step(joints[:0], 2.0))
