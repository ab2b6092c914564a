import numpy as np
import pytest
import torch

from base.errors import InputError
from data.ntu.names import ClipName
from data.skeletons.store import StoreInfo, StoreWriter, Track
from recognition.use.predict import predict, predict_clips
from recognition.use.recognizer import load_ensemble, load_recognizer
from training.checkpoints import load_checkpoint, save_checkpoint


def test_an_ensemble_is_the_one_that_the_results_name(streams, run):
    store, _ = run
    saved = np.load(streams / "scores.npz")
    rows = np.array([store.clips.name.tolist().index(name) for name in saved["clip"].tolist()])
    recognizers = load_ensemble(streams)
    assert [weight for weight, _ in recognizers] == [1, 3]
    found = predict(recognizers, store, rows)
    np.testing.assert_array_equal(found.argmax(1), saved["score"].argmax(1))
    assert found.sum(1) == pytest.approx(np.ones(len(rows)), abs=1e-5)


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
    refused(folder, "has skeletons of coco17 with 2 coordinates, expected ntu25 with 3", tmp_path / "flat")
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
