import numpy as np
import pytest

from base.errors import InputError
from data.recordings.named_columns import codes, find_columns, frames_of_times, gather, groups_of


@pytest.mark.parametrize(
    "header",
    [
        "nose_x nose_y tail_x tail_y",
        "nose.X nose.Y tail.X tail.Y",
        "nose-x nose-y tail-x tail-y",
        "noseX noseY tailX tailY",
        "x_nose y_nose x_tail y_tail",
        "X:nose Y:nose X:tail Y:tail",
    ],
)
def test_axes_after_and_before_names(header):
    found = find_columns(header.split())
    np.testing.assert_array_equal(found.coordinates, [[0, 1], [2, 3]])
    assert found.names == ("nose", "tail")
    assert found.sure is None


def test_numbers_for_names():
    found = find_columns(["x1", "x2", "y1", "y2", "c1", "c2"])
    np.testing.assert_array_equal(found.coordinates, [[0, 2], [1, 3]])
    np.testing.assert_array_equal(found.sure, [4, 5])
    assert found.names == ("1", "2")


def test_confidence_by_its_many_names_and_what_is_beside():
    header = ["Frame Number", "a x", "a y", "a z", "a Visibility", "b x", "b y", "b z", "b_c", "angle", "d_x", "d_y"]
    found = find_columns(header)
    np.testing.assert_array_equal(found.coordinates, [[1, 2, 3], [5, 6, 7]])
    np.testing.assert_array_equal(found.sure, [4, 8])
    assert (found.frame, found.time, found.person) == (0, None, None)


@pytest.mark.parametrize("joint", ["joint", "landmark", "Keypoint", "landmark_id", "body part", "joint-name", "node"])
def test_rows_of_joints(joint):
    found = find_columns(["frame", "track_id", "model", joint, "X", "Y", "score"])
    np.testing.assert_array_equal(found.coordinates, [[4, 5]])
    assert found.sure.tolist() == [6]
    assert (found.frame, found.person, found.group, found.joint) == (0, 1, 2, 3)


@pytest.mark.parametrize(
    "header", [["a", "b"], ["x", "y"], ["a_x", "b_y"], [], ["joint", "x", "y"], ["frame", "x", "y"]]
)
def test_what_names_no_coordinates(header):
    assert find_columns(header) is None


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


def test_numbers_for_words_groups_and_times():
    found, names = codes([("b", "x"), ("a", "x"), ("b", "x")])
    assert found.tolist() == [0, 1, 0]
    assert names == [("b", "x"), ("a", "x")]
    assert groups_of(["body", "hand", "body"]) == ((0, 2), (1,))
    assert groups_of(["body", "body"]) == ()
    assert frames_of_times(np.array([0.5, 0.1, 0.5])).tolist() == [1, 0, 1]
