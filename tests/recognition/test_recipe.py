"""Everything that a recipe can ask for, in whole trainings."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils._python_dispatch import TorchDispatchMode

from base.errors import InputError
from recognition import stage
from recognition import train as training
from recognition.config import InputSection, ModelSection, RecognizeConfig, TrainSection
from recognition.evaluate import score
from recognition.input.batches import scoring_batches, training_batches
from recognition.input.loading import load_clips
from recognition.nets.registry import build_model
from recognition.stage import recognize
from recognition.train import batch_loss
from training.average import WeightAverage
from training.fit import train_epoch

EVERYTHING = {
    "epochs": 4, "repeat": 2, "batch": 6, "lr": 0.05, "lr_batch": 12, "warmup": 1, "schedule_every": "batch",
    "ema": 0.9,    "scaling": 0.1, "swap": 0.5, "label_smoothing": 0.1, "deterministic": True,
}  # fmt: skip


def config(store, folder, **changes):
    sections = {
        "run": {"dir": folder, "device": "cpu"},
        "data": {"store": store.folder, "validation": 0.3},
        "input": {"frames": 8, "sampling": "resize", "crop": [0.5, 1], "test_crop": 0.9},
        "model": {"width": 4, "blocks": 3, "temporal_kernel": 3, "dropout": 0.2},
        "train": EVERYTHING,
        "test": {"clips": 2},
    }
    for key, value in changes.items():
        sections[key] = {**sections[key], **value}
    return RecognizeConfig.model_validate(sections)


@pytest.fixture(scope="module")
def run(make_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipe") / "run"
    store = make_store(replications=4, second_actor=True)
    return store, folder, recognize(config(store, folder))


def checkpoint(folder, name):
    return torch.load(folder / "checkpoints" / f"{name}.pt")


def test_resumes_bit_for_bit_from_the_disk_with_everything_switched_on(run, tmp_path, monkeypatch):
    store, folder, results = run
    in_file = []
    load = stage.load_clips
    monkeypatch.setattr(stage, "load_clips", lambda *given: in_file.append(given[-1]) or load(*given))
    original, calls = training.score, []

    def interrupt(*args, **settings):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*args, **settings)

    monkeypatch.setattr(training, "score", interrupt)
    with pytest.raises(KeyboardInterrupt):
        recognize(config(store, tmp_path / "run", data={"clips": "disk"}))
    assert in_file == [tmp_path] * 3
    assert checkpoint(tmp_path / "run", "last")["epoch"] == 2
    monkeypatch.setattr(training, "score", original)
    resumed = recognize(config(store, tmp_path / "run"))
    assert in_file[3:] == [None] * 3  # of so few clips
    assert {**resumed, "seconds": 0} == {**results, "seconds": 0}
    for weights in (lambda state: state["state_dict"], lambda state: state["average"]["weights"]):
        straight, again = (weights(checkpoint(path, "last")) for path in (folder, tmp_path / "run"))
        for name, tensor in straight.items():
            assert torch.equal(tensor, again[name]), name
    histories = [json.loads((path / "history.json").read_text()) for path in (folder, tmp_path / "run")]
    assert histories[0] == histories[1]
    assert not torch.are_deterministic_algorithms_enabled()


def test_what_is_kept_and_tested_is_the_average(run):
    store, folder, _ = run
    last, best = checkpoint(folder, "last"), checkpoint(folder, "best")
    assert last["average"]["steps"] == 4 * 6  # 2 x 16 clips an epoch, in batches of 6 at most
    weight = "classifier.weight"
    assert not torch.equal(last["average"]["weights"][weight], last["state_dict"][weight])
    if best["epoch"] == last["epoch"]:
        assert torch.equal(best["state_dict"][weight], last["average"]["weights"][weight])
    assert (best["layout"], best["confidence"], best["actions"]) == ("ntu25", False, [1, 23])
    assert best["input"]["sampling"] == "resize"
    seen = InputSection.model_validate(best["input"])
    model = build_model(ModelSection.model_validate(best["model"]), store.layout, 3, 2)
    model.load_state_dict(best["state_dict"])
    rows = np.argsort(store.clips.name)[np.isin(np.sort(store.clips.name), np.load(folder / "scores.npz")["clip"])]
    clips = load_clips(store, rows, np.array([1, 23]), "cpu")
    expected = score(model, clips, seen, batch=12, samplings=2).numpy()
    np.testing.assert_allclose(np.load(folder / "scores.npz")["score"], expected, rtol=1e-5)


def test_the_log_has_rates_losses_accuracies_throughput_and_the_confusion(run):
    log = EventAccumulator(str(run[1] / "tensorboard")).Reload()
    names = {"loss", "lr", "train_accuracy", "validation_accuracy", "validation_loss", "samples_per_second"}
    assert set(log.Tags()["scalars"]) == names
    assert log.Tags()["images"] == ["confusion"]
    rates = [event.value for event in log.Scalars("lr")]
    assert len(rates) == 4
    assert max(rates) <= 0.025 + 1e-9  # 0.05 is for 12 clips
    assert rates[-1] < 0.001


def test_stops_early_and_keeps_the_best(run, tmp_path):
    store, _, _ = run
    found = recognize(config(store, tmp_path / "run", train={"epochs": 30, "patience": 2, "lr": 1e-9, "ema": 0}))
    history = json.loads((tmp_path / "run/history.json").read_text())
    assert len(history["epochs"]) < 30
    assert len(history["epochs"]) - history["best_epoch"] == 2
    assert found["test_clips"] == 16


def test_a_loss_that_is_not_finite_leaves_the_last_good_checkpoint(run, tmp_path, monkeypatch):
    store, _, _ = run
    original = training.batch_loss

    def broken(logits, part, *rest):
        epoch = len(json_history(tmp_path / "run"))
        return original(logits, part, *rest) * (float("nan") if epoch == 2 else 1)

    def json_history(folder):
        return checkpoint(folder, "last")["history"] if (folder / "checkpoints/last.pt").exists() else []

    monkeypatch.setattr(training, "batch_loss", broken)
    with pytest.raises(InputError, match=r"the loss is nan in epoch 3; lower train\.lr"):
        recognize(config(store, tmp_path / "run"))
    kept = checkpoint(tmp_path / "run", "last")
    assert kept["epoch"] == 2
    assert all(value.isfinite().all() for value in kept["state_dict"].values())
    assert not (tmp_path / "run/results.json").exists()


class NoWaiting(TorchDispatchMode):
    """Fail where the host would wait for an accelerator."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        assert name not in ("_local_scalar_dense", "is_nonzero", "nonzero", "masked_select", "equal", "_unique2"), name
        return func(*args, **(kwargs or {}))


