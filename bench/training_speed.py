"""Time a training step of SmoothNet: the way the released code trains, ours, and the bare matrix products of the step.

The three take turns, step by step, in a process each (ours changes how the C library keeps freed memory; --keep-memory
gives the released way the same). Medians over the turns, of wall time and of processor time; the latter matters on a
machine that has other things to do as well.

Usage: python bench/training_speed.py [--threads 1] [--batch 1024] [--repeats 5] [--small] [--keep-memory]
"""

import argparse
import itertools
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import Server, peak_mib, processor, ratio, take_turns, timed
from refine.benchmarks.pairs import Pairs
from refine.benchmarks.table import find_benchmark
from refine.config import TrainSection
from refine.nets.loss import COLUMNS, BatchLoss
from refine.nets.registry import ModelSection, build_net
from refine.normalise import Normalise
from refine.train import Material, batch_losses, new_optimizer
from refine.windows import pool_windows
from training.devices import pick_device
from training.fit import train_epoch

JOINTS, DIMS, WINDOW = 17, 3, 32
BENCHMARK = "h36m_fcn_3D"
SIDES = ("released", "ours", "products")


@dataclass(frozen=True)
class Sizes:
    """The network and the batch."""

    hidden: int
    res_hidden: int
    blocks: int
    dropout: float
    batch: int
    columns: int
    keep_memory: bool

    @property
    def rows(self) -> int:
        """Windows x coordinates of a batch."""
        return self.batch * JOINTS * DIMS

    @property
    def work(self) -> float:
        """Operations of a step's matrix products, the gradient of the input left out."""
        encoder, blocks = WINDOW * self.hidden, 2 * self.blocks * self.hidden * self.res_hidden
        return 2.0 * self.rows * (2 * encoder + 3 * (blocks + encoder))


def make_sequences() -> list[tuple[np.ndarray, np.ndarray]]:
    """(detected, truth) of some sequences, float32 [T, C] each."""
    rng = np.random.default_rng(0)
    truth = [rng.normal(size=(1500, JOINTS * DIMS)).cumsum(0).astype(np.float32) * 0.01 for _ in range(4)]
    return [(x + 0.02 * rng.normal(size=x.shape).astype(np.float32), x) for x in truth]


class OneWindow(Dataset[tuple[np.ndarray, np.ndarray]]):
    """Windows cut one at a time."""

    def __init__(self) -> None:
        self.sequences = make_sequences()
        self.places = [(i, t) for i, (x, _) in enumerate(self.sequences) for t in range(len(x) - WINDOW + 1)]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        sequence, start = self.places[number]
        detected, truth = self.sequences[sequence]
        return detected[start : start + WINDOW], truth[start : start + WINDOW]


