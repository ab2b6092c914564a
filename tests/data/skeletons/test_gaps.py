import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data.skeletons.gaps import fill_gaps, gap_values, gaps, neighbours


def test_gaps():
    joints = np.arange(10.0)[:, None, None] * np.ones((1, 4, 3)) + np.arange(4)[:, None]
    seen = np.ones((10, 4), bool)
    seen[:3, 1] = seen[4:7, 1] = seen[8:, 2] = seen[:, 3] = False
    seen[5] = False
    damaged = np.where(seen[..., None], joints, np.nan)
    filled = fill_gaps(damaged, seen)
    np.testing.assert_allclose(filled[:, 0], joints[:, 0])
    np.testing.assert_allclose(filled[:, 1, 0], [4, 4, 4, 4, 5, 6, 7, 8, 9, 10])
    np.testing.assert_allclose(filled[:, 2, 0], [2, 3, 4, 5, 6, 7, 8, 9, 9, 9])
    assert (filled[:, 3] == np.median(joints[seen], 0)).all()


@settings(max_examples=60, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 5))), st.integers(0, 9))
def test_gaps_are_filled_between_what_was_seen(seen, seed):
    seen[0, 0] = True
    joints = np.random.default_rng(seed).normal(size=(*seen.shape, 2))
    filled = fill_gaps(np.where(seen[..., None], joints, np.nan), seen)
    np.testing.assert_array_equal(filled[seen], joints[seen])
    for joint in np.flatnonzero(seen.any(0)):
        frames = np.flatnonzero(seen[:, joint])
        for axis in range(2):
            expected = np.interp(np.arange(len(seen)), frames, joints[frames, joint, axis])
            np.testing.assert_allclose(filled[:, joint, axis], expected, atol=1e-12)


def test_the_nearest_sightings_before_and_after_each_frame():
    seen = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0], [1, 0, 0]], bool)
    before, after = neighbours(seen)
    np.testing.assert_array_equal(before.T, [[-1, 1, 1, 1, 4], [0, 0, 0, 3, 3], [-1] * 5])
    np.testing.assert_array_equal(after.T, [[1, 1, 4, 4, 4], [0, 3, 3, 3, 5], [5] * 5])


def test_gaps_are_listed_joint_by_joint_and_end_with_their_sequence():
    seen = np.ones((8, 2), bool)
    seen[[0, 3, 4, 7], 0] = seen[1, 1] = False
    found = gaps(seen, [4, 4])
    assert found.frame.tolist() == [0, 3, 4, 7, 1]
    assert found.joint.tolist() == [0, 0, 0, 0, 1]
    assert found.first.tolist() == [0, 1, 2, 3, 4]
    assert found.before.tolist() == [-1, 2, -1, 6, 0]
    assert found.after.tolist() == [1, 8, 5, 8, 2]
    assert gaps(seen).first.tolist() == [0, 1, 3, 4]  # as one sequence
    assert len(gaps(np.ones((3, 2), bool)).frame) == 0


def test_sequences_one_after_another_are_filled_each_by_itself(rng):
    joints, seen = rng.normal(size=(30, 4, 3)), rng.random((30, 4)) < 0.5
    seen[[0, 13, 20], 0] = True
    seen[13:20, 3] = False  # never in the second
    frame, joint, values = gap_values(joints, seen, [13, 7, 10])
    filled = joints.copy()
    filled[frame, joint] = values
    for rows in (slice(0, 13), slice(13, 20), slice(20, 30)):
        np.testing.assert_array_equal(filled[rows], fill_gaps(joints[rows], seen[rows]))
