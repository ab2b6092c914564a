import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from data.skeletons.resample import extended, lower_rate, resample, resample_tracks, resampled_length
from data.skeletons.store import Track


@pytest.mark.parametrize(("length", "rate", "expected"), [(40, 1.005, 40), (41, 0.5, 21), (41, 2.0, 81), (1, 0.5, 1)])
def test_lengths(length, rate, expected):
    assert resampled_length(length, rate) == expected


def test_resampling_is_scipys_spline_between_the_ends(rng):
    x = rng.normal(size=(30, 2)).cumsum(0)
    np.testing.assert_allclose(resample(x, 2.0), CubicSpline(np.arange(30), x)(np.linspace(0, 29, 59)))


def test_at_a_lower_rate_what_it_cannot_hold_is_gone_and_the_rest_is_there():
    time = np.arange(401) / 100  # to 25 Hz, which holds up to 12.5 Hz
    slow, fast = (np.sin(2 * np.pi * hertz * time)[:, None] for hertz in (2, 30))
    middle = slice(15, -15)
    np.testing.assert_allclose(lower_rate(slow, 0.25)[middle], slow[::4][middle], atol=0.01)
    assert abs(lower_rate(fast, 0.25)[middle]).max() < 0.02
    assert abs(resample(fast, 0.25)[middle]).max() > 0.5  # else it would come out as slow


@pytest.mark.parametrize("length", [2, 3, 20])
def test_lines_go_on_beyond_the_ends(length):
    x = np.arange(float(length))[:, None] * [1.0, -2.0]
    np.testing.assert_allclose(extended(x, 7), np.arange(-7.0, length + 7)[:, None] * [1.0, -2.0], atol=1e-9)


def test_tracks_keep_their_places_and_what_was_not_seen():
    """A straight line at half its rate, with somebody who comes at the third second and a joint that is missing."""
    time = np.arange(121) / 30
    joints = (time[30:, None, None] * np.array([1.0, 2.0])).repeat(3, 1).astype(np.float32)
    tracked = np.full((91, 3), 2, np.uint8)
    tracked[40:60, 1] = 0
    joints[40:60, 1] = 0
    sure = np.where(tracked > 0, 0.5, 0).astype(np.float32)
    frames, [track] = resample_tracks(121, [Track(0, 30, joints, tracked, sure)], 0.5)
    assert (frames, track.first_frame, len(track.joints)) == (61, 15, 46)
    seen = track.tracked > 0
    expected = (np.arange(15, 61) / 15)[:, None, None] * np.array([1.0, 2.0]).repeat(3).reshape(2, 3).T
    np.testing.assert_allclose(track.joints[seen], expected[seen], atol=1e-4)
    assert np.flatnonzero(~seen[:, 1]).tolist() == list(range(20, 30))
    assert not track.joints[~seen].any()
    np.testing.assert_array_equal(track.confidence, 0.5 * seen)
    same = resample_tracks(121, [track], 1.001)
    assert same == (121, [track])
