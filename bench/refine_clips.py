"""What refining does to clips whose truth is known, and how nearly it commutes with moving, turning and scaling them.

    python bench/refine_clips.py [CHECKPOINT ...] [--clips 400] [--actions 60]

Simulated Kinect tracks in the setting `lab`, through each trained refiner and each filter; nothing is tuned to them.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import print_table
from data.ntu.simulate.config import SimulateSection
from data.ntu.simulate.stand_in import make_stand_in
from data.skeletons.store import ClipStore, open_store
from refine.apply import apply_filter, apply_refiner
from refine.filters.smoothing import smooth
from refine.refiner import load_refiner, refine_poses

FILTERS: dict[str, dict[str, float]] = {
    "gaussian": {"sigma_s": 0.1},
    "savitzky_golay": {"window_s": 0.6, "order": 2},
    "one_euro": {"min_cutoff_hz": 1.0, "beta": 3.0},
    "butterworth": {"cutoff_hz": 3.0, "order": 2},
}
SOME = 60
"""Tracks on which commuting is measured."""

Arm = Callable[[Sequence[np.ndarray]], list[np.ndarray]]


def errors(store: ClipStore, truth: ClipStore, raw: ClipStore) -> list[str]:
    """Return MPJPE where the body is and relative to the base of the spine, mm, and Accel, mm per frame squared."""
    seen = np.asarray(raw.tracked) > 0
    off = 1000 * (np.asarray(store.joints, float) - truth.joints)
    accel = []
    for track in range(len(raw.tracks)):
        rows = raw.rows_of(track)
        if rows.stop - rows.start > 2:
            triples = np.lib.stride_tricks.sliding_window_view(seen[rows], 3, axis=0).all(-1)
            accel.append(np.linalg.norm(np.diff(off[rows], 2, axis=0), axis=-1)[triples])
    relative = np.linalg.norm(off - off[:, :1], axis=-1)
    means = np.linalg.norm(off, axis=-1)[seen].mean(), relative[seen].mean(), np.concatenate(accel).mean()
    return [f"{mean:.2f}" for mean in means]


def commuting(arm: Arm, tracks: Sequence[np.ndarray]) -> list[str]:
    """Say how far, mm on average and at most, refining is from refining what was moved, turned, mirrored or scaled."""
    turn, place = Rotation.random(rng=3).as_matrix(), np.array([50.0, -20.0, 30.0])
    changes: list[tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]] = [
        (lambda x: x + place, lambda x: x - place),
        (lambda x: x @ turn, lambda x: x @ turn.T),
        (lambda x: x * [-1, 1, 1], lambda x: x * [-1, 1, 1]),
        (lambda x: 1.1 * x, lambda x: x / 1.1),
        (lambda x: 2 * x, lambda x: x / 2),
    ]
    expected = arm(tracks)
    said = []
    for change, back in changes:
        changed = [back(x.astype(float)) for x in arm([change(x) for x in tracks])]
        gaps = [np.linalg.norm(x - y, axis=-1).ravel() for x, y in zip(changed, expected, strict=True)]
        gap = 1000 * np.concatenate(gaps)
        gap = gap[np.isfinite(gap)]
        said.append(f"{gap.mean():.4f} / {gap.max():.4f}")
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", type=Path, nargs="*")
    parser.add_argument("--clips", type=int, default=400)
    parser.add_argument("--actions", type=int, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder, output = Path(work) / "clips", Path(work) / "out"
        actions = tuple(range(1, given.actions + 1))
        make_stand_in(
            SimulateSection(folder=folder, clips=given.clips, actions=actions, setting="lab", text=False), None
        )
        raw, truth = open_store(folder / "raw"), open_store(folder / "truth")
        # Moved zeros would be positions: what was not seen is NaN.
        joints = np.where(np.asarray(raw.tracked)[..., None] > 0, raw.joints, np.nan)
        tracks = [joints[raw.rows_of(track)] for track in range(min(SOME, len(raw.tracks)))]
        scores: list[list[object]] = [["raw", *errors(raw, truth, raw)]]
        gaps: list[list[object]] = []
        for name, parameters in FILTERS.items():
            apply_filter(raw, name, parameters, output / name)
            scores.append([name, *errors(open_store(output / name), truth, raw)])
            gaps.append([name, *commuting(partial(smooth, name, parameters=parameters, fps=raw.info.fps), tracks)])
        for number, path in enumerate(given.checkpoints):
            refiner = load_refiner(path)
            apply_refiner(raw, refiner, output / str(number))
            scores.append([str(path), *errors(open_store(output / str(number)), truth, raw)])
            gaps.append([str(path), *commuting(partial(refine_poses, refiner, fps=raw.info.fps, stride=8), tracks)])
        print(f"{len(raw.tracks)} tracks, {len(raw.joints)} frames")
        print_table(["", "MPJPE, mm", "relative, mm", "Accel, mm/frame^2"], scores)
        print(f"commuting, mm on average / at most, {len(tracks)} tracks")
        print_table(["", "50 m away", "turned", "mirrored", "x 1.1", "x 2"], gaps)


if __name__ == "__main__":
    main()
