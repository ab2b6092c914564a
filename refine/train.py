"""Training a refiner on pose benchmarks."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from base.errors import InputError
from data.skeletons.metrics import mean_errors
from refine.benchmarks.pairs import Pair, Pairs
from refine.benchmarks.representations import complete, errors_of, image_units, refine_pairs
from refine.benchmarks.table import Benchmark
from refine.config import BenchmarksSection, ModelSection, NormaliseSection, TrainSection
from refine.nets.loss import BatchLoss
from refine.nets.registry import Net, build_net
from refine.normalise import Normalise, body_size, window_offsets
from refine.refiner import Refiner, load_refiner, refiner_content
from refine.windows import WindowPool, pool_windows
from training.fit import Fit, epoch_generator, fit
from training.optimizers import uncompiled
from training.runs import Run


@dataclass(frozen=True)
class Material:
    """A benchmark to train on: the windows of its training sequences, and the sequences held out of them."""

    benchmark: Benchmark
    pool: WindowPool
    held_out: Pairs
    skipped: list[str]


def read_material(
    benchmarks: BenchmarksSection,
    train: TrainSection,
    normalise: Normalise,
    window: int,
    device: torch.device,
    seed: int,
) -> list[Material]:
    """Read the training splits of `train.on`, hold out whole sequences, put the windows of the others on the device.

    Raises
    ------
    InputError
        A benchmark cannot be read, or has too few sequences to hold one out.
    """
    materials = []
    for name in train.names:
        pairs = benchmarks.read(name, "train")
        if pairs.benchmark.representation == "smpl":
            raise InputError(f"train.on: {name} has rotations; train on positions (3D or 2D) and evaluate on it")
        count = len(pairs.number)
        if count < 2:
            raise InputError(f"train.on: {name} has {count} usable training sequence; validation needs one more")
        order = np.random.default_rng(seed).permutation(count)
        held = max(1, min(round(train.validation * count), count - 1))
        learnt = pairs.take(sorted(order[held:]))
        windows = [_scaled(pair, pairs.benchmark, normalise) for pair in learnt.sequences]
        pool = pool_windows(windows, window, device, _known(learnt))
        materials.append(Material(pairs.benchmark, pool, pairs.take(sorted(order[:held])), pairs.skipped))
    return materials


def train_refiner(
    materials: Sequence[Material],
    model: ModelSection,
    normalise: Normalise,
    train: TrainSection,
    *,
    run: Run,
    device: torch.device,
    seed: int,
) -> tuple[Refiner, Fit]:
    """Train a network and return the refiner of its best epoch, which is also kept as `checkpoints/best.pt`.

    Adam (amsgrad) on position and acceleration. Every window of every sequence of a benchmark is equally likely; what
    part of them a benchmark contributes, see `TrainSection`. The best epoch is the one with the least MPJPE on the
    sequences held out.

    Parameters
    ----------
    materials
        What to train on, see `read_material`. Batches of several benchmarks alternate at random.
    model, normalise, train
        The sections of the configuration.
    run
        The run's folder; a training that was stopped goes on from what it finds there.
    device
        Where to compute.
    seed
        Of weights, order and dropout.
    """
    torch.manual_seed(seed)
    net = build_net(model).to(device)
    loss = BatchLoss(net, train.position_weight, train.acceleration_weight)
    optimizer = new_optimizer(net, train)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, train.lr_decay)
    rates = {material.benchmark.fps for material in materials}
    fps = rates.pop() if len(rates) == 1 else None

    def batches(epoch: int) -> Iterator[Tensor]:
        return batch_losses(loss, materials, normalise, train, epoch_generator(seed, epoch))

    fitted = fit(
        net,
        optimizer=optimizer,
        scheduler=scheduler,
        epochs=train.epochs,
        batches=batches,
        validate=_validation(Refiner(net, normalise), materials),
        monitor="mpjpe",
        higher_is_better=False,
        run=run,
        seed=seed,
        describe="training SmoothNet",
        extra=refiner_content(model.model_dump(), normalise, fps, train.names),
    )
    return load_refiner(run.dir / "checkpoints" / "best.pt", device), fitted


def new_optimizer(net: Net, train: TrainSection) -> torch.optim.Optimizer:
    """Adam with amsgrad, as the paper trains."""
    return uncompiled(torch.optim.Adam)(net.parameters(), lr=train.lr, amsgrad=True, fused=True)


def windows_per_epoch(available: Sequence[int], train: TrainSection) -> list[int]:
    """Say how many windows of each benchmark an epoch has, at least one of each.

    Parameters
    ----------
    available
        How many windows each benchmark has.
    train
        `windows`: how many there shall be altogether, null for as many as there are; `shares`: see there.
    """
    total = sum(available)
    if train.shares is None:
        wanted = min(train.windows or total, total)
        counts = _apportion(wanted, [count / total for count in available])
        return [min(count, most) for count, most in zip(counts, available, strict=True)]
    return _apportion(train.windows or total, train.shares)


def _apportion(total: int, shares: Sequence[float]) -> list[int]:
    """Divide a total by shares whose sum is 1, by the largest remainders; nothing gets less than 1."""
    exact = [total * share for share in shares]
    counts = [math.floor(value) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: counts[i] - exact[i])
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return [max(count, 1) for count in counts]


def draw_windows(available: int, wanted: int, generator: torch.Generator) -> Tensor:
    """Draw windows of a benchmark in random order, int64 [wanted].

    None is drawn a second time before all have been drawn once, and so on: no two differ by more than one.
    """
    rounds = [torch.randperm(available, generator=generator) for _ in range(-(-wanted // available))]
    return torch.cat(rounds)[:wanted]


def batch_losses(
    loss: BatchLoss,
    materials: Sequence[Material],
    normalise: Normalise,
    train: TrainSection,
    generator: torch.Generator,
) -> Iterator[Tensor]:
    """Yield the loss of each step of an epoch."""
    available = [len(material.pool.starts) for material in materials]
    batches = []
    for number, wanted in enumerate(windows_per_epoch(available, train)):
        order = draw_windows(available[number], wanted, generator)
        batches += [(number, index) for index in order.split(train.batch)]
    for at in torch.randperm(len(batches), generator=generator).tolist():
        number, index = batches[at]
        pool, row = materials[number].pool, materials[number].benchmark
        detected, truth, known = pool.cut(index.to(pool.starts.device))
        offset = window_offsets(detected, normalise.centre, row.root, row.dims)
        if offset is not None:
            detected -= offset[..., None]
            truth -= offset[..., None]
        yield loss(detected, truth, known)


def _validation(refiner: Refiner, materials: Sequence[Material]) -> Callable[[], dict[str, float]]:
    """Return a function that scores the network on the sequences held out, in mm; benchmarks count alike."""

    def validate() -> dict[str, float]:
        figures = []
        for material in materials:
            held, row = material.held_out, material.benchmark
            # Some of the windows are enough to choose an epoch.
            refined = refine_pairs(refiner, held, stride=max(1, refiner.window // 16))
            errors = mean_errors(errors_of(held, refined))
            figures.append({key: value * row.reported[1] for key, value in errors.items()})
        return {key: float(np.mean([figure[key] for figure in figures])) for key in figures[0]}

    return validate


def _scaled(pair: Pair, row: Benchmark, normalise: Normalise) -> tuple[np.ndarray, np.ndarray]:
    """Scale both alike and flatten them to [T, C]: by the size of the detected body, the only one that is known later,
    or to the units of the released networks.
    """
    shift, scale = image_units(row, pair)
    if normalise.scale == "body":
        shift, scale = np.zeros_like(shift), np.full_like(scale, body_size(pair.detected, pair.detected_known))
    sides = ((x - shift) / scale for x in (complete(pair), pair.truth))
    detected, truth = (x.reshape(len(x), -1) for x in sides)
    return detected, truth


def _known(pairs: Pairs) -> list[np.ndarray] | None:
    """Say which true coordinates are known, bool [T, C] per sequence; None for all."""
    if all(pair.truth_known is None for pair in pairs.sequences):
        return None
    masks = (
        np.ones(pair.truth.shape[:2], bool) if pair.truth_known is None else pair.truth_known
        for pair in pairs.sequences
    )
    return [mask.repeat(pairs.benchmark.dims, 1) for mask in masks]


def as_normalise(section: NormaliseSection) -> Normalise:
    """Turn the section of the configuration into what the refiner keeps."""
    return Normalise(section.centre, section.scale)
