"""What SMPL's files have in common."""

import numpy as np

JOINTS = (
    "pelvis", "left hip", "right hip", "spine 1", "left knee", "right knee", "spine 2", "left ankle", "right ankle",
    "spine 3", "left foot", "right foot", "neck", "left collar", "right collar", "head", "left shoulder",
    "right shoulder", "left elbow", "right elbow", "left wrist", "right wrist", "left hand", "right hand",
)  # fmt: skip
"""In SMPL's order."""

DERIVED = (
    "its joints, vertices and cameras are as they were and no longer fit the refined rotations: "
    "SMPL's body model is not shipped"
)


def split_rows(array: np.ndarray) -> np.ndarray:
    """Return [n, K * 3] as [n, K, 3], a view."""
    return array.reshape(len(array), -1, 3)
