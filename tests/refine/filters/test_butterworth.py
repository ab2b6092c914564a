import numpy as np
import pytest

from refine.filters.butterworth import butterworth
from refine.filters.registry import FILTERS
from refine.filters.smoothing import smooth

FPS = 50.0


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("cutoff", [2.0, 5.0])
@pytest.mark.parametrize("hertz", [0.5, 2.0, 5.0, 12.0])
def test_it_weakens_a_wave_as_butterworth_says_and_keeps_its_place(order, cutoff, hertz):
    """Forwards and backwards: the square of 1 / sqrt(1 + (f / fc)^2n), f as the bilinear transform bends it."""
    wave = np.sin(2 * np.pi * hertz * np.arange(1000) / FPS)[:, None]
    bent = np.tan(np.pi * hertz / FPS) / np.tan(np.pi * cutoff / FPS)
    middle = slice(300, 700)
    filtered = butterworth(wave, cutoff, order, FPS)
    np.testing.assert_allclose(filtered[middle], wave[middle] / (1 + bent ** (2 * order)), atol=2e-3)


@pytest.mark.parametrize("length", [1, 2, 3, 5, 60])
def test_lines_stay_at_any_length(length):
    line = np.arange(float(length))[:, None] * [1.0, -0.5] + 3.0
    np.testing.assert_allclose(butterworth(line, 3.0, 2, FPS), line, atol=1e-9)


def test_rest_and_constant_acceleration_stay_to_the_end(rng):
    time = np.arange(80)[:, None, None] / 30
    moving = rng.normal(size=(5, 3)) + time * [0.5, 0.0, 1.0] + time**2 * [0.0, -0.4, 0.2]
    [filtered] = smooth("butterworth", [moving], {"cutoff_hz": 2.0, "order": 2}, 30)
    np.testing.assert_allclose(filtered, moving, atol=1e-5)


def test_beyond_half_the_frame_rate_there_is_nothing_to_take_out(rng):
    x = rng.normal(size=(40, 3))
    np.testing.assert_array_equal(butterworth(x, 15.0, 2, 30.0), x)


def test_it_was_not_compared_with_by_the_release():
    assert FILTERS["butterworth"].released is None
