import json
import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from ablation.stage import ablate
from ablation.study.config import AblateConfig
from ablation.study.plan import plan
from ablation.study.run import duration, train_all
from ablation.study.stores import list_sources, make_stores
from base.config import load_config
from base.errors import InputError
from data.ntu.names import ClipName
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from recognition.config import RecognizeConfig
from recognition.stage import recognize

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
        "run": {"dir": tmp_path / "runs" / "study", "device": "cpu"},
        "data": {"store": tmp_path / "raw", "truth": tmp_path / "truth", "validation": 0},
        "arms": ["raw", "gaussian", "oracle"],
        "seeds": [0, 1],
        "refine": {"benchmarks": {"root": write_benchmark(tmp_path / "poses")}, "train": {"on": ["ntusim_kinect_3D"]}},
        "recognize": {
            "input": {"frames": 8},
            "model": {"width": 4, "blocks": 3, "temporal_kernel": 3},
            "train": {"epochs": 1, "batch": 6, "lr": 0.01, "warmup": 0},
        },
        "statistics": {"resamples": 200},
    }


def configured(settings, **changed):
    return AblateConfig.model_validate({**settings, **changed})


@pytest.mark.parametrize("name", sorted(path.stem for path in CONFIGS.glob("*.yaml")))
def test_the_configurations_that_ship_are_valid(name):
    config = load_config(AblateConfig, CONFIGS / f"{name}.yaml", ())
    assert config.against == "raw"
    assert len(config.seeds) >= 3


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("arms=[raw, raw]", "each may be named once"),
        ("arms=[raw, smooth]", "arms names 'smooth', which is no arm; there are raw, refined"),
        ("arms=[raw, gausian]", "did you mean 'gaussian'"),
        ("arms=[raw]", "arms"),
        ("seeds=[1, 1]", "each may be named once"),
        ("seeds=[]", "seeds"),
        ("against=oracle arms=[raw,refined]", "not among the arms"),
        ("statistics.confidense=0.9", "confidence"),
        ("refine.evaluate.stride=99", "yaml with .*: refine: evaluate.stride 99 is more than the window of 32 frames$"),
        ("refine.train.on=[]", "refine: .*train.on"),
        ("grid.streams=[]", "grid.streams"),
        ("grid.severities=[1, 1.0]", "severities names 1.0, 1.0; each may be named once"),
        ("grid.severities=[9]", "grid.severities are from 0 to 5"),
        ("grid.shares=[0]", "greater than 0"),
        ("grid={ensembles: {joint: {bone: 1}}}", "no stream's"),
        ("simulate=null grid.severities=[1]", "need simulated clips"),
        ("refiners={raw: {}}", "refiners has 'raw'"),
        ("refiners={b: {model: {window: 1}}}", "refiners.b.model.window"),
        ("refiners={b: {}} arms=[raw, refined, b]", "refined and b are the same refiner"),
        ("report.arm=raw", "name another arm"),
        ("data.validation=0 recognize.train.patience=3", "train.patience needs validation clips"),
        ("recognize.input.frames=1 grid.streams=[joint,joint_motion]", "joint_motion would be 0 everywhere"),
        ("refine.apply.stride=64", "apply.stride 64 is more than the window of 32 frames"),
        ("grid.ensembles={two: {joint: .nan, bone: 1}}", "grid.ensembles.two.joint"),
        ("statistics.margin=.inf", "statistics.margin"),
        ("report.labels={refined: raw}", "two arms are called 'raw'"),
        ("data.store=elsewhere/raw grid.severities=[0, 1]", "elsewhere/raw, outside simulate.folder"),
    ],
)
def test_a_study_that_makes_no_sense_is_refused(override, message):
    with pytest.raises(InputError, match=message):
        load_config(AblateConfig, CONFIGS / "default.yaml", re.split(r" (?=arms|grid|recognize)", override))


def planned(config):
    return plan(config, [make_stores(config, source) for source in list_sources(config)])


