import numpy as np
import pytest

from data.skeletons.fidelity import band_gains
from refine.files.measures import Motion, Moved, accelerations


def test_the_acceleration_of_a_parabola_is_its_second_derivative_at_any_times():
    times = np.array([0, 0.1, 0.15, 0.3, 0.5])
    x = np.stack([3 * times**2 - times, 4 * times**2], -1)[:, None]
    np.testing.assert_allclose(accelerations(x, times), 10)  # the norm of (6, 8)


def test_only_joints_seen_three_times_in_a_row_without_a_gap_count():
    times = np.array([0, 1, 2, 3, 6, 7, 8]) / 10
    x = (5 * times**2)[:, None, None].repeat(2, 1)
    x[3:, 0] += 100  # a jump, seen by nobody
    seen = np.ones((7, 2), bool)
    seen[3, 0] = False
    moved = Moved()
    moved.add(x, 0.5 * x, seen, times, 10.0)
    motion = moved.motion(2)
    assert moved.accelerations[2] == 1 + 2 + 2  # 0-1-2, for the other 0-1-2 and 1-2-3, and both 6-7-8
    assert (motion.before, motion.after) == pytest.approx((10, 5))


def test_the_gain_is_that_of_fidelity(rng):
    raw = [rng.normal(size=(length, 4, 3)).cumsum(0) for length in (60, 90)]
    refined = [0.3 * x + rng.normal(size=x.shape) for x in raw]
    moved = Moved()
    for one, other in zip(raw, refined, strict=True):
        moved.compare(one, other, 30.0)
    (expected,) = band_gains(refined, raw, 30.0, bands=((0.5, 3.0 + 1e-9),))
    assert moved.motion(4).gain == pytest.approx(expected)


def test_what_does_not_move_or_is_short_has_no_gain(rng):
    moved = Moved()
    moved.compare(np.ones((90, 2, 2)), np.ones((90, 2, 2)), 30.0)
    moved.compare(*rng.normal(size=(2, 20, 2, 2)), 30.0)
    still = 500 + np.float64(rng.normal(0, 1e-6, (90, 2, 2)))
    moved.compare(still, still + rng.normal(0, 1e-3, still.shape), 30.0)  # rounding
    moved.add(np.ones((2, 2, 2)), np.ones((2, 2, 2)), np.ones((2, 2), bool), np.arange(2.0), 1.0)
    assert moved.motion(2) == Motion(2, None, None, None)


def test_reports_have_four_digits():
    assert Motion(3, 1234.56, 0.000123456, None).as_dict() == {
        "joints": 3,
        "acceleration_before": 1235.0,
        "acceleration_after": 0.0001235,
        "gain": None,
    }
