"""What SMPL's files have in common."""

from collections.abc import Sequence

import numpy as np

from base.errors import InputError
from base.shown import shown
from data.recordings.stored import Stored
from data.recordings.turning import Kind, Part, check_part

JOINTS = (
    "pelvis", "left hip", "right hip", "spine 1", "left knee", "right knee", "spine 2", "left ankle", "right ankle",
    "spine 3", "left foot", "right foot", "neck", "left collar", "right collar", "head", "left shoulder",
    "right shoulder", "left elbow", "right elbow", "left wrist", "right wrist", "left hand", "right hand",
)  # fmt: skip
"""In SMPL's order."""

DERIVED = (
    "its joints, vertices and cameras stay as they are and no longer fit the refined rotations: SMPL's body model, "
    "which they come from, is not shipped"
)


def smpl_part(key: str, stored: Sequence[Stored], where: str) -> Part:
    """Return what arrays of a key say, each of the next rows: places, or rotations by axis and angle or by matrix.

    Parameters
    ----------
    key
        What its name has `trans` in is a place; all else are rotations.
    stored
        [frames, 3] of places; [frames, joints times 3], [frames, joints, 3] or [frames, joints, 3, 3] of rotations.
    where
        How messages begin.

    Raises
    ------
    InputError
        They have other shapes.
    """
    shapes = {each.value.shape[1:] for each in stored}
    shape = next(iter(shapes))
    kind: Kind | None = None
    if "trans" in key:
        kind = "places" if shape == (3,) else None
    elif len(shape) == 3 and shape[1:] == (3, 3):
        kind = "matrices"
    elif (len(shape) == 1 and shape[0] % 3 == 0) or (len(shape) == 2 and shape[1] == 3):
        kind = "axis_angles"
    floats = all(each.value.dtype.kind == "f" and each.value.size for each in stored)
    if kind is None or len(shapes) > 1 or not floats:
        raise InputError(
            f"{where}: found shape {shown(stored[0].value.shape)}, expected [frames, 3] of places, or rotations as "
            "[frames, joints times 3] or [frames, joints, 3, 3], of one number of joints"
        )
    joints = int(np.prod(shape)) // (9 if kind == "matrices" else 3)
    names = JOINTS[1:] if joints in (21, 23) else JOINTS
    return check_part(Part(kind, stored, (key,) if kind == "places" else names), where)
