"""A trained recogniser as a folder for others, and what may be done with it."""

import json
import shutil

import numpy as np
import pytest
import yaml

from base.config import load_config
from base.errors import InputError
from data.skeletons.layouts import NTU25, read_layout
from recognition.config import RecognizeConfig
from recognition.stage import recognize
from recognition.use.predict import predict
from recognition.use.publish import publish
from recognition.use.recognizer import load_ensemble, load_recognizer
from training.checkpoints import load_checkpoint
from training.published import FILES
from training.weights_file import WEIGHTS


@pytest.fixture(scope="module")
def published(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("publish") / "mine"
    publish(run[1], folder)
    return folder


def test_predicts_what_the_run_does(run, published):
    store, folder = run
    rows = np.arange(len(store.clips))
    expected = predict([(1.0, load_recognizer(folder))], store, rows)
    np.testing.assert_array_equal(predict([(1.0, load_recognizer(published))], store, rows), expected)
    np.testing.assert_array_equal(predict([(1.0, load_recognizer(published / WEIGHTS))], store, rows), expected)
    assert load_recognizer(published).fps == 30.0


def test_a_published_folder_without_its_weights_says_what_is_missing(published, tmp_path):
    for path in published.iterdir():
        if path.name != WEIGHTS:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match=r"weights\.safetensors is missing, .* give the whole of the published folder"):
        load_ensemble(tmp_path)


def test_has_what_others_need_and_nothing_of_this_machine(run, published):
    store, folder = run
    assert sorted(path.name for path in published.iterdir()) == sorted(FILES)
    results = json.loads((folder / "results.json").read_text())
    assert json.loads((published / "scores.json").read_text()) == results
    assert yaml.safe_load((published / "actions.yaml").read_text()) == {1: "A001", 23: "A023"}
    layout = read_layout(published / "layout.yaml")
    assert (layout.joints, layout.bones, layout.centre) == (NTU25.joints, NTU25.bones, NTU25.centre)
    card = (published / "card.md").read_text()
    low, high = results["intervals_over_subjects"]["top1"]
    assert f"| top-1 | {results['top1']:.2f}% (95% interval over people {low:.1f} to {high:.1f}) |" in card
    assert "| chance | 50.00% |" in card
    assert "- A023 A023" in card
    for path in published.iterdir():
        for private in (folder, store.folder, folder.parent.parent):
            assert str(private).encode() not in path.read_bytes(), path.name


@pytest.mark.parametrize(("folder", "simulated"), [("{}", True), ("{}/elsewhere", False)])
def test_a_card_says_simulated_of_clips_from_there_alone(run, tmp_path, folder, simulated):
    store, trained = run
    copy = tmp_path / "run"
    shutil.copytree(trained, copy)
    kept = yaml.safe_load((copy / "config.yaml").read_text())
    kept["simulate"] = {"folder": folder.format(store.folder.parent)}
    (copy / "config.yaml").write_text(yaml.safe_dump(kept))
    publish(copy, tmp_path / "new")
    assert ("simulated" in (tmp_path / "new/card.md").read_text()) == simulated


def test_is_trained_on_from_by_its_own_recipe(run, published, tmp_path):
    store, _ = run
    words = [f"run.dir={tmp_path / 'run'}", "run.device=cpu", f"data.store={store.folder}", "train.epochs=1"]
    words += [f"train.start_from={published}", "train.frozen=true"]
    config = load_config(RecognizeConfig, published / "config.yaml", words)
    assert "notes" not in recognize(config)
    kept, before = load_checkpoint(tmp_path / "run")["state_dict"], load_checkpoint(published)["state_dict"]
    np.testing.assert_array_equal(kept["input_norm.running_mean"], before["input_norm.running_mean"])


def test_an_ensemble_is_published_with_all_that_it_adds_up(run, streams, tmp_path):
    store, _ = run
    rows = np.arange(len(store.clips))
    publish(streams, tmp_path / "two")
    found = load_ensemble(tmp_path / "two")
    assert [weight for weight, _ in found] == [1, 3]
    np.testing.assert_array_equal(predict(found, store, rows), predict(load_ensemble(streams), store, rows))
    card = (tmp_path / "two/card.md").read_text()
    assert "| scores added up | joint x 1, bone x 3 |" in card
    assert "train.start_from=two/joint" in card
    recipe = yaml.safe_load((tmp_path / "two/config.yaml").read_text())
    assert (recipe["streams"], recipe["ensemble"]) == (["joint", "bone"], {"weights": {"two": {"joint": 1, "bone": 3}}})
    assert load_recognizer(tmp_path / "two/bone").view.stream == "bone"
    publish(streams, tmp_path / "two", again=True)
    (tmp_path / "two/bone/mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"has a folder bone that holds mine\.txt"):
        publish(streams, tmp_path / "two", again=True)


def test_folds_are_published_and_used_together(run, streams, tmp_path):
    """A run of folds as `recognize` leaves it, each an ensemble of its own."""
    store, folder = run
    rows = np.arange(len(store.clips))
    folds = tmp_path / "folds"
    for name, source in (("fold_1", folder), ("fold_2", streams)):
        shutil.copytree(source, folds / name)
    results = json.loads((folder / "results.json").read_text())
    (folds / "results.json").write_text(json.dumps({**results, "folds": {"fold_1": {}, "fold_2": {}}}))
    shutil.copy(folder / "config.yaml", folds)
    found = load_ensemble(folds)
    assert [weight for weight, _ in found] == [1, 0.25, 0.75]
    publish(folds, tmp_path / "published")
    expected = (predict(load_ensemble(folder), store, rows) + predict(load_ensemble(streams), store, rows)) / 2
    np.testing.assert_allclose(predict(load_ensemble(tmp_path / "published"), store, rows), expected, atol=1e-6)
    assert "together they have not been tested" in (tmp_path / "published/card.md").read_text()


def test_a_published_folder_leads_nowhere_else(streams, tmp_path):
    publish(streams, tmp_path / "two")
    scores = json.loads((tmp_path / "two/scores.json").read_text())
    for parts in ({"../two": 1}, {"/tmp": 1}, {"joint": "much"}, {"joint": float("nan")}, {"joint": 0}, []):
        (tmp_path / "two/scores.json").write_text(json.dumps({**scores, "parts": parts}))
        with pytest.raises(InputError, match="train it again"):
            load_ensemble(tmp_path / "two")
    (tmp_path / "two/scores.json").write_text(json.dumps({**scores, "parts": {"loop": 1}}))
    (tmp_path / "two/loop").symlink_to(tmp_path)
    with pytest.raises(InputError, match="names its own folder"):
        load_ensemble(tmp_path / "two")


def test_what_cannot_be_published_is_told(run, published, tmp_path):
    with pytest.raises(InputError, match=r"no finished run \(results\.json is missing\)"):
        publish(tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match="already exists; choose another folder or pass --again"):
        publish(run[1], published)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds mine\.txt; --again replaces nothing but a published folder"):
        publish(run[1], tmp_path / "letters", again=True)
    assert not (tmp_path / "out").exists()
    before = (published / WEIGHTS).read_bytes()
    publish(run[1], published, again=True)
    assert (published / WEIGHTS).read_bytes() == before
