"""Samples per second of the recogniser beside the plain formulation, in one run, on one machine, with equal weights.

The plain formulation is the one the reference code bases use: activations [N * M, C, T, V], a 1 x 1 convolution to
K * C' channels, an einsum with the dense adjacency, empty actors processed like the others. Every case has a process of
its own, because the setting of the C library's allocator (see `training/devices.py`) belongs to a process; they
take turns, so that whatever else the machine does meets all of them. GFLOP/s are of the operations that are computed,
which are fewer in ours in float32 (`recognition/nets/winograd.py`) than in the plain formulation.

    python bench/recognition_speed.py [--clips 16] [--frames 100] [--threads 2] [--repeats 3]
"""

import argparse
import copy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import Server, processor, seconds, take_turns
from data.skeletons.layouts import NTU25
from recognition.nets.folding import fold
from recognition.nets.graph import skeleton_graph
from recognition.nets.spatial_conv import Path as SpatialPath
from recognition.nets.stgcn import STGCN, Block
from training.devices import pick_device

GRAPH = skeleton_graph(NTU25)
ACTORS = 2
SECOND_ACTORS = 11 / 60
"""Share of clips with a second actor in NTU RGB+D 60: 11 of its 60 actions are done by two."""
MODES = tuple(product((True, False), (False, True)))
"""Training, bf16."""


@dataclass(frozen=True)
class Case:
    """What one process measures."""

    name: str
    plain: bool = False
    keep_memory: bool = True
    """Whether freed memory is kept for the next step, as our commands do."""
    path: SpatialPath = "dense"
    second_actors: float = 1.0


CASES = (
    Case("plain einsum", plain=True, keep_memory=False),
    Case("plain einsum, allocator tuned", plain=True),
    Case("ours, allocator not tuned", keep_memory=False),
    Case("ours"),
    Case("ours, message passing", path="propagate"),
    Case("ours, second actors where NTU has them", second_actors=SECOND_ACTORS),
)


class PlainBlock(nn.Module):
    """A block on [N * M, C, T, V], with the weights of one of ours."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        spatial = block.spatial
        self.partitions = spatial.partitions
        kernel = spatial.weight.detach().permute(0, 2, 1).flatten(0, 1)[:, :, None, None]
        self.pointwise = nn.Conv2d(kernel.shape[1], kernel.shape[0], 1)
        self.pointwise.weight.data.copy_(kernel)
        self.pointwise.bias.data.copy_(spatial.bias.detach().flatten())  # type: ignore[union-attr]
        self.importance = nn.Parameter(spatial.importance.detach().clone())
        self.adjacency = nn.Buffer(GRAPH.dense())
        self.spatial_norm, self.temporal = copy.deepcopy(block.spatial_norm), copy.deepcopy(block.temporal)
        self.temporal_norm, self.residual = copy.deepcopy(block.temporal_norm), copy.deepcopy(block.residual)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        y = self.pointwise(x)
        n, channels, t, v = y.shape
        y = y.view(n, self.partitions, channels // self.partitions, t, v)
        y = torch.einsum("nkctv,kvw->nctw", y, self.adjacency * self.importance).contiguous()
        y = self.temporal_norm(self.temporal(F.relu(self.spatial_norm(y))))
        return F.relu(y + self.residual(x) if self.residual is not None else y)


class Plain(nn.Module):
    """The network on [N, C, T, V, M], with the weights of one of ours."""

    def __init__(self, model: STGCN) -> None:
        super().__init__()
        self.input_norm, self.classifier = copy.deepcopy(model.input_norm), copy.deepcopy(model.classifier)
        self.blocks = nn.Sequential(*(PlainBlock(block) for block in model.blocks if isinstance(block, Block)))

    def forward(self, x: Tensor) -> Tensor:
        """Return scores [N, classes]."""
        n, c, t, v, m = x.shape
        x = self.input_norm(x.permute(0, 4, 3, 1, 2).reshape(n * m, v * c, t))
        x = x.view(n * m, v, c, t).permute(0, 2, 3, 1).contiguous()
        return self.classifier(self.blocks(x).mean((2, 3)).view(n, m, -1).mean(1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    console = Console(width=130)
    shape = [asked.clips, 3, asked.frames, 25, ACTORS]
    console.print(f"{processor()}, {asked.threads} threads, PyTorch {torch.__version__}; clips {shape}")

    workers = {case.name: Server[Any](_answer, case, asked.clips, asked.frames, asked.threads) for case in CASES}
    flops = {name: worker() for name, worker in workers.items()}
    works: dict[str, Callable[[], float]] = {
        f"{name} {mode}": partial(worker, *mode) for mode, (name, worker) in product(MODES, workers.items())
    }
    works |= {f"peak {bf16}": partial(workers["ours"], bf16) for bf16 in (False, True)}
    turns = take_turns(works, asked.repeats)
    peak = {bf16: max(turns[f"peak {bf16}"]) for bf16 in (False, True)}  # what disturbs can only make it lower

    speeds = Table(title="samples/s (times plain einsum in fp32)")
    shares = Table(title="GFLOP/s (percent of the measured peak)")
    for table in (speeds, shares):
        for column in ("", "training fp32", "training bf16", "inference fp32", "inference bf16"):
            table.add_column(column, justify="left" if not column else "right")
    for name in workers:
        cells, rates = [], []
        for training, bf16 in MODES:
            ours, plain = f"{name} {(training, bf16)}", f"{CASES[0].name} {(training, False)}"
            taken, base = median(turns[ours]), median(turns[plain])
            rate = flops[name][training, bf16] / taken / 1e9
            cells.append(f"{asked.clips / taken:.2f} ({base / taken:.2f})")
            rates.append(f"{rate:.0f} ({100 * rate / peak[bf16]:.0f})")
        speeds.add_row(name, *cells)
        shares.add_row(name, *rates)
    console.print(speeds, shares)
    console.print(f"peak, the faster of matrix product and convolution: fp32 {peak[False]:.0f}, bf16 {peak[True]:.0f}")
    for dtype in (torch.float32, torch.float64):
        gap, slope, folded = _differences(min(asked.clips, 4), asked.frames, dtype)
        console.print(
            f"largest difference over the largest value, {dtype}: ours and plain, scores {gap:.1e}, gradient of the "
            f"input {slope:.1e}; folded and unfolded, scores {folded:.1e}"
        )
    console.print("(in float32 a rounding error at a ReLU's kink switches single gradients, in either formulation)")
    for worker in workers.values():
        worker.close()


def _networks(case: Case, clips: int, frames: int) -> tuple[nn.Module, nn.Module, tuple[Tensor | int, ...]]:
    """Return the network for training, the one for inference, and their input."""
    torch.manual_seed(0)
    x = torch.randn(clips, 3, frames, 25, ACTORS)
    ours = STGCN(GRAPH, path=case.path)
    if case.plain:
        plain = Plain(ours)
        return plain, copy.deepcopy(plain).eval(), (x,)
    clip = torch.arange(clips).repeat_interleave(ACTORS)
    present = torch.ones(clips, ACTORS, dtype=torch.bool)
    present[round(case.second_actors * clips) :, 1] = False
    rows = x.permute(0, 4, 2, 3, 1).reshape(clips * ACTORS, frames, 25, 3)[present.flatten()].contiguous()
    return ours, fold(copy.deepcopy(ours).eval()), (rows, clip[present.flatten()], clips)


def _answer(case: Case, clips: int, frames: int, threads: int) -> Callable[..., Any]:
    """Make what a case's process answers with.

    Called with nothing it gives the floating-point operations that are computed, by training and bf16; with bf16 the
    rate of the machine; with training and bf16 the seconds of a step.
    """
    torch.set_num_threads(threads)
    if case.keep_memory:
        pick_device("cpu")
    trained, scoring, given = _networks(case, clips, frames)

    def count() -> dict[tuple[bool, bool], int]:
        flops = {}
        for training, bf16 in MODES:
            with FlopCounterMode(display=False) as counter:
                _measure(trained if training else scoring, given, training, bf16)
            flops[training, bf16] = counter.get_total_flops()
        return flops

    def answer(*asked: bool) -> Any:
        match asked:
            case ():
                return count()
            case (bf16,):
                return _peak(bf16)
            case (training, bf16):
                return _measure(trained if training else scoring, given, training, bf16)

    return answer


def _measure(model: nn.Module, given: tuple[Tensor | int, ...], training: bool, bf16: bool) -> float:
    """Return the seconds of one training step (forward, backward, SGD) or of one forward pass."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9, nesterov=True)

    def step() -> None:
        with torch.set_grad_enabled(training), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            scores = model(*given)
        if training:
            label = torch.zeros(len(scores), dtype=torch.int64)
            optimizer.zero_grad()
            F.cross_entropy(scores.float(), label).backward()
            optimizer.step()

    return seconds(step)


