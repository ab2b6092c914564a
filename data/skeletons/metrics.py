"""The errors that pose estimation reports, per frame, so that means, curves and worst cases come from one place.

Poses are [T, J, D]. Results have the unit of the poses; a mask [T, J] leaves joints out instead of scoring them, and a
frame in which nothing can be scored is NaN.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def align_root(poses: Tensor, root: Sequence[int], mask: Tensor | None = None) -> Tensor:
    """Move the root, the mean of the joints `root`, to the origin of every frame; with no root, change nothing.

    With a mask [T, J], the mean is that of the root joints that are known; where none is, the frame becomes NaN.
    """
    if not root:
        return poses
    roots = poses[:, list(root)]
    if mask is None:
        return poses - roots.mean(1, keepdim=True)
    return poses - torch.where(mask[:, list(root), None], roots, math.nan).nanmean(1, keepdim=True)


def joint_distances(poses: Tensor, truth: Tensor) -> Tensor:
    """Return the distance of every joint from its true place, [T, J]: what MPJPE is a mean of."""
    return (poses - truth).norm(dim=-1)


def acceleration_distances(poses: Tensor, truth: Tensor | None = None) -> Tensor:
    """Return the norm of every joint's second difference, [T - 2, J], per frame squared: what Accel is a mean of.

    With the truth, of its difference from the truth's; without, of its own, which tells how steady a joint is.
    """
    return (poses if truth is None else poses - truth).diff(2, dim=0).norm(dim=-1)


def three_in_a_row(mask: Tensor) -> Tensor:
    """Return where all three frames of a second difference have a joint, bool [T - 2, J], of a mask [T, J]."""
    return mask[:-2] & mask[1:-1] & mask[2:]


def joint_errors(poses: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return each frame's mean distance between joints, [T]: MPJPE once the roots are aligned."""
    return _masked_mean(joint_distances(poses, truth), mask)


