import numpy as np
from scipy.signal import savgol_filter

from refine.filters.savitzky_golay import savitzky_golay


def test_it_takes_seconds(rng):
    x = rng.normal(size=(90, 4))
    np.testing.assert_allclose(savitzky_golay(x, 0.62, 2, 50), savgol_filter(x, 31, 2, axis=0))


def test_savitzky_golay_at_any_length(rng):
    for length in range(1, 40):
        x = np.linspace(0, 1, length)[:, None] ** 2
        np.testing.assert_allclose(savitzky_golay(x, 0.62, 2, 50), x, atol=1e-12)
    noisy = rng.normal(size=(9, 1))
    np.testing.assert_allclose(savitzky_golay(noisy, 0.62, 2, 50), savgol_filter(noisy, 9, 2, axis=0))
