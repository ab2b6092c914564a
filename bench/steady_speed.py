"""Time `steady` or `steady_ntu25`, and show that its memory does not grow with the length of a sequence.

Usage: python bench/steady_speed.py [--weights FILE] [--frames 60000] [--joints 25] [--fps 30] [--workers N]
"""

import argparse
import platform
import resource
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from refine.steady.net import load_networks
from refine.steady.ntu25 import refiner as ntu25
from refine.steady.ntu25.net import load_network, says_ntu25
from refine.steady.smoother import WEIGHTS, refine_sequence


def refiner(weights: Path) -> Callable[[np.ndarray, float, int | None], np.ndarray]:
    """Return what refines poses at a frame rate, with so many workers."""
    if says_ntu25(weights):
        network = load_network(weights)
        return lambda poses, fps, workers: ntu25.refine_sequence(network, poses, fps, workers=workers)
    networks = load_networks(weights)
    return lambda poses, fps, workers: refine_sequence(networks, poses, fps, workers=workers)


def walk(frames: int, joints: int) -> np.ndarray:
    """Return noisy poses, float32 [T, J, 3]."""
    rng = np.random.default_rng(0)
    seconds = np.arange(frames)[:, None, None] / 30
    swing = 0.2 * np.sin(seconds * rng.uniform(1, 6, (1, joints, 3)))
    return (rng.normal(0, 0.4, (1, joints, 3)) + swing + rng.normal(0, 0.01, (frames, joints, 3))).astype(np.float32)


def peak_mib(weights: Path, frames: int, joints: int) -> float:
    """Return MiB of memory that refining took at its peak beside input and output, in a fresh process."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure_peak, (weights, frames, joints))


def _measure_peak(weights: Path, frames: int, joints: int) -> float:
    refine, poses = refiner(weights), walk(frames, joints)
    refine(poses[:100], 30.0, None)
    if platform.system() == "Linux":
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _resident("VmRSS")
    refine(poses, 30.0, None)
    return _resident("VmHWM") - before - poses.nbytes / 2**20


def _resident(field: str) -> float:
    """Return the resident memory now (VmRSS) or at its peak (VmHWM), MiB."""
    if platform.system() != "Linux":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[field].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--frames", type=int, default=60_000)
    parser.add_argument("--joints", type=int, default=25)
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--workers", type=int, default=None)
    arguments = parser.parse_args()
    refine, poses = refiner(arguments.weights), walk(arguments.frames, arguments.joints)
    refine(poses[:4000], arguments.fps, None)
    for _ in range(3):
        wall, busy = time.perf_counter(), time.process_time()
        refine(poses, arguments.fps, arguments.workers)
        wall, busy = time.perf_counter() - wall, time.process_time() - busy
        print(
            f"{arguments.frames} frames of {arguments.joints} x 3: {arguments.frames / wall:9,.0f} frames a second, "
            f"{arguments.frames / busy:9,.0f} frames a second of a core"
        )
    for frames in (arguments.frames, 4 * arguments.frames):
        print(f"peak memory at {frames} frames: {peak_mib(arguments.weights, frames, arguments.joints):.0f} MiB")


if __name__ == "__main__":
    main()
