import json

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.ndimage import gaussian_filter1d

from base.errors import InputError
from refine.benchmarks.pairs import read_pairs
from refine.benchmarks.representations import refine_pairs, smooth_pairs
from refine.benchmarks.table import benchmarks, find_benchmark
from refine.config import RefineConfig
from refine.evaluate import check_evaluation, evaluate
from refine.filters.registry import FILTERS
from refine.normalise import Normalise
from refine.refiner import Refiner
from tests.refine.conftest import make_net, make_refiner, moving_poses, write_benchmark, write_row
from tests.refine.smpl_model import make_arrays, write_smpl


def configured(root, **sections):
    return RefineConfig.model_validate(
        {
            "run": {"dir": root / "run"},
            "benchmarks": {"root": root / "poses"},
            "train": {"checkpoint": "x.pt"},
            **sections,
        }
    )


def identity(normalise):
    """Make a refiner whose network returns its input, with the released sizes of layers."""
    net = make_net(window=8, hidden=16, res_hidden=4, blocks=0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
        # LeakyReLU(x) - LeakyReLU(-x) = 1.1 x
        eye = torch.eye(8)
        net.encoder[0].weight.copy_(torch.cat([eye, -eye]))
        net.decoder.weight.copy_(torch.cat([eye, -eye], 1) / 1.1)
    return Refiner(net, normalise)


@pytest.fixture
def body(tmp_path, rng):
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    write_smpl(path, make_arrays(rng))
    return path


NAMES = ["h36m_fcn_3D", "pw3d_spin_3D", "h36m_cpn_2D", "jhmdb_simplepose_2D", "pw3d_spin_smpl", "aist_vibe_smpl"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "normalise", [Normalise("root", "body"), Normalise("channel", "body"), Normalise("none", "none")]
)
def test_a_network_that_changes_nothing_changes_no_representation(tmp_path, rng, name, normalise):
    write_row(tmp_path, find_benchmark(name), rng)
    pairs = read_pairs(find_benchmark(name), tmp_path, "test")
    refined = refine_pairs(identity(normalise), pairs, stride=3)
    for x, y in zip(refined, pairs.detected, strict=True):
        np.testing.assert_allclose(x, y, atol=2e-3 if pairs.benchmark.unit == "px" else 2e-5)


def test_every_row_is_evaluated_from_files_as_released(tmp_path, rng, body):
    for row in benchmarks().values():
        for split in row.splits:
            write_row(tmp_path / "poses", row, rng, split, lengths=(24, 5))
    config = configured(
        tmp_path,
        evaluate={"on": "all", "filters": ["gaussian"], "released_filters": True},
        smpl={"model": body},
    )
    found = evaluate(make_refiner(), config)
    assert [row["benchmark"] for row in found.rows] == list(benchmarks())
    assert found.absent == []
    for row in found.rows:
        benchmark = find_benchmark(row["benchmark"])
        assert row["frames"] == 29
        assert row["unit"] == ("px" if benchmark.representation == "2D" else "mm")
        expected = {"mpjpe", "pa_mpjpe", "accel", "gain", "own_acceleration", "clean_error"}
        expected |= {"mpvpe"} if benchmark.representation == "smpl" else set()
        expected |= {"pck_05", "pck_10", "pck_20"} if benchmark.dataset == "jhmdb" else set()
        assert set(row["input"]) == set(row["output"]) == expected
        assert all(value is not None for value in (*row["input"].values(), *row["output"].values()))
        assert (row["published"] is None) == (benchmark.published is None)
    # Test-only data sets have nothing to tune on, and neither had the refiner: only the released parameters are there.
    tuned = {row["benchmark"] for row in found.filters if row["tuned_on"]}
    assert tuned == {name for name, row in benchmarks().items() if "train" in row.splits}
    assert len(found.filters) == len(benchmarks()) + len(tuned)
    json.dumps([found.rows, found.filters])


def test_what_is_absent_is_told(tmp_path, rng):
    write_row(tmp_path / "poses", find_benchmark("aist_spin_3D"), rng)
    write_row(tmp_path / "poses", find_benchmark("aist_spin_smpl"), rng)
    found = evaluate(make_refiner(), configured(tmp_path, evaluate={"on": "all"}))
    assert [row["benchmark"] for row in found.rows] == ["aist_spin_3D"]
    absent = {row.benchmark: row.missing for row in found.absent}
    assert set(absent) == set(benchmarks()) - {"aist_spin_3D"}
    assert absent["h36m_cpn_2D"] == str(tmp_path / "poses/h36m_cpn_2D/detected/h36m_cpn_2D_test.npz")
    assert absent["aist_spin_smpl"] == "smpl.model, the licensed body model"
    with pytest.raises(InputError, match=r"smpl.model: found null, .* register at https://smpl.is.tue.mpg.de"):
        evaluate(make_refiner(), configured(tmp_path, evaluate={"on": ["aist_spin_smpl"]}))
    with pytest.raises(InputError, match="no benchmark has its files below /nowhere"):
        evaluate(make_refiner(), configured(tmp_path, benchmarks={"root": "/nowhere"}, evaluate={"on": "all"}))


def test_a_row_of_ones_own(tmp_path, rng):
    row = {
        "dataset": "mine",
        "estimator": "lifter",
        "representation": "3D",
        "fps": 25,
        "joints": {11: [4]},
        "unit": "mm",
    }
    config = configured(
        tmp_path, benchmarks={"root": tmp_path / "poses", "rows": {"mine_lifter_3D": row}}, evaluate={"on": "all"}
    )
    benchmark = config.benchmarks.find("mine_lifter_3D")
    detected, truth = write_row(tmp_path / "poses", benchmark, rng)
    [scored] = evaluate(make_refiner(), config).rows
    assert scored["benchmark"] == "mine_lifter_3D"
    sides = ([x.reshape(len(x), 11, 3) for x in side["joints_3d"]] for side in (detected, truth))
    errors = [np.linalg.norm((x - x[:, 4:5]) - (y - y[:, 4:5]), axis=-1).mean(1) for x, y in zip(*sides, strict=True)]
    assert scored["input"]["mpjpe"] == pytest.approx(np.concatenate(errors).mean(), rel=1e-5)


def test_strides_are_rows(tmp_path, rng):
    write_row(tmp_path / "poses", find_benchmark("h36m_fcn_3D"), rng, lengths=(60, 30))
    config = configured(tmp_path, evaluate={"on": ["h36m_fcn_3D"], "stride": [1, 4, 8]})
    rows = evaluate(make_refiner(), config).rows
    assert [row["stride"] for row in rows] == [1, 4, 8]
    assert rows[0]["input"] == rows[2]["input"]
    assert rows[0]["output"] != rows[2]["output"]


def test_padded_accel_on_request(tmp_path, rng):
    write_row(tmp_path / "poses", find_benchmark("h36m_fcn_3D"), rng, lengths=(12, 8))
    honest, padded = (
        evaluate(make_refiner(), configured(tmp_path, evaluate={"on": ["h36m_fcn_3D"], "padded_accel": choice})).rows[0]
        for choice in (False, True)
    )
    for side in ("input", "output"):
        assert padded[side]["accel"] == pytest.approx(honest[side]["accel"] * 16 / 20, rel=1e-4)
        assert padded[side]["mpjpe"] == honest[side]["mpjpe"]


def test_missing_joints_are_masked(tmp_path, rng):
    detected, truth = moving_poses(rng, (40,))
    write_benchmark(tmp_path / "poses", detected, truth, split="test")
    whole = configured(tmp_path, evaluate={"on": ["h36m_fcn_3D"]})
    before = evaluate(make_refiner(), whole).rows[0]["input"]
    detected[0].reshape(40, 17, 3)[10:14, 9] = np.nan
    truth[0].reshape(40, 17, 3)[20, 3] = 0
    write_benchmark(tmp_path / "poses", detected, truth, split="test")
    with pytest.raises(InputError, match="is not finite"):
        evaluate(make_refiner(), whole)
    section = {"root": tmp_path / "poses", "on_error": "mask"}
    row = evaluate(make_refiner(), configured(tmp_path, benchmarks=section, evaluate={"on": ["h36m_fcn_3D"]})).rows[0]
    assert row["input"]["mpjpe"] == pytest.approx(before["mpjpe"], rel=0.02)
    gain = row["output"].pop("gain")
    assert all(np.isfinite([*gain[1:], *row["output"].values()]))
    assert gain[0] is None  # 40 frames at 50 a second are no period of 0.5 Hz


@pytest.mark.parametrize(("name", "factor"), [("h36m_fcn_3D", 1000), ("h36m_hourglass_2D", 1)])
def test_what_is_left_of_the_movement(tmp_path, rng, name, factor):
    """Detections that move 0.6 times as far have that gain, and a filter moves the truth as SciPy's does."""
    joints, dims = (17, 3) if factor > 1 else (16, 2)
    scale = 1.0 if factor > 1 else 100.0
    truth = [scale * np.cumsum(rng.normal(0, 0.01, (frames, joints, dims)), axis=0) for frames in (150, 120, 60)]
    detected, true = ([(share * x).reshape(len(x), -1).astype(np.float32) for x in truth] for share in (0.6, 1.0))
    for split in ("train", "test"):
        write_benchmark(tmp_path / "poses", detected, true, name, split, f"joints_{dims}d", representation=f"{dims}D")
    found = evaluate(
        identity(Normalise("root", "body")), configured(tmp_path, evaluate={"on": [name], "filters": ["gaussian"]})
    )
    [row], [filtered] = found.rows, found.filters
    for side in ("input", "output"):
        assert row[side]["gain"] == pytest.approx([0.6] * 3, abs=2e-4)
        assert row[side]["own_acceleration"] == pytest.approx(0.6, abs=2e-4)
        assert row[side]["clean_error"] == pytest.approx(0, abs=0.05)
    assert row["too_short"] == [1, 0, 0]  # 60 frames at 50 a second
    assert 0.45 < row["known"]["gesture_peak"] < 0.5  # windows are merged smoothly, as in stores
    sigma = filtered["parameters"]["sigma_s"] * find_benchmark(name).fps
    moved = [np.linalg.norm(gaussian_filter1d(x, sigma, axis=0, mode="nearest") - x, axis=-1).ravel() for x in truth]
    assert filtered["output"]["clean_error"] == pytest.approx(factor * np.concatenate(moved).mean(), rel=0.02)


def test_released_one_euro_is_in_metres_and_frames(tmp_path, rng):
    """The release filters metres (images: normalised) one frame at a time with a step of one."""
    row = find_benchmark("h36m_fcn_3D")
    write_row(tmp_path, row, rng)
    pairs = read_pairs(row, tmp_path, "test")
    [filtered, *_] = smooth_pairs("one_euro", pairs, FILTERS["one_euro"].released(row.fps), released=True)

    def alpha(cutoff):
        return 2 * np.pi * cutoff / (2 * np.pi * cutoff + 1)

    x = pairs.detected[0].astype(float)
    expected, speed = x.copy(), np.zeros_like(x[0])
    for t in range(1, len(x)):
        speed = alpha(1.0) * (x[t] - expected[t - 1]) + (1 - alpha(1.0)) * speed
        a = alpha(0.04 + 0.7 * np.abs(speed))
        expected[t] = a * x[t] + (1 - a) * expected[t - 1]
    np.testing.assert_allclose(filtered, expected, atol=1e-6)


def to_train(config):
    return config.model_copy(
        update={"train": config.train.model_copy(update={"on": ("pw3d_spin_3D",), "checkpoint": None})}
    )


def test_rotations_stay_rotations_and_shapes_stay(tmp_path, rng, body):
    row = find_benchmark("pw3d_spin_smpl")
    write_row(tmp_path / "poses", row, rng, noise=0.1)
    pairs = read_pairs(row, tmp_path / "poses", "test")
    smoothed = smooth_pairs("gaussian", pairs, {"sigma_s": 0.1})
    angles = np.linalg.norm(smoothed[0].reshape(-1, 3), axis=-1)
    assert angles.max() <= np.pi + 1e-4
    config = configured(tmp_path, evaluate={"on": [row.name], "filters": ["gaussian"], "released_filters": True})
    config = config.model_copy(update={"smpl": config.smpl.model_copy(update={"model": body})})
    assert [row["tuned_on"] for row in evaluate(make_refiner(), config).filters] == [None]  # as released alone
    to_tune = config.model_copy(update={"evaluate": config.evaluate.model_copy(update={"released_filters": False})})
    with pytest.raises(InputError, match="no training split to tune filters on for pw3d_spin_smpl"):
        evaluate(make_refiner(), to_tune)
    with pytest.raises(InputError, match="no training split to tune filters on for pw3d_spin_smpl"):
        check_evaluation(to_train(to_tune))  # before a network is trained for hours
    check_evaluation(to_train(config))
    write_row(tmp_path / "poses", find_benchmark("pw3d_spin_3D"), rng, "train")
    with pytest.raises(InputError, match="no training split to tune filters on for pw3d_spin_smpl"):
        evaluate(make_refiner(), to_tune)  # positions are in another unit
    write_row(tmp_path / "poses", row, rng, "train")
    found = evaluate(make_refiner(), config)
    tuned, released = found.filters
    assert tuned["tuned_on"] == "pw3d_spin_smpl"
    assert released["output"]["accel"] < found.rows[0]["input"]["accel"]
    assert released["output"]["mpvpe"] < found.rows[0]["input"]["mpvpe"]


def test_each_row_with_the_network_that_it_was_published_with(tmp_path, rng):
    names = ["h36m_fcn_3D", "aist_spin_3D", "mupots_tposenet_3D", "mpiinf3dhp_vibe_3D", "jhmdb_simplepose_2D"]
    for name in names:
        write_row(tmp_path / "poses", find_benchmark(name), rng)
    refiners = {"h36m_fcn_3D": make_refiner(seed=1), "aist_vibe_3D": make_refiner(seed=2)}
    config = configured(tmp_path, evaluate={"on": names})
    rows = evaluate(refiners, config).rows
    models = ["h36m_fcn_3D", "aist_vibe_3D", "aist_vibe_3D", "h36m_fcn_3D", "h36m_fcn_3D"]  # the first is the default
    assert [row["cell"] for row in rows] == models
    for row, model in zip(rows, models, strict=True):
        [alone] = evaluate(refiners[model], configured(tmp_path, evaluate={"on": [row["benchmark"]]})).rows
        assert row["output"] == alone["output"]


@pytest.mark.parametrize(
    ("evaluation", "text"),
    [
        ({"stride": []}, "at least 1 item"),
        ({"stride": [2, 2]}, "each may be named once"),
        ({"on": ["h36m_fcn_3D", "h36m_fcn_3D"]}, "each may be named once"),
        ({"released_filters": True}, "name the filters in evaluate.filters"),
    ],
)
def test_settings_that_make_no_sense(tmp_path, evaluation, text):
    with pytest.raises(ValidationError, match=text):
        configured(tmp_path, evaluate=evaluation)


def test_one_name_is_a_list_of_one(tmp_path):
    assert configured(tmp_path, evaluate={"on": "h36m_fcn_3D"}).evaluate.on == ("h36m_fcn_3D",)
