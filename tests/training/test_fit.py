import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from base.config import RunSection
from base.errors import InputError
from base.settings import Section
from training.checkpoints import load_checkpoint, save_checkpoint
from training.fit import epoch_generator, fit
from training.runs import open_run


class Config(Section):
    run: RunSection
    epochs: int = 4


def train(folder, epochs=4, stop_after=None, rate=0.05):
    """Fit a line with dropout and momentum; interrupt it after some epochs if asked."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), rate, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    inputs = torch.randn(32, 3, generator=torch.Generator().manual_seed(1))

    def batches(epoch):
        if epoch == stop_after:
            raise KeyboardInterrupt
        for rows in torch.randperm(32, generator=epoch_generator(3, epoch)).split(8):
            yield (model(inputs[rows]) - inputs[rows].sum(1, keepdim=True)).square().mean()

    def validate():
        return {"error": float((model(inputs) - inputs.sum(1, keepdim=True)).square().mean().detach())}

    run = open_run(Config(run=RunSection(dir=folder)))
    fitted = fit(
        model, optimizer=optimizer, scheduler=scheduler, epochs=epochs, batches=batches, validate=validate,
        monitor="error", higher_is_better=False, run=run, seed=3, extra={"width": 8},
    )  # fmt: skip
    return model, fitted


def test_resumed_training_is_the_uninterrupted_one(tmp_path):
    straight, fitted = train(tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "b", stop_after=2)
    resumed, again = train(tmp_path / "b")
    assert again.history == fitted.history
    for left, right in zip(straight.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(left, right)


def test_the_best_epoch_is_kept(tmp_path):
    model, fitted = train(tmp_path / "a", epochs=12, rate=0.06)
    errors = [epoch["error"] for epoch in fitted.history]
    assert fitted.best == min(errors)
    assert fitted.best_epoch == errors.index(min(errors)) + 1
    best = load_checkpoint(tmp_path / "a" / "checkpoints" / "best.pt")
    assert best["epoch"] == fitted.best_epoch
    assert best["width"] == 8
    assert all(torch.equal(best["state_dict"][name], value) for name, value in model.state_dict().items())


def test_a_loss_that_is_not_finite_stops_in_one_line(tmp_path):
    with pytest.raises(InputError, match=r"the loss is (nan|inf) in epoch \d+; lower train.lr"):
        train(tmp_path / "a", epochs=40, rate=1e6)


def test_a_finished_run_is_known_and_another_configuration_refused(tmp_path):
    config = Config(run=RunSection(dir=tmp_path / "run"))
    run = open_run(config)
    assert not run.finished
    assert not open_run(config).finished
    run.finish({"top1": 50.0})
    assert open_run(config).finished
    assert open_run(config).results() == {"top1": 50.0}
    other = config.model_copy(update={"epochs": 5})
    with pytest.raises(InputError, match="epochs is 4 there and 5 here"):
        open_run(other)
    assert open_run(config).results() == {"top1": 50.0}
    assert not open_run(other, again=True).finished
    assert not (tmp_path / "run" / "results.json").exists()


def test_a_folder_that_is_no_run_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("dear")
    with pytest.raises(InputError, match="holds no run"):
        open_run(Config(run=RunSection(dir=tmp_path)), again=True)
    assert (tmp_path / "thesis.tex").read_text() == "dear"


def checkpoint():
    """Weights, buffers, an optimiser's state, and what else checkpoints hold."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    model(torch.ones(5, 3)).sum().backward()
    optimizer.step()
    row = {"lo" + "ss": 0.1}
    state = {"state_dict": model.state_dict(), "optimizer": optimizer.state_dict()}
    return {**state, "history": [row, row], "shape": ("a", 1), "none": None}


def test_checkpoints_of_equal_content_have_equal_bytes(tmp_path):
    save_checkpoint(tmp_path / "a.pt", checkpoint())
    save_checkpoint(tmp_path / "in" / "another_name.pth", checkpoint())
    save_checkpoint(tmp_path / "again.pt", load_checkpoint(tmp_path / "a.pt"))
    expected = (tmp_path / "a.pt").read_bytes()
    assert (tmp_path / "in" / "another_name.pth").read_bytes() == expected
    assert (tmp_path / "again.pt").read_bytes() == expected
    assert load_checkpoint(tmp_path / "a.pt")["history"] == checkpoint()["history"]
    changed = checkpoint()
    changed["state_dict"]["0.bias"][0] += 1
    save_checkpoint(tmp_path / "other.pt", changed)
    assert (tmp_path / "other.pt").read_bytes() != expected


def test_equal_runs_have_equal_checkpoints_even_if_one_was_interrupted(tmp_path):
    train(tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "b", stop_after=2)
    train(tmp_path / "b")
    for name in ("best.pt", "last.pt"):
        one, other = ((tmp_path / run / "checkpoints" / name).read_bytes() for run in "ab")
        assert one == other, name


def test_checkpoints_as_pytorch_writes_them_are_read(tmp_path):
    torch.save(checkpoint(), tmp_path / "earlier.pt")
    assert torch.equal(
        load_checkpoint(tmp_path / "earlier.pt")["state_dict"]["0.weight"], checkpoint()["state_dict"]["0.weight"]
    )


def test_a_full_disk_is_told_and_the_earlier_checkpoint_stays(tmp_path, monkeypatch):
    save_checkpoint(tmp_path / "a.pt", {"epoch": 1})

    def full(*words):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"a\.pt: cannot be written .No space left on device.; make room"):
        save_checkpoint(tmp_path / "a.pt", {"epoch": 2})
    assert load_checkpoint(tmp_path / "a.pt") == {"epoch": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


class Evil:
    def __reduce__(self):
        return Path.touch, (Path("/tmp/owned-by-a-checkpoint"),)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", pickle.dumps({"a": 1}), pickle.dumps(Evil())])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.pt"):
        load_checkpoint(tmp_path / "x.pt")


def test_a_checkpoint_with_code_in_it_is_refused(tmp_path):
    torch.save({"state_dict": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(InputError, match=r"evil\.pt"):
        load_checkpoint(tmp_path / "evil.pt")
    assert not Path("/tmp/owned-by-a-checkpoint").exists()


def test_checkpoints_come_back(tmp_path):
    save_checkpoint(tmp_path / "x.pt", {"state_dict": {"w": torch.ones(2)}, "epoch": 3})
    assert load_checkpoint(tmp_path / "x.pt")["epoch"] == 3