def test_no_step_of_an_epoch_waits_for_the_device(run):
    store, _, _ = run
    clips = load_clips(store, np.arange(len(store.clips)), np.array([1, 23]), "cpu")
    for sampling, stream in (("uniform", "bone_motion"), ("resize", "joint"), ("pad", "bone")):
        seen = InputSection(frames=8, sampling=sampling, stream=stream, crop=(0.5, 1))
        recipe = TrainSection(**EVERYTHING)
        model = build_model(ModelSection(width=4, blocks=3, dropout=0.1), clips.layout, 3, 2)
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, nesterov=True)
        average = WeightAverage(model, 0.9)
        losses = (
            batch_loss(model(part.x, part.clip, len(part.label)), part, 0.1)
            for part in training_batches(clips, seen, recipe, seed=0, epoch=0)
        )
        with NoWaiting():
            loss = train_epoch(model, optimizer, losses, lambda: average.update(model))  # noqa: B023
        assert average.steps > 1
        assert loss.isfinite()
    with NoWaiting(), pytest.raises(AssertionError, match="_local_scalar_dense"):
        loss.item()


@pytest.mark.parametrize(
    ("home", "sampling", "stream"),
    [("meta", "resize", "joint"), ("cpu", "resize", "bone_motion"), ("cpu", "pad", "joint")],
)
def test_a_step_on_another_device_meets_nothing_of_the_host(run, home, sampling, stream):
    """Tensors of the device `meta` have no values, and refuse those of the CPU as an accelerator's do."""
    there = torch.device("meta")
    clips = load_clips(run[0], np.arange(6), np.array([1, 23]), "cpu")
    moved = {key: value.to(home) for key, value in vars(clips).items() if torch.is_tensor(value) and key != "track_of"}
    clips = replace(clips, device=there, **moved)
    seen = InputSection(frames=8, sampling=sampling, stream=stream, crop=(0.5, 1), test_crop=0.9)
    model = build_model(ModelSection(width=4, blocks=3, dropout=0.1), clips.layout, 3, 2).to(there)
    average = WeightAverage(model, 0.9)
    losses = (
        batch_loss(model(part.x, part.clip, len(part.label)), part, 0.1)
        for part in training_batches(clips, seen, TrainSection(**EVERYTHING), seed=0, epoch=0)
    )
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, nesterov=True)
    assert train_epoch(model, optimizer, losses, lambda: average.update(model)).device == there
    for part in scoring_batches(clips, seen, batch=12):
        assert model(part.x, part.clip, len(part.label)).device == part.label.device == there


