"""Rows of people in frames: their numbers, their identities, what is missing."""

import numpy as np
import pytest

from base.errors import InputError
from data.recordings import rows
from data.recordings.rows import Row, stack


def a_row(frame, person=None, joints=2):
    return Row(frame, np.full((joints, 3), float(frame)), np.full((joints, 3), frame), person)


def test_stacked():
    found = stack([a_row(4, 7), a_row(2, 7), a_row(2, 8)], "a")
    np.testing.assert_array_equal(found.frame, [4, 2, 2])
    np.testing.assert_array_equal(found.person, [7, 7, 8])
    np.testing.assert_array_equal(found.values[:, 1, 2], [4.0, 2.0, 2.0])
    np.testing.assert_array_equal(found.slots[:, 0, 0], [4, 2, 2])
    assert found.slots.dtype == np.int64


@pytest.mark.parametrize("people", [[(1, 2), (2, None)], [(1, 2), (1, 2)], [(1, None)]], ids=str)
def test_identities_are_all_known_and_each_once_or_none(people):
    assert stack([a_row(*one) for one in people], "a").person is None


def test_rows_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"^a: has nobody in any frame"):
        stack([], "a")
    with pytest.raises(InputError, match=r"found 3 joints of 3 numbers in frame 6, expected 2 joints .* as in frame 5"):
        stack([a_row(5), a_row(6, joints=3)], "a")


def test_what_is_at_zero_is_missing():
    points = np.array([[0.0, 0], [0, 1], [-0.0, 0], [np.nan, 0]])
    wanted = [[np.nan, np.nan], [0, 1], [np.nan, np.nan], [np.nan, 0]]
    np.testing.assert_array_equal(rows.missing_at_zero(points), wanted)
    np.testing.assert_array_equal(rows.missing_at_zero(points[0]), [np.nan, np.nan])


def test_confidence_is_between_0_and_1():
    scores = np.array([-1, 0.25, 6, np.nan, np.inf])
    np.testing.assert_array_equal(rows.as_confidence(scores), np.float32([0, 0.25, 1, 0, 1]))


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3.0, 3),
        (-2.0, -2),
        (0.0, 0),
        (1.5, None),
        (1e300, None),
        (np.inf, None),
        (np.nan, None),
        ("3", None),
        (None, None),
    ],
)
def test_whole_numbers(value, number):
    assert rows.whole_number(value) == number
    positive = number if number is not None and number >= 0 else None
    assert rows.identity(value) == rows.identity([value]) == positive
    if number is None:
        with pytest.raises(InputError, match=r"^here: found .*, expected the number of a frame"):
            rows.frame_number(value, "here")
    else:
        assert rows.frame_number(value, "here") == number


@pytest.mark.parametrize("value", [[], [3.0, 3.0], [[3.0]], True, {}], ids=str)
def test_no_identity(value):
    assert rows.identity(value) is None


def test_frames_that_must_differ():
    seen = set()
    assert [rows.frame_number(value, "here", seen) for value in (1.0, 3.0)] == [1, 3]
    with pytest.raises(InputError, match=r"^here: found 3 again"):
        rows.frame_number(3.0, "here", seen)


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["0.jpg", "10.jpg", "9.jpg"], [0, 10, 9]),
        (["video_000000000012_keypoints.json", "video_000000000013_keypoints.json"], [12, 13]),
        (["a/b2/3.mp4_7.png", "c4/8"], [7, 8]),
        (["img_1_x.TXT", "2.txt"], [1, 2]),
        (["still 20261125.png"], [0]),
        (["1" + "0" * 14 + "7.jpg", "8"], [7, 8]),
        ([], []),
    ],
)
def test_numbers_of_names(names, numbers):
    assert rows.numbers_of_names(names, "here") == numbers


@pytest.mark.parametrize(
    ("names", "found"),
    [(["a.jpg", "b1.jpg"], "a.jpg"), (["x/1.jpg", "y/1.png"], "x/1.jpg and y/1.png"), (["1.jpg", "a.jpg"], "a.jpg")],
)
def test_names_without_numbers_of_their_own(names, found):
    with pytest.raises(InputError, match=f"^here: found {found}, expected names that end in the number"):
        rows.numbers_of_names(names, "here")