def test_cells_of_a_seed_differ_in_the_store_alone(settings):
    config = configured(settings)
    trainings = planned(config).trainings
    assert [training.title for training in trainings] == [
        f"{arm}, seed {seed}" for seed in (0, 1) for arm in ("raw", "Gaussian", "noise-free")
    ]
    assert len({training.folder for training in trainings}) == len(trainings)
    for training in trainings:
        same = training.config.model_dump(exclude={"run": {"dir"}, "data": {"store"}})
        first = next(one for one in trainings if one.config.run.seed == training.config.run.seed)
        assert same == first.config.model_dump(exclude={"run": {"dir"}, "data": {"store"}})


def test_a_cell_is_named_by_what_determines_it(settings, tmp_path):
    folders = {training.folder for training in planned(configured(settings)).trainings}
    copied = shutil.copytree(tmp_path / "raw", tmp_path / "elsewhere")
    moved = configured(
        settings, run={"dir": tmp_path / "runs" / "other", "device": "cpu"}, data={**settings["data"], "store": copied}
    )
    assert {training.folder for training in planned(moved).trainings} == folders
    longer = {**settings["recognize"], "train": {**settings["recognize"]["train"], "epochs": 2}}
    assert not folders & {training.folder for training in planned(configured(settings, recognize=longer)).trainings}


def test_only_what_the_grid_names_is_trained(settings):
    ensembles = {"two": {"joint": 1, "bone": 1}}
    grid = {"pairings": ["both", "test", "train"], "ensembles": ensembles, "streams": ["joint"], "shares": [1, 0.5]}
    found = planned(configured(settings, grid=grid, seeds=[0]))
    # three arms, two streams and two shares; trained on one and tested on the other takes no further training
    assert len(found.trainings) == 12
    assert [(c.pairing, c.share, c.stream) for c in found.conditions] == [
        (pairing, share, stream) for pairing in grid["pairings"] for share in (1, 0.5) for stream in ("joint", "two")
    ]
    raw = next(training for training in found.trainings if training.title.startswith("raw, seed 0, 100%") and "joint" in training.title)
    assert len(raw.others) == 2


def test_a_refiner_that_differs_does_not_begin_with_the_checkpoint_of_the_other(settings):
    train = {"checkpoint": "best.pt", "on": {"h36m_fcn_3D": 1}}
    refiners = {
        "w64": {"model": {"window": 64}},
        "simulated": {"train": {"on": {"ntusim_kinect_3D": 1}}},
        "applied": {"apply": {"stride": 2}},
        "given": {"train": {"checkpoint": "other.pt"}},
    }
    config = configured(settings, refine={**settings["refine"], "train": train}, refiners=refiners)
    sections = config.refiner_sections
    checkpoints = {
        name: section.train.checkpoint and section.train.checkpoint.name for name, section in sections.items()
    }
    expected = {"refined": "best.pt", "w64": None, "simulated": None, "applied": "best.pt", "given": "other.pt"}
    assert checkpoints == expected
    assert sections["simulated"].train.names == ("ntusim_kinect_3D",)
    assert sections["w64"].train.names == ("h36m_fcn_3D",)


