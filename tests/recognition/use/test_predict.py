import csv
import json
import re
import shutil
import zipfile

import numpy as np
import pytest
import torch

from base.errors import InputError
from data.formats.exporting import ExportOptions, export_store
from data.ntu.actors import choose_actors
from data.ntu.names import ClipName, parse_name
from data.ntu.text import Body, Skeleton, read_skeleton, write_skeleton
from data.skeletons.store import StoreInfo, StoreWriter, Track
from recognition.config import RecognizeConfig
from recognition.stage import recognize
from recognition.terminal import print_predictions
from recognition.use.predict import action_names, predict, predict_clips
from recognition.use.recognizer import load_ensemble, load_recognizer
from training.checkpoints import load_checkpoint, save_checkpoint

SETTINGS = {
    "input": {"frames": 12},
    "model": {"width": 6, "blocks": 3, "temporal_kernel": 3},
    "train": {"epochs": 6, "batch": 6, "lr": 0.05, "warmup": 1},
}


@pytest.fixture(scope="module")
def run(make_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recognize") / "run"
    store = make_store(replications=6, second_actor=True)
    data = {"store": store.folder, "validation": 0.3}
    sections = {"run": {"dir": folder, "device": "cpu"}, "data": data, **SETTINGS, "test": {"clips": 2}}
    recognize(RecognizeConfig.model_validate(sections))
    return store, folder


@pytest.fixture(scope="module")
def streams(run, tmp_path_factory):
    store, _ = run
    folder = tmp_path_factory.mktemp("recognize") / "streams"
    weights = {"two": {"joint": 1, "bone": 3}}
    sections = {
        "run": {"dir": folder, "device": "cpu"},
        "data": {"store": store.folder, "validation": 0.3},
        **SETTINGS,
        "streams": ["joint", "bone"],
        "ensemble": {"weights": weights},
    }
    recognize(RecognizeConfig.model_validate(sections))
    return folder


def as_text(store, row):
    """One clip of a store as the text of a .skeleton file."""
    bodies = []
    for track in np.flatnonzero(store.tracks.clip == row):
        rows = slice(store.tracks.first_row[track], store.tracks.first_row[track] + store.tracks.length[track])
        frames = store.tracks.first_frame[track] + np.arange(store.tracks.length[track])
        bodies.append(Body(72057594037927936 + int(track), frames, store.joints[rows], store.tracked[rows]))
    return write_skeleton_text(bodies, int(store.clips.frames[row]))


def write_skeleton_text(bodies, frames):
    return write_skeleton(Skeleton(frames, tuple(bodies)))


def test_gives_the_scores_of_the_run_itself(run):
    store, folder = run
    saved = np.load(folder / "scores.npz")
    rows = np.array([store.clips.name.tolist().index(name) for name in saved["clip"].tolist()])
    found = predict(load_ensemble(folder), store, rows)
    np.testing.assert_allclose(found, saved["score"], atol=1e-5)


def test_an_ensemble_is_the_one_that_the_results_name(streams, run):
    store, _ = run
    saved = np.load(streams / "scores.npz")
    rows = np.array([store.clips.name.tolist().index(name) for name in saved["clip"].tolist()])
    recognizers = load_ensemble(streams)
    assert [weight for weight, _ in recognizers] == [1, 3]
    found = predict(recognizers, store, rows)
    np.testing.assert_array_equal(found.argmax(1), saved["score"].argmax(1))
    assert found.sum(1) == pytest.approx(np.ones(len(rows)), abs=1e-5)


@pytest.mark.parametrize("kind", ["file", "folder", "zip"])
def test_files_of_any_name_are_predicted_as_their_clips_are(run, tmp_path, kind):
    store, folder = run
    rows = [0, 7]
    texts = {f"my clip {row}.skeleton": as_text(store, row) for row in rows}
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "clips.zip", "w") as packed:
            for name, text in texts.items():
                packed.writestr(name, text)
        paths = [tmp_path / "clips.zip"]
    else:
        (tmp_path / "clips").mkdir()
        for name, text in texts.items():
            (tmp_path / "clips" / name).write_bytes(text)
        paths = [tmp_path / "clips"] if kind == "folder" else sorted((tmp_path / "clips").iterdir())
    found = predict_clips(paths, [folder], output=tmp_path / "out.csv", device="cpu")
    assert [one.clip for one in found] == ["my clip 0", "my clip 7"]
    # the actors of a file are chosen anew, and the more mobile one comes first
    with StoreWriter(tmp_path / "store", StoreInfo()) as writer:
        for row, text in zip(rows, texts.values(), strict=True):
            frames, tracks = choose_actors(read_skeleton(text, "text"))
            writer.add(parse_name(str(store.clips.name[row])), frames, tracks)
    again = predict_clips([tmp_path / "store"], [folder], output=tmp_path / "out.csv", device="cpu")
    np.testing.assert_allclose([one.probabilities for one in again], [one.probabilities for one in found], atol=1e-5)


