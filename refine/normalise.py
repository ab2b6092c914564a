"""Taking position and size out of skeletons before the network sees them, and putting both back after.

SmoothNet is not invariant to either: one trained near the origin, in metres, makes skeletons worse that stand three
metres from a camera. So every window is centred, every sequence is scaled, and the result is moved back. Training and
inference call the same functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:  # who measures a skeleton does not need torch
    from torch import Tensor

Centre = Literal["root", "channel", "none"]
Scale = Literal["body", "none"]


@dataclass(frozen=True)
class Normalise:
    """What is taken out.

    Parameters
    ----------
    centre
        `root`: from every joint, the root's mean position over the window; `channel`: from every coordinate of every
        joint, its own mean over the window; `none`.
    scale
        `body`: divide by the size of the skeleton over the sequence, see `body_size`; `none`.
    """

    centre: Centre = "channel"
    scale: Scale = "body"


def body_size(joints: np.ndarray, seen: np.ndarray | None = None) -> float:
    """Measure a skeleton: the median, over the frames, of the median distance of its joints from their centre.

    It does not depend on where the skeleton stands or how it is turned, it is proportional to the unit, and neither a
    few bad frames nor a few bad joints change it much.

    Parameters
    ----------
    joints
        [T, J, D], any unit.
    seen
        bool [T, J]; joints to leave out where it is False. All by default.

    Returns
    -------
    float
        In the unit of `joints`; 1 if there is nothing to measure.
    """
    if seen is None:
        seen = np.ones(joints.shape[:2], bool)
    else:
        joints = np.where(seen[..., None], joints, 0.0)  # unseen joints may hold anything
    return body_sizes(joints, seen, [len(joints)])[0]


def body_sizes(joints: np.ndarray, seen: np.ndarray, lengths: Sequence[int]) -> list[float]:
    """Measure skeletons as `body_size` does, several sequences of so many frames, all finite, one after another."""
    whole = np.asarray(seen.all(1))
    middle = _median_of_joints(joints)
    partly = np.flatnonzero(~whole & seen.any(1))
    if len(partly):
        middle[partly] = _median_of_seen(joints[partly], seen[partly])
    distance = lengths_of(joints - middle[:, None])
    sizes, first = [], 0
    for length in lengths:
        here = slice(first, first + length)
        known = distance[here].ravel() if whole[here].all() else distance[here][seen[here]]
        sizes.append(usual(known))
        first += length
    return sizes


def distances(joints: np.ndarray) -> np.ndarray:
    """Return how far all joints [T, J, D] are from the centre of their frame, [T, J]."""
    return lengths_of(joints - _median_of_joints(joints)[:, None])


def usual(distance: np.ndarray) -> float:
    """Return a skeleton's size by the distances [n] of its joints from their centre."""
    size = float(median(distance)) if len(distance) else 1.0
    return size if np.isfinite(size) and size > 0 else 1.0


def _median_of_joints(joints: np.ndarray) -> np.ndarray:
    """Return the median [T, D] over the joints [T, J, D]."""
    return median(np.ascontiguousarray(joints.transpose(0, 2, 1)))


def median(x: np.ndarray) -> np.ndarray:
    """Return the median over the last axis: `np.median`, in half the time."""
    count = x.shape[-1]
    low, high = (count - 1) // 2, count // 2
    ordered = np.partition(x, low if low == high else (low, high), axis=-1)
    return np.asarray((ordered[..., low] + ordered[..., high]) / 2)


def lengths_of(vectors: np.ndarray) -> np.ndarray:
    """Return `np.linalg.norm` over the last axis, in a fraction of the time."""
    square = vectors[..., 0] ** 2
    for axis in range(1, vectors.shape[-1]):
        square += vectors[..., axis] ** 2
    return np.asarray(np.sqrt(square))


def _median_of_seen(joints: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the median [T, D] over the joints [T, J, D] that are seen [T, J], at least one per frame.

    As `np.nanmedian`, which goes through masked arrays and takes ten times as long.
    """
    ordered = np.sort(np.where(seen[..., None], joints, np.inf), axis=1)
    count = seen.sum(1)[:, None, None]
    low, high = (np.take_along_axis(ordered, at, 1)[:, 0] for at in ((count - 1) // 2, count // 2))
    return (low + high) / 2


def window_offsets(windows: "Tensor", centre: Centre, root: Sequence[int], dims: int) -> "Tensor | None":
    """Say what to subtract from each coordinate of each window.

    Parameters
    ----------
    windows
        [..., C, W], C = joints x dims, the coordinates of a joint beside each other.
    centre
        See `Normalise`.
    root
        The joints whose mean is the root. With none, as for poses in an image, `root` takes every coordinate's own
        mean out: what a network learnt of the distances from the root in space says nothing there.
    dims
        Coordinates per joint.

    Returns
    -------
    Tensor or None
        [..., C]; None for nothing.
    """
    if centre == "channel" or (centre == "root" and not root):
        return windows.mean(-1)
    if centre == "root":
        joints = windows.unflatten(-2, (-1, dims))
        position = joints[..., list(root), :, :].mean((-1, -3))
        return position[..., None, :].expand(*position.shape[:-1], joints.shape[-3], dims).flatten(-2)
    return None
