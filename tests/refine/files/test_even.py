import numpy as np
import pytest

from base.errors import InputError
from refine.files.even import at_even_times


def parabola(times):
    """[n, 2, 2]."""
    one = np.stack([3 * times**2 - times, 2 + 5 * times], -1)
    return np.stack([one, -one], 1)


def test_even_rows_are_taken_as_they_are(rng):
    joints = rng.normal(size=(5, 3, 2))
    seen = np.ones((5, 3), bool)
    even = at_even_times(joints, seen, None, np.arange(5) / 30, 30.0, np.arange(7, 12))
    np.testing.assert_array_equal(even.joints, joints)
    assert (even.fps, even.confidence, even.at.tolist()) == (30, None, [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(even.back(joints + 1), joints + 1)


def test_frames_without_a_row_are_missing_and_on_a_line(rng):
    numbers = np.array([0, 1, 4])
    joints = np.array([[[0.0, 0]], [[2, 1]], [[8, 7]]])
    trust = np.full((3, 1), 0.5, np.float32)
    even = at_even_times(joints, np.ones((3, 1), bool), trust, numbers / 30, 30.0, numbers)
    assert even.joints[:, 0].tolist() == [[0, 0], [2, 1], [4, 3], [6, 5], [8, 7]]
    assert even.seen[:, 0].tolist() == [True, True, False, False, True]
    assert even.confidence[:, 0].tolist() == [0.5, 0.5, 0, 0, 0.5]
    assert even.back(even.joints).tolist() == joints.tolist()


def test_every_fifth_frame_is_a_rate_of_a_fifth(rng):
    numbers = np.array([0, 5, 10, 20])
    even = at_even_times(rng.normal(size=(4, 2, 3)), np.ones((4, 2), bool), None, numbers / 30, 30.0, numbers)
    assert (even.fps, len(even.joints), even.at.tolist()) == (6, 5, [0, 1, 2, 4])


def test_times_that_are_nearly_even_need_no_numbers(rng):
    times = np.array([0, 0.1001, 0.1999, 0.4])
    even = at_even_times(rng.normal(size=(4, 2, 3)), np.ones((4, 2), bool), None, times, 10.0)
    assert even.at.tolist() == [0, 1, 2, 4]


def test_uneven_times_lose_nothing_of_a_parabola():
    times = np.array([0, 0.03, 0.05, 0.1, 0.16, 0.19, 0.25])
    even = at_even_times(parabola(times), np.ones((7, 2), bool), None, times, 25.0)
    there = np.arange(len(even.joints)) / even.fps
    assert there[-1] == pytest.approx(0.25)
    np.testing.assert_allclose(even.joints, parabola(there), atol=1e-12)
    np.testing.assert_allclose(even.back(parabola(there)), parabola(times), atol=1e-12)


def test_at_uneven_times_a_place_is_as_sure_as_the_nearest_row():
    times = np.array([0, 0.03, 0.05, 0.1])
    seen = np.array([[True], [False], [True], [True]])
    trust = np.array([[0.9], [0.8], [0.7], [0.6]], np.float32)
    even = at_even_times(np.zeros((4, 1, 2)), seen, trust, times, 30.0)
    assert even.seen[:, 0].tolist() == [True, False, True, True]  # at 0, 0.033, 0.067 and 0.1 s
    np.testing.assert_allclose(even.confidence[:, 0], [0.9, 0, 0.7, 0.6])


def test_few_rows_far_apart_do_not_fill_the_memory():
    numbers = np.array([0, 1, 90_000_000])
    with pytest.raises(InputError, match=r"^3 rows are spread over 90000001 frames at 1000 a second, more than can be"):
        at_even_times(np.zeros((3, 5, 3)), np.ones((3, 5), bool), None, numbers / 1000, 1000.0, numbers)