def test_saves_the_likeliest_actions_as_csv_or_json(run, tmp_path, capsys):
    store, folder = run
    found = predict_clips([store.folder], [folder], output=tmp_path / "out.csv", device="cpu")
    assert capsys.readouterr().out == ""
    print_predictions(found, tmp_path / "out.csv")
    assert store.clips.name[0] in capsys.readouterr().out
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert len(rows) == 2 * len(store.clips) == 2 * len(found)
    assert rows[0].keys() == {"clip", "rank", "action", "name", "probability"}
    assert float(rows[0]["probability"]) >= float(rows[1]["probability"])
    predict_clips([store.folder], [folder], output=tmp_path / "out.json", device="cpu", names="ntu")
    named = json.loads((tmp_path / "out.json").read_text())
    assert {row["name"] for row in named} == {"drink water", "hand waving"}
    assert [row["action"] for row in named] == [int(row["action"]) for row in rows]


def test_names_are_guessed_for_all_sixty_actions_only(tmp_path):
    assert action_names(np.arange(1, 61), None)[23] == "hand waving"
    assert action_names(np.arange(1, 28), None)[23] == "A023"
    (tmp_path / "names.yaml").write_text("- swipe\n- wave\n")
    assert action_names(np.array([2]), str(tmp_path / "names.yaml")) == {2: "wave"}
    with pytest.raises(InputError, match="has 2 names, none of them for A003"):
        action_names(np.array([3]), str(tmp_path / "names.yaml"))
    (tmp_path / "names.yaml").write_text("a: [")
    with pytest.raises(InputError, match="not valid YAML"):
        action_names(np.array([2]), str(tmp_path / "names.yaml"))


def test_clips_of_a_store_whose_joints_are_nowhere_are_named(run, tmp_path, capsys):
    store, folder = run
    shutil.copytree(store.folder, tmp_path / "store")
    joints = np.load(tmp_path / "store" / "joints.npy", mmap_mode="r+")
    joints[: store.tracks.length[store.tracks.clip == 0].sum()] = np.nan
    joints.flush()
    with pytest.raises(InputError, match=f"clip {store.clips.name[0]} shows nobody"):
        predict_clips([tmp_path / "store"], [folder], output=tmp_path / "out.csv", device="cpu")
    found = predict_clips([tmp_path / "store"], [folder], output=tmp_path / "out.csv", device="cpu", on_error="skip")
    assert [one.clip for one in found] == store.clips.name[1:].tolist()
    assert f"clip {store.clips.name[0]} shows nobody" in capsys.readouterr().err


def test_names_with_markup_and_formulas_are_text(run, tmp_path, capsys):
    store, folder = run
    names = ["=1+1", "[/b]"] * 12
    (tmp_path / "names.yaml").write_text("".join(f"- '{name}'\n" for name in names))
    found = predict_clips(
        [store.folder], [folder], output=tmp_path / "out.csv", device="cpu", names=str(tmp_path / "names.yaml")
    )
    print_predictions(found, tmp_path / "out.csv")
    assert "=1+1" in capsys.readouterr().out
    assert {row["name"] for row in csv.DictReader((tmp_path / "out.csv").open())} == {"'=1+1"}


def test_three_classes_need_three_names(tmp_path):
    """Actions A103, A122 and A127, named in their order, by number, or by a list of all 127."""
    actions, path = np.array([103, 122, 127]), tmp_path / "names.yaml"
    expected = {103: "yawn", 122: "wave", 127: "squat"}
    everything = [f"- action {number}" for number in range(1, 128)]
    for number, name in expected.items():
        everything[number - 1] = f"- {name}"
    for text in (
        "- yawn\n- wave\n- squat\n",
        "103: yawn\n122: wave\n127: squat\n9: more than the model has\n",
        "A103: yawn\nA122: wave\n'127': squat\n",
        "\n".join(everything),
    ):
        path.write_text(text)
        assert action_names(actions, str(path)) == expected
    for text, message in (
        ("- yawn\n- wave\n", r"has 2 names, none of them for A103; the model has 3 actions \(A103, A122, A127\)"),
        ("103: yawn\n127: squat\n", r"has 2 names, none of them for A122; .* such as `122: name`"),
        ("yawn: 103\n", "is no list of names"),
        ("one: yawn\n", "names 'one', which is no action; expected 103 or A103"),
        ("true: yawn\n", "names True, which is no action"),
        ("yawn, wave, squat\n", "is no list of names"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=message) as caught:
            action_names(actions, str(path))
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="--names ntu: names A001 to A060, and the model tells A103 apart"):
        action_names(actions, "ntu")


