"""The errors that pose estimation reports, per frame, so that means, curves and worst cases come from one place.

Poses are [T, J, D]. Results have the unit of the poses; a mask [T, J] leaves joints out instead of scoring them, and a
frame in which nothing can be scored is NaN.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor


def align_root(poses: Tensor, root: Sequence[int]) -> Tensor:
    """Move the root, the mean of the joints `root`, to the origin of every frame; with no root, change nothing."""
    return poses - poses[:, list(root)].mean(1, keepdim=True) if root else poses


def joint_errors(poses: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return each frame's mean distance between joints, [T]: MPJPE once the roots are aligned."""
    return _masked_mean((poses - truth).norm(dim=-1), mask)


def aligned_joint_errors(poses: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return each frame's mean distance between joints after the best similarity transform, [T]: PA-MPJPE."""
    return _masked_mean((align_similarity(poses, truth, mask) - truth).norm(dim=-1), mask)


def acceleration_errors(poses: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the mean norm of the difference of second differences, [T - 2], per frame squared: Accel.

    A joint counts where all three frames have it. The authors' own code averages over T frames, two of them zeros;
    this is the mean over the frames that have an acceleration.
    """
    error = (poses - truth).diff(2, dim=0).norm(dim=-1)
    return _masked_mean(error, None if mask is None else mask[:-2] & mask[1:-1] & mask[2:])


def score(detected: Sequence[np.ndarray], truth: Sequence[np.ndarray], root: Sequence[int]) -> dict[str, float]:
    """Return the three figures over all frames of all sequences, in the unit of the poses.

    Parameters
    ----------
    detected, truth
        [T, J, D] each.
    root
        The root joints; none for poses in an image.

    Returns
    -------
    dict
        `mpjpe`, `pa_mpjpe`, and `accel` per frame squared (NaN if no sequence has three frames).
    """
    frames: dict[str, list[Tensor]] = {"mpjpe": [], "pa_mpjpe": [], "accel": []}
    for poses, target in _aligned(detected, truth, root):
        frames["mpjpe"].append(joint_errors(poses, target))
        frames["pa_mpjpe"].append(aligned_joint_errors(poses, target))
        if len(poses) > 2:
            frames["accel"].append(acceleration_errors(poses, target))
    return {name: float(torch.cat(errors).mean()) if errors else math.nan for name, errors in frames.items()}


def mpjpe(detected: Sequence[np.ndarray], truth: Sequence[np.ndarray], root: Sequence[int]) -> float:
    """Return the mean joint error after root alignment alone, over all frames of all sequences [T, J, D]."""
    return float(torch.cat([joint_errors(*pair) for pair in _aligned(detected, truth, root)]).mean())


def _aligned(
    detected: Sequence[np.ndarray], truth: Sequence[np.ndarray], root: Sequence[int]
) -> Iterator[tuple[Tensor, Tensor]]:
    for poses, target in zip(detected, truth, strict=True):
        double = (torch.tensor(x, dtype=torch.float64) for x in (poses, target))
        first, second = (align_root(x, root) for x in double)
        yield first, second


def align_similarity(poses: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """Turn, scale and move every frame's pose onto the true one with the least squared error.

    Procrustes analysis by the singular value decomposition of the 3 x 3 (or 2 x 2) covariances, all frames at once;
    reflections are excluded (Umeyama, PAMI 1991).

    Parameters
    ----------
    poses, truth
        [T, J, D].
    mask
        bool [T, J]; joints that take no part in finding the transform.

    Returns
    -------
    Tensor
        [T, J, D]. A pose whose joints all coincide is moved but not scaled.
    """
    weight = torch.ones_like(poses[..., :1]) if mask is None else mask[..., None].to(poses)
    total = weight.sum(1, keepdim=True).clamp(min=1)
    # Joints that are masked out may hold anything, NaN included.
    known = poses if mask is None else torch.where(mask[..., None], poses, torch.zeros_like(poses))
    target = truth if mask is None else torch.where(mask[..., None], truth, torch.zeros_like(truth))
    poses_mean = (known * weight).sum(1, keepdim=True) / total
    truth_mean = (target * weight).sum(1, keepdim=True) / total
    centred, aim = (known - poses_mean) * weight, (target - truth_mean) * weight
    left, values, right = torch.linalg.svd(aim.mT @ centred)
    sign = torch.ones_like(values)
    sign[:, -1] = torch.where(torch.linalg.det(left @ right) < 0, -1.0, 1.0).to(values)
    rotation = left * sign[:, None] @ right
    spread = centred.square().sum((1, 2))
    scale = torch.where(spread > 0, (values * sign).sum(1) / spread.clamp(min=torch.finfo(spread.dtype).tiny), 1.0)
    return scale[:, None, None] * (poses - poses_mean) @ rotation.mT + truth_mean


def _masked_mean(errors: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return errors.mean(-1)
    return torch.where(mask, errors, torch.zeros_like(errors)).sum(-1) / mask.sum(-1)
