import numpy as np
import pytest

from refine.filters.smoothing import smooth


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("one_euro", {"min_cutoff_hz": 1.0, "beta": 2.0}),
        ("gaussian", {"sigma_s": 0.1}),
        ("savitzky_golay", {"window_s": 0.3, "order": 2}),
        ("butterworth", {"cutoff_hz": 3.0, "order": 2}),
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
