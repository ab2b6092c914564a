"""Rotations of body joints as SmoothNet smooths them: six numbers that are continuous where axis and angle are not."""

from types import ModuleType

from torch import Tensor

from base.optional import import_optional


def axis_angle_to_six(rotvec: Tensor) -> Tensor:
    """Turn rotation vectors into the first two columns of their rotation matrices.

    Zhou et al., "On the Continuity of Rotation Representations in Neural Networks", CVPR 2019, equation 15.

    Parameters
    ----------
    rotvec
        [..., 3]: the axis times the angle in radians.

    Returns
    -------
    Tensor
        [..., 6], the 3 x 2 matrix row by row, as SPIN and its successors store it: `r11 r12 r21 r22 r31 r32`.

    Raises
    ------
    InputError
        The library roma is not installed.
    """
    return _roma().rotvec_to_rotmat(rotvec)[..., :2].flatten(-2)


def six_to_axis_angle(six: Tensor) -> Tensor:
    """Turn two columns of a matrix, of any length and not quite orthogonal, into the rotation vector they stand for.

    The columns are made orthonormal by Gram and Schmidt's method and the third is their cross product (Zhou et al.,
    CVPR 2019, equation 16).

    Parameters
    ----------
    six
        [..., 6], laid out as by `axis_angle_to_six`.

    Returns
    -------
    Tensor
        [..., 3] with angles from 0 to pi. NaN where the columns are parallel or one is zero: no rotation is meant.

    Raises
    ------
    InputError
        The library roma is not installed.
    """
    roma = _roma()
    return roma.rotmat_to_rotvec(roma.special_gramschmidt(six.unflatten(-1, (3, 2))))


def _roma() -> ModuleType:
    return import_optional("roma", "smpl", "a benchmark of SMPL poses")