class PlainBlock(nn.Module):
    """A residual block as one writes it down."""

    def __init__(self, hidden: int, res_hidden: int, dropout: float) -> None:
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(hidden, res_hidden), nn.Linear(res_hidden, hidden)
        self.dropout1, self.dropout2 = nn.Dropout(dropout, inplace=True), nn.Dropout(dropout, inplace=True)
        self.act1, self.act2 = nn.LeakyReLU(0.2, inplace=True), nn.LeakyReLU(0.2, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., hidden] to [..., hidden]."""
        y = self.act1(self.dropout1(self.linear1(x)))
        return x + self.act2(self.dropout2(self.linear2(y)))


def acceleration(x: Tensor) -> Tensor:
    return x[..., 2:] - 2 * x[..., 1:-1] + x[..., :-2]


def released(sizes: Sizes) -> Iterator[float]:
    """Train as the released code does: a data loader of single windows, plain modules, the loss read at every step."""
    if sizes.keep_memory:
        pick_device("cpu")
    net = nn.Sequential(
        nn.Linear(WINDOW, sizes.hidden),
        nn.LeakyReLU(0.1),
        *(PlainBlock(sizes.hidden, sizes.res_hidden, sizes.dropout) for _ in range(sizes.blocks)),
        nn.Linear(sizes.hidden, WINDOW),
    ).train()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, amsgrad=True)
    l1 = nn.L1Loss()
    loader = DataLoader(OneWindow(), sizes.batch, shuffle=True, num_workers=0, drop_last=True)
    for detected, truth in itertools.chain.from_iterable(itertools.repeat(loader)):
        x, y = detected.permute(0, 2, 1), truth.permute(0, 2, 1)
        refined = net(x)
        loss = l1(refined, y) + 0.1 * l1(acceleration(refined), acceleration(y))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


def ours(sizes: Sizes) -> Iterator[float]:
    """Train by the functions that `train_refiner` calls."""
    device = pick_device("cpu")
    pool = pool_windows(make_sequences(), WINDOW, device)
    # Nothing is validated here, so nothing is held out.
    material = Material(find_benchmark(BENCHMARK), pool, cast(Pairs, None), [])
    train = TrainSection(on=(BENCHMARK,), batch=sizes.batch, windows=len(pool.starts) // sizes.batch * sizes.batch)
    net = build_net(
        ModelSection(
            window=WINDOW,
            hidden=sizes.hidden,
            res_hidden=sizes.res_hidden,
            blocks=sizes.blocks,
            dropout=sizes.dropout,
        )
    )
    optimizer = new_optimizer(net, train)
    loss = BatchLoss(net, train.position_weight, train.acceleration_weight, sizes.columns)
    generator = torch.Generator().manual_seed(0)
    while True:
        losses = batch_losses(loss, [material], Normalise("channel", "body"), train, generator)
        for _ in range(len(pool.starts) // sizes.batch):
            yield float(train_epoch(net, optimizer, itertools.islice(losses, 1)))


def products(sizes: Sizes) -> Iterator[float]:
    """Do the matrix products of a step and nothing else, in pieces of the same size as ours."""
    pick_device("cpu")
    pieces = -(-sizes.rows // sizes.columns)
    n = -(-sizes.rows // pieces)
    x, y = torch.randn(2, n, WINDOW)
    hidden, wide = torch.randn(2, n, sizes.hidden)
    narrow = torch.randn(n, sizes.res_hidden)
    encoder, decoder = torch.randn(sizes.hidden, WINDOW), torch.randn(WINDOW, sizes.hidden)
    first, second = torch.randn(sizes.res_hidden, sizes.hidden), torch.randn(sizes.hidden, sizes.res_hidden)
    gradients = [torch.zeros_like(weight) for weight in (decoder, first, first, decoder)]
    while True:
        for _ in range(pieces):
            torch.mm(x, encoder.t(), out=hidden)
            for _ in range(sizes.blocks):
                torch.mm(hidden, first.t(), out=narrow)
                torch.mm(narrow, second.t(), out=wide)
            torch.mm(hidden, decoder.t(), out=y)
            torch.mm(y.t(), hidden, out=gradients[0])
            torch.mm(y, decoder, out=hidden)
            for _ in range(sizes.blocks):
                torch.mm(narrow.t(), wide, out=gradients[1])
                torch.mm(wide, second, out=narrow)
                torch.mm(narrow.t(), hidden, out=gradients[2])
                torch.mm(narrow, first, out=hidden)
            torch.mm(x.t(), hidden, out=gradients[3])
        yield 0.0


def answer(side: str, sizes: Sizes, threads: int) -> Callable[[int], tuple[float, float, float]]:
    """Take so many steps as asked; give wall and processor seconds of each, and the peak MiB."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    kinds: dict[str, Callable[[Sizes], Iterator[float]]] = {"released": released, "ours": ours, "products": products}
    steps = kinds[side](sizes)

    def take(count: int) -> tuple[float, float, float]:
        _, taken = timed(lambda: [next(steps) for _ in range(count)])
        return taken.wall / count, taken.processor / count, peak_mib()

    return take


def measure(sizes: Sizes, threads: int, repeats: int, steps: int) -> dict[str, list[tuple[float, float, float]]]:
    """Return wall and processor seconds per step, and the peak of memory, of every turn of every side."""
    servers = {side: Server[tuple[float, float, float]](answer, side, sizes, threads) for side in SIDES}
    times = take_turns({side: partial(server, steps) for side, server in servers.items()}, repeats)
    for server in servers.values():
        server.close()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1, help="steps per turn")
    parser.add_argument("--columns", type=int, default=COLUMNS["cpu"], help="windows x coordinates per piece")
    parser.add_argument("--small", action="store_true", help="the 16 x 1 net with dropout 0.5 instead of 128 x 5")
    parser.add_argument(
        "--keep-memory", action="store_true", help="let the released way keep freed memory, as ours does"
    )
    arguments = parser.parse_args()
    net = (512, 16, 1, 0.5) if arguments.small else (512, 128, 5, 0.25)
    sizes = Sizes(*net, arguments.batch, arguments.columns, arguments.keep_memory)
    times = measure(sizes, arguments.threads, arguments.repeats, arguments.steps)
    print(f"{processor()}, {arguments.threads} threads, PyTorch {torch.__version__}")
    print(
        f"batch {sizes.batch} x {JOINTS} x {DIMS}, W = {WINDOW}, {sizes.res_hidden} x {sizes.blocks} net, dropout "
        f"{sizes.dropout}, {sizes.work / 1e9:.1f} GFLOP of products per step, medians of {arguments.repeats} turns"
    )
    for kind, name in enumerate(("wall", "processor")):
        columns = {side: [turn[kind] for turn in turns] for side, turns in times.items()}
        print(f"{name} time")
        for side, seconds in columns.items():
            each = statistics.median(seconds)
            print(f"  {side:9s} {each:8.3f} s  {1 / each:7.3f} it/s  {sizes.work / each / 1e9:7.1f} GFLOP/s")
        gain = ratio(columns["released"], columns["ours"])
        share = ratio(columns["products"], columns["ours"])
        print(f"  ours against released: {gain:.2f} times as fast (at least 2.5 wanted)")
        print(f"  ours against products: {100 * share:.0f}% of their rate (at least 70% wanted)")
    peaks = ", ".join(f"{side} {max(turn[2] for turn in turns):.0f}" for side, turns in times.items())
    print(f"peak memory of the process, MiB: {peaks}")


if __name__ == "__main__":
    main()
