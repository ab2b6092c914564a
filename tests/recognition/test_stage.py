import json
import shutil

import numpy as np
import pytest
import torch

import run as command
from base.errors import InputError
from recognition import train as training
from recognition.config import RecognizeConfig
from recognition.stage import recognize

SETTINGS = {
    "input": {"frames": 12},
    "model": {"width": 6, "blocks": 3, "temporal_kernel": 3},
    "train": {"epochs": 8, "batch": 6, "lr": 0.05, "warmup": 1},
}


def config(store, folder, **changes):
    sections = {"run": {"dir": folder, "device": "cpu"}, "data": {"store": store.folder, "validation": 0.3}, **SETTINGS}
    for key, value in changes.items():
        sections[key] = {**sections.get(key, {}), **value}
    return RecognizeConfig.model_validate(sections)


def weights(folder):
    return torch.load(folder / "checkpoints" / "last.pt")["state_dict"]


@pytest.fixture(scope="module")
def run(make_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recognize") / "run"
    store = make_store(replications=9, second_actor=True)
    return store, folder, recognize(config(store, folder))


def test_learns_and_keeps_the_contract(run):
    store, folder, results = run
    assert set(results) == {
        "split", "classes", "train_clips", "test_clips", "top1", "top5", "mean_class_accuracy", "seconds",
        "intervals", "test_subjects", "intervals_over_subjects",
    }  # fmt: skip
    assert results["intervals"]["top1"][0] < results["top1"] <= results["intervals"]["top1"][1]
    assert results["test_subjects"] == 2
    assert results["intervals_over_subjects"]["top1"][0] < results["intervals"]["top1"][0]
    assert json.loads((folder / "results.json").read_text()) == results
    assert (results["split"], results["classes"], results["train_clips"], results["test_clips"]) == ("xsub", 2, 36, 36)
    assert results["top1"] >= 90
    scores = np.load(folder / "scores.npz")
    assert list(scores["clip"]) == sorted(store.clips.name[np.isin(store.clips.performer, (3, 6))])
    assert scores["label"].dtype == np.int64
    assert (scores["score"].dtype, scores["score"].shape) == (np.float32, (36, 2))
    assert scores["score"].sum(1) == pytest.approx(np.ones(36), abs=1e-5)
    assert scores["action"].tolist() == [1, 23]
    assert 100 * np.mean(scores["score"].argmax(1) == scores["label"]) == pytest.approx(results["top1"])
    assert (folder / "confusion.csv").read_text().startswith("true,A001,A023\n")
    assert len(json.loads((folder / "history.json").read_text())["epochs"]) == 8
    best = torch.load(folder / "checkpoints" / "best.pt", weights_only=True)
    assert best["actions"] == [1, 23]


def test_finished_run_is_not_run_again(run, monkeypatch, capsys):
    store, folder, results = run
    monkeypatch.setattr("recognition.stage.train", None)
    assert recognize(config(store, folder)) == results
    assert capsys.readouterr().out == ""


def test_the_command_prints_what_an_earlier_run_has_left(run, monkeypatch, capsys):
    _, folder, results = run
    monkeypatch.setattr("recognition.stage.train", None)
    monkeypatch.setattr("sys.argv", ["run.py", "recognize", str(folder / "config.yaml")])
    assert command.main() == 0
    told = capsys.readouterr().out.splitlines()
    assert f"{results['top1']:.2f}" in "".join(told)
    assert f"trained recogniser: {folder}/checkpoints/best.pt" in told
    assert told[-1] == f"{folder}: already finished, nothing was run; pass --again to run it again"


def test_same_seed_same_run_other_seed_other_run(run, tmp_path):
    store, folder, results = run
    again = recognize(config(store, tmp_path / "same"))
    assert {**again, "seconds": 0} == {**results, "seconds": 0}
    for name, tensor in weights(folder).items():
        assert torch.equal(tensor, weights(tmp_path / "same")[name]), name
    best = ("checkpoints", "best.pt")
    assert folder.joinpath(*best).read_bytes() == (tmp_path / "same").joinpath(*best).read_bytes()
    recognize(config(store, tmp_path / "other", run={"seed": 1}))
    assert not torch.equal(weights(folder)["classifier.weight"], weights(tmp_path / "other")["classifier.weight"])


@pytest.mark.parametrize(("width", "expected"), [(291, 1), (292, 2)])
def test_a_small_network_is_trained_by_one_thread_whatever_the_machine(run, tmp_path, monkeypatch, width, expected):
    """Of 6 x 12 x 25 joints: from 292 channels on they are 2**19 values."""
    before, found = torch.get_num_threads(), []

    def train(*_):
        found.append(torch.get_num_threads())
        raise InputError("seen")

    monkeypatch.setattr("recognition.stage.train", train)
    torch.set_num_threads(2)
    try:
        with pytest.raises(InputError, match="seen"):
            recognize(config(run[0], tmp_path / "run", model={"width": width}))
    finally:
        torch.set_num_threads(before)
    assert found == [expected]


def test_interrupted_run_resumes_bit_for_bit(run, tmp_path, monkeypatch):
    store, folder, results = run
    original, calls = training.score, []

    def interrupt(*args, **settings):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*args, **settings)

    monkeypatch.setattr(training, "score", interrupt)
    with pytest.raises(KeyboardInterrupt):
        recognize(config(store, tmp_path / "run"))
    assert not (tmp_path / "run" / "results.json").exists()
    monkeypatch.setattr(training, "score", original)
    resumed = recognize(config(store, tmp_path / "run"))
    assert {**resumed, "seconds": 0} == {**results, "seconds": 0}
    for name, tensor in weights(folder).items():
        assert torch.equal(tensor, weights(tmp_path / "run")[name]), name


def test_without_validation_the_last_epoch_is_kept(make_store, tmp_path):
    store = make_store()
    changes = {"data": {"validation": 0}, "train": {"epochs": 2, "precision": "bf16"}, "test": {"clips": 2}}
    results = recognize(config(store, tmp_path / "run", **changes))
    assert results["train_clips"] == 18
    assert json.loads((tmp_path / "run" / "history.json").read_text())["best_epoch"] == 2
    best, last = (
        torch.load(tmp_path / "run" / "checkpoints" / f"{name}.pt")["state_dict"] for name in ("best", "last")
    )
    assert all(torch.equal(best[name], last[name]) for name in last)


def test_mistakes_leave_no_run_behind_and_earlier_ones_alone(run, make_store, tmp_path):
    store, folder, results = run
    missing = config(store, tmp_path / "run", data={"store": tmp_path / "nowhere"})
    with pytest.raises(InputError, match="nowhere"):
        recognize(missing)
    assert not (tmp_path / "run").exists()
    kept = shutil.copytree(folder, tmp_path / "kept")
    with pytest.raises(InputError, match="is for test"):
        recognize(config(make_store(performers=(1, 2)), kept), again=True)
    assert json.loads((kept / "results.json").read_text()) == results
    with pytest.raises(InputError, match="another configuration"):
        recognize(config(store, kept, train={"epochs": 9}))
