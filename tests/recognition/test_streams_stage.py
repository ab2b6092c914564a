"""Several streams, their ensembles, and ensembles of earlier runs."""

import json

import numpy as np
import pytest
import yaml

from base.errors import InputError
from recognition.config import RecognizeConfig
from recognition.stage import recognize

CONTRACT = {
    "split",
    "classes",
    "train_clips",
    "test_clips",
    "top1",
    "top5",
    "mean_class_accuracy",
    "seconds",
    "intervals",
    "test_subjects",
    "intervals_over_subjects",
}


def config(store, folder, **sections):
    return RecognizeConfig.model_validate(
        {
            "run": {"dir": folder, "device": "cpu"},
            "data": {"store": store.folder, "validation": 0.3},
            "input": {"frames": 8},
            "model": {"width": 4, "blocks": 3, "temporal_kernel": 3},
            "train": {"epochs": 2, "batch": 6, "lr": 0.05, "warmup": 0},
            **sections,
        }
    )


TWO = {"streams": ["joint", "bone_motion"], "ensemble": {"weights": {"both": {"joint": 2, "bone_motion": 1}}}}


@pytest.fixture(scope="module")
def run(make_store, tmp_path_factory):
    folder, store = tmp_path_factory.mktemp("streams") / "run", make_store()
    return store, folder, recognize(config(store, folder, **TWO))


def test_streams_and_their_sum(run):
    _, folder, results = run
    assert set(results) == CONTRACT | {"streams", "ensembles"}
    assert json.loads((folder / "results.json").read_text()) == results
    joint, motion = (np.load(folder / name / "scores.npz") for name in TWO["streams"])
    both, top = np.load(folder / "ensembles/both/scores.npz"), np.load(folder / "scores.npz")
    np.testing.assert_allclose(both["score"], (2 * joint["score"] + motion["score"]) / 3, rtol=1e-5)
    for name in ("clip", "label", "score", "action"):
        np.testing.assert_array_equal(top[name], both[name])
    assert results["top1"] == results["ensembles"]["both"]["top1"]
    assert results["top1"] == pytest.approx(100 * np.mean(both["score"].argmax(1) == both["label"]))
    for stream in TWO["streams"]:
        assert json.loads((folder / stream / "results.json").read_text()) == results["streams"][stream]
        assert set(results["streams"][stream]) == CONTRACT
        assert yaml.safe_load((folder / stream / "config.yaml").read_text())["input"]["stream"] == stream


def test_an_interrupted_run_uses_the_streams_that_are_finished(run, monkeypatch):
    store, folder, results = run
    (folder / "results.json").unlink()
    monkeypatch.setattr("recognition.stage.train", None)
    assert recognize(config(store, folder, **TWO)) == results


def test_a_stream_among_several_is_that_stream_alone(run, tmp_path):
    store, _, results = run
    alone = recognize(config(store, tmp_path / "run", streams=["bone_motion"]))
    assert set(alone) == CONTRACT
    assert (tmp_path / "run/checkpoints/best.pt").is_file()
    assert {**alone, "seconds": 0} == {**results["streams"]["bone_motion"], "seconds": 0}


def test_scores_of_earlier_runs_are_added_without_training(run, tmp_path, monkeypatch):
    store, folder, results = run
    monkeypatch.setattr("recognition.stage.train", None)
    runs = {"a": folder / "joint", "b": folder / "bone_motion"}
    found = recognize(
        config(store, tmp_path / "run", streams=[], ensemble={"runs": runs, "weights": {"x": {"a": 2, "b": 1}}})
    )
    assert found["ensembles"]["x"] == results["ensembles"]["both"]
    assert (found["streams"], found["top1"]) == ({}, results["top1"])


def test_earlier_runs_of_other_clips_are_refused_before_anything_is_trained(run, make_store, tmp_path):
    _, folder, _ = run
    other = make_store(replications=4)
    for runs, message in ((folder, "not scored on the same clips"), (tmp_path / "none", "cannot read the scores")):
        sections = {"ensemble": {"runs": {"a": runs}, "weights": {"x": {"a": 1, "joint": 1}}}}
        with pytest.raises(InputError, match=message):
            recognize(config(other, tmp_path / "run", **sections))
        assert not (tmp_path / "run").exists()
