import numpy as np
import pytest
from scipy.interpolate import BSpline

from refine.steady.bank import COARSEST, FINER, Bank, Clock, Convolution, bell, blend, distance, timewise

RATES = (10, 30, 50, 240)


def smooth(x, fps, confidence=None):
    confidence = np.ones(x.shape[:2]) if confidence is None else confidence
    bank = Bank(Clock(fps))
    found = bank(x.transpose(0, 2, 1).astype(np.float32), bank.relative(confidence.astype(np.float32)))
    return [y.transpose(0, 2, 1) for y in found]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("frames", [3, 7, 19, 61])
def test_rest_constant_velocity_and_acceleration_are_left_alone(rng, fps, frames):
    t = (np.arange(frames) - frames / 2)[:, None, None] / fps
    x = rng.normal(size=(1, 5, 3)) + t * rng.normal(size=(1, 5, 3)) + t**2 * rng.normal(size=(1, 5, 3))
    confidence = rng.uniform(1e-3, 1, (frames, 5))  # trusted however unevenly
    for y in smooth(x, fps, confidence):
        np.testing.assert_allclose(y, x, atol=2e-5)


@pytest.mark.parametrize("frames", [1, 2])
def test_too_short_to_smooth(rng, frames):
    x = rng.normal(size=(frames, 4, 2)).astype(np.float32)
    for y in smooth(x, 30):
        np.testing.assert_allclose(y, x, atol=1e-6)


def test_bells_are_nearly_gaussian_in_seconds():
    for fps in (120, 240):
        for sigma in (0.06, 0.3):
            weights = bell(Clock(fps), sigma)
            times = (np.arange(len(weights)) - len(weights) // 2) / fps
            assert weights.sum() == pytest.approx(1)
            assert np.sqrt((weights * times**2).sum()) == pytest.approx(sigma, rel=0.02)
            assert np.abs(times).max() < 3 * sigma


@pytest.mark.parametrize("frames", [53, 2000])  # in one piece, and with the ends apart
def test_convolution_is_a_weighted_sum(rng, frames):
    taps, x = rng.normal(size=(2, 7)), rng.normal(size=(frames, 3))
    expected = [[np.convolve(x[:, c], tap[::-1], mode="same") for c in range(3)] for tap in taps]
    found = Convolution(taps, dtype=np.float64)(x)
    np.testing.assert_allclose(found, np.transpose(expected, (0, 2, 1)))
    np.testing.assert_allclose(Convolution(taps, 4, dtype=np.float64)(x), found[:, ::4])
    beyond = Convolution(taps, 4, before=1, after=2, dtype=np.float64)(x)
    padded = np.concatenate([np.zeros((4, 3)), x, np.zeros((12, 3))])
    np.testing.assert_allclose(beyond, Convolution(taps, dtype=np.float64)(padded)[:, ::4][:, : -(-frames // 4) + 3])


@pytest.mark.parametrize("every", [1, 4])
def test_windows_are_whole_where_all_their_frames_are(every):
    convolution = Convolution(np.ones((1, 7)), every, before=1, after=2)
    sums = convolution(np.ones((41, 1), np.float32))[0, :, 0]
    whole = convolution.whole(41)
    assert (sums[whole] == 7).all()
    assert (np.delete(sums, np.r_[whole]) < 7).all()


def test_blend_is_a_cubic_spline(rng):
    values = rng.normal(size=(9, 2))
    spline = BSpline(np.arange(-3.0, 10), values, 3)  # its coefficients are at -1, 0, 1, ...
    times = np.arange(23) / 4
    np.testing.assert_allclose(blend(values, 23, 4), spline(times))


def test_finer_smoothers_keep_more_and_flatten_less():
    t = np.arange(600) / 30
    for hertz, index, least in ((1.0, 4, 0.98), (2.0, 5, 0.97), (0.5, 3, 0.98)):
        wave = np.sin(2 * np.pi * hertz * t)[:, None, None]
        kept = [float((y * wave)[60:-60].sum() / (wave * wave)[60:-60].sum()) for y in smooth(wave, 30)]
        assert np.all(np.diff(kept) > -0.02)
        assert kept[index] > least


def test_white_noise_is_averaged_over_about_as_many_frames_as_the_window_has(rng):
    x = rng.normal(size=(3000, 1, 3))
    deviations = [float(y[200:-200].std()) for y in smooth(x, 30)]
    assert np.all(np.diff(deviations) > 0)
    # A local parabola with Gaussian weights: variance (27 / 16) / (2 sqrt(pi) sigma) (Wand & Jones 1995).
    assert deviations[0] == pytest.approx(np.sqrt(27 / 16 / (2 * np.sqrt(np.pi) * COARSEST * 30)), rel=0.15)
    assert len(deviations) == 1 + len(FINER)


def test_what_is_not_trusted_does_not_count(rng):
    t = np.arange(90) / 30
    clean = np.stack([np.sin(t), np.cos(t)], axis=-1)[:, None]
    wrong, confidence = clean.copy(), np.ones((90, 1))
    wrong[40:48] += 5.0
    confidence[40:48] = 1e-4
    for trusted, blind in zip(smooth(wrong, 30, confidence), smooth(wrong, 30), strict=True):
        assert np.abs(trusted - clean)[30:60].max() < 0.1
        assert np.abs(blind - clean)[30:60].max() > 0.4


def test_moving_turning_scaling_and_reordering(rng):
    x = rng.normal(size=(70, 6, 3))
    confidence = rng.uniform(0.01, 1, (70, 6))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    order = rng.permutation(6)
    moved = smooth((2 * x @ turn + 1)[:, order], 50, confidence[:, order])
    for y, z in zip(smooth(x, 50, confidence), moved, strict=True):
        np.testing.assert_allclose(z, (2 * y @ turn + 1)[:, order], atol=1e-4)


def test_how_it_lies_in_memory_does_not_matter(rng):
    x, confidence = rng.normal(size=(70, 3, 6)).astype(np.float32), rng.uniform(0.1, 1, (70, 6)).astype(np.float32)
    lying, sure = timewise(70, 3, 6), timewise(70, 6)
    lying[:], sure[:] = x, confidence
    assert lying[:, 0, 0].flags.c_contiguous
    bank = Bank(Clock(30))
    for y, z in zip(bank(x, confidence), bank(lying, sure), strict=True):
        np.testing.assert_allclose(y, z, atol=1e-5)


@pytest.mark.parametrize("frames", [1, 40, 1200])
def test_distance_is_a_length(rng, frames):
    x, y = rng.normal(size=(2, frames, 3, 4)).astype(np.float32)
    np.testing.assert_allclose(distance(x, y), np.linalg.norm(x - y, axis=1), rtol=1e-5)
