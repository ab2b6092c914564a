"""From files of a pose estimator to a study's results, raw against a filter."""

import json
import sys

import numpy as np
import pytest

import run
from ablation.stage import ablate
from data.formats.importing import ImportOptions, import_store
from data.skeletons.store import open_store
from recognition.use.predict import predict_clips
from refine.of_tracks import refiner_of_tracks
from tests.ablation.small_study import configured, write_benchmark
from tests.data.formats.test_recordings import BODY, write_openpose

SMALL = {
    "input": {"frames": 12},
    "model": {"width": 6, "blocks": 3, "temporal_kernel": 3},
    "train": {"epochs": 1, "batch": 4, "lr": 0.05, "warmup": 0},
}


def write_clips(folder, rng, each=4):
    """Arms go up and down in one class, and the whole body from side to side in the other, with jitter."""
    arms = np.isin(np.arange(25), (3, 4, 6, 7))[None, :, None]
    swing = np.sin(np.arange(12) / 3)[:, None, None]
    for name, moves in (("wave", arms * [0, 60.0]), ("sway", [60.0, 0])):
        for number in range(each):
            place = rng.uniform(200, 400, 2)
            poses = BODY + place + swing * moves + rng.normal(0, 2, (12, 25, 2))
            write_openpose(folder / name / f"{number}", poses[None].round(3))
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    write_clips(folder / "clips", np.random.default_rng(4))
    names = sorted(path.relative_to(folder / "clips").as_posix() for path in (folder / "clips").glob("*/*"))
    lines = [f"{name},{name.partition('/')[0]},{'train' if int(name[-1]) < 3 else 'test'}" for name in names]
    (folder / "labels.csv").write_text("\n".join(["clip,action,split", *lines]))
    import_store(
        folder / "clips", folder / "store", ImportOptions(fps=25, labels=folder / "labels.csv", layout="body25")
    )
    benchmark = write_benchmark(folder / "poses")  # what the filter is tuned on
    config = configured(
        {
            "run": {"dir": folder / "study", "device": "cpu"},
            "data": {"store": folder / "store", "split": "split", "validation": 0},
            "arms": ["raw", "gaussian"],
            "seeds": [0],
            "refine": {"benchmarks": {"root": benchmark}, "train": {"on": ["ntusim_kinect_3D"]}},
            "recognize": SMALL,
            "statistics": {"resamples": 200},
        }
    )
    return folder, ablate(config).results


def test_a_study_of_own_recordings(study):
    folder, results = study
    store = open_store(folder / "store")
    assert set(results["arms"]) == {"raw", "gaussian"}
    assert "over 2 test clips" in results["answer"][0]
    jerky = [
        np.linalg.norm(np.diff(store.joints[store.rows_of(row)].astype(float), 2, axis=0), axis=-1).mean()
        for row, name in enumerate(store.clips.name)
        if store.title(str(name)).endswith("3")
    ]
    assert results["skeletons"]["raw"]["acceleration"] == pytest.approx(np.mean(jerky), rel=1e-5)
    assert results["skeletons"]["gaussian"]["acceleration"] < 0.5 * np.mean(jerky)
    page = (folder / "study/report.html").read_text()
    assert "sway" in page


def test_the_files_themselves_are_predicted_as_their_clips_of_the_store(study, capsys):
    folder, _ = study
    best = min(folder.rglob("best.pt"))
    of_store = {one.clip: one for one in predict_clips([folder / "store"], [best], output=folder / "a.json")}
    assert not capsys.readouterr().err
    of_files = predict_clips([folder / "clips"], [best], output=folder / "b.json")
    assert capsys.readouterr().err.count("does not say how many frames a second it has; taken for 25, as the") == 1
    assert {one.clip for one in of_files} == set(of_store)
    for one in of_files:
        np.testing.assert_allclose(one.probabilities, of_store[one.clip].probabilities, atol=1e-5)


def test_the_command_refines_first_and_says_which_name_is_none(study, tmp_path, monkeypatch, capsys):
    folder, _ = study
    best, clip = min(folder.rglob("best.pt")), folder / "clips/wave/0"
    words = ["run.py", "predict", str(clip), "-m", str(best), "--output", str(tmp_path / "a.json"), "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", [*words, "--fps", "25", "--refine", "gaussian"])
    assert run.main() == 0
    rows = json.loads((tmp_path / "a.json").read_text())
    assert {(row["clip"], row["name"]) for row in rows} == {("0", "wave"), ("0", "sway")}
    refine = refiner_of_tracks("gaussian")
    [again] = predict_clips([clip], [best], output=tmp_path / "b.json", fps=25, refine=refine)
    assert [row["probability"] for row in rows] == pytest.approx(again.probabilities, abs=1e-6)
    [plain] = predict_clips([clip], [best], output=tmp_path / "b.json", fps=25)
    assert plain.probabilities != again.probabilities
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", [*words, "--refine", "nobody"])
    assert run.main() == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "--refine: nobody: no such file, and no shipped refiner is called so" in said
