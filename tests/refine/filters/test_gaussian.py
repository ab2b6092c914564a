import numpy as np
from scipy.ndimage import gaussian_filter1d

from refine.filters.gaussian import gaussian, gaussian_of_motion


def test_it_takes_seconds(rng):
    x = rng.normal(size=(90, 4))
    np.testing.assert_allclose(gaussian(x, 0.1, 50), gaussian_filter1d(x, 5, axis=0, mode="nearest"))


def test_what_goes_on_at_an_end_goes_on_beyond_it():
    line = np.arange(60.0)[:, None] * [1.0, -0.5]
    np.testing.assert_allclose(gaussian_of_motion(line, 0.1, 50), line, atol=1e-10)
    assert abs(gaussian(line, 0.1, 50) - line).max() > 0.5
