"""Training `steady_ntu25` on simulated recordings of a Kinect.

    python -m refine.steady.ntu25.train FOLDER

makes the material, trains, and writes `FOLDER/steady_ntu25.safetensors`. It is deterministic, goes on where it was
interrupted, and takes less than an hour on two processor cores.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from base.executors.registry import Pool
from base.files import atomic_file
from data.ntu.simulate.motion import MIRROR
from refine.steady.fitting import (
    HELD_OUT,
    HERE,
    LEARNT_FROM,
    SHARD,
    begin,
    fading_weights_are_zero,
    fit,
    from_command_line,
    make_material,
    spread,
)
from refine.steady.ntu25.material import Sample, make_sample, mirrored
from refine.steady.ntu25.net import (
    AROUND,
    FURTHEST,
    MOST,
    OUTPUTS,
    STEP,
    UNITS,
    Network,
    at_places,
    save_network,
    shapes,
)
from refine.steady.ntu25.view import CHOICES, COLUMNS, JOINTS, POSITIONS
from refine.steady.smoother import shipped

SPANS = (3, 9)
"""Frames over which movements are compared: a tenth of a second, and three times as many."""

FRAMES = 12
"""Frames of a stretch."""

WARM_UP = 300
"""Steps until the learning rate is at its highest."""

FINER = 0.2
"""The learning rate with which stretches begin, of that of places; it falls to nothing."""

SMALL = (0.0, 0.005, 0.004)
"""Body sizes: errors of position, velocity and acceleration (a frame) below this count by their squares, so that the
gradients of the many small ones, which are all of one length, do not drown the others."""


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Parameters
    ----------
    examples
        Recordings to learn from.
    seed
        Of material, weights and order.
    places, place_batch
        Steps that learn from single places, where joints are, and places per step: many of them, of many recordings,
        teach how a body holds together.
    stretches, stretch_batch
        Steps that learn from stretches of some frames, how they move as well, and stretches per step.
    lr
        The highest learning rate.
    own, width
        Features of a place by itself, and with those around.
    velocity, acceleration, gain
        What errors of velocity and acceleration, and movement that is lost, count beside errors of position.
    root
        What errors after alignment of the first joint count, share.
    even
        1 makes up for all of the difference in noise between recordings, 0 for none.
    """

    examples: int = 10000
    seed: int = 1
    places: int = 4500
    place_batch: int = 512
    stretches: int = 3000
    stretch_batch: int = 96
    lr: float = 2e-3
    own: int = 160
    width: int = 384
    velocity: float = 2.0
    acceleration: float = 4.0
    gain: float = 4.0
    root: float = 0.7
    even: float = 0.25

    @property
    def steps(self) -> int:
        """How many there are."""
        return self.places + self.stretches


class TorchNetwork(nn.Module):
    """The same as `refine.steady.ntu25.net.Network`, to be trained.

    Parameters
    ----------
    own, width
        Its widths, see `Recipe`.
    mean, scale
        [COLUMNS]: the normalisation of what it sees.
    """

    mean: Tensor
    scale: Tensor
    units: Tensor

    def __init__(self, own: int, width: int, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.register_buffer("units", torch.from_numpy(UNITS), persistent=False)
        self.own = nn.Linear(COLUMNS, own)
        self.around = nn.Linear(len(AROUND) * own, width)
        self.again = nn.Linear(width, width)
        self.out = nn.Linear(width, OUTPUTS)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, places: Tensor, there: Tensor, half: bool = False) -> Tensor:
        """Say what is off at places.

        Parameters
        ----------
        places
            [B, n + 2 FURTHEST, COLUMNS]: what is seen there and around; or of single places, at `AROUND` alone.
        there
            [B, n + 2 FURTHEST]: 0 beyond the ends of a recording, else 1.
        half
            Compute in bfloat16, which is quicker.

        Returns
        -------
        [B, n, OUTPUTS]
        """
        x = ((places - self.mean) * self.scale).clamp(-MOST, MOST)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            own = self.own(x).relu() * there[..., None]
            if x.shape[1] == len(AROUND):
                own = own.flatten(1)[:, None]
            else:
                count = x.shape[1] - 2 * FURTHEST
                own = torch.cat([own[:, FURTHEST + a : FURTHEST + a + count] for a in AROUND], -1)
            h = self.around(own).relu()
            h = h + self.again(h).relu()
            found = self.out(h)
        return found.float() * self.units

    def plain(self, about: Mapping[str, Any]) -> Network:
        """Return it for NumPy."""
        state = {name: value.detach().float().numpy() for name, value in self.state_dict().items()}
        arrays = {name: np.ascontiguousarray(value.T) for name, value in state.items()}
        return Network(
            {name: arrays[name] for name in shapes(len(state["own.bias"]), len(state["around.bias"]))}, about
        )


