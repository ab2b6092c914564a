"""Time refining against the bare matrix products of the same sizes, and show that memory does not grow with length.

Usage: python bench/refine_speed.py [--frames 20000] [--repeats 3] [--threads N]
"""

import argparse
import sys
from functools import partial
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import current_mib, forget_peak, in_own_process, peak_mib, seconds, take_turns
from refine.nets.columns import CACHED_COLUMNS
from refine.nets.smoothnet import SmoothNet
from refine.normalise import window_offsets
from refine.windows import refine_windows

WINDOW, JOINTS, DIMS = 32, 17, 3


def make_net() -> SmoothNet:
    torch.manual_seed(0)
    return SmoothNet(WINDOW, hidden=512, res_hidden=128, blocks=5).eval()


def refine(net: SmoothNet, poses: torch.Tensor) -> None:
    refine_windows(net, [poses], stride=1, offsets=lambda x: window_offsets(x, "channel", (0,), DIMS))


@torch.inference_mode()
def multiply(net: SmoothNet, columns: int) -> None:
    """Do the network's matrix products, in the same chunks, and nothing else."""
    count = CACHED_COLUMNS
    x, out = torch.randn(WINDOW, count), torch.empty(WINDOW, count)
    hidden, narrow = torch.empty(count, 512), torch.empty(count, 128)
    wide = torch.empty(count, 512)
    encoder = net.encoder.get_submodule("0").get_parameter("weight")
    layers = [(block.linear1.weight, block.linear2.weight) for block in net.blocks]
    for _ in range(-(-columns // count)):
        torch.mm(x.t(), encoder.t(), out=hidden)
        for first, second in layers:
            torch.mm(hidden, first.t(), out=narrow)
            torch.mm(narrow, second.t(), out=wide)
        torch.mm(net.decoder.weight, hidden.t(), out=out)


def peak_of(frames: int) -> tuple[float, float]:
    """Refine in a fresh process; return MiB of input and output, and of what refining added to that at its peak."""
    return in_own_process(_measure_peak, frames)


def _measure_peak(frames: int) -> tuple[float, float]:
    net = make_net()
    refine(net, torch.randn(JOINTS * DIMS, 2000))  # libraries allocate their own room on first use
    poses = torch.randn(JOINTS * DIMS, frames)
    forget_peak()
    before = current_mib()
    refine(net, poses)
    data = 2 * poses.nbytes / 2**20
    return data, peak_mib() - before - data / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    net, poses = make_net(), torch.randn(JOINTS * DIMS, arguments.frames)
    columns = (arguments.frames - WINDOW + 1) * JOINTS * DIMS
    refine(net, poses[:, :2000].contiguous())
    multiply(net, 100_000)
    turns = take_turns(
        {
            "ours": partial(seconds, lambda: refine(net, poses)),
            "bare": partial(seconds, lambda: multiply(net, columns)),
        },
        arguments.repeats,
        warm_up=0,
    )
    ours, bare = min(turns["ours"]), min(turns["bare"])
    work = columns * 2 * (2 * WINDOW * 512 + 5 * 2 * 512 * 128)
    print(f"{arguments.frames} frames, 17 x 3 coordinates, W = 32, stride 1, 128 x 5 net, {arguments.threads} threads")
    print(f"refining          {ours:7.2f} s  {work / ours / 1e9:6.1f} GFLOP/s")
    print(f"bare products     {bare:7.2f} s  {work / bare / 1e9:6.1f} GFLOP/s")
    print(f"ratio             {ours / bare:7.3f}    (at most 1.3 is wanted)")
    for frames in (arguments.frames, 4 * arguments.frames):
        data, extra = peak_of(frames)
        print(f"peak memory at {frames:6d} frames: {data:6.1f} MiB of input and output, {extra:6.1f} MiB besides")


if __name__ == "__main__":
    main()
