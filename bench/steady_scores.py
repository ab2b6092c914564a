"""Score `steady` or `steady_ntu25` by smoothness and by how much of the motion it keeps.

Usage: python bench/steady_scores.py WEIGHTS [--on VALIDATION | --on TEST] [--poses ../shared/data/poses]
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data.ntu.simulate.clips import choose_clips, clean_clip, simulate_clip
from data.ntu.simulate.config import SimulateSection
from data.ntu.splits import TRAIN_PERFORMERS
from data.skeletons.fidelity import amplitude, band_gains, moved_by, own_acceleration
from data.skeletons.layouts import NTU25
from data.skeletons.metrics import frame_errors, mean_errors
from refine.benchmarks.pairs import read_pairs
from refine.benchmarks.table import Split, find_benchmark
from refine.known_movements import hand_moves, standing
from refine.steady.bones import Tree, hang
from refine.steady.net import load_networks
from refine.steady.ntu25 import refiner as ntu25
from refine.steady.ntu25.net import load_network, says_ntu25
from refine.steady.smoother import refine_sequence

Poses = Sequence[np.ndarray]
Refine = Callable[[np.ndarray, float, np.ndarray | None, Tree | None], np.ndarray]

NTU = hang(NTU25.bones, 25)


def table(
    name: str,
    given: Poses,
    truth: Poses,
    refined: Poses,
    fps: float,
    root: Sequence[int],
    factor: float,
    known: Sequence[np.ndarray] | None = None,
) -> None:
    known = known or [np.ones(x.shape[:2], bool) for x in truth]
    for word, poses in (("in", given), ("out", refined)):
        triples = zip(poses, truth, known, strict=True)
        figures = mean_errors([frame_errors(one, target, root, mask) for one, target, mask in triples])
        gains = band_gains(poses, truth, fps, root)
        own = own_acceleration(poses, root) / own_acceleration(truth, root)
        print(
            f"{name:22s} {word:3s} MPJPE {figures['mpjpe'] * factor:6.2f}  PA {figures['pa_mpjpe'] * factor:6.2f}  "
            f"Accel {figures['accel'] * factor:6.3f}  gain {' / '.join(f'{g:.3f}' for g in gains)}  "
            f"own acceleration {own:5.2f} of the truth's",
            flush=True,
        )


def stand_in(refine: Refine, severity: float, test: bool, states: bool, count: int) -> None:
    """Score all actors' tracks, of each the longest stretch in which it is seen, where joints are seen."""
    section = SimulateSection(severity=severity)
    names = [name for name in choose_clips(section) if (name.performer not in TRAIN_PERFORMERS) == test]
    order = np.random.default_rng(0).permutation(len(names))[:count]
    given, truth, refined, known = [], [], [], []
    for at in sorted(order):
        clip = simulate_clip(section, names[at])
        for measured, true in zip(clip.measured, clip.truth, strict=True):
            rows = longest(np.asarray(measured.tracked.any(axis=1)))
            tracked = measured.tracked[rows]
            if len(tracked) < 3:
                continue
            confidence = (np.array([0.0, 0.5, 1.0]) if states else np.array([0.0, 1.0, 1.0]))[tracked]
            given.append(measured.joints[rows])
            truth.append(true.joints[rows])
            known.append(tracked > 0)
            refined.append(refine(given[-1], 30.0, confidence, NTU))
    word = f"stand-in {severity}{' states' if states else ''}"
    table(word, given, truth, refined, 30.0, (0,), 1000, known)


def clean_clips(refine: Refine, test: bool) -> None:
    """Print how far clean clips are moved."""
    section = SimulateSection(severity=0.0)
    names = [name for name in choose_clips(section) if (name.performer not in TRAIN_PERFORMERS) == test][::20]
    clean = [clean_clip(section, name)[0][0] for name in names]
    moved = moved_by([refine(x, 30.0, None, NTU) for x in clean], clean)
    print(f"{len(clean)} clean clips moved by {1000 * moved:.3f} mm", flush=True)


