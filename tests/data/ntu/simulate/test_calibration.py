import numpy as np
import pytest

from data.ntu.simulate.calibration import Row, compare, compare_recording, compare_residual


def test_every_figure_of_the_simulated_kinect_is_within_a_quarter_of_the_real_one():
    rows = compare(clips=300, seed=2)
    assert len(rows) > 30
    assert not [(row.what, row.measured, row.low, row.high) for row in rows if not row.holds]


def test_depth_is_the_noisiest_axis():
    deviations = [row.measured[0] for row in compare(clips=24) if "s.d. along" in row.what]
    assert deviations[2] == max(deviations)


def test_a_row_tells_how_far_off_it_is():
    assert Row("", (12.0,), 10, 14).ratio == 1.0
    assert Row("", (12.0, 28.0), 10, 14).ratio == pytest.approx(2.0)
    assert Row("", (5.0, 15.0), 10, 14).ratio == pytest.approx(0.5)
    assert Row("", (8.0,), 10, 10).holds
    assert not Row("", (7.0,), 10, 10).holds


def test_the_statistics_of_a_known_error():
    rng = np.random.default_rng(0)
    clean = np.zeros((4000, 25, 3))
    noisy = clean + 0.7 + rng.normal(0.0, 0.02, clean.shape)  # white, 20 mm per axis, about a constant offset
    clips = [(clean, noisy, np.full(clean.shape[:2], 1))]
    recorded = {row.what: row.measured[0] for row in compare_recording(clips)}
    assert recorded["second difference, 50%"] == pytest.approx(20 * np.sqrt(6) * 1.538, rel=0.02)  # chi of 3 degrees
    assert recorded["share of the y axis"] == pytest.approx(1 / 3, rel=0.02)
    assert recorded["inferred, all joints"] == 100
    residual = {row.what: row.measured[0] for row in compare_residual(clips)}
    assert residual["residual, s.d. along z"] == pytest.approx(20, rel=0.02)
    assert residual["residual, correlation, lag 1"] == pytest.approx(0, abs=0.01)
    assert residual["residual, norm, 50%"] == pytest.approx(20 * 1.538, rel=0.02)