def test_a_stand_in_named_by_its_whole_path_moves_with_the_severity(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = {"store": tmp_path / "sim" / "raw", "truth": tmp_path / "sim" / "truth"}
    config = configured(settings, simulate={"folder": "sim", "severity": 1}, data=data, grid={"severities": [1, 0]})
    assert [source.raw.resolve() for source in list_sources(config)] == [data["store"], tmp_path / "sim-ntu-0" / "raw"]


def test_stores_of_other_tracks_are_not_mixed(settings, tmp_path):
    write_store(tmp_path / "other", 0, performers=(1, 2, 3), actions=(2, 1), kind="truth")
    data = {**settings["data"], "truth": tmp_path / "other"}
    config = configured(settings, grid={"pairings": ["mixed"]}, arms=["raw", "oracle"], data=data)
    with pytest.raises(InputError, match=r"grid.pairings: .* have other tracks and cannot be mixed"):
        planned(config)


def test_mixed_training_takes_half_of_the_clips_of_either(settings):
    config = configured(settings, grid={"pairings": ["mixed"]}, seeds=[0], arms=["raw", "oracle"])
    made = make_stores(config, list_sources(config)[0])
    mixed = open_store(planned(config).trainings[1].config.data.store)
    assert mixed.clips.name.tolist() == made.stores["raw"].clips.name.tolist()
    same = {
        arm: [
            np.array_equal(mixed.joints[rows], store.joints[rows])
            for first, length in zip(store.tracks.first_row, store.tracks.length, strict=True)
            for rows in [slice(first, first + length)]
        ]
        for arm, store in made.stores.items()
    }
    assert sum(same["raw"]) == sum(same["oracle"]) == 9
    assert all(one != other for one, other in zip(same["raw"], same["oracle"], strict=True))


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
    (tmp_path / "best.pt").write_bytes(b"")
    refine = {**settings["refine"], "train": {"checkpoint": tmp_path / "best.pt"}}
    config = configured(settings, refine=refine)
    with pytest.raises(InputError, match=r"best.pt: .*checkpoint"):
        make_stores(config, list_sources(config)[0])


def test_a_whole_study_runs_once_and_resumes(settings, monkeypatch, capsys, tmp_path):
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
    assert "http" not in (folder / "report.html").read_text().replace("http://www.w3.org", "")
    assert str(folder / "report.html") in capsys.readouterr().out.replace("\n", "")
    words = shlex.split(re.search(r"python run.py (recognize \S*cells\S*)", (folder / "report.html").read_text())[1])
    again = load_config(RecognizeConfig, Path(words[1]), [f"run.dir={tmp_path / 'again'}"])
    assert recognize(again)["top1"] == pytest.approx(results["arms"]["raw"]["top1"][0])
    shared = config.run.dir.parent / "shared"
    kinds = sorted(open_store(path).info.kind for path in (shared / "stores").iterdir())
    assert kinds == ["filtered"]

    def forbidden(*_, **__):
        raise AssertionError("a finished part is made again")

    monkeypatch.setattr("ablation.stage.make_stores", forbidden)
    assert ablate(config) == results
    monkeypatch.undo()
    # Without its last step, only that is done again, and comes out the same; and so does another study of these trainings.
    page = (folder / "report.html").read_text()
    (folder / "report.html").unlink()
    monkeypatch.setattr("recognition.stage._train_and_test", forbidden)
    monkeypatch.setattr("ablation.study.stores.apply_filter", forbidden)
    assert ablate(config) == results
    assert (folder / "report.html").read_text() == page
    fewer = configured(settings, run={"dir": tmp_path / "runs" / "fewer", "device": "cpu"}, arms=["raw", "oracle"])
    assert ablate(fewer)["arms"]["oracle"] == results["arms"]["oracle"]


def test_a_study_of_many_conditions(settings):
    grid = {"pairings": ["both", "test", "train"], "ensembles": {"two": {"joint": 1, "bone": 1}}, "shares": [1, 0.5]}
    config = configured(settings, grid={**grid, "streams": ["joint"]}, arms=["raw", "oracle"])
    rows = ablate(config)["conditions"]
    assert len(rows) == 3 * 2 * 2 * 2
    by = {(row["pairing"], row["share"], row["stream"], row["arm"]): row for row in rows}
    # trained on raw skeletons and tested on them is the same in every pairing
    assert by["both", 1, "joint", "raw"]["top1"] == by["test", 1, "joint", "raw"]["top1"]
    assert by["both", 1, "two", "raw"]["top1"] == by["train", 1, "two", "raw"]["top1"]
    for row in rows:
        assert ("difference" in row) == (row["arm"] == "oracle")
        reference = by[row["pairing"], row["share"], row["stream"], "raw"]["top1"]
        assert row.get("difference", 0) == pytest.approx(np.mean(row["top1"]) - np.mean(reference))
    text = (config.run.dir / "cells.csv").read_text().splitlines()
    assert len(text) == 1 + 3 * 2 * 2 * 2 * 2
    assert all(line.endswith(",done") for line in text[1:])


def test_noise_of_several_severities(settings, tmp_path):
    folder = tmp_path / "sim"
    simulate = {"folder": folder, "clips": 24, "performers": 4, "actions": [1, 2], "severity": 1, "text": False}
    data = {"store": tmp_path / "sim" / "raw", "truth": tmp_path / "sim" / "truth", "validation": 0}
    refine = {"benchmarks": {"root": tmp_path / "sim" / "poses"}, "train": {"on": ["ntusim_kinect_3D"]}}
    grid = {"severities": [1, 0]}
    config = configured(settings, simulate=simulate, data=data, refine=refine, grid=grid, arms=["raw", "oracle"])
    assert [row["severity"] for row in ablate(config)["conditions"]] == [1, 1, 0, 0]
    one, none = (open_store(source.raw) for source in list_sources(config))
    assert one.clips.name.tolist() == none.clips.name.tolist()
    assert one.folder == tmp_path / "sim" / "raw"
    assert none.folder == tmp_path / "sim-ntu-0" / "raw"
    details = json.loads((config.run.dir / "details.json").read_text())
    assert [found["arm"] for found in details["crossings"]] == ["oracle"]
    for shares in details["importance"].values():
        assert sum(shares) == pytest.approx(1)
        assert len(shares) == 25
    drawn = {path.stem for path in (config.run.dir / "figures").glob("*.png")}
    assert {"severity", "spectrum", "joints", "accuracy"} <= drawn
    tables = {path.name for path in (config.run.dir / "tables").iterdir()}
    assert {f"{name}.{end}" for name in ("conditions", "crossings") for end in ("csv", "md", "tex")} <= tables


def test_a_cell_that_fails_is_told_and_the_rest_goes_on(settings, monkeypatch, capsys):
    config = configured(settings)
    broken = planned(config).trainings[3]
    assert broken.title == "raw, seed 1"
    real = train_all.__globals__["train_one"]

    def run(training):
        if training.folder == broken.folder:
            raise RuntimeError("no more\nmemory")
        return real(training)

    monkeypatch.setattr("ablation.study.run.train_one", run)
    with pytest.raises(InputError, match=r"1 recognisers .*raw, seed 1 failed .RuntimeError: no more memory"):
        ablate(config)
    assert "no more memory" in (config.run.dir / "cells.csv").read_text()
    assert (config.run.dir / "report.html").is_file()
    assert not (config.run.dir / "results.json").exists()
    monkeypatch.undo()
    results = ablate(config)
    assert [len(found["top1"]) for found in results["arms"].values()] == [2, 2, 2]
    assert "no more memory" not in (config.run.dir / "cells.csv").read_text()


@pytest.mark.parametrize(("name", "content"), [("scores.npz", b"PK"), ("results.json", b"{}")])
def test_a_corrupt_cell_is_told_in_one_line(settings, name, content):
    config = configured(settings)
    ablate(config)
    (config.run.dir / "report.html").unlink()
    folder = planned(config).trainings[0].folder
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{folder.name}/{name}: cannot .*delete"):
        ablate(config)
    assert (config.run.dir / "report.html").is_file()


def test_ray_gives_what_one_process_gives(settings, tmp_path):
    pytest.importorskip("ray")
    config = configured(settings, seeds=[0], arms=["raw", "oracle"])
    other = configured(
        settings,
        seeds=[0],
        arms=["raw", "oracle"],
        run={"dir": tmp_path / "ray" / "study", "device": "cpu"},
        executor="ray",
        workers=1,
    )
    assert ablate(other)["arms"] == ablate(config)["arms"]


def test_ray_that_is_not_installed(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"executor: found 'ray', which is not installed"):
        ablate(configured(settings, executor="ray"))


def test_durations_are_rounded_sensibly():
    assert [duration(seconds) for seconds in (3.2, 130, 7300)] == ["3 s", "2 min", "2.0 h"]
