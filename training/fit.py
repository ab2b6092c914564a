"""The loop that trains a network, the same for refiners and recognisers.

Everything that an epoch depends on is either drawn from the epoch's own seed or lies in `checkpoints/last.pt`: a
training that is stopped goes on with its next epoch and ends in the same weights, bit for bit. Nothing asks the device
for a value within an epoch, so that an accelerator is never waited for; whether a loss was finite is looked at behind
each epoch.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from base.errors import InputError
from base.progress import progress
from training.average import WeightAverage
from training.checkpoints import load_checkpoint, save_checkpoint
from training.distributed import ALONE, Workers
from training.runs import Run


@dataclass
class Fit:
    """What a training came to: the best epoch (from 1), its figure, and one dictionary per epoch."""

    best_epoch: int = 0
    best: float = float("nan")
    history: list[dict[str, float]] = field(default_factory=list)


def epoch_seed(seed: int, epoch: int) -> int:
    """Return the seed of one epoch; every draw of an epoch comes from it, so that a resumed run draws the same."""
    return (seed * 1_000_003 + epoch * 7_919 + 1) % 2**63


def epoch_generator(seed: int, epoch: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return the random generator of one epoch."""
    return torch.Generator(device).manual_seed(epoch_seed(seed, epoch))


def fit(
    model: nn.Module,
    *,
    optimizer: Optimizer,
    scheduler: LRScheduler | None,
    epochs: int,
    batches: Callable[[int], Iterable[Tensor]],
    validate: Callable[[], Mapping[str, float]],
    monitor: str,
    higher_is_better: bool,
    run: Run,
    seed: int,
    patience: int | None = None,
    describe: str = "training",
    extra: Mapping[str, Any] | None = None,
    schedule_every: Literal["epoch", "batch"] = "epoch",
    average: WeightAverage | None = None,
    samples: int | None = None,
    workers: Workers = ALONE,
) -> Fit:
    """Train a network, keep its best epoch, and resume where an earlier call was stopped.

    After each epoch `checkpoints/last.pt` holds everything that the next epoch depends on; `checkpoints/best.pt` holds
    the weights of the best epoch so far. On the same device a resumed training ends in the same weights, bit for bit.

    Parameters
    ----------
    model
        The network; at the end it has the weights of the best epoch.
    optimizer, scheduler
        The scheduler, if any, is stepped as `schedule_every` says.
    epochs
        How many epochs to train.
    batches
        Called with the epoch (from 0); yields the scalar loss of each step. All its draws must come from the global
        generator, which is seeded here, or from `epoch_generator`.
    validate
        Called after each epoch with the network in evaluation mode; returns the figures to log.
    monitor, higher_is_better
        Which of these figures decides on the best epoch; of equal epochs the earlier one wins.
    run
        The run's folder.
    seed
        The run's seed.
    patience
        Stop when so many epochs have brought no better figure.
    describe
        The progress line's text.
    extra
        What `best.pt` shall hold besides `epoch`, `state_dict` and `performance`.
    schedule_every
        Whether the scheduler counts epochs or batches.
    average
        A moving average of the weights; it is then what `best.pt` holds and the network has at the end. `validate`
        looks at `average.model`.
    samples
        Samples per epoch, for the throughput in the log.
    workers
        The processes that train together; the first one writes.

    Raises
    ------
    InputError
        The loss or a weight is no longer finite. It is looked for at the end of each epoch, so that no step waits for
        the device; the checkpoints are those of the epochs before.
    """
    last, best = run.dir / "checkpoints" / "last.pt", run.dir / "checkpoints" / "best.pt"
    fitted, first = Fit(), 0
    if last.is_file():
        state = load_checkpoint(last)
        model.load_state_dict(state["state_dict"])
        optimizer.load_state_dict(state["optimizer"])
        if scheduler is not None:
            scheduler.load_state_dict(state["scheduler"])
        if average is not None:
            average.load_state_dict(state["average"])
        fitted, first = Fit(state["best_epoch"], state["best"], state["history"]), state["epoch"]
    kept = model if average is None else average.model

    def after_step() -> None:
        if average is not None:
            average.update(model)
        if scheduler is not None and schedule_every == "batch":
            scheduler.step()

    with run.writer() if workers.first else nullcontext() as log, progress(shown=workers.first) as bar:
        task = bar.add_task(describe, total=epochs, completed=first)
        for epoch in range(first, epochs):
            if patience is not None and fitted.history and epoch - fitted.best_epoch >= patience:
                break
            torch.manual_seed(epoch_seed(seed, epoch) + workers.rank)  # processes drop other values, not the same
            begin = time.perf_counter()
            loss = float(train_epoch(model, optimizer, batches(epoch), after_step, workers))
            seconds = time.perf_counter() - begin
            if not math.isfinite(loss) or not all_finite(kept):
                what = f"the loss is {loss}" if not math.isfinite(loss) else "a weight is no longer finite"
                raise InputError(f"{run.dir}: {what} in epoch {epoch + 1}; lower train.lr and start again")
            rate = float(optimizer.param_groups[0]["lr"])
            if scheduler is not None and schedule_every == "epoch":
                scheduler.step()
            model.eval()
            figures = dict(validate())
            fitted.history.append({"loss": loss, "lr": rate, **figures})
            if log is not None:
                for name, value in fitted.history[-1].items():
                    log.add_scalar(name, value, epoch + 1)
                if samples is not None:
                    log.add_scalar("samples_per_second", samples / seconds, epoch + 1)
            figure = figures[monitor]
            better = figure > fitted.best if higher_is_better else figure < fitted.best
            if not fitted.best_epoch or better:
                fitted.best_epoch, fitted.best = epoch + 1, figure
                content = {"epoch": epoch + 1, "state_dict": kept.state_dict(), "performance": figures}
                if workers.first:
                    save_checkpoint(best, {**content, **(extra or {})})
            if workers.first:
                state = {
                    "epoch": epoch + 1,
                    "state_dict": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "scheduler": scheduler.state_dict() if scheduler is not None else None,
                    "best_epoch": fitted.best_epoch,
                    "best": fitted.best,
                    "history": fitted.history,
                }
                save_checkpoint(last, state if average is None else {**state, "average": average.state_dict()})
            bar.update(task, advance=1, description=f"{describe} ({monitor} {figure:.2f}, best {fitted.best:.2f})")
    workers.wait()
    if fitted.best_epoch:
        model.load_state_dict(load_checkpoint(best)["state_dict"])
    model.eval()
    return fitted


def train_epoch(
    model: nn.Module,
    optimizer: Optimizer,
    losses: Iterable[Tensor],
    after_step: Callable[[], None] = lambda: None,
    workers: Workers = ALONE,
) -> Tensor:
    """Take one step per loss and return the mean loss, on the device: nothing here asks the device for a value.

    The loss of a process is `workers.count` times its part of the loss of the whole batch.
    """
    model.train()
    total, steps = torch.zeros(()), 0
    for loss in losses:
        optimizer.zero_grad(set_to_none=True)
        workers.backward(loss)
        optimizer.step()
        after_step()
        total, steps = (loss.detach() if steps == 0 else total + loss.detach()), steps + 1
    return workers.total(total / (max(steps, 1) * workers.count))


def all_finite(model: nn.Module) -> bool:
    """Say whether every weight and buffer of a network is finite; the device is asked once."""
    values = [value for value in model.state_dict().values() if value.is_floating_point()]
    return bool(torch.stack([value.isfinite().all() for value in values]).all())
