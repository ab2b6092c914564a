"""`steady`, for any skeleton, in space or in an image."""

from pathlib import Path

import numpy as np

from refine.shipped.registry import SHIPPED, Bones, Method, ShippedKind
from refine.steady.bones import hang
from refine.steady.net import Networks, load_networks
from refine.steady.smoother import WEIGHTS, refine_sequence


def method_of(networks: Networks) -> Method:
    """Return what refines with these weights; bones in space are brought nearer to their usual lengths."""

    def refine(poses: np.ndarray, fps: float, confidence: np.ndarray | None, bones: Bones) -> np.ndarray:
        tree = hang(bones, poses.shape[1]) if bones and poses.shape[2] == 3 else None
        return refine_sequence(networks, poses, fps, confidence, tree=tree)

    return refine


def _load(path: Path) -> Method:
    return method_of(load_networks(path))


SHIPPED.add("steady", ShippedKind("steady", WEIGHTS, _load, "python -m refine.steady.train"))
