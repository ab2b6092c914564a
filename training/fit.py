import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from data.errors import InputError
from data.progress import progress
from training.checkpoints import load_checkpoint, save_checkpoint
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
) -> Fit:
    """Train a network, keep its best epoch, and resume where an earlier call was stopped.

    After each epoch `checkpoints/last.pt` holds everything that the next epoch depends on; `checkpoints/best.pt` holds
    the weights of the best epoch so far. On the same device a resumed training ends in the same weights, bit for bit.

    Parameters
    ----------
    model
        The network; at the end it has the weights of the best epoch.
    optimizer, scheduler
        The scheduler, if any, is stepped once per epoch.
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

    Raises
    ------
    InputError
        The loss is no longer finite.
    """
    last, best = run.dir / "checkpoints" / "last.pt", run.dir / "checkpoints" / "best.pt"
    fitted, first = Fit(), 0
    if last.is_file():
        state = load_checkpoint(last)
        model.load_state_dict(state["state_dict"])
        optimizer.load_state_dict(state["optimizer"])
        if scheduler is not None:
            scheduler.load_state_dict(state["scheduler"])
        fitted, first = Fit(state["best_epoch"], state["best"], state["history"]), state["epoch"]
    with run.writer() as log, progress() as bar:
        task = bar.add_task(describe, total=epochs, completed=first)
        for epoch in range(first, epochs):
            if patience is not None and fitted.history and epoch - fitted.best_epoch >= patience:
                break
            torch.manual_seed(epoch_seed(seed, epoch))
            loss = train_epoch(model, optimizer, batches(epoch))
            if not math.isfinite(loss):
                raise InputError(f"{run.dir}: the loss is {loss} in epoch {epoch + 1}; lower train.lr and start again")
            rate = float(optimizer.param_groups[0]["lr"])
            if scheduler is not None:
                scheduler.step()
            model.eval()
            figures = dict(validate())
            fitted.history.append({"loss": loss, "lr": rate, **figures})
            for name, value in fitted.history[-1].items():
                log.add_scalar(name, value, epoch + 1)
            figure = figures[monitor]
            if not fitted.best_epoch or (figure > fitted.best if higher_is_better else figure < fitted.best):
                fitted.best_epoch, fitted.best = epoch + 1, figure
                content = {"epoch": epoch + 1, "state_dict": model.state_dict(), "performance": figures}
                save_checkpoint(best, {**content, **(extra or {})})
            save_checkpoint(
                last,
                {
                    "epoch": epoch + 1,
                    "state_dict": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "scheduler": scheduler.state_dict() if scheduler is not None else None,
                    "best_epoch": fitted.best_epoch,
                    "best": fitted.best,
                    "history": fitted.history,
                },
            )
            bar.update(task, advance=1, description=f"{describe} ({monitor} {figure:.2f}, best {fitted.best:.2f})")
    if fitted.best_epoch:
        model.load_state_dict(load_checkpoint(best)["state_dict"])
    model.eval()
    return fitted


def train_epoch(model: nn.Module, optimizer: Optimizer, losses: Iterable[Tensor]) -> float:
    """Take one step per loss and return the mean loss; the device is asked for it only once, at the end."""
    model.train()
    total, steps = torch.zeros(()), 0
    for loss in losses:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total, steps = total.to(loss.device) + loss.detach(), steps + 1
    return float(total) / max(steps, 1)