def test_starts_from_the_weights_of_an_earlier_run(run, tmp_path):
    store, folder, _ = run
    recognize(config(store, tmp_path / "run", train={"start_from": folder, "epochs": 1, "lr": 1e-12, "ema": 0}))
    before, after = checkpoint(folder, "best")["state_dict"], checkpoint(tmp_path / "run", "best")["state_dict"]
    torch.testing.assert_close(before["classifier.weight"], after["classifier.weight"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"width": 6}}, r"has model\.width 4, and here it is 6"),
        ({"train": {"batch": 1000}}, "found 1000, but an epoch shows"),
    ],
)
def test_what_does_not_fit_is_told_before_a_folder_is_made(run, make_store, tmp_path, changes, message):
    store, folder, _ = run
    changes = dict(changes)
    if actions := changes.pop("store", None):
        store = make_store(actions=actions)
    changes["train"] = {"start_from": folder / "checkpoints/best.pt", **changes.get("train", {})}
    with pytest.raises(InputError, match=message):
        recognize(config(store, tmp_path / "run", **changes))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "failure",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_too_little_memory_says_what_to_lower(run, tmp_path, monkeypatch, failure):
    def fail(*args, **settings):
        raise failure

    monkeypatch.setattr(stage, "train", fail)
    with pytest.raises(
        InputError, match=r"train\.batch: 6 clips of 8 frames do not fit on cpu; lower it, or input\.frames"
    ):
        recognize(config(run[0], tmp_path / "run"))
    monkeypatch.setattr(stage, "load_clips", fail)
    with pytest.raises(InputError, match=r"data\.store: the clips of .* do not fit"):
        recognize(config(run[0], tmp_path / "other"))


def test_clips_without_labels_are_refused(make_store, tmp_path):
    store = make_store(actions=(0, 1))
    with pytest.raises(InputError, match=r"15 of its 30 clips have no label .*R001A000"):
        recognize(config(store, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_run_of_before_there_were_new_keys_is_still_known(run, tmp_path):
    store = run[0]
    plain = {"train": {"epochs": 1, "batch": 6}, "input": {"frames": 8}, "test": {"clips": 1}}
    settings = config(store, tmp_path / "run").model_copy(
        update={
            "train": TrainSection(**plain["train"]), "input": InputSection(**plain["input"]),
        }
    )  # fmt: skip
    first = recognize(settings)
    kept = tmp_path / "run/config.yaml"
    words = ("sampling:", "test_crop:", "repeat:", "ema:", "swap:", "start_from:", "streams:")
    old = [line for line in kept.read_text().splitlines() if not line.strip().startswith(words)]
    kept.write_text("\n".join(old) + "\n")
    assert recognize(settings) == first
    changed = settings.model_copy(update={"train": TrainSection(**plain["train"], ema=0.5)})
    with pytest.raises(InputError, match=r"train\.ema is 0\.0 there and 0\.5 here"):
        recognize(changed)
