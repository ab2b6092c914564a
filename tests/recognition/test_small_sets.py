"""Small and uneven sets: weights, balanced draws, a batch that fits, and what is said of them."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

from base.errors import InputError
from data.formats.exporting import ExportOptions, export_store
from data.formats.importing import ImportOptions, import_store
from data.skeletons.store import open_store
from recognition.config import InputSection, ModelSection, TrainSection
from recognition.input.batches import Batch, training_batches
from recognition.input.loading import load_clips
from recognition.nets.registry import build_model
from recognition.small_sets import class_weights, fit_batch, say_uneven, uneven
from recognition.stage import recognize
from recognition.terminal import print_results
from recognition.train import batch_loss, freeze
from tests.recognition.test_stage import config


def test_class_weights_are_scikit_learns():
    label = np.array([0, 0, 0, 0, 0, 1, 2, 2])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=label)
    found = class_weights(torch.from_numpy(label), 3)
    assert found.numpy() == pytest.approx(expected)
    assert found[label].mean() == pytest.approx(1)


def test_a_weighted_loss_is_the_mean_of_weighted_losses(rng):
    logits, label = torch.from_numpy(rng.normal(size=(6, 3))), torch.tensor([0, 0, 0, 0, 1, 2])
    weight = class_weights(label, 3).double()
    part = Batch(torch.zeros(6, 1, 1, 3), torch.arange(6), label, 6)
    each = -logits.numpy()[np.arange(6), label] + np.log(np.exp(logits.numpy()).sum(1))
    expected = np.mean(each * weight.numpy()[label])
    assert float(batch_loss(logits, part, 0.0, weight=weight)) == pytest.approx(expected)
    assert float(batch_loss(logits, part, 0.0)) == pytest.approx(float(F.cross_entropy(logits, label)))


def test_balanced_sampling_shows_all_actions_alike(make_store):
    store = make_store(replications=30)
    rows = np.concatenate([np.flatnonzero(store.clips.action == 1)[:5], np.flatnonzero(store.clips.action == 23)])
    clips = load_clips(store, rows, np.array([1, 23]), "cpu")
    view = InputSection(frames=2)

    def labels(**recipe):
        batches = training_batches(clips, view, TrainSection(batch=50, repeat=4, **recipe), seed=0, epoch=0)
        return torch.cat([part.label for part in batches]).numpy()

    assert np.bincount(labels()).tolist() == [20, 600]
    drawn = np.bincount(labels(balance="sampling"))
    assert drawn.sum() == 620
    assert abs(drawn[0] - 310) < 4 * np.sqrt(620 / 4)  # four standard deviations of a binomial of 620 and 1/2
    np.testing.assert_array_equal(labels(balance="sampling"), labels(balance="sampling"))


def test_a_batch_that_is_too_large_is_lowered_and_the_rate_with_it():
    recipe = TrainSection(batch=64, lr=0.1)
    found, note = fit_batch(recipe, 20)
    assert (found.batch, found.rate) == (5, pytest.approx(0.1 * 5 / 64))
    assert "64 is more than the 20 training clips of an epoch; taken: 5" in note
    assert fit_batch(recipe, 64) == (recipe, "")
    assert fit_batch(recipe, 3, processes=3)[0].batch == 3


def test_classes_are_uneven_above_twice():
    assert uneven(np.repeat([0, 3], [10, 5])) is None
    assert uneven(np.repeat([0, 3], [11, 5])) == {"largest": 11, "smallest": 5}
    assert say_uneven({"largest": 11, "smallest": 5}).endswith("11 test clips, more than 2 times the 5 of the smallest")


@pytest.fixture(scope="module")
def few(make_store, tmp_path_factory):
    """A store of somebody's own: 7 training clips of one person, and 12 and 2 test clips."""
    store, folder = make_store(performers=(1, 3), replications=12), tmp_path_factory.mktemp("few")
    export_store(store.folder, folder / "skeletons", ExportOptions("skeleton"))
    import_store(folder / "skeletons", folder / "plain", ImportOptions())
    plain, seen, lines = open_store(folder / "plain").clips, {}, ["clip,action,subject,split"]
    for name, performer, action in zip(plain.name, plain.performer, plain.action, strict=True):
        seen[performer, action] = seen.get((performer, action), 0) + 1
        most = {(1, 1): 4, (1, 23): 3, (3, 1): 12, (3, 23): 2}[performer, action]
        kept = seen[performer, action] <= most
        part = "" if not kept else "train" if performer == 1 else "test"
        lines.append(f"{name},{'drink' if action == 1 else 'wave'},{performer},{part}")
    (folder / "labels.csv").write_text("\n".join(lines))
    import_store(folder / "skeletons", folder / "own", ImportOptions(labels=folder / "labels.csv"))
    return open_store(folder / "own")


def test_few_clips_are_trained_on_without_corrections_and_what_was_changed_is_said(few, tmp_path, capsys):
    asked = config(few, tmp_path / "run", data={"split": "split"}, train={"batch": 64, "epochs": 1})
    results = recognize(asked)
    assert (results["train_clips"], results["test_clips"]) == (7, 14)
    assert results["uneven"] == {"largest": 12, "smallest": 2}
    validation, batch = results["notes"]
    assert "can be held out without emptying an action" in validation
    assert batch.startswith("train.batch: 64 is more than the 7 training clips")
    print_results(results, asked)
    printed = capsys.readouterr().out
    assert printed.index("mean class %") < printed.index("top-1 %")
    assert "mean class accuracy first: the largest class has 12 test clips" in printed
    assert batch in printed
    assert recognize(asked) == results


def test_other_actions_start_from_all_but_the_classifier_and_frozen_trains_that_alone(few, make_store, tmp_path):
    store = make_store(actions=(1, 23, 5))
    recognize(config(store, tmp_path / "first", train={"epochs": 1}))
    earlier = {"start_from": tmp_path / "first", "frozen": True, "epochs": 2}
    results = recognize(config(few, tmp_path / "run", data={"split": "split"}, train=earlier))
    assert any("tells other actions apart (3 there, 2 here)" in note for note in results["notes"])
    before, after = (
        torch.load(tmp_path / name / "checkpoints/best.pt", weights_only=True)["state_dict"]
        for name in ("first", "run")
    )
    assert after["classifier.weight"].shape[0] == 2
    for name, value in after.items():
        if not name.startswith("classifier"):
            torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_frozen_needs_weights_and_a_classifier():
    with pytest.raises(ValueError, match=r"train\.frozen needs train\.start_from"):
        config(type("Store", (), {"folder": "store"}), "run", train={"frozen": True})
    with pytest.raises(InputError, match="the network Linear has no part called classifier"):
        freeze(torch.nn.Linear(2, 2))


def test_nothing_of_a_frozen_network_learns_but_the_classifier(make_store):
    model = build_model(ModelSection(width=4, blocks=3), make_store().layout, 3, 2)
    freeze(model)
    learning = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert learning == {"classifier.weight", "classifier.bias"}
