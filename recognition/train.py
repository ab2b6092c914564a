import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR

from recognition.batches import training_batches
from recognition.config import InputSection, TrainSection
from recognition.evaluate import score
from recognition.ragged import RaggedClips
from training.fit import Fit, fit
from training.runs import Run


def learning_rate(section: TrainSection) -> Callable[[int], float]:
    """Return the factor of the learning rate in each epoch (from 0): a linear warm-up, then the schedule."""

    def factor(epoch: int) -> float:
        if epoch < section.warmup:
            return (epoch + 1) / (section.warmup + 1)
        if section.schedule == "cosine":
            done = (epoch - section.warmup) / max(section.epochs - section.warmup, 1)
            return 0.5 * (1 + math.cos(math.pi * done))
        return 0.1 ** sum(epoch >= step for step in section.steps) if section.schedule == "step" else 1.0

    return factor


def train(
    model: nn.Module,
    train_clips: RaggedClips,
    validation_clips: RaggedClips,
    section: TrainSection,
    seen: InputSection,
    run: Run,
    seed: int,
    extra: Mapping[str, Any] | None = None,
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
    seen
        What the network sees of a clip.
    run
        The run's folder; an interrupted training goes on from its checkpoints.
    seed
        Where all draws come from.
    extra
        What `best.pt` shall hold besides the weights.
    """
    device = train_clips.joints.device
    bf16 = section.precision == "bf16"
    optimizer = SGD(
        model.parameters(),
        lr=section.lr,
        momentum=section.momentum,
        nesterov=section.momentum > 0,
        weight_decay=section.weight_decay,
    )
    correct = torch.zeros((), dtype=torch.int64, device=device)
    epochs_done = 0

    def batches(epoch: int) -> Iterator[Tensor]:
        nonlocal epochs_done
        epochs_done = epoch + 1
        correct.zero_()
        draws = training_batches(
            train_clips,
            frames=seen.frames,
            stream=seen.stream,
            batch=section.batch,
            rotation=section.rotation,
            seed=seed,
            epoch=epoch,
        )
        for part in draws:
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                logits = model(part.x, part.clip, len(part.label)).float()
            correct.add_((logits.detach().argmax(1) == part.label).sum())
            yield F.cross_entropy(logits, part.label, label_smoothing=section.label_smoothing)

    def validate() -> dict[str, float]:
        figures = {"train_accuracy": 100 * float(correct) / len(train_clips)}
        if not len(validation_clips):
            return {**figures, "epoch": float(epochs_done)}
        scores = score(model, validation_clips, seen, batch=2 * section.batch, bf16=bf16)
        right = scores.argmax(1) == validation_clips.label
        loss = F.nll_loss(scores.clamp_min(1e-12).log(), validation_clips.label)
        return {**figures, "validation_accuracy": 100 * float(right.float().mean()), "validation_loss": float(loss)}

    return fit(
        model,
        optimizer=optimizer,
        scheduler=LambdaLR(optimizer, learning_rate(section)),
        epochs=section.epochs,
        batches=batches,
        validate=validate,
        monitor="validation_accuracy" if len(validation_clips) else "epoch",
        higher_is_better=True,
        run=run,
        seed=seed,
        describe="recognising",
        extra=extra,
    )
