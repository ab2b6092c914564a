"""The skeletons of a study's clips: their tracks, lined up with the truth, and one clip in several arms."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from data.skeletons.layouts import Layout
from data.skeletons.metrics import accelerations
from data.skeletons.store import ClipStore

SHORTEST = 16
"""Frames that a clip has to have to be a typical one."""


def unit(dims: int) -> tuple[str, float]:
    """Return the unit that positions are told in, and how many of it a store's unit is: metres, or pixels."""
    return ("mm", 1000.0) if dims == 3 else ("px", 1.0)


@dataclass(frozen=True)
class ClipPoses:
    """One track of one clip in several arms.

    Parameters
    ----------
    name
        The clip's.
    action
        1-based.
    first_frame
        The clip's frame in which the track begins.
    joints
        For each arm, float32 [n, V, C], metres.
    seen
        bool [n, V].
    layout
        Joints and bones.
    fps
        Frames a second.
    """

    name: str
    action: int
    first_frame: int
    joints: dict[str, np.ndarray]
    seen: np.ndarray
    layout: Layout
    fps: float = 30.0

    def acceleration(self, arm: str) -> np.ndarray:
        """Return how strongly an arm's joints accelerate, see `acceleration_per_frame`; unknown joints do not count."""
        known = self.seen & np.isfinite(self.joints[arm]).all(-1)
        return acceleration_per_frame(np.nan_to_num(self.joints[arm]), known)


def acceleration_per_frame(joints: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the mean norm of second differences, mm/frame^2, for the middle frame of each three, float64 [n - 2].

    Parameters
    ----------
    joints
        [n, V, C], metres, or pixels if C is 2, of which the result is then made.
    seen
        bool [n, V]. Frames without a joint seen three times in a row are NaN.
    """
    found: np.ndarray = accelerations(torch.from_numpy(joints.astype(np.float64)), torch.from_numpy(seen)).numpy()
    return unit(joints.shape[-1])[1] * found


def typical_clip(store: ClipStore, names: np.ndarray, quantile: float = 0.75) -> str:
    """Return the clip whose first actor's mean acceleration lies at a quantile of that of all given clips."""
    jitter = np.full(len(names), np.nan)
    for number, name in enumerate(names):
        track = main_track(store, str(name))
        if track is not None and store.tracks.length[track] >= SHORTEST:
            rows = store.rows_of(track)
            values = acceleration_per_frame(store.joints[rows], store.tracked[rows] > 0)
            if np.isfinite(values).any():
                jitter[number] = np.nanmean(values)
    if not np.isfinite(jitter).any():
        return str(names[0])
    wanted = np.nanquantile(jitter, quantile, method="nearest")
    return str(names[int(np.nanargmin(np.abs(jitter - wanted)))])


def clip_poses(stores: Mapping[str, ClipStore], name: str) -> ClipPoses | None:
    """Cut the first actor's track of a clip out of several stores; None if the first of them has no such track.

    Parameters
    ----------
    stores
        Per arm; all but `oracle` share their tracks with the first.
    name
        The clip.
    """
    base = next(iter(stores.values()))
    track = main_track(base, name)
    if track is None:
        return None
    rows, first = base.rows_of(track), int(base.tracks.first_frame[track])
    joints = {}
    for arm, store in stores.items():
        if len(store.joints) == len(base.joints) and np.array_equal(store.tracks.first_row, base.tracks.first_row):
            joints[arm] = np.array(store.joints[rows])
        else:
            own = np.array(base.joints[rows])
            matched = match_track(store, name, first, own, base.tracked[rows] > 0)
            if matched is not None:
                joints[arm] = np.where(matched[1][..., None], matched[0], np.nan)
    row = int(base.tracks.clip[track])
    return ClipPoses(
        base.title(name),
        int(base.clips.action[row]),
        first,
        joints,
        np.array(base.tracked[rows]) > 0,
        base.layout,
        base.info.fps,
    )


def clip_tracks(store: ClipStore, names: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield every track of some clips: the track, joints float64 [n, V, C], 0 where unseen, and seen [n, V]."""
    for track in store.tracks_of(np.flatnonzero(np.isin(store.clips.name, names))).tolist():
        rows = store.rows_of(track)
        joints = np.asarray(store.joints[rows], np.float64)
        seen = (np.asarray(store.tracked[rows]) > 0) & np.isfinite(joints).all(-1)
        yield track, np.where(seen[..., None], joints, 0), seen


def match_track(
    truth: ClipStore, name: str, first: int, joints: np.ndarray, seen: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Find the true track of a clip that is nearest to a track, and line it up with that in time.

    Returns its joints [n, V, C] and whether they are known [n, V], or None: the two stores may number the actors
    differently.
    """
    best, nearest = None, np.inf
    for track in _tracks_named(truth, name):
        own_first, length = int(truth.tracks.first_frame[track]), int(truth.tracks.length[track])
        low, high = max(first, own_first), min(first + len(joints), own_first + length)
        if low >= high:
            continue
        start = truth.rows_of(track).start + low - own_first
        target, known = np.zeros_like(joints), np.zeros_like(seen)
        target[low - first : high - first] = truth.joints[start : start + high - low]
        known[low - first : high - first] = truth.tracked[start : start + high - low] > 0
        both = seen & known
        if not both.any():
            continue
        distance = float(np.median(np.linalg.norm(joints - target, axis=-1)[both]))
        if distance < nearest:
            best, nearest = (target, known), distance
    return best


def burst_frames(clip: ClipPoses, arm: str, count: int) -> np.ndarray:
    """Return `count` frames of the track, every second one, around that in which the joints accelerate most."""
    values = acceleration_per_frame(clip.joints[arm], clip.seen)
    length = len(clip.joints[arm])
    step = 2 if length >= 2 * count else 1
    peak = int(np.nanargmax(values)) + 1 if np.isfinite(values).any() else length // 2
    first = int(np.clip(peak - step * (count // 2), 0, max(0, length - step * (count - 1) - 1)))
    frames = first + step * np.arange(count)
    return frames[frames < length]


def main_track(store: ClipStore, name: str) -> int | None:
    """Return the longest track of the clip's first actor."""
    tracks = [track for track in _tracks_named(store, name) if store.tracks.actor[track] == 0]
    return max(tracks, key=lambda track: int(store.tracks.length[track])) if tracks else None


def _tracks_named(store: ClipStore, name: str) -> list[int]:
    found: list[int] = store.tracks_of(np.flatnonzero(store.clips.name == name)).tolist()
    return found
