import numpy as np
import pytest
from scipy.signal import butter, freqz, lfilter, sosfiltfilt, sosfreqz

from data.skeletons import fidelity
from data.skeletons.fidelity import (
    BANDS,
    BandGains,
    Fidelity,
    amplitude,
    band_gains,
    band_label,
    flattened,
    in_words,
    lost_bands,
    moved_by,
    number,
    own_acceleration,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def waves(frames, fps, rates, sizes, late=0.0, dims=3):
    """Two joints, the second of which goes along sines of these rates (hertz) and sizes."""
    t = np.arange(frames) / fps - late
    x = np.zeros((frames, 2, dims))
    for rate, size in zip(rates, sizes, strict=True):
        x[:, 1] += size * np.sin(2 * np.pi * rate * t)[:, None] * [1.0, 0.5, -0.2][:dims]
    return x


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("fps", [25, 30, 50])
def test_gain_is_what_a_filter_leaves_of_each_band(rng, fps, dims):
    truth = [waves(frames, fps, (1.0, 2.0, 4.0), (0.2, 0.1, 0.05), dims=dims) for frames in (600, 371)]
    left = [waves(len(x), fps, (1.0, 2.0, 4.0), (0.2 * 0.9, 0.1 * 0.5, 0.05 * 0.1), dims=dims) for x in truth]
    np.testing.assert_allclose(band_gains(left, truth, fps), [0.9, 0.5, 0.1], atol=5e-3)
    # A shift of the whole body, and noise that has nothing to do with the movement, change nothing.
    noisy = [x + 5 + rng.normal(0, 0.01, x.shape) for x in left]
    np.testing.assert_allclose(band_gains(noisy, truth, fps, root=(0,)), [0.9, 0.5, 0.1], atol=0.03)


@pytest.mark.parametrize("share", [1.0, 0.37, 0.0, -1.0])
def test_a_movement_times_a_number_has_that_gain_whatever_is_missing(rng, share):
    truth = np.cumsum(rng.normal(size=(200, 5, 3)), axis=0)
    known = rng.random((200, 5)) < 0.8
    known[:, 4] = False
    assert band_gains([share * truth], [truth], 30) == pytest.approx([share] * 3)
    wild = np.where(known[..., None], share * truth, rng.normal(0, 1e6, truth.shape))
    masked = band_gains([wild], [np.where(known[..., None], truth, np.nan)], 30, known=[known])
    assert masked == pytest.approx([share] * 3)


def test_what_comes_late_counts_by_the_cosine_of_its_delay():
    rates, late = (1.0, 2.0, 4.0), 0.05
    truth, delayed = (waves(1200, 30, rates, (0.2, 0.1, 0.05), late=by) for by in (0.0, late))
    assert band_gains([delayed], [truth], 30) == pytest.approx(np.cos(2 * np.pi * np.array(rates) * late), abs=0.02)


@pytest.mark.parametrize("both_ways", [True, False])
def test_gain_of_a_butterworth_filter_is_its_transfer_function(rng, both_ways):
    fps, frames = 30, 20_000
    truth = rng.normal(size=(frames, 2, 3))
    if both_ways:
        sections = butter(2, 2.0, fs=fps, output="sos")
        filtered = sosfiltfilt(sections, truth, axis=0)
        frequency, response = sosfreqz(sections, 4096, fs=fps)
        response = np.abs(response) ** 2
    else:
        top, bottom = butter(2, 2.0, fs=fps)
        filtered = lfilter(top, bottom, truth, axis=0)
        frequency, response = freqz(top, bottom, 4096, fs=fps)
        response = response.real
    # White noise has the same power everywhere: the gain is the response's mean over the band.
    expected = [response[(frequency >= low) & (frequency < high)].mean() for low, high in BANDS]
    assert band_gains([filtered], [truth], fps) == pytest.approx(expected, abs=0.01)


def test_travel_is_no_gain():
    """Who walks past while a hand waves keeps of the wave what is kept, however far the way."""
    way = np.linspace(0, 30, 150)[:, None, None]
    truth, left = (waves(150, 30, (1.0,), (size,)) + way for size in (0.2, 0.1))
    assert band_gains([left], [truth], 30)[0] == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("still", [np.ones((90, 2, 3)), np.linspace(0, 9, 90)[:, None, None] + np.ones((90, 2, 3))])
def test_nothing_is_left_of_nothing(still, rng):
    for kind in (np.float64, np.float32):
        noisy = still + rng.normal(size=still.shape)
        assert np.isnan(band_gains([noisy], [still.astype(kind)], 30)).all()
    assert np.isnan(band_gains([], [], 30)).all()
    assert np.isnan(band_gains([still], [still], 30, known=[np.zeros((90, 2), bool)])).all()


@pytest.mark.parametrize(("fps", "there"), [(12, 3), (11.9, 2), (6, 2), (5, 1), (3, 1), (2.9, 0)])
def test_a_band_beyond_half_the_frame_rate_has_no_gain(rng, fps, there):
    x = rng.normal(size=(200, 3, 2))
    gains = np.array(band_gains([x], [x], fps))
    np.testing.assert_allclose(gains[:there], 1)
    assert np.isnan(gains[there:]).all()


def test_what_lasts_no_period_of_a_band_has_no_say_in_it(rng):
    found = BandGains(30)
    long, short, shorter = (rng.normal(size=(frames, 3, 3)) for frames in (60, 59, 19))
    found.add(long, long)
    found.add(0 * short, short)
    found.add(0 * shorter, shorter)
    assert found.sequences == 3
    assert found.short.tolist() == [2, 1, 0]
    gains = found.gains()
    assert gains[0] == pytest.approx(1)
    assert gains[2] < gains[1] < 0.8
    assert np.isnan(band_gains([shorter], [shorter], 30)[:2]).all()


def test_long_sequences_are_cut_and_the_gain_stays(rng, monkeypatch):
    truth = waves(5000, 30, (1.0, 2.0, 4.0), (0.2, 0.1, 0.05))
    left = waves(5000, 30, (1.0, 2.0, 4.0), (0.1, 0.08, 0.01))
    whole = band_gains([left], [truth], 30)
    frames = []
    spectra = fidelity._spectra
    monkeypatch.setattr(fidelity, "_spectra", lambda x, known: frames.append(len(x)) or spectra(x, known))
    monkeypatch.setattr(fidelity, "LONGEST", 700)
    assert band_gains([left], [truth], 30) == pytest.approx(whole, abs=2e-3)
    assert max(frames) <= 700
    assert sum(frames) == 5000


def test_own_acceleration_of_a_wave():
    x = waves(3000, 30, (1.0,), (0.1,))
    # |2 (cos w - 1)| sin: a mean of 2/pi of the largest; half of the joints are still.
    largest = 0.1 * np.linalg.norm([1.0, 0.5, -0.2]) * 2 * (1 - np.cos(2 * np.pi / 30))
    assert own_acceleration([x]) == pytest.approx(largest * 2 / np.pi / 2, rel=1e-2)
    assert own_acceleration([x + np.linspace(0, 9, 3000)[:, None, None]], root=(0,)) == pytest.approx(
        own_acceleration([x]), rel=1e-6
    )
    known = np.ones((3000, 2), bool)
    known[:, 0] = False
    assert own_acceleration([x], known=[known]) == pytest.approx(largest * 2 / np.pi, rel=1e-2)
    assert np.isnan(own_acceleration([x[:2]]))


def test_moved_by_and_amplitude(rng):
    x, shift = rng.normal(size=(50, 4, 3)), np.array([3.0, 4.0, 0.0])
    assert moved_by([x + shift], [x]) == pytest.approx(5)
    assert moved_by([x + shift], [x], root=(0,)) == pytest.approx(0)
    known = np.ones((50, 4), bool)
    known[10:, 2] = False
    assert moved_by([np.where(known[..., None], x + shift, 99)], [x], known=[known]) == pytest.approx(5)
    assert np.isnan(moved_by([], []))
    wave = np.sin(np.arange(60) / 3)[:, None] * [1.0, 2.0, 0.0]
    assert amplitude(0.4 * wave + 7, wave) == pytest.approx(0.4)


def test_who_keeps_less_than_four_fifths_flattens():
    raw = (0.95, 0.9, None)
    assert not flattened((0.77, 0.75, None), raw, 0.81)
    assert flattened((0.75, 0.75, None), raw, 0.81)
    assert flattened((0.77, 0.71, None), raw, None)
    assert flattened((0.9, 0.9, 0.1), raw, 0.79)
    assert not flattened((None, None, None), raw, None)
    assert not flattened((float("nan"), 0.9), (0.9, float("nan")), 1.7)


def test_the_figures_of_many_sequences(rng):
    found = Fidelity(30, root=(0,))
    for frames in (90, 40, 2):
        truth = np.cumsum(rng.normal(size=(frames, 4, 3)), axis=0)
        known = np.ones((frames, 4), bool)
        known[5:9, 2] = False
        found.add(np.where(known[..., None], 0.6 * truth, np.nan), truth, known)
    assert found.figures() == {"gain": [0.6, 0.6, 0.6], "own_acceleration": 0.6}
    assert found.bands.short.tolist() == [2, 1, 1]
    assert Fidelity(5).figures() == {"gain": [None, None, None], "own_acceleration": None}


def test_several_methods_are_compared_with_one_truth(rng):
    truth, noise = np.cumsum(rng.normal(size=(200, 4, 2)), axis=0), rng.normal(size=(200, 4, 2))
    known = rng.random((200, 4)) < 0.9
    made = [0.3 * truth, np.roll(truth, 2, axis=0) + noise, truth]
    together = Fidelity(25, root=(1, 2), methods=3)
    together.add(np.stack(made), truth, known)
    for number_of, one in enumerate(made):
        alone = Fidelity(25, root=(1, 2))
        alone.add(one, truth, known)
        assert together.figures(number_of) == alone.figures()
    assert together.figures(2) == {"gain": [1, 1, 1], "own_acceleration": 1}


def test_what_is_said_of_a_method():
    raw = (0.95, 0.9, None)
    assert lost_bands((0.5, 0.9, None), raw) == [0]
    said = "left 50% of the true movement between 0.5 and 1.5 Hz and 20% between 1.5 and 3 Hz (of 95% and 90% put in)"
    assert in_words((0.5, 0.2, None), raw, 1.5, "the true movement") == said
    said += " and accelerates 0.50 times as much as the truth"
    assert in_words((0.5, 0.2, None), raw, 0.5, "the true movement") == said
    assert in_words((0.9, 0.85, 0.1), (1, 1, None), 1.4, "it") == "left 85% of it between 1.5 and 3 Hz"
    assert in_words((0.9, None, None), (1, None, None), None, "it") == "left 90% of it between 0.5 and 1.5 Hz"
    assert in_words((None, None, None), raw, 1.2, "it") == "accelerates 1.20 times as much as the truth"
    assert in_words((None, None, None), raw, None, "it") == ""


def test_figures_as_they_are_kept():
    assert [number(1.23456), number(float("nan")), number(float("inf"))] == [1.2346, None, None]
    assert band_label(BANDS[1]) == "1.5-3 Hz"
