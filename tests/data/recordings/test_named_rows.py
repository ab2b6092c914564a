import numpy as np
import pytest

from base.errors import InputError
from data.recordings.named_rows import codes, gather, groups_of


def test_rows_of_one_person_in_one_frame_come_together():
    frame, person, joint = (np.array(x) for x in ([3, 3, 3, 2, 2], [7, 8, 7, 8, 8], [0, 0, 1, 1, 0]))
    first, rows = gather(frame, person, joint, "a")
    np.testing.assert_array_equal(first, [0, 1, 3])
    np.testing.assert_array_equal(rows, [[0, 2], [1, -1], [4, 3]])
    first, rows = gather(frame[2:4], None, joint[2:4], "a")
    np.testing.assert_array_equal(rows, [[-1, 0], [-1, 1]])


def test_a_joint_twice_and_joints_that_nobody_shares_are_refused():
    one = np.zeros(2, np.int64)
    with pytest.raises(InputError, match="a: found a joint of person 0 twice in frame 0"):
        gather(one, one, one, "a")
    with pytest.raises(InputError, match="a: its 100 poses share few of 100 joints"):
        gather(np.arange(100), None, np.arange(100), "a")


def test_numbers_for_words_and_groups():
    found, names = codes([("b", "x"), ("a", "x"), ("b", "x")])
    assert found.tolist() == [0, 1, 0]
    assert names == [("b", "x"), ("a", "x")]
    assert groups_of(["body", "hand", "body"]) == ((0, 2), (1,))
    assert groups_of(["body", "body"]) == ()
