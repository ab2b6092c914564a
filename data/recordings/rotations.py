"""Rotations as poses: each is the two first columns of its matrix, two points on the unit sphere.

That is the continuous representation in six dimensions of Zhou et al., "On the Continuity of Rotation Representations
in Neural Networks" (CVPR 2019); what comes back is made a rotation again by Gram and Schmidt's way.
"""

import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.spatial.transform import Rotation

POINTS = 2
"""Of one rotation."""

_LOCKED = 1e-5
"""Degrees: so near a right angle of the second, the first and the third turn about one axis."""


def _rotation() -> "type[Rotation]":
    from scipy.spatial.transform import Rotation  # takes long to import, and most formats have none

    return Rotation


def as_points(matrices: np.ndarray) -> np.ndarray:
    """Return the two first columns of matrices [..., 3, 3], float64 [..., 2, 3]."""
    return np.swapaxes(np.asarray(matrices, np.float64)[..., :, :POINTS], -1, -2)


def from_points(points: np.ndarray) -> np.ndarray:
    """Return the rotation matrices [..., 3, 3] nearest in Gram and Schmidt's sense to points [..., 2, 3].

    Where the two points are no two directions, the result is NaN.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        x = points[..., 0, :] / np.linalg.norm(points[..., 0, :], axis=-1, keepdims=True)
        y = points[..., 1, :] - (x * points[..., 1, :]).sum(-1, keepdims=True) * x
        y = y / np.linalg.norm(y, axis=-1, keepdims=True)
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def axis_angle_points(vectors: np.ndarray) -> np.ndarray:
    """Return the points [..., 2, 3] of rotations by an axis times an angle in radians [..., 3]; NaN stays NaN."""
    matrices = np.full((*vectors.shape[:-1], 3, 3), np.nan)
    known = np.isfinite(vectors).all(-1)
    if known.any():
        matrices[known] = _rotation().from_rotvec(vectors[known]).as_matrix()
    return as_points(matrices)


def axis_angles_near(points: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Return rotations as an axis times an angle, float64 [n, 3], each as near as can be to what it was.

    Parameters
    ----------
    points
        [n, 2, 3].
    near
        [n, 3]: what was there before; the same rotation has other such vectors, whole turns apart.
    """
    vectors = _rotation().from_matrix(from_points(points)).as_rotvec()
    angle = np.linalg.norm(vectors, axis=-1, keepdims=True)
    before = np.linalg.norm(near, axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        axis = np.where(angle > 0, vectors / angle, np.where(before > 0, near / before, 0.0))
    turns = np.rint(((near * axis).sum(-1, keepdims=True) - angle) / (2 * np.pi))
    return vectors + turns * 2 * np.pi * axis


def euler_points(angles: np.ndarray, order: str) -> np.ndarray:
    """Return the points [..., 2, 3] of rotations by degrees about the body's own axes, one after another.

    Parameters
    ----------
    angles
        [..., 3] degrees; NaN stays NaN.
    order
        The axes, such as `ZXY`.
    """
    matrices = np.full((*angles.shape[:-1], 3, 3), np.nan)
    known = np.isfinite(angles).all(-1)
    if known.any():
        matrices[known] = _rotation().from_euler(order, angles[known], degrees=True).as_matrix()
    return as_points(matrices)


def euler_near(points: np.ndarray, order: str, near: np.ndarray) -> np.ndarray:
    """Return rotations as degrees about three axes, float64 [n, 3], each as near as can be to what it was.

    The same rotation has two such triples, and each angle may be whole turns away.

    Parameters
    ----------
    points
        [n, 2, 3].
    order
        The three different axes.
    near
        [n, 3] degrees: what was there before.
    """
    matrices = from_points(points)
    first = _angles(matrices, order, near)
    second = np.stack([first[:, 0] + 180, 180 - first[:, 1], first[:, 2] + 180], axis=-1)
    found = [each + 360 * np.rint((near - each) / 360) for each in (first, second)]
    apart = [np.abs(each - near).max(-1) for each in found]
    return np.where((apart[1] < apart[0])[:, None], found[1], found[0])


def _angles(matrices: np.ndarray, order: str, near: np.ndarray) -> np.ndarray:
    """Return one triple for each matrix; where two axes coincide, the first angle is what it was."""
    rotations = _rotation().from_matrix(matrices)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy's, about axes that coincide
        angles: np.ndarray = rotations.as_euler(order, degrees=True)  # type: ignore[call-overload]
    locked = np.flatnonzero(np.abs(np.abs(angles[:, 1]) - 90) < _LOCKED)
    if len(locked):
        angles[locked, 0] = near[locked, 0]
        before = _rotation().from_euler(order[:2], angles[locked, :2], degrees=True)
        angles[locked, 2] = np.degrees((before.inv() * rotations[locked]).as_rotvec()[:, "XYZ".index(order[2])])
    return angles
