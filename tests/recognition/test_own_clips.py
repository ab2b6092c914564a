"""Clips of one's own: the same recogniser as by NTU RGB+D's names, folds, and names that travel along."""

import csv
import json
import pickle

import numpy as np
import pytest
import torch

from base.errors import InputError
from data.formats.exporting import ExportOptions, export_store
from data.formats.importing import ImportOptions, import_store
from data.skeletons.store import open_store
from recognition.stage import recognize
from recognition.use.predict import predict_clips
from tests.recognition.test_stage import config

ACTIONS = {1: "drink", 23: "wave"}
SUBJECTS = ("Ann", "Bo", "Cy", "Di", "Ed", "Flo")


@pytest.fixture(scope="module")
def stores(make_store, tmp_path_factory):
    """A store, and the same clips under names of their own, with labels from a table."""
    store, folder = make_store(replications=4), tmp_path_factory.mktemp("own")
    export_store(store.folder, folder / "skeletons", ExportOptions("skeleton"))
    import_store(folder / "skeletons", folder / "plain", ImportOptions())
    plain = open_store(folder / "plain")
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["clip", "action", "subject", "split"])
        for name, performer, action in zip(plain.clips.name, plain.clips.performer, plain.clips.action, strict=True):
            part = "test" if performer in (3, 6) else "train"
            table.writerow([name, ACTIONS[action], SUBJECTS[performer - 1], part])
    import_store(folder / "skeletons", folder / "own", ImportOptions(labels=folder / "labels.csv"))
    return plain, open_store(folder / "own")


def test_labels_of_ones_own_give_the_same_to_the_digit(stores, tmp_path):
    plain, own = stores
    assert own.labels.actions == ("drink", "wave")
    short = {"train": {"epochs": 2}}
    by_rule = recognize(config(plain, tmp_path / "rule", **short))
    by_split = recognize(config(own, tmp_path / "own", data={"split": "split"}, **short))
    by_subject = recognize(
        config(own, tmp_path / "who", data={"split": {"subjects": {"test": ["Cy", "Flo"]}}}, **short)
    )
    assert by_rule["top1"] == by_split["top1"] == by_subject["top1"]
    scores = [np.load(tmp_path / name / "scores.npz")["score"] for name in ("rule", "own", "who")]
    np.testing.assert_array_equal(scores[0], scores[1])
    np.testing.assert_array_equal(scores[0], scores[2])
    best = torch.load(tmp_path / "own/checkpoints/best.pt", weights_only=True)
    assert best["names"] == ["drink", "wave"]
    assert (tmp_path / "own/confusion.csv").read_text().startswith("true,drink,wave\n")
    found = predict_clips([own.folder], [tmp_path / "own"], output=tmp_path / "p.json")
    assert {one.clip for one in found} == set(own.labels.clips.values())
    assert set(found[0].names) == {"drink", "wave"}


def test_folds_are_trained_apart_and_counted_together(stores, tmp_path):
    plain, _ = stores
    short = {"train": {"epochs": 1, "batch": 4}, "data": {"split": {"folds": 2}, "validation": 0}}
    results = recognize(config(plain, tmp_path / "run", **short))
    assert list(results["folds"]) == ["fold_1", "fold_2"]
    assert results["test_clips"] == len(plain.clips)
    scores = np.load(tmp_path / "run/scores.npz")
    assert scores["clip"].tolist() == sorted(plain.clips.name.tolist())
    right = 100 * np.mean(scores["score"].argmax(1) == scores["label"])
    assert results["top1"] == pytest.approx(right)
    parts = [(fold["top1"], fold["test_clips"]) for fold in results["folds"].values()]
    assert right == pytest.approx(sum(top1 * count for top1, count in parts) / len(plain.clips))
    assert json.loads((tmp_path / "run/results.json").read_text()) == results
    assert recognize(config(plain, tmp_path / "run", **short)) == results  # finished


def test_joints_of_ones_own_are_trained_on_and_predicted_from(stores, tmp_path):
    plain, own = stores
    kept = [*range(20)]
    names = {plain.layout.joints[joint]: joint for joint in kept}
    bones = [[a, b] for a, b in plain.layout.bones if a in kept and b in kept]
    bones += [["neck", "middle of spine"], ["left shoulder", "neck"], ["right shoulder", "neck"]]
    bones = [bone for bone in bones if bone != [1, 20]]
    layout = {"joints": list(names), "bones": [*bones, [1, 0]], "centre": 0, "dims": 3}
    layout["bones"] = [bone for bone in layout["bones"] if bone != [0, 1]]
    (tmp_path / "twenty.yaml").write_text(json.dumps(layout))
    items = []
    for row, name in enumerate(own.clips.name.tolist()):
        (track,) = own.tracks_of(row)
        items.append(
            {
                "frame_dir": own.title(name), "label": int(own.clips.action[row]) - 1,
                "keypoint": own.joints[own.rows_of(track)][None][:, :, kept],
                "total_frames": int(own.clips.frames[row]),
            }
        )  # fmt: skip
    for item in items:
        item["frame_dir"] = f"clip {item['frame_dir']}"
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"split": {}, "annotations": items}))
    import_store(tmp_path / "a.pkl", tmp_path / "store", ImportOptions(layout=str(tmp_path / "twenty.yaml")))
    read = open_store(tmp_path / "store")
    assert (read.layout.joints, read.layout.name) == (tuple(names), "twenty")
    data = {"split": {"folds": 2}, "validation": 0}
    results = recognize(config(read, tmp_path / "run", train={"epochs": 1, "batch": 4}, data=data))
    assert results["test_clips"] == len(items)
    found = predict_clips([read.folder], [tmp_path / "run/fold_1"], output=tmp_path / "p.json")
    assert len(found) == len(items)
    with pytest.raises(InputError, match="ntu25"):
        predict_clips([plain.folder], [tmp_path / "run/fold_1"], output=tmp_path / "q.json")
