import numpy as np
import pytest

from data.recordings.named_columns import find_columns


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
    "header",
    [
        ["a", "b"],
        ["x", "y"],
        ["a_x", "b_y"],
        [],
        ["_" * 10**6 + "_x", "_" * 10**6 + "_y"],
        ["joint", "x", "y"],
        ["frame", "x", "y"],
    ],
)
def test_what_names_no_coordinates(header):
    assert find_columns(header) is None
