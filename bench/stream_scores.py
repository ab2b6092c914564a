"""Score refining as poses come, by how many frames late, beside One-Euro and the refiner that sees the whole sequence.

Usage: python bench/stream_scores.py [--on validation | --on test] [--weights FILE] [--count 60] [--lags 0 2 4 8]

On the simulated stand-in, 30 frames a second, tracking states hidden: root-aligned errors and errors of acceleration
where joints are seen, and the shares of the movement that are left, see `data.skeletons.fidelity`. One-Euro has the
parameters of SmoothNet's release.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import print_table
from bench.steady_scores import longest
from data.ntu.simulate.clips import choose_clips, simulate_clip
from data.ntu.simulate.config import SimulateSection
from data.ntu.splits import TRAIN_PERFORMERS
from data.skeletons.fidelity import band_gains
from data.skeletons.metrics import frame_errors, mean_errors
from refine import Stream, refine
from refine.filters.registry import FILTERS
from refine.live.stream import WEIGHTS
from refine.normalise import body_size

FPS = 30.0

Clip = tuple[np.ndarray, np.ndarray, np.ndarray]


def clips(severity: float, test: bool, count: int) -> list[Clip]:
    """Return measured and true joints, and where they were seen, of all actors' longest stretches."""
    section = SimulateSection(severity=severity)
    names = [name for name in choose_clips(section) if (name.performer not in TRAIN_PERFORMERS) == test]
    chosen = sorted(np.random.default_rng(0).permutation(len(names))[:count])
    found = []
    for at in chosen:
        clip = simulate_clip(section, names[at])
        for measured, true in zip(clip.measured, clip.truth, strict=True):
            rows = longest(np.asarray(measured.tracked.any(axis=1)))
            if rows.stop - rows.start >= 3:
                found.append((measured.joints[rows], true.joints[rows], measured.tracked[rows] > 0))
    return found


def one_euro(poses: np.ndarray) -> np.ndarray:
    """Filter as SmoothNet's release does, in body sizes."""
    kind = FILTERS["one_euro"]
    assert kind.released is not None
    filled = np.where(np.isfinite(poses), poses, 0.0)
    size = body_size(poses, np.isfinite(poses).all(axis=-1))
    return np.asarray(kind.smooth(filled / size, **kind.released(FPS), fps=FPS) * size)


def streamed(weights: Path, lag: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that gives poses to a stream one by one."""

    def run(poses: np.ndarray) -> np.ndarray:
        stream = Stream(FPS, lag, "steady" if weights == WEIGHTS else weights)
        out = [stream.update(pose) for pose in poses]
        return np.array([one.pose for one in [*out, *stream.flush()] if one is not None])

    return run


def row(name: str, method: Callable[[np.ndarray], np.ndarray], data: Sequence[Clip]) -> list[str]:
    refined = [method(np.where(seen[..., None], x, np.nan).astype(np.float64)) for x, _, seen in data]
    refined = [np.where(np.isfinite(y), y, x) for y, (x, _, _) in zip(refined, data, strict=True)]
    truth = [one for _, one, _ in data]
    scored = zip(refined, data, strict=True)
    errors = mean_errors([frame_errors(one, true, (0,), seen) for one, (_, true, seen) in scored])
    gains = band_gains(refined, truth, FPS, (0,))
    return [
        name,
        f"{1000 * errors['mpjpe']:.1f}",
        f"{1000 * errors['accel']:.1f}",
        " / ".join(f"{gain:.2f}" for gain in gains),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--on", choices=["validation", "test"], default="validation")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--lags", type=int, nargs="+", default=[0, 2, 4, 8])
    parser.add_argument("--severity", type=float, nargs="+", default=[1.0, 1.5])
    arguments = parser.parse_args()
    for severity in arguments.severity:
        data = clips(severity, arguments.on == "test", arguments.count)
        print(f"severity {severity:g}, {len(data)} tracks, {sum(len(x) for x, _, _ in data)} frames", flush=True)
        methods: dict[str, Callable[[np.ndarray], np.ndarray]] = {"input": lambda x: x, "One-Euro": one_euro}
        methods |= {f"{lag} frames late": streamed(arguments.weights, lag) for lag in arguments.lags}
        methods["whole sequence"] = lambda x: refine(x, FPS)
        rows = [row(name, method, data) for name, method in methods.items()]
        print_table(["", "MPJPE, mm", "Accel, mm/frame²", "gain 0.5-1.5 / 1.5-3 / 3-6 Hz"], rows)


if __name__ == "__main__":
    main()
