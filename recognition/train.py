"""Training one recogniser by a recipe: schedule, optimiser, loss, and the epoch that is kept."""

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR

from base.errors import InputError
from base.shown import shown
from recognition.config import InputSection, TrainSection
from recognition.evaluate import score
from recognition.input.batches import Batch, steps_per_epoch, training_batches
from recognition.input.loading import LoadedClips
from recognition.small_sets import class_weights
from recognition.use.first import shipped
from training.average import WeightAverage
from training.checkpoints import load_checkpoint, weights_of
from training.distributed import ALONE, Workers
from training.fit import Fit, fit
from training.optimizers import uncompiled
from training.runs import Run

HEAD = "classifier"
"""The part of a network that tells the actions apart; all before it is of use for other actions, too."""

FREE = ("dropout",)
"""The keys of `model` that may change: the weights mean the same whatever they are."""


def learning_rate(section: TrainSection, per_epoch: int = 1) -> Callable[[int], float]:
    """Return the factor of the learning rate in each epoch: a linear warm-up, then the schedule.

    Parameters
    ----------
    section
        The recipe.
    per_epoch
        How often in an epoch the rate is set anew; the factor is then asked for so many numbers per epoch, from 0.
    """
    warmup, epochs = section.warmup * per_epoch, section.epochs * per_epoch

    def factor(number: int) -> float:
        if number < warmup:
            return (number + 1) / (warmup + 1)
        if section.schedule == "cosine":
            done = (number - warmup) / max(epochs - warmup, 1)
            return 0.5 * (1 + math.cos(math.pi * done))
        if section.schedule == "step":
            return 0.1 ** sum(number >= step * per_epoch for step in section.steps)
        return 1.0

    return factor


def start_from(model: nn.Module, path: Path, about: Mapping[str, Any]) -> str:
    """Give a network the weights of an earlier run; of one that tells other actions apart, all but the classifier's.

    Parameters
    ----------
    model
        The network.
    path
        A run, its `best.pt`, or a published folder.
    about
        What the checkpoint must say of itself: `layout`, `confidence` and `model`; and `actions` and `names`, those of
        the network.

    Returns
    -------
    str
        What was left out, in one line; empty if nothing was.

    Raises
    ------
    InputError
        It is of another network or another skeleton.
    """
    path = shipped(path)
    content = load_checkpoint(path)
    weights = weights_of(path, content)
    made, expected = content.get("model", {}), about["model"]
    if not isinstance(made, dict):
        raise InputError(f"{path}: its 'model' entry is damaged; give a best.pt of `python run.py recognize`")
    known = {
        "layout": (content.get("layout"), about["layout"]),
        "confidence": (content.get("confidence", False), about["confidence"]),
        **{f"model.{key}": (made.get(key, expected[key]), expected[key]) for key in expected if key not in FREE},
    }
    for key, (found, wanted) in known.items():
        if type(found) is not type(wanted) or found != wanted:
            raise InputError(
                f"train.start_from: {path} has {key} {shown(found)}, and here it is {shown(wanted)}; "
                "give another checkpoint"
            )
    actions = content.get("actions")
    if not isinstance(actions, list) or any(type(one) is not int for one in actions):
        raise InputError(f"{path}: its 'actions' entry is damaged; give a best.pt of `python run.py recognize`")
    note = ""
    if actions != about["actions"] or (content.get("names") or []) != about["names"]:
        own = {name: value for name, value in model.state_dict().items() if name.startswith(f"{HEAD}.")}
        if not own:
            raise InputError(
                f"train.start_from: {path} tells other actions apart than the {len(about['actions'])} of the store, "
                f"and its network has no part called {HEAD} to leave out; give a checkpoint of the same actions"
            )
        weights = {**weights, **own}
        note = (
            f"train.start_from: {path} tells other actions apart ({len(actions)} there, {len(about['actions'])} here); "
            f"all of its weights are taken but the {HEAD}'s"
        )
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(f"train.start_from: the weights in {path} do not fit this network") from error
    return note


