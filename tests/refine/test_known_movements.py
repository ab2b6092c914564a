import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, sosfiltfilt

from refine.filters.smoothing import smooth_sightings
from refine.known_movements import (
    FPS,
    FRAMES,
    HAND,
    PEAK,
    VELOCITY,
    gesture,
    known_tracks,
    left_of,
    measure_known,
)
from refine.trust import INFERRED


def test_the_gesture_is_half_a_metre_within_three_tenths_of_a_second():
    path = gesture()
    assert path.max() == path[PEAK] == 0.5
    assert np.flatnonzero(path > 1e-12).tolist() == list(range(PEAK - 4, PEAK + 5))
    hand = known_tracks()[0].joints[:, HAND[0]]
    np.testing.assert_allclose(hand[:, 1] - hand[0, 1], path, atol=1e-6)
    np.testing.assert_allclose(hand[:, 0], hand[0, 0])


def test_what_changes_nothing_leaves_all():
    left = left_of([track.joints for track in known_tracks()])
    assert left.gesture_peak == pytest.approx(0.5, abs=1e-6)
    assert 0.45 < left.noisy_gesture_peak < 0.55
    assert left.travel_error == 0


def test_travel_that_is_held_back_is_told_in_millimetres():
    joints = [np.array(track.joints) for track in known_tracks()]
    late = joints[1].copy()
    late[1:] = joints[1][:-1]
    moved = 1000 * np.linalg.norm(VELOCITY) / FPS * (FRAMES - 1) / FRAMES
    assert left_of([joints[0], late, *joints[2:]]).travel_error == pytest.approx(moved, rel=1e-5)


def test_what_a_filter_leaves_is_what_scipy_leaves():
    sections = butter(2, 3.0, fs=FPS, output="sos")
    expected = sosfiltfilt(sections, gesture())[PEAK - 5 : PEAK + 6].max()
    left = measure_known(lambda seen: smooth_sightings("butterworth", seen, {"cutoff_hz": 3.0, "order": 2}, FPS)[0])
    assert left.gesture_peak == pytest.approx(expected, abs=0.02)
    assert left.travel_error < 0.01
    sigma = 0.1
    left = measure_known(lambda seen: smooth_sightings("gaussian", seen, {"sigma_s": sigma}, FPS)[0])
    assert left.gesture_peak == pytest.approx(gaussian_filter1d(gesture(), sigma * FPS).max(), abs=0.02)


def test_a_method_is_told_what_the_camera_was_unsure_of():
    given = []

    def method(seen):
        given.extend(seen)
        return [one.joints for one in seen]

    measure_known(method, size=1.0)
    assert len(given) == len(known_tracks())
    assert {one.size for one in given} == {1.0}
    noisy, track = given[3], known_tracks()[3]
    assert (track.tracked == 1).any()
    np.testing.assert_array_equal(noisy.confidence == INFERRED, track.tracked == 1)
    np.testing.assert_array_equal(noisy.seen, track.tracked > 0)
