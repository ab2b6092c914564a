"""What `steady` and its live sibling learn from, and how: a judge of observations, then a mixer of smoothers."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from refine.steady.bank import Clock, Convolution, bell
from refine.steady.fitting import fit
from refine.steady.net import Network, Networks

S = TypeVar("S")

BLIND = Networks(Network(()), Network(()))
"""For what is computed before either has learnt."""

TRAVEL = 0.1
"""Seconds over which movements are compared, and three times as many."""

SAVE_EVERY = 250
"""Steps between two checkpoints."""

JOINTS = 12
"""So many joints of a sequence at most are learnt from at a time."""

CALM_STEPS = 0.3
"""The share of the steps after which sure softmaxes cost nothing any more."""


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Parameters
    ----------
    examples
        Sequences to learn from.
    seed
        Of material, weights and order.
    judge_steps, mixer_steps
        Steps of the two networks.
    batch
        Sequences per step.
    lr
        The highest learning rate.
    judge_width, mixer_width
        Hidden units.
    velocity, acceleration, gain
        What errors of velocity and acceleration, and movement that is lost, count beside errors of position.
    root
        What errors after alignment of the first joint count, share.
    even
        1 makes up for all of the difference in noise between sequences, 0 for none.
    calm
        What squared logits count at first: a softmax that is sure of itself too early learns no more.
    """

    examples: int = 2500
    seed: int = 1
    judge_steps: int = 4000
    mixer_steps: int = 8000
    batch: int = 8
    lr: float = 2e-3
    judge_width: int = 32
    mixer_width: int = 48
    velocity: float = 2.0
    acceleration: float = 8.0
    gain: float = 12.0
    root: float = 0.5
    even: float = 0.5
    calm: float = 1e-3


class TorchNetwork(nn.Module):
    """The same as `refine.steady.net.Network`, to be trained."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, widths: Sequence[int], mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.own = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.others = nn.ModuleList(nn.Linear(a, b, bias=False) for a, b in pairwise(widths[1:]))
        for last in (self.own[-1], self.others[-1]):
            for parameter in last.parameters():
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Map [T, J, in] to [T, J, out]."""
        h = self.own[0]((x - self.mean) / self.deviation)
        for own, others in zip(list(self.own)[1:], self.others, strict=True):
            h = h.relu()
            h = own(h) + others(h.mean(1, keepdim=True))
        return h

    def plain(self) -> Network:
        """Return it for NumPy, with the normalisation of its input in its first layer."""
        layers = []
        for number, own in enumerate(self.own):
            assert isinstance(own, nn.Linear)
            weight, bias = own.weight.detach().double().T, own.bias.detach().double()
            if number == 0:
                weight = weight / self.deviation.double()[:, None]
                bias = bias - self.mean.double() @ weight
            others = next(self.others[number - 1].parameters()).detach().T.float().numpy() if number else None
            layers.append((weight.float().numpy(), others, bias.float().numpy()))
        return Network(tuple(layers))


@dataclass(frozen=True)
class JudgeSample:
    """What the judge learns from in one sequence."""

    numbers: np.ndarray  # float16 [T, J, JUDGE_FEATURES]
    target: np.ndarray  # float16 [T, J]
    seen: np.ndarray  # bool [T, J]


@dataclass(frozen=True)
class MixerSample:
    """What the mixer learns from in one sequence, in body sizes."""

    numbers: np.ndarray  # float16 [places, J, MIXER_FEATURES]
    off: np.ndarray  # float32 [T, J, LEVELS, D]: each smoother less the truth
    travel: np.ndarray  # float16 [T - lag, J, D]: how far it truly moves in a tenth of a second
    raw: float  # mean error of the observation
    fps: float
    kind: str


def mean_over(clock: Clock, sigma: float, values: np.ndarray) -> np.ndarray:
    """Return the mean of [T, ...] around each frame, under a bell of so many seconds."""
    convolution = Convolution(bell(clock, sigma)[None])
    flat = np.concatenate([values.reshape(len(values), -1), np.ones((len(values), 1))], axis=1)
    sums = convolution(flat)[0]
    return (sums[:, :-1] / sums[:, -1:]).reshape(values.shape)


def mixer_loss(weights: Tensor, sample: MixerSample, recipe: Recipe, parts: dict[str, float] | None = None) -> Tensor:
    """Compute the loss of one sequence from the smoothers' weights [T, J, LEVELS]."""
    error = (weights[..., None] * torch.from_numpy(sample.off)).sum(2)
    lag = max(1, int(sample.fps / 30))
    unit = lag * 30 / sample.fps  # frames of 1/30 s
    moves, bends = (error[lag:] - error[:-lag]) / unit, None
    if len(error) > 2 * lag:
        bends = (error[2 * lag :] - 2 * error[lag:-lag] + error[: -2 * lag]) / unit**2
    position = recipe.root * _length(error - error[:, :1]).mean() + (1 - recipe.root) * _length(error).mean()
    velocity = _length(moves).mean()
    acceleration = _length(bends).mean() if bends is not None else error.new_zeros(())
    kept, shrunk = _movement_lost(error, torch.from_numpy(sample.off[:, :, 0]), sample)
    scale = 1 / (sample.raw + 0.02) ** recipe.even
    total = scale * (position + recipe.velocity * velocity + recipe.acceleration * acceleration) + recipe.gain * shrunk
    if parts is not None:
        for key, value in zip(
            ("position", "velocity", "acceleration", "gain", "total"),
            (position, velocity, acceleration, kept, total),
            strict=True,
        ):
            parts[key] = parts.get(key, 0.0) + value.item()
    return total