def longest(seen: np.ndarray) -> slice:
    """Return the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(np.int8)))
    best = int(np.argmax(edges[1::2] - edges[::2]))
    return slice(int(edges[2 * best]), int(edges[2 * best + 1]))


def human36m(refine: Refine, name: str, root: Path, split: Split, every: int) -> None:
    pairs = read_pairs(find_benchmark(name), root, split)
    pairs = pairs.take(range(0, len(pairs.sequences), every))
    fps, flat = pairs.benchmark.fps, pairs.benchmark.unit == "px"
    lines = pairs.benchmark.lines
    tree = None if flat else hang(lines, pairs.detected[0].shape[1])
    refined = [refine(x, fps, None, tree) for x in pairs.detected]
    table(f"{name} {split}", pairs.detected, pairs.truth, refined, fps, pairs.benchmark.root, 1 if flat else 1000)
    clean = [refine(x, fps, None, tree) for x in pairs.truth]
    print(f"{name:22s} clean truth moved by {moved_by(clean, pairs.truth) * (1 if flat else 1000):.2f}", flush=True)


def waves(refine: Refine, states: bool, seeds: int = 24) -> None:
    """Print how much of a hand's sine, and of a gesture, is left."""
    seconds = np.arange(150) / 30
    trust = np.array([0.0, 0.5, 1.0]) if states else np.ones(3)
    kept = []
    for rate in (0.5, 1.0, 2.0, 3.0):
        shares = []
        for seed in range(seeds):
            rng = np.random.default_rng([seed, 78])
            direction = rng.standard_normal(3)
            direction /= np.linalg.norm(direction)
            wave = 0.25 * np.sin(2 * np.pi * rate * seconds + rng.uniform(0, 6))[:, None] * direction
            noisy, tracked = hand_moves(wave, seed, 1.0)
            refined = refine(noisy, 30.0, trust[tracked], None)
            shares.append([amplitude(x[:, 10], wave) for x in (refined, noisy)])
        kept.append(np.mean(shares, axis=0))
    word = " with states" if states else ""
    print(f"wave at 0.5, 1, 2, 3 Hz{word} keeps " + " / ".join(f"{a:.3f} (raw {b:.3f})" for a, b in kept), flush=True)
    course = 0.5 * np.sin(np.pi * np.clip((seconds - 2.0) / 0.3, 0, 1)) ** 2
    rest = np.r_[30:58, 72:100]
    peaks = []
    for severity in (0.0, 1.0):
        found = []
        for seed in range(seeds):
            noisy, tracked = hand_moves(course[:, None] * [0.0, 1.0, 0.0], seed, severity)
            refined = refine(noisy, 30.0, trust[tracked], None)
            found.append([x[60:70, 10, 1].max() - np.median(x[rest, 10, 1]) for x in (refined, noisy)])
        peaks.append(np.median(found, axis=0))
    print(
        f"gesture of 0.5 m in 0.3 s{word} peaks at "
        + ", ".join(f"{a:.3f} m (raw {b:.3f}) at severity {s}" for s, (a, b) in enumerate(peaks)),
        flush=True,
    )
    travel = standing(150) + seconds[:, None, None] * np.array([2.0, 0.1, 1.0])
    print(f"travel moved by {moved_by([refine(travel, 30.0, None, NTU)], [travel]) * 1000:.5f} mm", flush=True)


def load(weights: Path, boneless: bool = False) -> Refine:
    """Return what refines by weights of either kind."""
    return _refine_ntu25(weights) if says_ntu25(weights) else _refine_any(weights, boneless)


def _refine_any(weights: Path, boneless: bool) -> Refine:
    networks = load_networks(weights)

    def refine(poses: np.ndarray, fps: float, confidence: np.ndarray | None, tree: Tree | None) -> np.ndarray:
        return refine_sequence(networks, poses, fps, confidence, 1.0, None if boneless else tree)

    return refine


def _refine_ntu25(weights: Path) -> Refine:
    network = load_network(weights)

    def refine(poses: np.ndarray, fps: float, confidence: np.ndarray | None, tree: Tree | None) -> np.ndarray:
        return ntu25.refine_sequence(network, poses, fps, confidence)

    return refine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--on", choices=["validation", "test"], default="validation")
    parser.add_argument("--poses", type=Path, default=Path("../shared/data/poses"))
    parser.add_argument("--boneless", action="store_true")
    parser.add_argument("--count", type=int, default=80)
    arguments = parser.parse_args()
    of_kinect = says_ntu25(arguments.weights)
    refine = load(arguments.weights, arguments.boneless)

    started = time.process_time()
    test = arguments.on == "test"
    for severity in (1.0, 1.5):
        stand_in(refine, severity, test, False, 10000 if test else arguments.count)
    for severity in (1.0, 1.5) if of_kinect else (1.5,):
        stand_in(refine, severity, test, True, 10000 if test else arguments.count)
    clean_clips(refine, test)
    for states in (False, True):
        waves(refine, states)
    split: Split = "test" if test else "train"
    if not of_kinect:
        human36m(refine, "h36m_fcn_3D", arguments.poses, split, 1 if test else 8)
    if test and not of_kinect:
        human36m(refine, "h36m_hourglass_2D", arguments.poses, "test", 1)
    print(f"{time.process_time() - started:.0f} s")


if __name__ == "__main__":
    main()
