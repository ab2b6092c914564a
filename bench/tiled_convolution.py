"""The nine-frame convolutions of the published ST-GCN, with all gradients, directly and in tiles, in turns.

python bench/tiled_convolution.py [--actors 16] [--threads 1] [--repeats 7]
"""

import argparse
import sys
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import print_table, processor, take_turns, timed
from recognition.nets import temporal_conv
from recognition.nets.temporal_conv import TemporalConv
from training.devices import pick_device

LAYERS = ((64, 100, 1), (128, 100, 2), (128, 50, 1), (256, 50, 2), (256, 25, 1))
"""Channels, frames, stride."""


def convolve(conv: TemporalConv, x: Tensor, tiles: bool) -> list[Tensor]:
    """Return the output and the gradients of its sum of squares."""
    least, temporal_conv.CHANNELS = temporal_conv.CHANNELS, 1 if tiles else sys.maxsize
    try:
        y = conv(x)
    finally:
        temporal_conv.CHANNELS = least
    return [y.detach(), *torch.autograd.grad(y.square().sum(), [x, *conv.parameters()])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--actors", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    pick_device("cpu")
    print(f"{processor()}, {asked.threads} threads, PyTorch {torch.__version__}, {asked.actors} actors of 25 joints")
    rows = []
    for channels, frames, stride in LAYERS:
        torch.manual_seed(0)
        conv = TemporalConv(channels, channels, (9, 1), (stride, 1), (4, 0))
        x = torch.randn(asked.actors, frames, 25, channels).relu().permute(0, 3, 1, 2).requires_grad_()
        direct, tiled = (convolve(conv, x, tiles) for tiles in (False, True))
        gap = max(float((one - other).norm() / other.norm()) for one, other in zip(tiled, direct, strict=True))
        works = {name: partial(timed, partial(convolve, conv, x, name == "tiles")) for name in ("direct", "tiles")}
        taken = {name: [one for _, one in found] for name, found in take_turns(works, asked.repeats).items()}
        busy = [1e3 * min(one.processor for one in found) for found in taken.values()]
        wall = [1e3 * min(one.wall for one in found) for found in taken.values()]
        figures = [f"{value:.0f}" for value in (*busy, *wall)]
        rows.append((f"{channels}, {frames}, {stride}", *figures, f"{busy[0] / busy[1]:.2f}", f"{gap:.1e}"))
    print("least of the turns; apart: the output or gradient that differs most, over its norm")
    print_table(
        ("channels, frames, stride", "direct, cpu ms", "tiles", "direct, clock ms", "tiles", "times", "apart"), rows
    )


if __name__ == "__main__":
    main()
