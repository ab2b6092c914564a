import numpy as np
import pytest

from refine.benchmarks.pairs import read_pairs
from refine.benchmarks.representations import image_units, smooth_pairs
from refine.benchmarks.table import find_benchmark
from refine.filters.registry import FILTERS
from tests.refine.conftest import write_row


@pytest.mark.parametrize("kind", ["one_euro", "savitzky_golay", "gaussian"])
def test_filters_mean_the_same_in_millimetres(tmp_path, rng, kind):
    metres = find_benchmark("h36m_fcn_3D")
    millimetres = metres.model_copy(update={"unit": "mm"})
    filtered = []
    for folder, row in (("m", metres), ("mm", millimetres)):
        write_row(tmp_path / folder, row, np.random.default_rng(3))
        pairs = read_pairs(row, tmp_path / folder, "test")
        filtered.append(smooth_pairs(kind, pairs, FILTERS[kind].released(row.fps), released=True))
    for x, y in zip(*filtered, strict=True):
        np.testing.assert_allclose(x, y, atol=1e-6)


def test_image_units(tmp_path, rng):
    row = find_benchmark("h36m_cpn_2D")
    write_row(tmp_path, row, rng)
    shift, scale = image_units(row, read_pairs(row, tmp_path, "test").sequences[0])
    assert ((np.array([500, 1000]) - shift) / scale).tolist() == [0, 1]
    row = find_benchmark("jhmdb_simplepose_2D")
    write_row(tmp_path, row, rng)
    shift, scale = image_units(row, read_pairs(row, tmp_path, "test").sequences[0])
    assert ((np.array([1000, 400]) - shift) / scale).tolist() == [0.5, 0]
