"""Taking position and size out of skeletons before the network sees them, and putting both back after.

SmoothNet is not invariant to either: one trained near the origin, in metres, makes skeletons worse that stand three
metres from a camera. So every window is centred, every sequence is scaled, and the result is moved back. Training and
inference call the same functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from refine.blocks import frame_blocks

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


def body_size(joints: np.ndarray, seen: np.ndarray | None = None, kind: type | None = None) -> float:
    """Measure a skeleton: the median, over the frames, of the median distance of its joints from their centre.

    It does not depend on where the skeleton stands or how it is turned, it is proportional to the unit, and neither a
    few bad frames nor a few bad joints change it much.

    Parameters
    ----------
    joints
        [T, J, D], any unit.
    seen
        bool [T, J]; joints to leave out where it is False. All by default.
    kind
        What is computed in; what `joints` are by default.

    Returns
    -------
    float
        In the unit of `joints`; 1 if there is nothing to measure.
    """
    if seen is not None and seen.all():
        seen = None
    if seen is not None and not seen.any():
        return 1.0
    distances = np.empty(joints.shape[0] * joints.shape[1] if seen is None else int(seen.sum()), kind or joints.dtype)
    done = 0
    for at, _ in frame_blocks(len(joints)):
        found = _distances(np.asarray(joints[at], kind), None if seen is None else seen[at])
        distances[done : done + len(found)] = found
        done += len(found)
    size = float(np.median(distances, overwrite_input=True))
    return size if np.isfinite(size) and size > 0 else 1.0


def _distances(joints: np.ndarray, seen: np.ndarray | None) -> np.ndarray:
    """Return how far joints that are seen are from the centre of their frame, one after another."""
    if seen is None:
        return np.linalg.norm(joints - _median_of_joints(joints)[:, None], axis=-1).ravel()
    frames = seen.any(1)
    # Which of the frames, times joints, are seen; unseen joints may hold anything.
    part = seen[frames]
    visible = np.where(part[..., None], joints[frames], 0.0)
    distance = np.linalg.norm(visible - _median_of_seen(visible, part)[:, None], axis=-1)
    return np.asarray(distance[part])


def _median_of_joints(joints: np.ndarray) -> np.ndarray:
    """Return the median [T, D] over the joints [T, J, D]: `np.median`, in half the time."""
    count = joints.shape[1]
    low, high = (count - 1) // 2, count // 2
    ordered = np.partition(np.ascontiguousarray(joints.transpose(0, 2, 1)), (low, high), axis=-1)
    return (ordered[..., low] + ordered[..., high]) / 2


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
