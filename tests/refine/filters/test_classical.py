import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.signal import savgol_filter

from refine.filters.classical import gaussian, one_euro, savitzky_golay, smooth, tune_filter


def one_euro_of_a_number(values, min_cutoff, beta, fps):
    """The algorithm of the paper's appendix for a list of numbers."""

    def alpha(cutoff):
        tau = 1 / (2 * np.pi * cutoff)
        return 1 / (1 + tau * fps)

    result, speed = [values[0]], 0.0
    for value in values[1:]:
        speed = alpha(1.0) * (value - result[-1]) * fps + (1 - alpha(1.0)) * speed
        a = alpha(min_cutoff + beta * abs(speed))
        result.append(a * value + (1 - a) * result[-1])
    return result


def test_one_euro_is_the_published_algorithm(rng):
    x = rng.normal(size=(40, 2, 3)).cumsum(0)
    filtered = one_euro(x, 1.3, 0.7, 30)
    for joint, axis in np.ndindex(2, 3):
        np.testing.assert_allclose(filtered[:, joint, axis], one_euro_of_a_number(x[:, joint, axis], 1.3, 0.7, 30))


def test_gaussian_and_savitzky_golay_take_seconds(rng):
    x = rng.normal(size=(90, 4))
    np.testing.assert_allclose(gaussian(x, 0.1, 50), gaussian_filter1d(x, 5, axis=0, mode="nearest"))
    np.testing.assert_allclose(savitzky_golay(x, 0.62, 2, 50), savgol_filter(x, 31, 2, axis=0))


def test_savitzky_golay_at_any_length(rng):
    for length in range(1, 40):
        x = np.linspace(0, 1, length)[:, None] ** 2
        np.testing.assert_allclose(savitzky_golay(x, 0.62, 2, 50), x, atol=1e-12)
    noisy = rng.normal(size=(9, 1))
    np.testing.assert_allclose(savitzky_golay(noisy, 0.62, 2, 50), savgol_filter(noisy, 9, 2, axis=0))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("one_euro", {"min_cutoff_hz": 1.0, "beta": 2.0}),
        ("gaussian", {"sigma_s": 0.1}),
        ("savitzky_golay", {"window_s": 0.3, "order": 2}),
    ],
)
def test_unit_and_company_do_not_matter(rng, name, parameters):
    sequences = [rng.normal(size=(n, 5, 3)).cumsum(0).astype(np.float32) for n in (40, 3, 1, 25)]
    together = smooth(name, sequences, parameters, 30)
    for x, filtered in zip(sequences, together, strict=True):
        assert filtered.shape == x.shape
        assert filtered.dtype == np.float32
        [alone] = smooth(name, [x * 1000], parameters, 30)
        np.testing.assert_allclose(alone, filtered * 1000, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("name", ["one_euro", "savitzky_golay", "gaussian"])
def test_tuning_finds_what_a_finer_search_finds(rng, name):
    time = np.arange(400)[:, None, None] / 50
    truth = [np.sin(2 * np.pi * 0.5 * time + rng.uniform(0, 6, (1, 5, 3))) for _ in range(2)]
    noisy = [x + rng.normal(0, 0.1, x.shape) for x in truth]
    parameters = tune_filter(name, noisy, truth, 50, ())

    def error(parameters):
        filtered = smooth(name, noisy, parameters, 50)
        return np.mean([np.linalg.norm(a - b, axis=-1).mean() for a, b in zip(filtered, truth, strict=True)])

    best = error(parameters)
    assert best < 0.75 * np.mean([np.linalg.norm(a - b, axis=-1).mean() for a, b in zip(noisy, truth, strict=True)])
    for key in parameters:
        if key == "order":
            continue
        for factor in (0.5, 0.7, 1.4, 2):
            assert error({**parameters, key: parameters[key] * factor}) > 0.98 * best
