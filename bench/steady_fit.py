"""What a fit on Human3.6M's training subjects would add to `steady`: one subject left out at a time.

    python bench/steady_fit.py [--poses ../shared/data/poses]

The corrections are learnt from what `steady` makes of two of the three training subjects and tried on the third: one
factor for the whole pose, one for each bone, and a linear correction of the pose (ridge regression).
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import Ridge

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import print_table
from refine.benchmarks.pairs import read_pairs
from refine.benchmarks.table import find_benchmark
from refine.steady.bones import hang
from refine.steady.smoother import refine_sequence, shipped

Correct = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Learns from poses and truth [N, J, 3] how to correct others, and does so; roots are at 0."""

EVERY = 5
"""Of the frames of the training subjects, so many are one that the linear correction learns from."""
PENALTIES = (1e3, 1e4, 3e4)


def one_factor(poses: np.ndarray, truth: np.ndarray, others: np.ndarray) -> np.ndarray:
    return others * ((poses * truth).sum() / (poses**2).sum())


def factor_per_bone(bones: Sequence[tuple[int, int]]) -> Correct:
    """Bones are listed such that each begins where an earlier one ended."""

    def correct(poses: np.ndarray, truth: np.ndarray, others: np.ndarray) -> np.ndarray:
        fixed = np.zeros_like(others)
        for start, end in bones:
            usual = [np.median(np.linalg.norm(x[:, end] - x[:, start], axis=-1)) for x in (truth, poses)]
            fixed[:, end] = fixed[:, start] + (others[:, end] - others[:, start]) * (usual[0] / usual[1])
        return fixed

    return correct


def linear(penalty: float) -> Correct:
    def correct(poses: np.ndarray, truth: np.ndarray, others: np.ndarray) -> np.ndarray:
        spread = poses.std(axis=0) + 1e-9
        some = slice(None, None, EVERY)
        net = Ridge(alpha=penalty).fit(_flat(poses[some] / spread), _flat((truth - poses)[some]))
        return others + net.predict(_flat(others / spread)).reshape(others.shape)

    return correct


def _flat(poses: np.ndarray) -> np.ndarray:
    return poses.reshape(len(poses), -1)


def mpjpe(poses: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean distance with roots at 0, mm."""
    return 1000 * float(np.linalg.norm(poses - poses[:, :1] - truth, axis=-1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--poses", type=Path, default=Path("../shared/data/poses"))
    row = find_benchmark("h36m_fcn_3D")
    pairs = read_pairs(row, parser.parse_args().poses, "train")
    lines, networks = row.lines, shipped()
    tree = hang(lines, pairs.detected[0].shape[1])
    refined = [refine_sequence(networks, x, row.fps, None, 1.0, tree) for x in pairs.detected]
    # The files do not name subjects; the true length of a shin does.
    shins = [round(float(np.median(np.linalg.norm(x[:, 2] - x[:, 1], axis=-1))), 3) for x in pairs.truth]
    subject = np.repeat(np.unique(shins, return_inverse=True)[1], [len(x) for x in refined])
    given, poses, truth = (
        np.concatenate([x - x[:, :1] for x in part]).astype(np.float64)
        for part in (pairs.detected, refined, pairs.truth)
    )
    ways: dict[str, Correct] = {"one factor": one_factor, "a factor per bone": factor_per_bone(lines)}
    ways |= {f"linear, penalty {penalty:g}": linear(penalty) for penalty in PENALTIES}
    rows = [["input", f"{mpjpe(given, truth):.2f}"], ["steady", f"{mpjpe(poses, truth):.2f}"]]
    for name, correct in ways.items():
        fixed = np.empty_like(poses)
        for left_out in np.unique(subject):
            known, other = subject != left_out, subject == left_out
            fixed[other] = correct(poses[known], truth[known], poses[other])
        rows.append([name, f"{mpjpe(fixed, truth):.2f}"])
    print_table(["each subject left out", "MPJPE, mm"], rows)


if __name__ == "__main__":
    main()
