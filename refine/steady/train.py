"""Training `steady` on simulated material: first the judge of observations, then the mixer of smoothers.

    python -m refine.steady.train FOLDER

makes the material, trains both, and writes `FOLDER/steady.safetensors`. It is deterministic, goes on where it was
interrupted, and takes less than an hour on two processor cores.
"""

import argparse
import json
import math
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from base.errors import InputError
from base.files import atomic_file
from data.ntu.splits import TRAIN_PERFORMERS
from refine.steady.bank import Clock, Convolution, bell, blend_weights
from refine.steady.features import JUDGE_FEATURES, MIXER_FEATURES, SMALL
from refine.steady.material import make_example
from refine.steady.net import Network, Networks, save_networks
from refine.steady.smoother import Steady, measure, prepare

S = TypeVar("S")

HELD_OUT = TRAIN_PERFORMERS[-4:]
"""Performers whose movements are not learnt from, to choose by."""

LEARNT_FROM = TRAIN_PERFORMERS[:-4]

LEVELS = 8
"""The observation and the bank's smoothers."""

SHARD = 100
"""Examples per file of material."""

TRAVEL = 0.1
"""Seconds over which movements are compared, and three times as many."""

SAVE_EVERY = 250
"""Steps between two checkpoints."""

JOINTS = 12
"""So many joints of a sequence at most are learnt from at a time."""

CALM_STEPS = 0.3
"""The share of the steps after which sure softmaxes cost nothing any more."""

JUDGE_EVERY = 3
"""Every so many frames the judge learns from."""


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


def judge_sample(seed: int, number: int, performers: tuple[int, ...]) -> JudgeSample:
    """Make an example and what the judge shall say of it."""
    example = make_example(seed, number, performers)
    partners = measure(example.noisy, example.confidence)
    size, partners = partners.size, partners.scaled()
    given = prepare(example.noisy, example.confidence, size)
    clock = Clock(example.fps)
    steady = Steady(_blind(), example.fps)
    numbers = steady.features.judge(given.x, given.confidence, partners.strain(given.x)).transpose(1, 2, 0)
    error = np.where(given.confidence[..., None] > 0, example.noisy - example.truth, 0.0) / size
    # What stays for long cannot be told, and does not matter to a smoother: it is the same for all frames around.
    usual = _mean_over(clock, 0.8, error)
    off = np.linalg.norm(error - usual, axis=-1)
    rows = slice(number % JUDGE_EVERY, None, JUDGE_EVERY)
    return JudgeSample(
        numbers[rows].astype(np.float16),
        np.log(off[rows] + SMALL).astype(np.float16),
        given.confidence[rows] > 0,
    )


def _mean_over(clock: Clock, sigma: float, values: np.ndarray) -> np.ndarray:
    convolution = Convolution(bell(clock, sigma)[None])
    flat = np.concatenate([values.reshape(len(values), -1), np.ones((len(values), 1))], axis=1)
    sums = convolution(flat)[0]
    return (sums[:, :-1] / sums[:, -1:]).reshape(values.shape)


def _blind() -> Networks:
    empty = Network(())
    return Networks(empty, empty)


def mixer_sample(seed: int, number: int, performers: tuple[int, ...], judge: Network, kind: str | None) -> MixerSample:
    """Make an example and what each smoother makes of it."""
    example = make_example(seed, number, performers, kind)
    partners = measure(example.noisy, example.confidence)
    size, partners = partners.size, partners.scaled()
    given = prepare(example.noisy, example.confidence, size)
    found = Steady(Networks(judge, judge), example.fps).smooth(given.x, given.confidence, partners)
    truth = (example.truth - given.centre) / size
    off = np.stack([level.transpose(0, 2, 1) - truth for level in found.levels], axis=2)
    lag = max(1, round(TRAVEL * example.fps))
    raw = float(np.linalg.norm(off[:, :, 0], axis=-1).mean())
    travel = truth[lag:] - truth[:-lag]
    return MixerSample(
        found.numbers.transpose(1, 2, 0).astype(np.float16),
        off.astype(np.float32),
        travel.astype(np.float16),
        raw,
        example.fps,
        example.kind,
    )