def _movement_lost(error: Tensor, raw: Tensor, sample: MixerSample) -> tuple[Tensor, Tensor]:
    """Compute the share of the true movement that is there, and the penalty for having less than the observation has.

    What an estimator does not show cannot be brought back by smoothing.
    """
    span = max(1, round(TRAVEL * sample.fps))
    travel = torch.from_numpy(sample.travel).float()
    kept, shrunk = [], []
    for times in (1, 3):
        if len(travel) <= (times - 1) * span:
            continue
        count = len(travel) - (times - 1) * span
        moved = torch.stack([travel[n * span : n * span + count] for n in range(times)]).sum(0)
        energy = moved.square().sum() + 1e-3 * moved.numel()
        there = [(moved * (one[times * span :] - one[: -times * span])).sum() / energy for one in (error, raw)]
        kept.append(1 + there[0])
        shrunk.append((there[1].clamp(max=0) - there[0]).clamp(min=0).square())
    return torch.stack(kept).mean(), torch.stack(shrunk).mean()


def _length(x: Tensor) -> Tensor:
    return (x.square().sum(-1) + 1e-12).sqrt()


def _some_joints(sample: MixerSample, rng: np.random.Generator) -> MixerSample:
    """Take some joints, in any order: the first is the one that others are aligned to."""
    joints = sample.off.shape[1]
    chosen = rng.permutation(joints)[:JOINTS]
    return replace(
        sample, numbers=sample.numbers[:, chosen], off=sample.off[:, chosen], travel=sample.travel[:, chosen]
    )


def normalisation(samples: Sequence[JudgeSample] | Sequence[MixerSample]) -> tuple[Tensor, Tensor]:
    """Return the mean of each number that a network sees, and about its standard deviation."""
    rows = np.concatenate([one.numbers.reshape(-1, one.numbers.shape[-1])[::17] for one in samples[:600]])
    rows = rows.astype(np.float64)
    return torch.from_numpy(rows.mean(0)).float(), torch.from_numpy(rows.std(0) + 0.05).float()


def judge_loss(net: TorchNetwork, sample: JudgeSample, step: int) -> Tensor:
    """Compute the loss of one sequence: of what is seen, how far off the judge is about how far off it is."""
    said = net(torch.from_numpy(sample.numbers).float())[..., 0]
    seen = torch.from_numpy(sample.seen)
    off = (said - torch.from_numpy(sample.target).float())[seen]
    return nn.functional.smooth_l1_loss(off, torch.zeros_like(off), beta=0.5) if len(off) else said.sum() * 0


def _fit(
    net: TorchNetwork,
    samples: Sequence[S],
    loss: Callable[[TorchNetwork, S, int], Tensor],
    steps: int,
    recipe: Recipe,
    checkpoint: Path,
    report: Callable[[int, float], None],
) -> None:
    """Train on some samples after the other, in an order that is drawn anew when all had their turn."""

    def factor(step: int) -> float:
        return min(1.0, (step + 1) / 300) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(step / steps, 1))))

    def backward(step: int) -> float:
        epoch, place = divmod(step * recipe.batch, len(samples))
        order = np.random.default_rng([recipe.seed, 7, epoch]).permutation(len(samples))
        chosen = order[place : place + recipe.batch]
        total = 0.0
        for index in chosen:
            value = loss(net, samples[index], step) / len(chosen)
            value.backward()
            total += value.item()
        return total

    optimizer = torch.optim.AdamW(net.parameters(), recipe.lr, weight_decay=1e-4)
    fit(net, optimizer, factor, steps, backward, checkpoint, report)


def fit_judge(folder: Path, samples: Sequence[JudgeSample], recipe: Recipe, note: Callable[[str], None]) -> Network:
    """Train the judge, with its checkpoint in a folder; `note` is told how it goes."""
    width = recipe.judge_width
    net = TorchNetwork((samples[0].numbers.shape[-1], width, width, 1), *normalisation(samples))

    def report(step: int, value: float) -> None:
        note(f"judge: step {step}, loss {value:.4f}")

    _fit(net, samples, judge_loss, recipe.judge_steps, recipe, folder / "judge.pt", report)
    return net.plain()


def fit_mixer(
    folder: Path,
    samples: Sequence[MixerSample],
    hidden: int,
    weigh: Callable[[Tensor, MixerSample], Tensor],
    recipe: Recipe,
    report: Callable[[int, TorchNetwork, float], None],
) -> None:
    """Train the mixer.

    Parameters
    ----------
    folder
        Where its checkpoint is.
    samples
        What it learns from.
    hidden
        How many hidden layers it has.
    weigh
        Makes of its softmax the weights of all frames, [T, J, LEVELS].
    recipe
        How.
    report
        Told the number of steps, the network and the mean loss, at every checkpoint.
    """
    one = samples[0]
    widths = (one.numbers.shape[-1], *[recipe.mixer_width] * hidden, one.off.shape[2])
    net = TorchNetwork(widths, *normalisation(samples))

    def loss(net: TorchNetwork, sample: MixerSample, step: int) -> Tensor:
        sample = _some_joints(sample, np.random.default_rng([recipe.seed, 8, step, len(sample.off)]))
        logits = net(torch.from_numpy(sample.numbers).float())
        calm = (logits - logits.mean(-1, keepdim=True)).square().mean()
        share = max(0.0, 1 - step / (CALM_STEPS * recipe.mixer_steps))
        return mixer_loss(weigh(logits.softmax(-1), sample), sample, recipe) + share * recipe.calm * calm

    def told(step: int, value: float) -> None:
        report(step, net, value)

    _fit(net, samples, loss, recipe.mixer_steps, recipe, folder / "mixer.pt", told)
