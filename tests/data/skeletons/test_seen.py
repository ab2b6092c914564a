import numpy as np
import pytest

from data.skeletons.seen import seen_joints


@pytest.mark.parametrize(
    ("joint", "score", "seen"),
    [
        ([0.1, 0.2, 3.0], None, True),
        ([0.0, 0.0, 3.0], None, True),
        ([0.0, 0.2, 0.0], None, True),
        ([0.0, 0.0, 0.0], None, False),
        ([-0.0, 0.0, 0.0], None, False),
        ([np.nan, 0.2, 3.0], None, False),
        ([0.1, np.inf, 3.0], None, False),
        ([0.1, 0.2, -1e9], None, False),
        ([0.0, 0.0], 0.0, False),  # OpenPose
        ([0.0, 0.0], 0.29, False),
        ([0.0, 0.0], 0.3, True),
        ([500.0, 300.0], 0.0, True),
        ([0.0, 0.0], np.nan, False),
    ],
)
def test_what_counts_as_seen(joint, score, seen):
    joints = np.tile(np.float32([1.0, 2.0, 3.0][: len(joint)]), (4, 5, 1))
    joints[2, 3] = joint
    scores = None
    if score is not None:
        scores = np.full((4, 5), 0.9)
        scores[2, 3] = score
    expected = np.ones((4, 5), bool)
    expected[2, 3] = seen
    np.testing.assert_array_equal(seen_joints(joints, scores), expected)


def test_the_origin_may_be_a_position():
    joints = np.zeros((4, 5, 3))
    np.testing.assert_array_equal(seen_joints(joints, origin=(2,)).sum(0), [0, 0, 4, 0, 0])
    assert seen_joints(np.zeros((0, 5, 3))).shape == (0, 5)