def shards(
    folder: Path, name: str, count: int, make: Callable[[int], S], report: Callable[[str], None]
) -> Iterator[list[S]]:
    """Make what is not there yet of some material, file by file, and read it."""
    for first in range(0, count, SHARD):
        path = folder / f"{name}_{first:05d}.pickle"
        if not path.exists():
            made = [make(number) for number in range(first, min(first + SHARD, count))]
            with atomic_file(path) as temporary:
                temporary.write_bytes(pickle.dumps(made, protocol=5))
            report(f"{name}: {first + len(made)} of {count}")
        yield pickle.loads(path.read_bytes())


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


def spread(weights: Tensor, frames: int, step: int) -> Tensor:
    """Spread weights at places smoothly over the frames, as `refine.steady.bank.blend`."""
    places, shares = blend_weights(frames, step)
    matrix = np.zeros((frames, len(weights)), np.float32)
    np.put_along_axis(matrix, places, shares.astype(np.float32), axis=1)
    return (torch.from_numpy(matrix) @ weights.flatten(1)).unflatten(1, weights.shape[1:])


def _schedule(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    def factor(step: int) -> float:
        return min(1.0, (step + 1) / 300) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(step / steps, 1))))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def _fit(
    net: TorchNetwork,
    samples: Sequence[S],
    loss: Callable[[TorchNetwork, S, int], Tensor],
    steps: int,
    recipe: Recipe,
    checkpoint: Path,
    report: Callable[[int, TorchNetwork, float], None],
) -> TorchNetwork:
    """Train; go on from the checkpoint if there is one."""
    optimizer = torch.optim.AdamW(net.parameters(), recipe.lr, weight_decay=1e-4)
    schedule = _schedule(optimizer, steps)
    start = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        start = state["step"]
    running = 0.0
    for step in range(start, steps):
        epoch, place = divmod(step * recipe.batch, len(samples))
        order = np.random.default_rng([recipe.seed, 7, epoch]).permutation(len(samples))
        chosen = order[place : place + recipe.batch]
        optimizer.zero_grad()
        for index in chosen:
            value = loss(net, samples[index], step) / len(chosen)
            value.backward()
            running += value.item()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            with atomic_file(checkpoint) as temporary:
                torch.save(
                    {
                        "net": net.state_dict(),
                        "optimizer": optimizer.state_dict(),
                        "schedule": schedule.state_dict(),
                        "step": step + 1,
                    },
                    temporary,
                )
            report(step + 1, net, running / (step % SAVE_EVERY + 1))
            running = 0.0
    return net


def _normalisation(samples: Sequence[JudgeSample] | Sequence[MixerSample]) -> tuple[Tensor, Tensor]:
    rows = np.concatenate([one.numbers.reshape(-1, one.numbers.shape[-1])[::17] for one in samples[:600]])
    rows = rows.astype(np.float64)
    return torch.from_numpy(rows.mean(0)).float(), torch.from_numpy(rows.std(0) + 0.05).float()


def _judge_loss(net: TorchNetwork, sample: JudgeSample, step: int) -> Tensor:
    said = net(torch.from_numpy(sample.numbers).float())[..., 0]
    seen = torch.from_numpy(sample.seen)
    off = (said - torch.from_numpy(sample.target).float())[seen]
    return nn.functional.smooth_l1_loss(off, torch.zeros_like(off), beta=0.5) if len(off) else said.sum() * 0


