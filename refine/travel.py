"""A body's way through space: what of a motion is travel, which refining may not change.

A network that sees windows of a second, or a filter that goes on with the last frame beyond the end, would bend the way
of somebody who walks. So the body's smooth path is taken out of all joints before, and put back after. It is a local
quadratic in time, so that rest, constant velocity and constant acceleration are travel to the last digit, up to the
first and the last frame.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from refine.blocks import FRAMES, frame_blocks

PATH_S = 1.5
"""Seconds over which the path is a quadratic."""

LEAST_REACH = 4
"""Frames that the path looks to either side at least."""


def body_path(
    joints: np.ndarray, known: np.ndarray, seen: np.ndarray | None = None, lengths: Sequence[int] | None = None
) -> np.ndarray:
    """Follow a body by its joints, whichever of them are known.

    The mean position where all joints are known; elsewhere, the mean step of the joints that are known before and
    after it leads on, so that a joint that comes or goes is no motion.

    Parameters
    ----------
    joints
        [n, V, C], finite.
    known
        bool [n, V].
    seen
        bool [n, V]: what to go by where that is not enough.
    lengths
        Of several tracks whose frames lie one after another. By default it is one.

    Returns
    -------
    float64 array [n, C]
        But for a constant of each track; anything in frames of which nothing is known.
    """
    whole = np.asarray(known.all(1))
    if whole.all():
        return mean_of_joints(joints)
    ends = np.cumsum(lengths or [len(joints)])
    both = known[1:] & known[:-1]
    shared = both.sum(1)
    path = np.zeros((len(joints), joints.shape[2]))
    np.einsum("nvc,nv->nc", joints[1:] - joints[:-1], both.astype(np.float64), out=path[1:])
    path[1:] /= np.maximum(shared, 1)[:, None]
    for first, end in zip([0, *ends.tolist()], ends.tolist(), strict=False):
        here = slice(first, end)
        if whole[here].all():
            path[here] = mean_of_joints(joints[here])
        elif shared[first : end - 1].all() and known[first].any():
            path[first] = 0.0
            np.cumsum(path[here], axis=0, out=path[here])
        else:
            path[here] = _path_with_gaps(joints[here], known[here], None if seen is None else seen[here])
    return path


def _path_with_gaps(joints: np.ndarray, known: np.ndarray, seen: np.ndarray | None) -> np.ndarray:
    rows = np.flatnonzero(known.any(1))
    at, there = (joints, known) if len(rows) == len(joints) else (joints[rows], known[rows])
    both = (there[1:] & there[:-1]).astype(np.float64)
    shared = both.sum(1)[:, None]
    steps = np.einsum("nvc,nv->nc", at[1:] - at[:-1], both) / np.maximum(shared, 1)
    if not shared.all():
        steps = _steps_by_memory(at, there, there if seen is None else seen[rows])
    path = np.zeros((len(joints), joints.shape[2]))
    path[rows[1:]] = steps.cumsum(0)
    return path


def _steps_by_memory(joints: np.ndarray, known: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Follow a body some of whose frames have no joint in common: by where each joint was when it was last known."""
    place = np.zeros(joints.shape[2])
    places = [place]
    offset = joints[0] - place
    met, met_seen = known[0].copy(), seen[0].copy()
    for row in range(1, len(joints)):
        by = known[row] & known[row - 1]
        if not by.any():
            by = known[row] & met
        if not by.any():
            by = seen[row] & met_seen
        if by.any():
            place = (joints[row, by] - offset[by]).mean(0)
        else:  # nothing to go by: from middle to middle
            place = place + joints[row, known[row]].mean(0) - joints[row - 1, known[row - 1]].mean(0)
        newly = known[row] | (seen[row] & ~met)
        offset[newly] = joints[row, newly] - place
        met |= known[row]
        met_seen |= seen[row]
        places.append(place)
    return np.diff(places, axis=0)


def mean_of_joints(joints: np.ndarray) -> np.ndarray:
    """Return the mean [n, C] over the joints [n, V, C], faster than NumPy's."""
    count = joints.shape[1]
    return np.full(count, 1 / count) @ joints


def smooth_path(path: np.ndarray, fps: float, known: np.ndarray | None = None) -> np.ndarray:
    """Fit a quadratic in time to the frames around each frame, near ones counting more, and take its value.

    Parameters
    ----------
    path
        [n, C].
    fps
        Frames a second.
    known
        bool [n]: frames to go by, at least one; all of them if None. The others get a value, too.

    Returns
    -------
    float64 array [n, C]
        Exactly `path` where that is a polynomial of degree 2 (of fewer than three known frames: of degree 0 or 1).
    """
    frames = len(path)
    if known is not None and known.all():
        known = None
    reach = min(max(round(PATH_S * fps / 2), LEAST_REACH), max(frames - 1, 1))
    if known is None:
        factors = (_even_factors if frames <= FRAMES else _even_factors.__wrapped__)(frames, reach)
    else:
        # A frame in the middle of a gap needs something to go by.
        count = int(known.sum())
        while reach < frames - 1 and _in_reach(known, reach).min() < min(count, LEAST_REACH):
            reach = min(2 * reach, frames - 1)
        factors = _factors(known.astype(np.float64), reach, min(2, count - 1))
    values = path if known is None else np.where(known[:, None], path, 0.0)
    # Powers of a large number would cost digits: a hundred metres away a quadratic is as exact as near by.
    middle = values.mean(0) if known is None else values[known].mean(0)
    values = values - middle if known is None else np.where(known[:, None], values - middle, 0.0)
    moments = _moments(values, reach)
    return np.einsum("nkc,nk->nc", moments, factors) + middle