def _peak(bf16: bool) -> float:
    """Return the GFLOP/s of the faster of a square matrix product and the network's widest convolution."""
    dtype = torch.bfloat16 if bf16 else torch.float32
    square = torch.randn(2048, 2048, dtype=dtype)
    image = torch.randn(16, 25, 25, 256, dtype=dtype).permute(0, 3, 1, 2)
    kernel = torch.randn(256, 256, 9, 1, dtype=dtype)
    works: tuple[Callable[[], Tensor], ...] = (
        lambda: square @ square,
        lambda: F.conv2d(image, kernel, padding=(4, 0)),
    )
    rates = []
    for work in works:
        work()
        with FlopCounterMode(display=False) as counter:
            work()
        rates += [counter.get_total_flops() / seconds(work) / 1e9 for _ in range(5)]
    return max(rates)


def _differences(clips: int, frames: int, dtype: torch.dtype) -> tuple[float, float, float]:
    """Return how far ours is from plain in scores and gradient of the input, and the folded from the unfolded."""
    ours, folded, (rows, clip, _) = _networks(CASES[3], clips, frames)
    plain, _, (x,) = _networks(CASES[0], clips, frames)
    assert isinstance(rows, Tensor)
    assert isinstance(x, Tensor)
    ours, folded, plain = ours.to(dtype), folded.to(dtype), plain.to(dtype)
    rows, x = rows.to(dtype), x.to(dtype)
    unfolded = copy.deepcopy(ours).eval()
    weight = torch.randn(clips, 60, dtype=dtype)
    results = []
    for network, given in ((ours, (rows.requires_grad_(), clip, clips)), (plain, (x.requires_grad_(),))):
        scores = network(*given)
        (scores * weight).sum().backward()
        results.append(scores.detach())
    assert rows.grad is not None
    assert x.grad is not None
    slope = rows.grad.view(clips, ACTORS, frames, 25, 3).permute(0, 4, 2, 3, 1)
    with torch.no_grad():
        scores = unfolded(rows, clip, clips)
        return _gap(*results), _gap(slope, x.grad), _gap(folded(rows, clip, clips), scores)


def _gap(value: Tensor, expected: Tensor) -> float:
    return float((value - expected).abs().max() / expected.abs().max())


if __name__ == "__main__":
    main()
