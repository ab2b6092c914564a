"""Score recognisers that were trained on noise-free or on raw clips on a store before and after `steady` or
`steady_ntu25`, whichever the weights are of.

Usage: python bench/steady_recognition.py STORE RECOGNISER [RECOGNISER ...] [--weights FILE] [--bones] [--split xsub]
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from base.files import sha256
from data.skeletons.store import open_store
from recognition.use.other_skeletons import score_on
from recognition.use.recognizer import load_recognizer
from refine.apply import apply_refiner
from refine.shipped.registry import SHIPPED, Bones, Shipped
from refine.steady.ntu25.net import says_ntu25
from refine.steady.smoother import WEIGHTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("recognizers", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--split", default="xsub")
    parser.add_argument("--bones", action="store_true")
    arguments = parser.parse_args()
    store = open_store(arguments.store)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "refined"
        kind = SHIPPED["steady_ntu25" if says_ntu25(arguments.weights) else "steady"]
        refine = kind.load(arguments.weights)

        def method(poses: np.ndarray, fps: float, confidence: np.ndarray | None, bones: Bones) -> np.ndarray:
            return refine(poses, fps, confidence, bones if arguments.bones else ())

        refiner = Shipped("steady", "steady", method, sha256(arguments.weights))
        apply_refiner(store, refiner, output, strength=arguments.strength)
        for name, tested in (("raw", store), ("refined", open_store(output))):
            accuracies = []
            for path in arguments.recognizers:
                scores = score_on(load_recognizer(path), tested, arguments.split)
                accuracies.append(100 * float((scores.score.argmax(axis=1) == scores.label).mean()))
            print(f"{name:8s} {np.mean(accuracies):5.1f}  ({', '.join(f'{value:.1f}' for value in accuracies)})")


if __name__ == "__main__":
    main()
