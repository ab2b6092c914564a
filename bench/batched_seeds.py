"""Several seeds trained as one batched network, against as many trainings one after another, on one core or several.

Of the default study's recogniser: a step of each of S networks in turn, and one step of all of them at once, their
weights stacked (`torch.func.stack_module_state`) and the network mapped over them (`torch.func.vmap`), which makes
grouped convolutions and batched products. Beside them the 9-frame convolutions alone, forward and backward, as S
convolutions and as one of S groups: no way of batching gains more in them. Each seed has a batch of its own; all have
equally many actors, which real batches have not, and that favours the batched network. In float32 and
float64 the losses of both are compared. Steps are in float32, for `vmap` has no batch normalisation of mixed precision.

    python bench/batched_seeds.py [--seeds 3 5] [--repeats 10] [--threads 1]

Processor seconds are the least of the turns and can be measured beside other work. With several threads, on a quiet
machine, look at those of the clock: the steps in turn are then shared out, so many networks at a time on a core each,
which is what a study does, and the batched network has all threads.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional as F
from torch.optim import SGD

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import Taken, print_table, processor, take_turns, timed
from data.skeletons.layouts import NTU25
from recognition.config import ModelSection
from recognition.nets.registry import build_model
from training.devices import pick_device
from training.optimizers import uncompiled

Pair = tuple[Callable[[], object], Callable[[], object]]

BATCH, FRAMES, CLASSES = 16, 32, 20
"""Of the default study."""
ACTORS = 19
"""Rows of a batch, for some clips have two."""
CONVOLUTIONS = ((16, 32, 2), (32, 16, 1), (64, 8, 1))
"""Channels, frames, and how many there are of the 9-frame convolutions without stride."""


def networks(seeds: int, dtype: torch.dtype) -> list[nn.Module]:
    """Make a network for each seed."""
    made = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        made.append(build_model(ModelSection(width=16, blocks=6), NTU25, 3, CLASSES).train().to(dtype))
    return made


def batches(seeds: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Make a batch for each seed: skeletons [S, A, T, V, C], clips [S, A], labels [S, N]."""
    torch.manual_seed(0)
    x = torch.randn(seeds, ACTORS, FRAMES, len(NTU25.joints), 3, dtype=dtype)
    clip = (torch.arange(ACTORS) % BATCH).sort().values.expand(seeds, -1)
    return x, clip, torch.randint(CLASSES, (seeds, BATCH))


def apart(seeds: int, dtype: torch.dtype) -> Callable[[], Tensor]:
    """Return a step of each network in turn; it returns their losses [S]."""
    nets, (x, clip, label) = networks(seeds, dtype), batches(seeds, dtype)
    optimizers = [optimiser(list(net.parameters())) for net in nets]

    def one(seed: int) -> Tensor:
        loss = F.cross_entropy(nets[seed](x[seed], clip[seed], BATCH), label[seed])
        optimizers[seed].zero_grad()
        loss.backward()
        optimizers[seed].step()
        return loss.detach()

    return lambda: torch.stack([one(seed) for seed in range(seeds)])


def together(seeds: int, dtype: torch.dtype) -> Callable[[], Tensor]:
    """Return a step of all networks at once; it returns their losses [S]."""
    nets, (x, clip, label) = networks(seeds, dtype), batches(seeds, dtype)
    weights, buffers = stack_module_state(nets)
    optimizer = optimiser(list(weights.values()))

    def score(weights: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor, clip: Tensor) -> Tensor:
        scores: Tensor = functional_call(nets[0], {**weights, **buffers}, (x, clip, BATCH))
        return scores

    def step() -> Tensor:
        scores = vmap(score)(weights, buffers, x, clip)
        losses = F.cross_entropy(scores.flatten(0, 1), label.flatten(), reduction="none")
        losses = losses.view(seeds, BATCH).mean(1)
        optimizer.zero_grad()
        losses.sum().backward()
        optimizer.step()
        return losses.detach()

    return step


def optimiser(weights: list[Tensor]) -> SGD:
    """Return the default study's."""
    return uncompiled(SGD)(weights, lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.0004)


def convolutions(seeds: int, dtype: torch.dtype, grouped: bool) -> Callable[[], None]:
    """Return the 9-frame convolutions of S networks, forward and backward."""
    groups, times = (seeds, 1) if grouped else (1, seeds)
    given = [
        (
            torch.randn(ACTORS, frames, len(NTU25.joints), groups * channels, dtype=dtype).permute(0, 3, 1, 2),
            torch.randn(groups * channels, channels, 9, 1, dtype=dtype),
        )
        for channels, frames, count in CONVOLUTIONS
        for _ in range(count * times)
    ]

    def work() -> None:
        for x, weight in given:
            y = F.conv2d(x, weight, padding=(4, 0), groups=groups)
            torch.ops.aten.convolution_backward(
                y, x, weight, None, [1, 1], [4, 0], [1, 1], False, [0, 0], groups, [True, True, False]
            )

    return work


def largest_difference(seeds: int, dtype: torch.dtype, steps: int = 3) -> float:
    """Return by how much the losses of both differ in some steps, share of the loss."""
    one, all_at_once = apart(seeds, dtype), together(seeds, dtype)
    pairs = [(one(), all_at_once()) for _ in range(steps)]
    return max(float(((a - b) / a).abs().max()) for a, b in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=[3, 5])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    pick_device("cpu")
    torch.set_num_threads(1)
    print(f"{processor()}, PyTorch {torch.__version__}, {given.threads} threads; ms for one step of each seed")

    def on_all(work: Callable[[], object]) -> object:
        torch.set_num_threads(given.threads)
        try:
            return work()
        finally:
            torch.set_num_threads(1)

    rows = []
    for seeds in given.seeds:
        print(f"{seeds} seeds: the losses of 3 steps differ by", end=" ")
        print(*(f"{largest_difference(seeds, dtype):.1e} ({dtype})" for dtype in (torch.float32, torch.float64)))
        parts: dict[str, Pair] = {"step, float32": (apart(seeds, torch.float32), together(seeds, torch.float32))}
        for dtype in (torch.float32, torch.bfloat16):
            name = f"9-frame convolutions, {str(dtype).removeprefix('torch.')}"
            parts[name] = convolutions(seeds, dtype, False), convolutions(seeds, dtype, True)
        works: dict[str, Callable[[], tuple[object, Taken]]] = {}
        for name, (one, all_at_once) in parts.items():
            works[f"{name} apart"] = partial(timed, one)
            works[f"{name} as one"] = partial(timed, partial(on_all, all_at_once))
        turns = take_turns(works, given.repeats, warm_up=2)
        for name in parts:
            row: list[object] = [f"{seeds} seeds, {name}"]
            for unit, cores in (("processor", 1), ("wall", given.threads)):
                least = [
                    min(getattr(taken, unit) for _, taken in turns[f"{name} {how}"]) for how in ("apart", "as one")
                ]
                least[0] /= cores
                row += [*(f"{1000 * one:.1f}" for one in least), f"{least[0] / least[1]:.2f}"]
            rows.append(row)
    heads = ["", "apart, processor", "as one", "times", "apart, clock", "as one", "times"]
    print_table(heads, rows)


if __name__ == "__main__":
    main()
