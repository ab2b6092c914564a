import numpy as np
import pytest

from refine.steady.noise import Course, draw_course, mishaps, unit_noise


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def autocorrelation(x, lag):
    return float((x[lag:] * x[:-lag]).mean() / (x * x).mean())


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("frames", [3.0, 25.0])
def test_noise_forgets_in_so_many_frames(rng, frames, smooth):
    x = unit_noise(rng, (4000, 60), frames, smooth)
    assert x.std() == pytest.approx(1, rel=0.06)
    assert autocorrelation(x, round(frames)) == pytest.approx(np.exp(-1), abs=0.15 if smooth else 0.06)
    white = unit_noise(rng, (4000, 60), 0.0)
    assert abs(autocorrelation(white, 1)) < 0.02


def test_a_slow_error_is_slow(rng):
    shape = (3000, 9, 3)
    slow = draw_course(rng, Course(0.05, 2.0), shape, 50)
    fast = draw_course(rng, Course(0.05), shape, 50)
    assert autocorrelation(slow, 5) > 0.85
    assert abs(autocorrelation(fast, 5)) < 0.1
    for error in (slow, fast):
        assert error.std() == pytest.approx(0.05, rel=0.25)


def test_mishaps_are_told_where_they_are(rng):
    for seed in range(8):
        clean = np.random.default_rng(seed).normal(size=(200, 6, 3)).cumsum(0)
        noisy = clean.copy()
        touched = mishaps(np.random.default_rng(seed), noisy, 30.0, 0.3)
        changed = (noisy != clean).any(-1)
        assert not (changed & ~touched).any()
        assert changed.sum() > 0.5 * touched.sum()