@contextmanager
def fading_weights_are_zero() -> Iterator[None]:
    """Let numbers next to 0 be 0 for a while: weights that fade away would slow everything down."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@fading_weights_are_zero()
def train(folder: Path, recipe: Recipe, say: Callable[[str], None] = print) -> Path:
    """Train both networks.

    Parameters
    ----------
    folder
        Where material, checkpoints and weights are written.
    recipe
        How.
    say
        Told how it goes.

    Returns
    -------
    Path
        Of the weights.

    Raises
    ------
    InputError
        Something else was begun in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    check_same(folder / "recipe.json", recipe)
    started = time.perf_counter()

    def note(text: str) -> None:
        say(f"{time.perf_counter() - started:7.0f} s  {text}")

    torch.manual_seed(recipe.seed)
    count = max(SHARD, recipe.examples // 2)
    judge_set = [
        one
        for part in shards(folder, "judge", count, lambda n: judge_sample(recipe.seed, n, LEARNT_FROM), note)
        for one in part
    ]
    width = recipe.judge_width
    judge_net = TorchNetwork((JUDGE_FEATURES, width, width, 1), *_normalisation(judge_set))

    def judged(step: int, net: TorchNetwork, value: float) -> None:
        note(f"judge: step {step}, loss {value:.4f}")

    judge = _fit(
        judge_net, judge_set, _judge_loss, recipe.judge_steps, recipe, folder / "judge.pt", judged
    ).plain()  # fmt: skip
    del judge_set

    def make(number: int) -> MixerSample:
        return mixer_sample(recipe.seed + 1, number, LEARNT_FROM, judge, None)

    def make_held_out(number: int) -> MixerSample:
        return mixer_sample(recipe.seed + 2, number, HELD_OUT, judge, None)

    held_out = [one for part in shards(folder, "held_out", 2 * SHARD, make_held_out, note) for one in part]
    mixer_set = [one for part in shards(folder, "mixer", recipe.examples, make, note) for one in part]
    width = recipe.mixer_width
    mixer_net = TorchNetwork((MIXER_FEATURES, width, width, width, LEVELS), *_normalisation(mixer_set))

    def weigh(net: TorchNetwork, sample: MixerSample) -> Tensor:
        places = net(torch.from_numpy(sample.numbers).float()).softmax(-1)
        return spread(places, len(sample.off), Clock(sample.fps).step)

    def mixed(step: int, net: TorchNetwork, value: float) -> None:
        parts: dict[str, dict[str, float]] = {}
        raw: dict[str, float] = {}
        number: dict[str, int] = {}
        with torch.inference_mode():
            for sample in held_out[:: 1 if step % 1000 == 0 else 4]:
                mixer_loss(weigh(net, sample), sample, recipe, parts.setdefault(sample.kind, {}))
                raw[sample.kind] = raw.get(sample.kind, 0.0) + sample.raw
                number[sample.kind] = number.get(sample.kind, 0) + 1
        said = "; ".join(
            f"{kind} raw {raw[kind] / n:.4f} "
            + " ".join(f"{key[:3]} {value / n:.4f}" for key, value in parts[kind].items())
            for kind, n in sorted(number.items())
        )
        total = sum(one["total"] for one in parts.values()) / sum(number.values())
        note(f"mixer: step {step}, loss {value:.4f}, held out {total:.4f}; {said}")
        write(net)

    def write(net: TorchNetwork) -> None:
        about = {"recipe": asdict(recipe), "command": "python -m refine.steady.train"}
        with atomic_file(folder / "steady.safetensors") as temporary:
            temporary.write_bytes(save_networks(Networks(judge, net.plain(), about)))

    def loss(net: TorchNetwork, sample: MixerSample, step: int) -> Tensor:
        sample = _some_joints(sample, np.random.default_rng([recipe.seed, 8, step, len(sample.off)]))
        logits = net(torch.from_numpy(sample.numbers).float())
        places = spread(logits.softmax(-1), len(sample.off), Clock(sample.fps).step)
        calm = (logits - logits.mean(-1, keepdim=True)).square().mean()
        share = max(0.0, 1 - step / (CALM_STEPS * recipe.mixer_steps))
        return mixer_loss(places, sample, recipe) + share * recipe.calm * calm

    _fit(mixer_net, mixer_set, loss, recipe.mixer_steps, recipe, folder / "mixer.pt", mixed)
    return folder / "steady.safetensors"


def check_same(path: Path, recipe: Any) -> None:
    """Refuse a folder in which something else was begun."""
    if path.exists():
        try:
            found = json.loads(path.read_bytes())
        except ValueError:
            found = None
        if found != asdict(recipe):
            raise InputError(f"{path}: another recipe was begun here; give another folder, or remove this one")
    else:
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(asdict(recipe), indent=1) + "\n")


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, value in asdict(Recipe()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    arguments = vars(parser.parse_args())
    folder = arguments.pop("folder")
    print(train(folder, Recipe(**arguments)))


if __name__ == "__main__":
    main()
