"""How hard the stand-in is: a linear classifier on clip-mean poses against ST-GCN, on clean and on noisy clips.

Usage: python bench/stand_in_accuracy.py FOLDER [--clips 6000] [--severity 1] [--only linear|clean|noisy]

X-Sub over all 60 actions. The linear classifiers see the mean and, in a second row, the mean and the standard deviation
of every joint's position over the clip, each standardised: what can be told without the order of the frames. ST-GCN is
the one of `python run.py recognize`, a small one that a processor core trains in some ten minutes. FOLDER keeps the
clips and the runs; a finished run is not run again.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data.ntu.simulate import SimulateSection, make_stand_in
from data.ntu.simulate.actions import repertoire
from data.ntu.splits import in_training
from data.skeletons.store import ClipStore, open_store
from recognition.config import RecognizeConfig
from recognition.stage import recognize

ROOT = 1  # middle of the spine, where recognition centres clips


def clip_features(store: ClipStore, spread: bool) -> np.ndarray:
    """Return per clip the mean position of both actors' joints, and their s.d. if asked, [N, 2 * 75 (* 2)] metres."""
    out = np.zeros((len(store.clips), 2, 2 if spread else 1, 75), np.float32)
    origin = np.zeros((len(store.clips), 3), np.float32)
    order = np.argsort(store.tracks.actor, kind="stable")  # the first actors come first: they give the origin
    for clip, actor, first, length in zip(
        *(getattr(store.tracks, name)[order] for name in ("clip", "actor", "first_row", "length")), strict=True
    ):
        joints = np.asarray(store.joints[first : first + length])
        joints = joints[np.asarray(store.tracked[first : first + length]).any(axis=1)]
        if actor == 0:
            origin[clip] = joints[0, ROOT]
        joints = joints - origin[clip]
        out[clip, actor, 0] = joints.mean(axis=0).ravel()
        if spread:
            out[clip, actor, 1] = joints.std(axis=0).ravel()
    return out.reshape(len(out), -1)


def linear_accuracy(store: ClipStore, spread: bool) -> float:
    """Return the X-Sub top-1 accuracy of multinomial logistic regression, percent; the best of four penalties."""
    features, label, train = clip_features(store, spread), store.clips.action, in_training(store.clips, "xsub")
    best = 0.0
    for penalty in (0.003, 0.03, 0.3, 3.0):  # chosen on the test clips, in the linear classifier's favour
        model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=300))
        model.fit(features[train], label[train])
        best = max(best, 100 * float(model.score(features[~train], label[~train])))
    return best


def network_accuracy(folder: Path, store: Path, name: str, epochs: int) -> dict[str, float]:
    """Return the results of ST-GCN, trained and tested on a store."""
    config = RecognizeConfig.model_validate(
        {
            "run": {"dir": folder / name, "device": "auto", "seed": 0},
            "data": {"store": store, "split": "xsub", "validation": 0.1},
            "input": {"frames": 48, "stream": "joint"},
            "model": {"width": 24, "blocks": 6},
            "train": {
                "epochs": epochs, "batch": 16, "lr": 0.05, "warmup": 2, "schedule": "cosine", "precision": "bf16",
                "rotation": 0.3,
            },
        }
    )  # fmt: skip
    return recognize(config)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=6000)
    parser.add_argument("--severity", type=float, default=1.0)
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=("linear", "clean", "noisy"))
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    made = asked.folder / "simulated"
    section = SimulateSection(
        folder=made,
        clips=asked.clips,
        performers=40,
        actions=tuple(sorted(repertoire().actions)),
        severity=asked.severity,
        text=False,
    )
    make_stand_in(section, asked.threads)
    for kind, store in (("clean", made / "truth"), ("noisy", made / "raw")):
        if asked.only in (None, "linear"):
            for spread, what in ((False, "means"), (True, "means and spreads")):
                print(
                    f"{kind}: linear classifier on {what}: {linear_accuracy(open_store(store), spread):.1f}%",
                    flush=True,
                )
        if asked.only in (None, kind):
            results = network_accuracy(asked.folder, store, kind, asked.epochs)
            print(f"{kind}: ST-GCN: {results['top1']:.1f}%, {results['seconds']:.0f} s", flush=True)


if __name__ == "__main__":
    main()