def aligned_joint_errors(poses: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return each frame's mean distance between joints after the best similarity transform, [T]: PA-MPJPE."""
    return _masked_mean((align_similarity(poses, truth, mask) - truth).norm(dim=-1), mask)


def acceleration_errors(poses: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the mean norm of the difference of second differences, [T - 2], per frame squared: Accel.

    A joint counts where all three frames have it. The authors' own code averages over T frames, two of them zeros;
    this is the mean over the frames that have an acceleration.
    """
    return _masked_mean(acceleration_distances(poses, truth), None if mask is None else three_in_a_row(mask))


def accelerations(poses: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the mean norm of the joints' own second differences, [T - 2], per frame squared: the less, the steadier.

    A joint counts where all three frames have it; where none counts, the result is NaN.
    """
    return _masked_mean(acceleration_distances(poses), None if mask is None else three_in_a_row(mask))


@dataclass(frozen=True)
class FrameErrors:
    """The errors of one sequence, frame by frame.

    Parameters
    ----------
    mpjpe, pa_mpjpe
        [T]: see `joint_errors` and `aligned_joint_errors`.
    accel
        [T - 2], of the frames between the first and the last: see `acceleration_errors`.
    mpvpe
        [T]: the mean distance of a mesh's vertices; None without a mesh.
    """

    mpjpe: Tensor
    pa_mpjpe: Tensor
    accel: Tensor
    mpvpe: Tensor | None = None


def frame_errors(
    poses: np.ndarray | Tensor,
    truth: np.ndarray | Tensor,
    root: Sequence[int],
    known: np.ndarray | None = None,
    vertices: Tensor | None = None,
) -> FrameErrors:
    """Compute the errors of each frame, in the unit of the poses.

    Parameters
    ----------
    poses, truth
        [T, J, D].
    root
        The root joints; none for poses in an image. Known root joints alone make the root.
    known
        bool [T, J]: the joints to score; all by default.
    vertices
        [T]: the errors of a mesh, to keep beside the others.
    """
    first, second, mask = align_roots(poses, truth, root, known)
    return FrameErrors(
        joint_errors(first, second, mask),
        aligned_joint_errors(first, second, mask),
        acceleration_errors(first, second, mask) if len(first) > 2 else first.new_zeros(0),
        vertices,
    )


def mean_errors(errors: Sequence[FrameErrors], padded: bool = False) -> dict[str, float]:
    """Average over all frames of all sequences that can be scored.

    Parameters
    ----------
    errors
        One per sequence.
    padded
        Count the first and the last frame of each sequence with an acceleration error of zero, as the evaluation that
        SmoothNet's authors released does; it makes Accel smaller by the share (T - 2) / T.

    Returns
    -------
    dict
        `mpjpe`, `pa_mpjpe`, `accel` (NaN where nothing can be scored), and `mpvpe` if there are meshes.
    """
    accel = [F.pad(one.accel, (1, 1)) if padded and len(one.mpjpe) > 1 else one.accel for one in errors]
    return _means(errors, [slice(None)] * len(errors), accel, [slice(None)] * len(errors))


def worst_frames(errors: Sequence[FrameErrors], share: float = 0.01) -> list[Tensor]:
    """Find the frames with the highest MPJPE, over all sequences together.

    Parameters
    ----------
    errors
        Of the input, so that every method is judged on the same frames.
    share
        How many of the frames; at least one.

    Returns
    -------
    list of Tensor
        bool [T] per sequence.
    """
    every = torch.cat([one.mpjpe for one in errors]).nan_to_num(-math.inf)
    chosen = torch.zeros(len(every), dtype=torch.bool)
    chosen[every.argsort(descending=True, stable=True)[: max(1, round(share * len(every)))]] = True
    return list(chosen.split([len(one.mpjpe) for one in errors]))


def errors_among(errors: Sequence[FrameErrors], frames: Sequence[Tensor]) -> dict[str, float]:
    """Average over some frames, see `mean_errors`.

    Parameters
    ----------
    errors
        One per sequence.
    frames
        bool [T] per sequence. A frame's acceleration is that of the triple around it; the ends of a sequence have none.
    """
    return _means(errors, frames, [one.accel for one in errors], [chosen[1:-1] for chosen in frames])


def correct_keypoints(
    poses: Sequence[np.ndarray],
    truth: Sequence[np.ndarray],
    sizes: Sequence[np.ndarray],
    share: float,
    known: Sequence[np.ndarray | None] | None = None,
) -> float:
    """Return PCK: the percentage of joints within a share of the size of the person.

    Of every sequence the mean over its frames and joints, and then of all sequences alike, as the Sub-JHMDB evaluation
    that SmoothNet's authors released does.

    Parameters
    ----------
    poses, truth
        [T, J, D] per sequence.
    sizes
        [T] per sequence: the larger side of the box around the person, in the unit of the poses.
    share
        Of that side; usually 0.05, 0.1 and 0.2.
    known
        bool [T, J] per sequence: the joints to count; None for all.
    """
    hits = []
    for one, target, size, mask in zip(poses, truth, sizes, known or [None] * len(poses), strict=True):
        right = np.linalg.norm(one - target, axis=-1) <= share * size[:, None]
        if mask is None or mask.any():
            hits.append(right.mean() if mask is None else right[mask].mean())
    return 100 * float(np.mean(hits)) if hits else math.nan


def score(detected: Sequence[np.ndarray], truth: Sequence[np.ndarray], root: Sequence[int]) -> dict[str, float]:
    """Return `mpjpe`, `pa_mpjpe` and `accel` over all frames of all sequences [T, J, D], in the unit of the poses."""
    return mean_errors([frame_errors(*pair, root) for pair in zip(detected, truth, strict=True)])


def mpjpe(
    detected: Sequence[np.ndarray],
    truth: Sequence[np.ndarray],
    root: Sequence[int],
    known: Sequence[np.ndarray | None] | None = None,
) -> float:
    """Return the mean joint error after root alignment alone, over all frames of all sequences [T, J, D]."""
    errors = []
    for poses, target, mask in zip(detected, truth, known or [None] * len(detected), strict=True):
        errors.append(joint_errors(*align_roots(poses, target, root, mask)))
    return float(torch.cat(errors).nanmean())


def align_roots(
    poses: np.ndarray | Tensor, truth: np.ndarray | Tensor, root: Sequence[int], known: np.ndarray | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Align the roots in double precision, and return both with the mask of the joints to score.

    A frame without a known root joint loses all its joints from the mask.
    """
    sides = (torch.tensor(x) if isinstance(x, np.ndarray) else x for x in (poses, truth))
    first, second = (x.to(torch.float64) for x in sides)
    mask = None if known is None else torch.as_tensor(known)
    if mask is not None and root:
        mask = mask & mask[:, list(root)].any(1, keepdim=True)
    return align_root(first, root, mask), align_root(second, root, mask), mask


def _means(
    errors: Sequence[FrameErrors],
    frames: Sequence[Tensor | slice],
    accel: Sequence[Tensor],
    triples: Sequence[Tensor | slice],
) -> dict[str, float]:
    def mean(values: Sequence[Tensor], chosen: Sequence[Tensor | slice]) -> float:
        return float(torch.cat([x[at] for x, at in zip(values, chosen, strict=True)]).nanmean()) if values else math.nan

    figures = {
        "mpjpe": mean([one.mpjpe for one in errors], frames),
        "pa_mpjpe": mean([one.pa_mpjpe for one in errors], frames),
        "accel": mean(accel, triples),
    }
    meshes = [one.mpvpe for one in errors if one.mpvpe is not None]
    return {**figures, "mpvpe": mean(meshes, frames)} if meshes else figures


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
    # A joint that should be there and is not a number is infinitely wrong; it may not drop out of a mean unseen.
    errors = errors.nan_to_num(nan=math.inf, posinf=math.inf)
    if mask is None:
        return errors.mean(-1)
    return torch.where(mask, errors, torch.zeros_like(errors)).sum(-1) / mask.sum(-1)
