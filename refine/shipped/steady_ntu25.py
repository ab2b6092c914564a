"""`steady_ntu25`, for the Kinect's 25 joints with their tracking states."""

from pathlib import Path

import numpy as np

from refine.shipped.registry import SHIPPED, Bones, Method, ShippedKind
from refine.steady.ntu25.net import load_network
from refine.steady.ntu25.refiner import WEIGHTS, refine_sequence


def _load(path: Path) -> Method:
    """It has learnt for itself which joints keep their distance."""
    network = load_network(path)

    def refine(poses: np.ndarray, fps: float, confidence: np.ndarray | None, bones: Bones) -> np.ndarray:
        return refine_sequence(network, poses, fps, confidence)

    return refine


SHIPPED.add(
    "steady_ntu25",
    ShippedKind("steady_ntu25", WEIGHTS, _load, "python -m refine.steady.ntu25.train", layouts=("ntu25",)),
)
