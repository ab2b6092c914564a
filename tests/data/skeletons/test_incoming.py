import numpy as np
import pytest

from base.errors import InputError
from data.skeletons.incoming import check_pose, check_time


def test_a_joint_without_a_position_has_no_confidence_and_none_is_above_one():
    pose, trust = check_pose([[1, 2], [None, 3], [4, 5], [6, 7]], [0.5, 1, 7.5, None])
    np.testing.assert_array_equal(pose, [[1, 2], [np.nan, 3], [4, 5], [6, 7]])
    np.testing.assert_array_equal(trust, [0.5, 0, 1, 0])
    np.testing.assert_array_equal(check_pose(pose, None)[1], [1, 0, 1, 1])


@pytest.mark.parametrize(
    ("pose", "confidence", "message"),
    [
        ([[1, 2], [3]], None, "not an array of numbers"),
        ([[1, "two"]], None, "not an array of numbers"),
        ([[10**400, 1]], None, "not an array of numbers"),
        ([[1, 2, 3, 4]], None, r"found shape \(1, 4\), expected \[joints, 2 or 3\]"),
        (np.zeros((5000, 3)), None, "found shape"),
        ([[1e999, 2]], None, "infinite"),
        ([[1, 2]], [1, 1], r"confidence: found shape \(2,\), expected \(1,\)"),
        ([[1, 2]], ["sure"], "confidence: not an array of numbers"),
        ([[1, 2]], [-0.5], "confidence: found -0.5"),
    ],
)
def test_what_is_no_pose_is_told(pose, confidence, message):
    with pytest.raises(InputError, match=message):
        check_pose(pose, confidence)


def test_times_run_forwards():
    assert check_time(None, None, 25) == 0
    assert check_time(None, 2.0, 25) == 2.04
    assert check_time(3, 2.0, 25) == 3
    for time, message in (
        (2.0, "found 2 s after 2 s"),
        (float("nan"), "expected seconds"),
        (10**400, "expected seconds"),
    ):
        with pytest.raises(InputError, match=message):
            check_time(time, 2.0, 25)