def train(
    model: nn.Module,
    train_clips: LoadedClips,
    validation_clips: LoadedClips,
    section: TrainSection,
    view: InputSection,
    run: Run,
    seed: int,
    extra: Mapping[str, Any] | None = None,
    workers: Workers = ALONE,
) -> Fit:
    """Train a recogniser and leave it with the weights of the epoch that is best on the validation clips.

    Without validation clips it keeps the weights of the last epoch.

    Parameters
    ----------
    model
        The network, on the device of the clips.
    train_clips, validation_clips
        The clips.
    section
        The recipe.
    view
        What the network sees of a clip.
    run
        The run's folder; an interrupted training goes on from its checkpoints.
    seed
        Where all draws come from.
    extra
        What `best.pt` shall hold besides the weights.
    workers
        The processes that share the batches.
    """
    device = train_clips.device
    frozen = freeze(model) if section.frozen else []
    bf16 = section.precision == "bf16"
    network = workers.connect(model)  # before the optimiser, see there
    if section.compile:
        network = torch.compile(network)  # type: ignore[assignment]
    optimizer = uncompiled(SGD)(
        [parameter for parameter in model.parameters() if parameter.requires_grad],
        lr=section.rate,
        momentum=section.momentum,
        nesterov=section.momentum > 0,
        weight_decay=section.weight_decay,
    )
    correct = torch.zeros((), dtype=torch.int64, device=device)
    weight = None
    if section.balance == "weights":
        weight = class_weights(train_clips.label, int(train_clips.label.max()) + 1).to(device)
    average = WeightAverage(model, section.ema) if section.ema else None
    epochs_done = 0

    def batches(epoch: int) -> Iterator[Tensor]:
        nonlocal epochs_done
        epochs_done = epoch + 1
        correct.zero_()
        for still in frozen:
            still.eval()  # its statistics stay as they are, too
        for part in training_batches(train_clips, view, section, seed=seed, epoch=epoch, workers=workers):
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                logits = network(part.x, part.clip, len(part.label)).float()
            correct.add_((logits.detach().argmax(1) == part.label).sum())
            yield batch_loss(logits, part, section.label_smoothing, workers, weight)

    def validate() -> dict[str, float]:
        right = int(workers.total(correct))
        figures = {"train_accuracy": 100 * right / (section.repeat * len(train_clips))}
        if not len(validation_clips):
            return {**figures, "epoch": float(epochs_done)}
        scored = model if average is None else average.model
        scores = score(scored, validation_clips, view, batch=2 * section.batch, bf16=bf16, workers=workers)
        label = validation_clips.label.to(device)
        hit = scores.argmax(1) == label
        loss = F.nll_loss(scores.clamp_min(1e-12).log(), label)
        return {**figures, "validation_accuracy": 100 * float(hit.float().mean()), "validation_loss": float(loss)}

    per_epoch = steps_per_epoch(len(train_clips), section) if section.schedule_every == "batch" else 1
    return fit(
        model,
        optimizer=optimizer,
        scheduler=LambdaLR(optimizer, learning_rate(section, per_epoch)),
        epochs=section.epochs,
        batches=batches,
        validate=validate,
        monitor="validation_accuracy" if len(validation_clips) else "epoch",
        higher_is_better=True,
        run=run,
        seed=seed,
        patience=section.patience,
        describe=f"recognising ({view.stream})",
        extra=extra,
        schedule_every=section.schedule_every,
        average=average,
        samples=section.repeat * len(train_clips),
        workers=workers,
    )


def freeze(model: nn.Module) -> list[nn.Module]:
    """Let nothing of a network learn but its classifier, and return the parts that stay as they are.

    Raises
    ------
    InputError
        It has no part of that name.
    """
    parts = dict(model.named_children())
    if HEAD not in parts or len(list(model.parameters(recurse=False))):
        raise InputError(f"train.frozen: the network {type(model).__name__} has no part called {HEAD} to train alone")
    frozen = [part for name, part in parts.items() if name != HEAD]
    for part in frozen:
        part.requires_grad_(False)
    return frozen


def batch_loss(
    logits: Tensor, part: Batch, smoothing: float, workers: Workers = ALONE, weight: Tensor | None = None
) -> Tensor:
    """Return the mean cross entropy of a batch, or this process's part of it times the number of processes.

    The mean over the processes is then the mean over the whole batch, however its clips are divided. With a weight for
    each class it is the mean of the weighted cross entropies.
    """
    if weight is not None:
        summed = F.cross_entropy(logits, part.label, weight, label_smoothing=smoothing, reduction="sum")
        return summed * (workers.count / part.whole)
    if workers.count == 1:
        return F.cross_entropy(logits, part.label, label_smoothing=smoothing)
    summed = F.cross_entropy(logits, part.label, label_smoothing=smoothing, reduction="sum")
    return summed * (workers.count / part.whole)