class Material:
    """Recordings to learn from, one after the other: batches are drawn quickly.

    Parameters
    ----------
    samples
        Each of at least `FRAMES` frames.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.lengths = np.array([len(sample.base) for sample in samples])
        self.first = self.lengths.cumsum() - self.lengths
        self.base = np.concatenate([sample.base for sample in samples])
        self.choices = np.concatenate([sample.rest[:, : len(CHOICES) * POSITIONS] for sample in samples])
        self.error = np.concatenate([sample.error for sample in samples])
        self.gate = np.concatenate([sample.gate for sample in samples])
        self.known = np.stack([sample.known for sample in samples])
        self.raw = np.array([sample.raw for sample in samples], np.float32)
        self.places = np.concatenate([at_places(sample.numbers).astype(np.float16) for sample in samples])
        self.counts = -(-self.lengths // STEP)
        self.first_place = self.counts.cumsum() - self.counts

    def __len__(self) -> int:
        return len(self.lengths)


@dataclass(frozen=True)
class Batch:
    """Stretches of T frames, or single places, of B recordings, as in `refine.steady.ntu25.material.Sample`.

    Parameters
    ----------
    base
        [B, T, 3, 25].
    choices
        [B, T, choices, 3, 25].
    error
        [B, T, 3, 25].
    gate
        [B, T].
    known
        bool [B, 25].
    raw
        [B].
    places, there
        What `TorchNetwork` takes.
    index
        int [B, n]: which of its places stand for those that the frames are blended from; beyond the ends, the ends.
    """

    base: Tensor
    choices: Tensor
    error: Tensor
    gate: Tensor
    known: Tensor
    raw: Tensor
    places: Tensor
    there: Tensor
    index: Tensor


def make_batch(
    material: Material, count: int, rng: np.random.Generator, frames: int = FRAMES, mirror: float = 0.5
) -> Batch:
    """Draw stretches of recordings, long ones more often, and show a share of them in a mirror.

    Parameters
    ----------
    material
        What there is.
    count
        How many stretches.
    rng
        Draws them.
    frames
        How long; 1 for the frames at single places, which nothing is blended for.
    mirror
        The share that is shown in a mirror.
    """
    chosen = np.searchsorted(material.first, rng.integers(0, len(material.base), count), side="right") - 1
    starts = (material.lengths[chosen] - frames) // STEP + 1
    first = rng.integers(0, starts)[:, None]
    rows = material.first[chosen][:, None] + STEP * first + np.arange(frames)
    vectors = np.concatenate([material.base[rows], material.choices[rows].astype(np.float32)], axis=2)
    error, known = material.error[rows].astype(np.float32), material.known[chosen]
    # The frames are blended from these places, and from one before and two after them.
    wanted = first + (np.arange(-1, frames // STEP + 2) if frames > 1 else np.zeros(1, np.int64))
    last = material.counts[chosen][:, None] - 1
    around = first + (np.arange(-1 - FURTHEST, frames // STEP + 2 + FURTHEST) if frames > 1 else np.array(AROUND))
    there = (around >= 0) & (around <= last)
    places = material.places[material.first_place[chosen][:, None] + np.clip(around, 0, last)].astype(np.float32)
    turned = rng.random(count) < mirror
    if turned.any():
        vectors[turned], error[turned], places[turned] = (mirrored(x[turned]) for x in (vectors, error, places))
        known = np.where(turned[:, None], known[:, MIRROR], known)
    shape = (count, frames, -1, 3, JOINTS)
    vectors = vectors.reshape(shape)
    parts = (
        vectors[:, :, 0],
        vectors[:, :, 1:],
        error.reshape(shape)[:, :, 0],
        material.gate[rows],
        known,
        material.raw[chosen],
        places,
        there.astype(np.float32),
        np.clip(wanted, 0, last) - wanted[:, :1],
    )
    return Batch(*(torch.from_numpy(part) for part in parts))


def errors(net: TorchNetwork, batch: Batch, half: bool = False) -> Tensor:
    """Return the result less the truth, [B, T, 3, 25]."""
    found = net(batch.places, batch.there, half)
    frames = batch.base.shape[1]
    if frames > 1:
        found = found.gather(1, batch.index[..., None].expand(-1, -1, OUTPUTS))
        found = spread(found, frames, STEP)
    change = found[..., :POSITIONS].unflatten(2, (3, JOINTS))
    shares = found[..., POSITIONS:].unflatten(2, (len(CHOICES), 1, JOINTS))
    return batch.error + batch.gate[..., None, None] * (change + (shares * batch.choices).sum(2))


def loss(error: Tensor, batch: Batch, recipe: Recipe, parts: dict[str, float] | None = None) -> Tensor:
    """Compute the loss of a batch from the errors [B, T, 3, 25]; of single places, that of positions."""
    known = batch.known[:, None].float()
    count = known.sum((1, 2))

    def mean(x: Tensor, small: float) -> Tensor:
        return (_length(x, small) * known).sum(2).mean(1) / count

    def both(order: int) -> Tensor:
        x = error.diff(n=order, dim=1) if order else error
        return recipe.root * mean(x - x[..., :1], SMALL[order]) + (1 - recipe.root) * mean(x, SMALL[order])

    scale = 1 / (batch.raw + 0.02) ** recipe.even
    position = both(0)
    if error.shape[1] == 1:
        return (scale * position).mean()
    velocity, acceleration = both(1), both(2)
    lost = _movement_lost(error, batch)
    total = scale * (position + recipe.velocity * velocity + recipe.acceleration * acceleration) + recipe.gain * lost
    if parts is not None:
        each = {"position": position, "velocity": velocity, "acceleration": acceleration, "lost": lost, "total": total}
        for key, value in each.items():
            parts[key] = parts.get(key, 0.0) + value.mean().item()
    return total.mean()


def _movement_lost(error: Tensor, batch: Batch) -> Tensor:
    """Penalise having less of the true movement than the observation has, [B]: what it does not show is not lost."""
    truth = batch.base - batch.error
    observed = batch.error + batch.choices[:, :, 0]
    known = batch.known[:, None, None].float()
    lost = []
    for span in SPANS:
        if truth.shape[1] <= span:
            continue
        moved = (truth[:, span:] - truth[:, :-span]) * known
        energy = moved.square().sum((1, 2, 3)) + 1e-3 * moved[0].numel()
        there, raw = (((x[:, span:] - x[:, :-span]) * moved).sum((1, 2, 3)) / energy for x in (error, observed))
        lost.append((raw.clamp(max=0) - there).clamp(min=0).square())
    return torch.stack(lost).mean(0) if lost else error.new_zeros(len(error))


def _length(x: Tensor, small: float) -> Tensor:
    return (x.square().sum(2) + max(small, 1e-6) ** 2).sqrt() - small


def normalisation(material: Material) -> tuple[Tensor, Tensor]:
    """Return the mean of each number that the network sees, and one over its standard deviation."""
    rows = material.places[:: max(1, len(material.places) // 20_000)].astype(np.float64)
    scale, mean = 1 / (rows.std(0) + 0.02), rows.mean(0)
    mean[-1] = 0  # says that there is something
    return torch.from_numpy(mean).float(), torch.from_numpy(scale).float()


@fading_weights_are_zero()
def train(folder: Path, recipe: Recipe, say: Callable[[str], None] = print, pool: Pool = HERE) -> Path:
    """Train the network; see `refine.steady.train.train`."""
    note = begin(folder, recipe, say)
    networks = shipped()

    def material(name: str, seed: int, count: int, performers: tuple[int, ...]) -> Material:
        made = make_material(
            folder, name, count, partial(make_sample, networks, seed, performers=performers), note, pool
        )
        return Material([sample for sample in made if len(sample.base) >= FRAMES])

    held_out = material("held_out", recipe.seed + 2, min(4 * SHARD, recipe.examples), HELD_OUT)
    samples = material("learnt", recipe.seed, recipe.examples, LEARNT_FROM)
    torch.manual_seed(recipe.seed)
    net = TorchNetwork(recipe.own, recipe.width, *normalisation(samples))
    weights = folder / "steady_ntu25.safetensors"

    def factor(step: int) -> float:
        if step < recipe.places:
            return min(1.0, (step + 1) / WARM_UP)
        return FINER * max(0.0, 1 - (step - recipe.places) / recipe.stretches)

    def backward(step: int) -> float:
        rng = np.random.default_rng([recipe.seed, 8, step])
        if step < recipe.places:
            batch = make_batch(samples, recipe.place_batch, rng, frames=1)
        else:
            batch = make_batch(samples, recipe.stretch_batch, rng)
        value = loss(errors(net, batch, half=True), batch, recipe)
        value.backward()
        return value.item()

    def report(step: int, value: float) -> None:
        with atomic_file(weights) as temporary:
            about = {"recipe": asdict(recipe), "command": "python -m refine.steady.ntu25.train"}
            temporary.write_bytes(save_network(net.plain(about)))
        note(f"step {step}, loss {value:.4f}, held out {_held_out(net, held_out, recipe)}")

    groups: list[dict[str, Any]] = [
        {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": 1e-3},
        {"params": [p for p in net.parameters() if p.ndim < 2]},
    ]
    optimizer = torch.optim.AdamW(groups, lr=recipe.lr, weight_decay=0.0)
    fit(net, optimizer, factor, recipe.steps, backward, folder / "net.pt", report)
    return weights


def _held_out(net: TorchNetwork, samples: Material, recipe: Recipe) -> str:
    """Score stretches that are the same every time."""
    parts: dict[str, float] = {}
    rng = np.random.default_rng(0)
    with torch.inference_mode():
        for _ in range(8):
            batch = make_batch(samples, 100, rng, mirror=0)
            loss(errors(net, batch), batch, recipe, parts)
    return " ".join(f"{key[:3]} {value / 8:.4f}" for key, value in parts.items())


if __name__ == "__main__":
    from_command_line(__doc__, Recipe(), train)