def test_what_predict_does_not_read_is_told_without_other_commands_keys(run, tmp_path):
    store, folder = run

    def refused(path, message, **options):
        with pytest.raises(InputError, match=message) as caught:
            predict_clips([path], [folder], output=tmp_path / "out.csv", **{"device": "cpu", **options})
        said = str(caught.value)
        assert "\n" not in said
        assert not re.search(r"\b(data|run|input|train)\.(?!py)[a-z_]+", said.replace(str(tmp_path), ""))
        assert not (tmp_path / "out.csv").exists()

    export_store(store.folder, tmp_path / "x.pkl", ExportOptions("pyskl"))
    np.savez(tmp_path / "x.npz", x=np.ones(3))
    (tmp_path / "notes.txt").write_text("3 clips\n")
    for name in ("x.pkl", "x.npz", "notes.txt"):
        refused(tmp_path / name, r"is no .skeleton file, .* or clip stores \(`python run.py import` makes one of other")
    (tmp_path / "empty").mkdir()
    refused(
        tmp_path / "empty", "found no .skeleton file; give .skeleton files, folders or zips of them, or clip stores"
    )
    refused(tmp_path / "absent", "no such file or folder; give .skeleton files")
    (tmp_path / "cut.skeleton").write_bytes(as_text(store, 0)[:900])
    refused(tmp_path / "cut.skeleton", "restore the file from the data set, or leave it out; go on .* --on-error skip")
    text = as_text(store, 0).split(b"\r\n")
    in_mm = [
        b" ".join([*(b"%.3f" % (1000 * float(word)) for word in line.split()[:3]), *line.split()[3:]])
        if len(line.split()) == 12
        else line
        for line in text
    ]
    (tmp_path / "mm.skeleton").write_bytes(b"\r\n".join(in_mm))
    refused(tmp_path / "mm.skeleton", r"they look like millimetres\); write the positions in metres")
    if not torch.cuda.is_available():
        refused(store.folder, "--device: found 'cuda', but this machine has no usable CUDA device", device="cuda")


def test_clips_that_cannot_be_used_stop_it_or_are_named(run, tmp_path, capsys):
    store, folder = run
    (tmp_path / "bad.skeleton").write_bytes(as_text(store, 0)[:1000])
    (tmp_path / "empty.skeleton").write_bytes(b"2\n0\n0\n")
    (tmp_path / "one.skeleton").write_bytes(as_text(store, 0))
    with pytest.raises(InputError, match=r"bad.skeleton: line"):
        predict_clips([tmp_path], [folder], output=tmp_path / "out.csv", device="cpu")
    assert not (tmp_path / "out.csv").exists()
    found = predict_clips([tmp_path], [folder], output=tmp_path / "out.csv", device="cpu", on_error="skip")
    assert [one.clip for one in found] == ["one"]
    said = capsys.readouterr().err
    assert "empty.skeleton: nobody is seen" in said
    assert "bad.skeleton: line" in said


def test_a_clip_of_one_frame_is_predicted(run, tmp_path):
    store, folder = run
    body = Body(1, np.array([0]), np.asarray(store.joints[:1]), np.full((1, 25), 2, np.uint8))
    (tmp_path / "still.skeleton").write_bytes(write_skeleton_text([body], 1))
    found = predict_clips([tmp_path / "still.skeleton"], [folder], output=tmp_path / "out.csv", device="cpu")
    assert sum(found[0].probabilities) == pytest.approx(1, abs=1e-5)


def test_models_that_cannot_be_used(run, tmp_path):
    store, folder = run

    def refused(model, message, clips=store.folder):
        with pytest.raises(InputError, match=message):
            predict_clips([clips], [model], output=tmp_path / "out.csv", device="cpu")

    refused(tmp_path, "no trained recogniser")
    refused(tmp_path / "none.pt", "cannot be read")
    content = load_checkpoint(folder / "checkpoints" / "best.pt")
    save_checkpoint(tmp_path / "other.pt", {"state_dict": {}, "window": 32})
    refused(tmp_path / "other.pt", "not a recogniser's checkpoint")
    save_checkpoint(tmp_path / "more.pt", {**content, "actions": [1, 2, 3]})
    refused(tmp_path / "more.pt", "do not fit the network of 3 actions")
    save_checkpoint(tmp_path / "odd.pt", {**content, "layout": "ntu24"})
    refused(tmp_path / "odd.pt", "damaged checkpoint")
    with StoreWriter(tmp_path / "flat", StoreInfo(layout="coco17", image=(1920, 1080))) as writer:
        joints = np.ones((5, 17, 2), np.float32)
        writer.add(ClipName(1, 1, 1, 1, 1), 5, [Track(0, 0, joints, np.full((5, 17), 2, np.uint8))])
    refused(folder, "has skeletons of coco17, and .* is for ntu25", tmp_path / "flat")
    save_checkpoint(tmp_path / "order.pt", {**content, "actions": [23, 1]})
    with pytest.raises(InputError, match="give recognisers of the same actions"):
        predict_clips([store.folder], [folder, tmp_path / "order.pt"], output=tmp_path / "out.csv", device="cpu")
    assert not (tmp_path / "out.csv").exists()


def test_a_loaded_recogniser_computes_what_was_trained(run):
    _, folder = run
    recognizer = load_recognizer(folder)
    kept = torch.load(folder / "checkpoints" / "best.pt", weights_only=True)["state_dict"]
    assert all(torch.equal(value, kept[name]) for name, value in recognizer.net.state_dict().items())
    assert (recognizer.samplings, recognizer.actions.tolist()) == (2, [1, 23])
    assert not recognizer.net.training
