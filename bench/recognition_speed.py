"""Samples per second of the recogniser beside the plain formulation, in one run, on one machine, with equal weights.

The plain formulation is the one the reference code bases use: activations [N * M, C, T, V], a 1 x 1 convolution to
K * C' channels, an einsum with the dense adjacency, empty actors processed like the others.

    python bench/recognition_speed.py [--clips 16] [--frames 100] [--threads 2] [--repeats 3] [--device cpu]
"""

import argparse
import copy
import sys
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import median

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data.ntu.layout import NTU25
from recognition.graph import skeleton_graph
from recognition.stgcn import STGCN, Block

GRAPH = skeleton_graph(NTU25)
ACTORS = 2


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
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    torch.manual_seed(0)
    device, clips = torch.device(asked.device), asked.clips

    x = torch.randn(clips, 3, asked.frames, 25, ACTORS, device=device)
    rows = x.permute(0, 4, 2, 3, 1).reshape(clips * ACTORS, asked.frames, 25, 3).contiguous()
    clip = torch.arange(clips, device=device).repeat_interleave(ACTORS)
    ours, passing = STGCN(GRAPH), STGCN(GRAPH, path="propagate")
    passing.load_state_dict(ours.state_dict())
    plain = Plain(ours)
    for network in (ours, passing, plain):
        network.to(device)
    with torch.no_grad():
        gap = float((copy.deepcopy(ours)(rows, clip, clips) - copy.deepcopy(plain)(x)).abs().max())

    cases: dict[str, tuple[nn.Module, Callable[[], Tensor]]] = {
        "plain einsum": (plain, lambda: plain(x)),
        "ours, dense": (ours, lambda: ours(rows, clip, clips)),
        "ours, propagate": (passing, lambda: passing(rows, clip, clips)),
        "ours, dense, second actors absent": (ours, lambda: ours(rows[::2].contiguous(), clip[::2], clips)),
    }
    shape, first = list(x.shape), next(iter(cases))
    table = Table(title=f"ST-GCN {shape}, {asked.threads} threads, {device}: samples/s (times plain in fp32)")
    for column in ("", "training fp32", "training bf16", "inference fp32", "inference bf16"):
        table.add_column(column, justify="left" if not column else "right")
    # the cases take turns, so that whatever else the machine does meets all of them
    seconds: dict[tuple[str, bool, bool], list[float]] = {}
    for turn, (name, training, bf16) in product(range(asked.repeats + 1), product(cases, (True, False), (False, True))):
        taken = _measure(*cases[name], training, bf16, device)
        if turn:  # the first is for warming up
            seconds.setdefault((name, training, bf16), []).append(taken)
    for name in cases:
        cells = []
        for training, bf16 in product((True, False), (False, True)):
            speed, base = (clips / median(seconds[key]) for key in ((name, training, bf16), (first, training, False)))
            cells.append(f"{speed:.2f} ({speed / base:.2f})")
        table.add_row(name, *cells)
    console = Console(width=110)
    console.print(table)
    console.print(f"largest difference of the scores, ours and plain, fp32, training mode: {gap:.1e}")


def _measure(
    model: nn.Module, forward: Callable[[], Tensor], training: bool, bf16: bool, device: torch.device
) -> float:
    """Return the seconds of one training step (forward, backward, SGD) or of one forward pass."""
    model.train(training)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9, nesterov=True)
    begin = time.perf_counter()
    with torch.set_grad_enabled(training), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        scores = forward()
    if training:
        label = torch.zeros(len(scores), dtype=torch.int64, device=device)
        optimizer.zero_grad()
        F.cross_entropy(scores.float(), label).backward()
        optimizer.step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
