import json
from pathlib import Path

import numpy as np
import pytest

from ablation.config import AblateConfig
from ablation.stage import ablate
from ablation.study import duration, make_stores, plan_cells
from data.errors import InputError
from data.ntu.names import ClipName
from data.ntu.store import StoreInfo, StoreWriter, Track, open_store
from training.config import load_config

CONFIGS = Path(__file__).parents[2] / "configs" / "ablate"


def write_store(folder, noise, performers=(1, 2, 3), actions=(1, 2), kind="raw"):
    rng = np.random.default_rng(0)
    with StoreWriter(folder, StoreInfo(kind=kind)) as writer:
        for performer in performers:
            for action in actions:
                for replication in (1, 2, 3):
                    joints = np.cumsum(rng.normal(0, 0.01 * action, (24, 25, 3)), 0) + rng.normal(0, 0.3, (1, 25, 3))
                    joints = joints + noise * rng.normal(size=joints.shape)
                    track = Track(0, 0, joints.astype(np.float32), np.full((24, 25), 2, np.uint8))
                    writer.add(ClipName(1, 1, performer, replication, action), 24, [track])
    return folder


def write_benchmark(root):
    rng = np.random.default_rng(0)
    truth = [np.cumsum(rng.normal(0, 0.01, (80, 75)), 0) + rng.normal(0, 0.3, 75) for _ in range(3)]
    for part, name, noise in (("detected", "ntusim_kinect_3D", 0.03), ("groundtruth", "ntusim_gt_3D", 0)):
        folder = root / "ntusim_kinect_3D" / part
        folder.mkdir(parents=True)
        for split in ("train", "test"):
            sequences = np.empty(3, object)
            for n, joints in enumerate(truth):
                sequences[n] = (joints + noise * rng.normal(size=joints.shape)).astype(np.float32)
            np.savez(folder / f"{name}_{split}.npz", joints_3d=sequences)
    return root


@pytest.fixture
def settings(tmp_path):
    write_store(tmp_path / "raw", 0.02)
    write_store(tmp_path / "truth", 0, kind="truth")
    return {
        "run": {"dir": tmp_path / "run", "device": "cpu"},
        "data": {"store": tmp_path / "raw", "truth": tmp_path / "truth", "validation": 0},
        "arms": ["raw", "gaussian", "oracle"],
        "seeds": [0, 1],
        "refine": {"benchmarks": {"root": write_benchmark(tmp_path / "poses")}, "train": {"on": ["ntusim_kinect_3D"]}},
        "recognize": {
            "input": {"frames": 8},
            "model": {"width": 4, "blocks": 3, "temporal_kernel": 3},
            "train": {"epochs": 1, "batch": 8, "lr": 0.01, "warmup": 0},
        },
        "statistics": {"resamples": 200},
    }


def configured(settings, **changed):
    return AblateConfig.model_validate({**settings, **changed})


@pytest.mark.parametrize("name", ["default", "kinect27"])
def test_the_configurations_that_ship_are_valid(name):
    config = load_config(AblateConfig, CONFIGS / f"{name}.yaml", ())
    assert config.against == "raw"
    assert len(config.seeds) >= 3


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("arms=[raw, raw]", "each may be named once"),
        ("arms=[raw, smooth]", "arms.1"),
        ("arms=[raw]", "arms"),
        ("seeds=[1, 1]", "each may be named once"),
        ("seeds=[]", "seeds"),
        ("against=oracle arms=[raw,refined]", "not among the arms"),
        ("statistics.confidense=0.9", "confidence"),
        ("refine.evaluate.stride=99", "yaml with .*: refine: evaluate.stride 99 is more than the window of 32 frames$"),
        ("refine.train.on=[]", "refine: .*train.on"),
    ],
)
def test_a_study_that_makes_no_sense_is_refused(override, message):
    with pytest.raises(InputError, match=message):
        load_config(AblateConfig, CONFIGS / "default.yaml", override.replace(" arms", "\narms").split("\n"))


def test_cells_of_a_seed_differ_in_the_store_alone(settings):
    config = configured(settings)
    stores = {arm: open_store(settings["data"]["store"]) for arm in config.arms}
    cells = plan_cells(config, stores)
    assert [(cell.arm, cell.seed) for cell in cells] == [(arm, seed) for seed in (0, 1) for arm in config.arms]
    assert len({cell.config.run.dir for cell in cells}) == len(cells)
    for cell in cells:
        same = cell.config.model_dump(exclude={"run": {"dir"}, "data": {"store"}})
        first = next(one for one in cells if one.seed == cell.seed)
        assert same == first.config.model_dump(exclude={"run": {"dir"}, "data": {"store"}})


def test_an_oracle_without_truth_is_refused_before_anything_is_written(settings):
    data = {**settings["data"], "truth": None}
    with pytest.raises(InputError, match=r"arms: found 'oracle', but data.truth is null"):
        ablate(configured(settings, data=data))
    assert not settings["run"]["dir"].exists()


def test_a_truth_of_other_clips_is_refused(settings, tmp_path):
    data = {**settings["data"], "truth": write_store(tmp_path / "other", 0, performers=(1, 2, 6))}
    with pytest.raises(InputError, match=r"data.truth: .*does not hold the clips of"):
        ablate(configured(settings, data=data))


def test_a_clip_to_show_that_is_not_tested_is_refused(settings):
    with pytest.raises(InputError, match=r"report.clip: S001C001P001R001A001 is not among the test clips"):
        ablate(configured(settings, report={"clip": "S001C001P001R001A001"}))


def test_filters_without_anything_to_tune_on_are_refused(settings, tmp_path):
    refine = {**settings["refine"], "train": {"checkpoint": tmp_path / "best.pt"}}
    with pytest.raises(InputError, match=r"arms: gaussian has nothing to be tuned on"):
        make_stores(configured(settings, refine=refine))


def test_a_whole_study_runs_once_and_resumes(settings, monkeypatch, capsys):
    config = configured(settings)
    results = ablate(config)
    folder = config.run.dir
    assert json.loads((folder / "results.json").read_text()) == results
    assert {arm: len(found["top1"]) for arm, found in results["arms"].items()} == dict.fromkeys(config.arms, 2)
    assert [(one["arm"], one["against"]) for one in results["comparisons"]] == [("gaussian", "raw"), ("oracle", "raw")]
    for one in results["comparisons"]:
        means = [np.mean(results["arms"][arm]["top1"]) for arm in (one["arm"], "raw")]
        assert one["difference"] == pytest.approx(means[0] - means[1])
        assert set(one) == {"arm", "against", "difference", "interval", "mcnemar_p"}
    assert "http" not in (folder / "report.html").read_text()
    assert str(folder / "report.html") in capsys.readouterr().out.replace("\n", "")
    assert open_store(folder / "stores" / "gaussian").info.kind == "filtered"

    def forbidden(*_, **__):
        raise AssertionError("a finished part is made again")

    monkeypatch.setattr("ablation.stage.make_stores", forbidden)
    assert ablate(config) == results
    monkeypatch.undo()
    # Without its last step, only that is done again, and comes out the same.
    page = (folder / "report.html").read_text()
    (folder / "report.html").unlink()
    monkeypatch.setattr("recognition.stage._train_and_test", forbidden)
    monkeypatch.setattr("ablation.study.apply_filter", forbidden)
    assert ablate(config) == results
    assert (folder / "report.html").read_text() == page


def test_durations_are_rounded_sensibly():
    assert [duration(seconds) for seconds in (3.2, 130, 7300)] == ["3 s", "2 min", "2.0 h"]
