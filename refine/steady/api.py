"""Refining poses from Python: `from refine import refine`."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from base.errors import InputError
from data.skeletons.layouts import LAYOUTS
from refine.steady.bones import Tree, hang
from refine.steady.net import load_networks
from refine.steady.ntu25 import refiner as ntu25
from refine.steady.ntu25.net import load_network, says_ntu25
from refine.steady.smoother import refine_sequence, shipped

Skeleton = str | Sequence[tuple[int, int]]

Method = Callable[[np.ndarray, float, np.ndarray | None, float], np.ndarray]
"""Maps poses [T, J, D], frames a second, confidences [T, J] and a strength to refined poses."""


def refine(
    poses: ArrayLike,
    fps: float | None = None,
    confidence: ArrayLike | None = None,
    skeleton: Skeleton | None = None,
    model: str | Path = "steady",
    strength: float = 1.0,
    fill: float = 0.0,
) -> np.ndarray:
    """Refine poses: take the noise away and leave the motion.

    Parameters
    ----------
    poses
        [T, J, D] or [people, T, J, D], D 2 or 3, any unit, anywhere; NaN where nothing is known. Left as they are.
    fps
        Frames a second.
    confidence
        [T, J] or [people, T, J], 0 to 1: how far each joint can be trusted. 0 counts as missing, more than 1 as 1. A
        Kinect's tracking states are 0 (not tracked), 0.5 (inferred) and 1 (tracked).
    skeleton
        The name of a layout (`ntu25`, `coco17`, `openpose18`) or its bones as pairs of joints. In space, bones are then
        brought nearer to their usual lengths. None: nothing is known of bones.
    model
        `steady`; `steady_ntu25` for the Kinect's 25 joints in the order of NTU RGB+D; or the path of a file of weights
        of either kind.
    strength
        From 0, the input, to 1.
    fill
        Gaps of at most so many seconds are filled; what is missing for longer stays missing.

    Returns
    -------
    array
        As `poses`, float32 if they are, else float64. Where a joint is missing, it is as it was.

    Raises
    ------
    InputError
        The shape is another, the frame rate is missing, a number is infinite, nothing is known at all, or the model is
        for other joints.
    """
    given = _poses(poses)
    if fps is None or not np.isfinite(fps) or fps <= 0:
        raise InputError(f"fps: found {fps}, expected the frames a second of the poses, above 0; pass fps=30, say")
    if not 0 <= strength <= 1:
        raise InputError(f"strength: found {strength}, expected a number from 0 (the input) to 1")
    if not np.isfinite(fill) or fill < 0:
        raise InputError(f"fill: found {fill}, expected seconds, 0 or more")
    people = given if given.ndim == 4 else given[None]
    trust = _confidence(confidence, given.shape[:-1])
    trust = None if trust is None else trust.reshape(people.shape[:-1])
    if not _seen(people, trust).any():
        raise InputError("poses: every joint is missing in every frame; there is nothing to refine")
    method = _method(model, _tree(skeleton, people.shape[2]), people.shape[2:])
    out = people.copy()
    for number, person in enumerate(people):
        own = None if trust is None else trust[number]
        seen = _seen(person, own)
        if seen.any():
            refined = method(person, float(fps), own, float(strength))
            wanted = seen | _short_gaps(seen, round(fill * fps))
            np.copyto(out[number], refined, where=wanted[..., None])
    return out.reshape(given.shape)


def _poses(poses: ArrayLike) -> np.ndarray:
    try:
        given = np.asarray(poses)
        given = given if given.dtype in (np.float32, np.float64) else given.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"poses: not an array of numbers ({error}); expected [frames, joints, 2 or 3]") from None
    if given.ndim not in (3, 4) or given.shape[-1] not in (2, 3) or 0 in given.shape:
        raise InputError(
            f"poses: found shape {given.shape}, expected [frames, joints, 2 or 3] or [people, frames, joints, 2 or 3]"
        )
    if np.isinf(given).any():
        raise InputError("poses: found infinite coordinates; write NaN for what is missing")
    return given


def _confidence(confidence: ArrayLike | None, shape: tuple[int, ...]) -> np.ndarray | None:
    if confidence is None:
        return None
    try:
        found = np.asarray(confidence, np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"confidence: not an array of numbers ({error}); expected {list(shape)}") from None
    if found.shape != shape:
        raise InputError(f"confidence: found shape {found.shape}, expected {shape}: one number per joint of the poses")
    if (found < 0).any():
        raise InputError(f"confidence: found {found.min():g}, expected numbers from 0 to 1")
    return np.minimum(np.nan_to_num(found, nan=0.0), np.float32(1))


def _seen(poses: np.ndarray, trust: np.ndarray | None) -> np.ndarray:
    seen = np.isfinite(poses).all(axis=-1)
    return seen if trust is None else seen & (trust > 0)


def _tree(skeleton: Skeleton | None, joints: int) -> Tree | None:
    if skeleton is None:
        return None
    if isinstance(skeleton, str):
        if skeleton not in LAYOUTS:
            known = ", ".join(LAYOUTS)
            raise InputError(f"skeleton: found {skeleton!r}, expected {known}, or pairs of joints [[0, 1], ...]")
        layout = LAYOUTS[skeleton]
        if len(layout.joints) != joints:
            raise InputError(f"skeleton: {skeleton} has {len(layout.joints)} joints, the poses have {joints}")
        return hang(layout.bones, joints)
    try:
        return hang([(int(a), int(b)) for a, b in skeleton], joints)
    except (TypeError, ValueError) as error:
        raise InputError(f"skeleton: {error}; expected pairs of different joints from 0 to {joints - 1}") from None


def _method(model: str | Path, tree: Tree | None, shape: tuple[int, ...]) -> Method:
    path = None if model in ("steady", "steady_ntu25") else Path(model)
    if path is not None and not path.is_file():
        raise InputError(f"model: found {str(model)!r}, expected steady, steady_ntu25 or the path of a file of weights")
    if model == "steady_ntu25" or (path is not None and says_ntu25(path)):
        if shape != (25, 3):
            raise InputError(
                f"model: {model} is for the Kinect's 25 joints in space, and the poses have {shape[0]} joints in "
                f"{shape[1]}D; take steady"
            )
        return partial(ntu25.refine_sequence, ntu25.shipped() if path is None else load_network(path))
    networks = shipped() if path is None else load_networks(path)
    bones = tree if shape[1] == 3 else None

    def refine(poses: np.ndarray, fps: float, confidence: np.ndarray | None, strength: float) -> np.ndarray:
        return refine_sequence(networks, poses, fps, confidence, strength, bones)

    return refine


def _short_gaps(seen: np.ndarray, frames: int) -> np.ndarray:
    """Say where joints are missing between two sightings for at most so many frames, bool [T, J]."""
    times = np.arange(len(seen))[:, None]
    before = np.maximum.accumulate(np.where(seen, times, -1), axis=0)
    after = np.minimum.accumulate(np.where(seen, times, len(seen))[::-1], axis=0)[::-1]
    inside = (before >= 0) & (after < len(seen))
    return ~seen & inside & (after - before - 1 <= frames)
