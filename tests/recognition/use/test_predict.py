import csv
import json

import numpy as np
import pytest

from base.errors import InputError
from recognition.terminal import print_predictions
from recognition.use.predict import action_names, predict, predict_clips
from recognition.use.recognizer import load_ensemble


def test_gives_the_scores_of_the_run_itself(run):
    store, folder = run
    saved = np.load(folder / "scores.npz")
    rows = np.array([store.clips.name.tolist().index(name) for name in saved["clip"].tolist()])
    found = predict(load_ensemble(folder), store, rows)
    np.testing.assert_allclose(found, saved["score"], atol=1e-5)


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


def test_names_are_guessed_for_whole_data_sets_only(tmp_path):
    assert action_names(np.arange(1, 61), None)[23] == "hand waving"
    assert action_names(np.arange(1, 121), None)[103] == "yawn"
    assert action_names(np.arange(1, 28), None)[23] == "A023"
    (tmp_path / "names.yaml").write_text("- swipe\n- wave\n")
    assert action_names(np.array([2]), str(tmp_path / "names.yaml")) == {2: "wave"}
    with pytest.raises(InputError, match="has 2 names, none of them for A003"):
        action_names(np.array([3]), str(tmp_path / "names.yaml"))
    (tmp_path / "names.yaml").write_text("a: [")
    with pytest.raises(InputError, match="not valid YAML"):
        action_names(np.array([2]), str(tmp_path / "names.yaml"))


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
    with pytest.raises(InputError, match="--names ntu: names A001 to A120, and the model tells A122 apart"):
        action_names(actions, "ntu")
