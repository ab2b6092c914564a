import numpy as np
import pytest

from refine.steady.fidelity import amplitude, band_gains, moved_by, own_acceleration


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def waves(frames, fps, rates, sizes):
    t = np.arange(frames) / fps
    x = np.zeros((frames, 2, 3))
    for rate, size in zip(rates, sizes, strict=True):
        x[:, 1] += size * np.sin(2 * np.pi * rate * t)[:, None] * [1.0, 0.5, -0.2]
    return x


@pytest.mark.parametrize("fps", [30, 50])
def test_gain_is_what_a_filter_leaves_of_each_band(rng, fps):
    truth = [waves(frames, fps, (1.0, 2.0, 4.0), (0.2, 0.1, 0.05)) for frames in (600, 371)]
    left = [waves(len(x), fps, (1.0, 2.0, 4.0), (0.2 * 0.9, 0.1 * 0.5, 0.05 * 0.1)) for x in truth]
    np.testing.assert_allclose(band_gains(left, truth, fps), [0.9, 0.5, 0.1], atol=5e-3)
    # A shift of the whole body, and noise that has nothing to do with the movement, change nothing.
    noisy = [x + 5 + rng.normal(0, 0.01, x.shape) for x in left]
    np.testing.assert_allclose(band_gains(noisy, truth, fps, root=(0,)), [0.9, 0.5, 0.1], atol=0.03)


def test_gain_of_nothing():
    still = [np.ones((90, 2, 3))]
    assert np.isnan(band_gains(still, still, 30)).all()
    assert np.isnan(band_gains([np.ones((2, 2, 3))], [np.ones((2, 2, 3))], 30)).all()


def test_own_acceleration_of_a_wave():
    x = waves(3000, 30, (1.0,), (0.1,))
    # |2 (cos w - 1)| sin: a mean of 2/pi of the largest; half of the joints are still.
    largest = 0.1 * np.linalg.norm([1.0, 0.5, -0.2]) * 2 * (1 - np.cos(2 * np.pi / 30))
    assert own_acceleration([x]) == pytest.approx(largest * 2 / np.pi / 2, rel=1e-2)
    assert own_acceleration([x + np.linspace(0, 9, 3000)[:, None, None]], root=(0,)) == pytest.approx(
        own_acceleration([x]), rel=1e-6
    )


def test_moved_by_and_amplitude(rng):
    x, shift = rng.normal(size=(50, 4, 3)), np.array([3.0, 4.0, 0.0])
    assert moved_by([x + shift], [x]) == pytest.approx(5)
    assert moved_by([x + shift], [x], root=(0,)) == pytest.approx(0)
    wave = np.sin(np.arange(60) / 3)[:, None] * [1.0, 2.0, 0.0]
    assert amplitude(0.4 * wave + 7, wave) == pytest.approx(0.4)
