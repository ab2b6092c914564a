"""`steady_ntu25`, for the Kinect's 25 joints with their tracking states."""

from pathlib import Path

import numpy as np

from refine.shipped.registry import SHIPPED, Bones, Method, ShippedKind
from refine.steady.ntu25.net import Network, load_network
from refine.steady.ntu25.refiner import WEIGHTS, refine_sequence


def method_of(network: Network) -> Method:
    """Return what refines with these weights; it has learnt for itself which joints keep their distance."""

    def refine(poses: np.ndarray, fps: float, confidence: np.ndarray | None, bones: Bones) -> np.ndarray:
        return refine_sequence(network, poses, fps, confidence)

    return refine


def _load(path: Path) -> Method:
    return method_of(load_network(path))


SHIPPED.add(
    "steady_ntu25",
    ShippedKind("steady_ntu25", WEIGHTS, _load, "python -m refine.steady.ntu25.train", layouts=("ntu25",)),
)
