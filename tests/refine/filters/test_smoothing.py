from dataclasses import replace

import numpy as np
import pytest

from refine import blocks, in_space
from refine.filters.registry import FILTERS
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


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("gaussian", {"sigma_s": 0.1}), ("gaussian", {"sigma_s": 0.8}), ("savitzky_golay", {"window_s": 2, "order": 3})],
)
def test_what_goes_block_by_block_is_as_if_it_were_whole(rng, monkeypatch, name, parameters):
    monkeypatch.setattr(blocks, "FRAMES", 32)
    monkeypatch.setattr(in_space, "FRAMES", 32)
    walk = rng.normal(size=(120, 3, 2)) + 0.01 * np.arange(120)[:, None, None]
    jump = walk + 1e6 * (np.arange(120) > 90)[:, None, None]
    sequences = [x.astype(np.float32) for x in (walk[:33], walk, jump, walk)]
    seen = [None, None, None, rng.random((120, 3)) > 0.1]
    by_block = smooth(name, sequences, parameters, 30.0, seen=seen)
    monkeypatch.setitem(FILTERS._kinds, name, replace(FILTERS[name], reach=None))
    whole = smooth(name, sequences, parameters, 30.0, seen=seen)
    for found, expected in zip(by_block, whole, strict=True):
        np.testing.assert_array_equal(found, expected)