def _in_reach(known: np.ndarray, reach: int) -> np.ndarray:
    total = np.concatenate([[0], known.cumsum()])
    at = np.arange(len(known))
    return total[np.minimum(at + reach + 1, len(known))] - total[np.maximum(at - reach, 0)]


@lru_cache(maxsize=64)
def _kernels(reach: int) -> np.ndarray:
    """Return a weight for each place in reach, times the powers 0 to 4 of that place, [2 reach + 1, 5]."""
    place = np.arange(-reach, reach + 1) / (reach + 1)
    return np.cos(np.pi / 2 * place)[:, None] ** 2 * place[:, None] ** np.arange(5)


def _moments(values: np.ndarray, reach: int, powers: int = 3) -> np.ndarray:
    """Sum the values [n, C] in reach of each frame by the kernels, [n, powers, C]."""
    frames, width = values.shape
    padded = np.zeros((frames + 2 * reach, width))
    padded[reach : reach + frames] = values
    kernels, strides = _kernels(reach)[:, :powers].T, (padded.strides[0], padded.itemsize)
    moments = np.empty((powers, frames, width))
    for at, _ in frame_blocks(frames):  # the product makes a copy of what it is given, of many times the values
        # One row for each place in reach: the values that stand there, seen from these frames.
        shape = (2 * reach + 1, (at.stop - at.start) * width)
        shifted = np.ndarray(shape, padded.dtype, padded, at.start * strides[0], strides)
        moments[:, at] = (kernels @ shifted).reshape(powers, -1, width)
    return moments.swapaxes(0, 1)


def _factors(weight: np.ndarray, reach: int, degree: int) -> np.ndarray:
    """Say how the moments of a path make the value of its local polynomial, [n, 3]."""
    sums = _moments(weight[:, None], reach, 5)[..., 0]
    powers = np.arange(degree + 1)
    factors = np.zeros((len(weight), 3))
    unit = np.zeros((degree + 1, 1))
    unit[0] = 1.0
    factors[:, : degree + 1] = np.linalg.solve(sums[:, powers[:, None] + powers], unit)[..., 0]
    return factors


@lru_cache(maxsize=1024)
def _even_factors(frames: int, reach: int) -> np.ndarray:
    return _factors(np.ones(frames), reach, min(2, frames - 1))


_MIXTURE = np.sin(1.0 + 2.4 * np.arange(1024))
"""Weights of joints that no symmetry of a body makes vanish."""


def body_axes(joints: np.ndarray, seen: np.ndarray | None = None) -> np.ndarray:
    """Find axes that turn with a body: the principal axes of its mean pose.

    What is done to each coordinate by itself, in these axes, is done alike however the body is turned or mirrored.

    Parameters
    ----------
    joints
        [n, V, C], finite.
    seen
        bool [n, V]; all of them if None.

    Returns
    -------
    float64 array [C, C]
        The axes, in columns; each points to where joints of an uneven mixture lie.
    """
    return np.asarray(pose_axes(mean_pose(joints, seen)[None])[0])


def mean_pose(joints: np.ndarray, seen: np.ndarray | None = None) -> np.ndarray:
    """Return the mean [V, C] of a body's poses [n, V, C] about their middle, see `body_axes`."""
    if seen is None:
        pose = (np.full(len(joints), 1 / len(joints)) @ joints.reshape(len(joints), -1)).reshape(joints.shape[1:])
        pose -= pose.mean(0)
    else:
        share = seen / np.maximum(seen.sum(1), 1)[:, None]
        middle = np.einsum("nvc,nv->nc", joints, share)
        pose = np.einsum("nvc,nv->vc", joints - middle[:, None], seen.astype(np.float64))
        pose /= np.maximum(seen.sum(0), 1)[:, None]
    return pose


def pose_axes(poses: np.ndarray) -> np.ndarray:
    """Return the axes [S, C, C] of mean poses [S, V, C], see `body_axes`."""
    _, axes = np.linalg.eigh(poses.transpose(0, 2, 1) @ poses)
    along = np.resize(_MIXTURE, poses.shape[1]) @ poses
    return axes * np.where(along[:, None] @ axes < 0, -1.0, 1.0)
