"""Whole studies, from their configuration to their report."""

import csv
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from ablation.stage import ablate
from ablation.study.plan import _begun_elsewhere, read_results
from ablation.study.stores import list_sources
from ablation.terminal import print_ablation
from base.config import RunSection, load_config
from base.errors import InputError
from data.skeletons.store import open_store
from recognition.config import RecognizeConfig
from recognition.stage import recognize
from tests.ablation.small_study import configured, planned, write_store
from training.runs import open_run


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


def test_a_whole_study_runs_once_and_resumes(settings, monkeypatch, capsys, tmp_path):
    config = configured(settings)
    found = ablate(config)
    results, folder = found.results, config.run.dir
    assert capsys.readouterr().out == ""
    print_ablation(found)
    assert json.loads((folder / "results.json").read_text()) == results
    assert {arm: len(found["top1"]) for arm, found in results["arms"].items()} == dict.fromkeys(config.arms, 2)
    assert [(one["arm"], one["against"]) for one in results["comparisons"]] == [("gaussian", "raw"), ("oracle", "raw")]
    for one in results["comparisons"]:
        means = [np.mean(results["arms"][arm]["top1"]) for arm in (one["arm"], "raw")]
        assert one["difference"] == pytest.approx(means[0] - means[1])
        assert set(one) == {"arm", "against", "difference", "interval", "mcnemar_p", "holm_p", "verdict"}
    assert "http" not in (folder / "report.html").read_text().replace("http://www.w3.org", "")
    printed = capsys.readouterr().out
    assert str(folder / "report.html") in printed.replace("\n", "")
    words = shlex.split(re.search(r"python run.py (recognize \S*cells\S*)", (folder / "report.html").read_text())[1])
    again = load_config(RecognizeConfig, Path(words[1]), [f"run.dir={tmp_path / 'again'}"])
    assert recognize(again)["top1"] == pytest.approx(results["arms"]["raw"]["top1"][0])
    shared = config.run.dir.parent / "shared"
    kinds = sorted(open_store(path).info.kind for path in (shared / "stores").iterdir())
    assert kinds == ["filtered"] * 3  # of the clips, of those without noise, and of known movements
    assert [open_store(path).info.kind for path in (shared / "known").iterdir()] == ["truth"] * 2
    left = results["skeletons"]
    assert list(left) == list(config.arms)
    assert left["raw"]["gesture_peak"] == pytest.approx(0.5, abs=1e-6)
    assert (left["raw"]["clean_error"], left["raw"]["travel_error"], left["raw"]["flattens"]) == (0, 0, False)
    # 24 frames are no period of 0.5 Hz.
    assert left["oracle"]["gain"] == [None, 1, 1]
    assert "gesture_peak" not in left["oracle"]
    assert left["gaussian"]["gain"][2] < 0.8 * left["raw"]["gain"][2]
    assert left["gaussian"]["flattens"]
    [said] = results["flattening"]
    assert said in " ".join(printed.split())
    assert said in " ".join(re.sub("<[^>]*>", " ", (folder / "report.html").read_text()).split())

    def forbidden(*_, **__):
        raise AssertionError("a finished part is made again")

    monkeypatch.setattr("ablation.stage.make_stores", forbidden)
    assert ablate(config).results == results
    monkeypatch.undo()
    # Without its last step, only that is done again, and comes out the same; and so does another study of
    # these recognisers.
    page = (folder / "report.html").read_text()
    (folder / "report.html").unlink()
    monkeypatch.setattr("recognition.stage._train_and_test", forbidden)
    monkeypatch.setattr("ablation.arms.filtered.apply_filter", forbidden)
    assert ablate(config).results == results
    assert (folder / "report.html").read_text() == page
    fewer = configured(settings, run={"dir": tmp_path / "runs" / "fewer", "device": "cpu"}, arms=["raw", "oracle"])
    assert ablate(fewer).results["arms"]["oracle"] == results["arms"]["oracle"]


def test_a_study_of_many_conditions(settings):
    grid = {"pairings": ["both", "test", "train"], "ensembles": {"two": {"joint": 1, "bone": 1}}, "shares": [1, 0.5]}
    config = configured(settings, grid={**grid, "streams": ["joint"]}, arms=["raw", "oracle"])
    rows = ablate(config).results["conditions"]
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
    assert [row["severity"] for row in ablate(config).results["conditions"]] == [1, 1, 0, 0]
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


def test_a_corrupt_cell_is_told_in_one_line(settings):
    config = configured(settings, arms=["raw", "oracle"])
    ablate(config)
    folder = planned(config).trainings[0].folder
    for name, content in (("scores.npz", b"PK"), ("results.json", b"{}")):
        (config.run.dir / "report.html").unlink()
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{folder.name}/{name}: cannot .*delete"):
            ablate(config)
        assert (config.run.dir / "report.html").is_file()
        (folder / name).write_bytes(before)


@pytest.mark.parametrize("content", [b"", b"\xff", b"3", b"null", b"[" * 100_000])
def test_damaged_parts_of_a_study_are_told_or_made_anew(settings, content):
    config = configured(settings, arms=["raw", "gaussian"], seeds=[0])
    training = planned(config).trainings[0]
    training.folder.mkdir(parents=True)
    for name in ("results.json", "config.yaml"):
        (training.folder / name).write_bytes(content[:1000])
    with pytest.raises(InputError, match=r"results\.json: cannot be read .*delete its folder"):
        read_results(training.folder / "results.json")
    assert _begun_elsewhere(training), "it cannot go on"
    [kept] = (config.shared_folder / "filters").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(content)
    assert planned(config).trainings[-1].folder.name
    assert kept.read_bytes() == whole


def test_a_report_that_is_thrown_away_leaves_what_all_studies_share(settings):
    folder = settings["run"]["dir"]
    config = configured(settings, shared=folder / "shared")
    run = open_run(config)
    kept = RunSection(dir=folder / "shared" / "cells" / "a")
    recogniser = config.recognizer("joint").model_copy(update={"run": kept})
    open_run(recogniser).finish({"top1": 1})
    for name in ("shared/filters/a.json", "report.html", "tables/arms.csv", "figures/gain.svg"):
        run.write_json(name, {})
    for name in ("figures/mine.png", "tables/mine.csv"):
        (folder / name).write_text("dear")
    shared = {path: path.read_bytes() for path in (folder / "shared").rglob("*") if path.is_file()}
    assert len(shared) == 5
    run.finish({})
    assert not open_run(config, again=True).finished
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {path: path.read_bytes() for path in shared} == shared
    assert left == {
        *(path.relative_to(folder).as_posix() for path in shared),
        *("run.json", "versions.json", "config.yaml", "figures/mine.png", "tables/mine.csv"),
    }


def test_folds_are_one_condition_over_all_clips(settings):
    config = configured(settings, arms=["raw", "oracle"], seeds=[0], data={**settings["data"], "split": {"folds": 2}})
    trainings = planned(config).trainings
    assert len(trainings) == 2 * 2
    assert {training.config.data.split for training in trainings} == {"fold 1/2", "fold 2/2"}
    found = ablate(config)
    rows = list(csv.DictReader((config.run.dir / "cells.csv").open()))
    assert {row["split"] for row in rows} == {"folds 2"}
    scores = [np.load(training.scores()) for training in trainings if training.title.startswith("raw")]
    right = np.concatenate([one["score"].argmax(1) == one["label"] for one in scores])
    assert len(right) == 18  # every clip, once
    assert found.results["arms"]["raw"]["top1"] == pytest.approx([100 * right.mean()])
