from dataclasses import replace

import numpy as np
import pytest

from base.errors import InputError
from data.recordings.recording import MOST_FRAMES, Recording, check_recording

PLAIN = Recording(np.zeros((4, 2, 2)), np.array([3, 3, 5, 9]), lambda joints, output: None)


def test_frames_are_counted_with_those_that_nobody_is_in():
    assert PLAIN.frames == 7
    assert replace(PLAIN, joints=np.zeros((0, 2, 2)), frame=np.zeros(0, int)).frames == 0


def test_what_is_right_comes_back_as_it_is():
    right = replace(
        PLAIN,
        joints=np.where(np.arange(16).reshape(4, 2, 2) == 5, np.nan, 1.0),
        person=np.array([1, 2, 1, 1]),
        fps=29.97,
        seconds=np.array([0.1, 0.1, 0.2, 0.3]),
    )
    assert check_recording(right, "a") is right


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"joints": np.full((4, 2, 2), np.nan)}, "a: no joint has a position in any frame; there is nothing to refine"),
        ({"joints": np.zeros((0, 2, 2)), "frame": np.zeros(0, int)}, "a: no joint has a position in any frame"),
        ({"joints": np.full((4, 2, 2), [1, np.inf])}, "a: found an infinite coordinate, expected numbers"),
        (
            {"frame": np.array([0, 1, 2, MOST_FRAMES + 1])},
            "a: found frame 20000001, expected numbers from -20000000",
        ),
        (
            {"frame": np.array([0, 1, 2, -MOST_FRAMES - 1])},
            "a: found frame -20000001, expected numbers from -20000000",
        ),
        ({"fps": 0.0}, "a: found 0.0 frames a second; say the rate with --fps"),
        ({"fps": float("nan")}, "a: found nan frames a second"),
        ({"person": np.array([7, 7, 7, 7])}, "a: found person 7 twice in frame 3, expected once"),
        ({"seconds": np.array([0, 0, np.nan, 1])}, "a: found a time that is no number"),
        (
            {"seconds": np.array([0.5, 0.5, 0.25, 1])},
            "a: found 0.25 s for frame 5 after 0.5 s for frame 3, expected times that run forwards",
        ),
        ({"seconds": np.array([0.5, 0.5, 0.5, 1])}, "a: found 0.5 s for frame 5 after 0.5 s for frame 3"),
    ],
)
def test_what_is_wrong_is_told(change, said):
    with pytest.raises(InputError) as told:
        check_recording(replace(PLAIN, **change), "a")
    assert str(told.value).startswith(said)
    assert "\n" not in str(told.value)


def test_the_same_person_may_be_in_other_frames_and_another_in_the_same():
    check_recording(replace(PLAIN, person=np.array([1, 2, 1, 2])), "a")
