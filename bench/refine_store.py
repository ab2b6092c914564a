"""Time refining a whole clip store against the released code's way of doing it, and show what the stride costs.

    python bench/refine_store.py                      a twentieth of NTU RGB+D 60, and what the whole would take
    python bench/refine_store.py --stride 16          the same, at half a window's stride
    python bench/refine_store.py --full               all of its 4.8 million frames of tracks (4 GB of disk)
    python bench/refine_store.py --curve BEST.PT --root datasets/poses --benchmark h36m_fcn_3D [--split train]
                                                      MPJPE and Accel over strides, no timing

The store is made of simulated clips, written as often as it takes. Memory is the peak of a process that does nothing
but refine, everything included.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from base.executors.registry import Pool
from bench.measure import in_own_process, peak_mib, timed
from data.ntu.names import ClipName
from data.ntu.simulate.clips import choose_clips, simulate_clip
from data.ntu.simulate.config import SimulateSection
from data.skeletons.layouts import NTU25
from data.skeletons.metrics import mean_errors
from data.skeletons.store import StoreInfo, StoreWriter, open_store
from refine.apply import apply_refiner, default_stride
from refine.benchmarks.pairs import read_pairs
from refine.benchmarks.representations import errors_of, refine_pairs
from refine.benchmarks.table import Split, find_benchmark
from refine.nets.columns import Precision
from refine.nets.smoothnet import SmoothNet
from refine.normalise import Normalise
from refine.refiner import Refiner, load_refiner
from refine.windows import Merge

FULL = 4_800_000
"""Frames of all tracks of NTU RGB+D 60."""
WINDOW = 32
NETS = {"16x1": (16, 1), "128x5": (128, 5)}
TARGETS = {"16x1": 10, "128x5": 30}
"""Minutes for the full set."""
CLIPS = 240


def make_net(name: str) -> SmoothNet:
    torch.manual_seed(0)
    narrow, blocks = NETS[name]
    return SmoothNet(WINDOW, 512, narrow, blocks).eval()


def make_store(folder: Path, frames: int) -> None:
    """Write simulated clips again and again under new names."""
    section = SimulateSection(folder=folder, clips=CLIPS, severity=1.0, text=False)
    clips = [simulate_clip(section, name) for name in choose_clips(section)]
    names = (ClipName(*numbers) for numbers in product(range(1, 18), (1, 2, 3), range(1, 41), (1, 2), range(1, 61)))
    written = 0
    with StoreWriter(folder / "raw", StoreInfo(source="simulated")) as writer:
        for name, clip in zip(names, cycle(clips), strict=False):
            writer.add(name, clip.frames, clip.measured)
            written += sum(len(track.joints) for track in clip.measured)
            if written >= frames:
                return


def time_store(
    folder: Path, net: str, stride: int | None, merge: Merge, threads: int, precision: Precision, executor: str
) -> tuple[float, float, float]:
    """Refine in a fresh process; return wall and processor seconds, and the peak of its memory in MiB."""
    return in_own_process(_time_store, folder, net, stride, merge, threads, precision, executor)


def _time_store(
    folder: Path, net: str, stride: int | None, merge: Merge, threads: int, precision: Precision, executor: str
) -> tuple[float, float, float]:
    torch.set_num_threads(threads)
    refiner = Refiner(make_net(net), Normalise("channel", "body"))
    store = open_store(folder / "raw")
    output = folder / "refined"
    how: dict[str, Any] = {"stride": stride, "merge": merge, "precision": precision, "pool": Pool(executor)}
    _, taken = timed(lambda: apply_refiner(store, refiner, output, **how, replace=True))
    return taken.wall, taken.processor, peak_mib()


@torch.no_grad()
def refine_as_released(net: SmoothNet, poses: Tensor) -> Tensor:
    """Refine [T, C] as the released evaluation does: all windows at stride 1 in one batch, merged in a double loop."""
    length = len(poses)
    windows = torch.stack([poses[start : start + WINDOW] for start in range(length - WINDOW + 1)])
    refined = net(windows.permute(0, 2, 1)).permute(0, 2, 1)
    covering: list[list[Tensor]] = [[] for _ in range(length)]
    for start in range(len(refined)):
        for frame in range(WINDOW):
            covering[start + frame].append(refined[start, frame])
    return torch.stack([torch.stack(rows).mean(0) for rows in covering])


def time_released(folder: Path, net: str, frames: int, threads: int) -> float:
    """Return the frames per second of the released way, one track after another."""
    torch.set_num_threads(threads)
    store, model = open_store(folder / "raw"), make_net(net)
    rows = (
        slice(first, first + length)
        for first, length in zip(store.tracks.first_row, store.tracks.length, strict=True)
        if length >= WINDOW
    )
    tracks = [torch.tensor(np.array(store.joints[at]).reshape(at.stop - at.start, -1)) for at in islice(rows, 4000)]
    refine_as_released(model, tracks[0])
    done, started = 0, time.perf_counter()
    for track in tracks:
        refine_as_released(model, track)
        done += len(track)
        if done >= frames:
            break
    return done / (time.perf_counter() - started)


def print_curve(
    checkpoint: Path, root: Path, benchmark: str, split: Split, precision: Precision, strides: list[int]
) -> None:
    refiner = replace(load_refiner(checkpoint), precision=precision)
    pairs = read_pairs(find_benchmark(benchmark), root, split)
    unit, factor = pairs.benchmark.reported
    strides = [s for s in strides if s <= refiner.window]
    print(f"{benchmark} ({split}), {pairs.frames} frames, W = {refiner.window}; MPJPE and Accel, {unit}")
    print("| stride | mean | change | smooth | change from the mean at stride 1 |")
    print("|---|---|---|---|---|")
    base: dict[str, float] = {}
    for stride in strides:
        cells = [f"{stride}{' (default)' if stride == default_stride(refiner.window) else ''}"]
        for merge in ("mean", "smooth"):
            errors = errors_of(pairs, refine_pairs(refiner, pairs, stride=stride, merge=merge))
            found = {name: value * factor for name, value in mean_errors(errors).items()}
            base = base or found
            change = (f"{100 * (found[name] / base[name] - 1):+.2f}%" for name in ("mpjpe", "accel"))
            cells += [f"{found['mpjpe']:.3f} / {found['accel']:.3f}", " / ".join(change)]
        print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=FULL // 20)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--nets", nargs="+", choices=list(NETS), default=list(NETS))
    parser.add_argument("--stride", type=int, default=None, help="by default the default stride")
    parser.add_argument("--merge", choices=("smooth", "mean"), default="smooth")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--executor", choices=("here", "processes"), default="here", help="as apply.executor")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--released-frames", type=int, default=4_000, help="to time the released way on; 0: not at all")
    parser.add_argument("--folder", type=Path, default=None, help="for the stores; a temporary one by default")
    parser.add_argument("--curve", type=Path, help="a checkpoint")
    parser.add_argument("--strides", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32], help="of the curve; 1 first")
    parser.add_argument("--root", type=Path, default=Path("datasets/poses"))
    parser.add_argument("--benchmark", default="h36m_fcn_3D")
    parser.add_argument("--split", choices=("train", "test"), default="test")
    arguments = parser.parse_args()
    if arguments.curve is not None:
        torch.set_num_threads(arguments.threads)
        print_curve(
            arguments.curve,
            arguments.root,
            arguments.benchmark,
            arguments.split,
            arguments.precision,
            arguments.strides,
        )
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="refine_store_") as name:
        folder = Path(name)
        make_store(folder, FULL if arguments.full else arguments.frames)
        store = open_store(folder / "raw")
        frames = len(store.joints)
        channels = len(NTU25.joints) * NTU25.dims
        stride = arguments.stride or default_stride(WINDOW)
        print(
            f"{len(store.clips)} clips, {frames} frames x {channels} channels; W = {WINDOW}, stride {stride}, "
            f"{arguments.merge}, {arguments.threads} threads, {arguments.precision}, {arguments.executor}"
        )
        for net in arguments.nets:
            how = (stride, arguments.merge, arguments.threads, arguments.precision, arguments.executor)
            seconds, worked, peak = time_store(folder, net, *how)
            rate = frames / seconds
            print(
                f"{net:6s} {seconds:8.1f} s ({worked:.1f} s of processors)  {rate:9.0f} frames/s  "
                f"peak {peak:5.0f} MiB;  {FULL / rate / 60:5.1f} minutes for {FULL} (at most {TARGETS[net]} are wanted)"
            )
            if arguments.released_frames:
                released = time_released(folder, net, arguments.released_frames, arguments.threads)
                print(
                    f"       released way, stride 1: {released:.0f} frames/s, {FULL / released / 60:.0f} minutes for "
                    f"{FULL}; ours is {rate / released:.1f} times as fast (25 are wanted)",
                    flush=True,
                )


if __name__ == "__main__":
    main()
