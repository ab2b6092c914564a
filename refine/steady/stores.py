"""Refining tracks of clip stores by a method that takes whole sequences, under the same rules as networks and filters.

A track is cut where it is not one motion, uneven times are honoured, and what was not seen stays as it was, see
`refine.in_space`. The method itself is told what is missing and how sure each sighting is; nothing is taken out for it.
"""

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import CubicSpline

from refine.in_space import Sightings, cut_track, frames_of, frames_within, seen_of, spread
from refine.shipped.registry import Bones, Method
from refine.splits import Pieces
from refine.trust import INFERRED

INFERRED_HERE = 0.5
"""What counts as the confidence of a joint that the Kinect has inferred, as in what these methods have learnt from."""

LEAST = 1e-3
"""Confidence of what was seen although its estimator says 0."""


def refine_tracks(
    method: Method, sightings: Sequence[Sightings], fps: float, bones: Bones = ()
) -> tuple[list[np.ndarray], list[Pieces]]:
    """Refine bodies, each for itself, and each piece of a track for itself.

    Parameters
    ----------
    method
        What refines a sequence.
    sightings
        What was seen of each body.
    fps
        Frames a second.
    bones
        Pairs of joints that keep their distance.

    Returns
    -------
    joints
        float32 [n, V, C] each; unchanged where not seen.
    pieces
        How each track was cut.
    """
    results, cuts = [], []
    for sighting in sightings:
        seen, pieces = seen_of(sighting), cut_track(sighting, fps)
        known = seen.copy()
        known[pieces.astray] = False
        trust = np.where(known, _confidence(sighting), np.float32(0))
        result = np.array(sighting.joints, np.float32)
        for first, end in pieces.spans:
            rows = slice(first, end)
            times = None if sighting.times is None else sighting.times[rows]
            poses = np.where(known[rows, :, None], sighting.joints[rows], np.nan)
            refined = _refine_piece(method, poses, trust[rows], times, fps, bones)
            np.copyto(result[rows], refined, where=seen[rows, :, None], casting="same_kind")
        results.append(result)
        cuts.append(pieces)
    return results, cuts


def _confidence(sighting: Sightings) -> np.ndarray:
    if sighting.confidence is None:
        return np.ones(sighting.joints.shape[:2], np.float32)
    sure = np.nan_to_num(np.asarray(sighting.confidence, np.float32))
    if sighting.inferred is not None:
        sure = np.where(sighting.inferred, sure * np.float32(INFERRED_HERE / INFERRED), sure)
    return sure.clip(LEAST, 1)


def _refine_piece(
    method: Method, poses: np.ndarray, trust: np.ndarray, times: np.ndarray | None, fps: float, bones: Bones
) -> np.ndarray:
    """Refine one motion, [n, V, C] with NaN for what is missing; its frames may be missing or lie unevenly."""
    at = np.arange(len(poses)) if times is None else frames_of(times, fps)
    if times is not None and at is None:
        return _refine_uneven(method, poses, trust, times, fps, bones)
    assert at is not None
    frames = int(at[-1]) + 1
    if frames > len(poses):
        sure = spread(trust, at, frames)
        poses = np.where(sure[..., None] > 0, spread(poses, at, frames), np.nan)
        return method(poses, fps, sure, bones)[at]
    return method(poses, fps, trust, bones)


def _refine_uneven(
    method: Method, poses: np.ndarray, trust: np.ndarray, times: np.ndarray, fps: float, bones: Bones
) -> np.ndarray:
    """Take sightings to even times by cubic splines, refine, and take the result back to its own times."""
    passed = times - times[0]
    grid = np.linspace(0, passed[-1], frames_within(times, fps))
    even = np.full((len(grid), *poses.shape[1:]), np.nan)
    whole = (trust > 0).all(0)
    if whole.any():
        even[:, whole] = CubicSpline(passed, poses[:, whole])(grid)
    for joint in np.flatnonzero(~whole):
        known = trust[:, joint] > 0
        if known.sum() > 1:
            own = passed[known]
            even[:, joint] = CubicSpline(own, poses[known, joint])(grid.clip(own[0], own[-1]))
        elif known.any():
            even[:, joint] = poses[known, joint]
    sure = _between(trust, passed, grid)
    even[sure == 0] = np.nan
    return np.asarray(CubicSpline(grid, method(even, fps, sure, bones))(passed))


def _between(trust: np.ndarray, passed: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return how sure a position between two frames is: as sure as both are, and missing where one of them is."""
    after = np.searchsorted(passed, grid).clip(1, len(passed) - 1)
    share = ((grid - passed[after - 1]) / (passed[after] - passed[after - 1])).clip(0, 1)[:, None]
    before, behind = trust[after - 1], trust[after]
    missing = ((before == 0) & (share < 1)) | ((behind == 0) & (share > 0))
    return np.where(missing, 0, (1 - share) * before + share * behind).astype(np.float32)
