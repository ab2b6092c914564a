"""How steady, and how near the truth, the skeletons of each arm are on the test clips."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data.skeletons.layouts import Layout
from data.skeletons.store import ClipStore

ROWS = 1 << 15
"""Frames looked at together; it bounds memory."""


def unit(dims: int) -> tuple[str, float]:
    """Return the unit that positions are told in, and how many of it a store's unit is: metres, or pixels."""
    return ("mm", 1000.0) if dims == 3 else ("px", 1.0)


@dataclass(frozen=True)
class PoseFigures:
    """Figures of one arm's skeletons on the test clips.

    Parameters
    ----------
    arm
        Its name.
    acceleration
        Mean norm of the second differences of joint positions, mm/frame^2 (of joints in an image px/frame^2, and so
        below): steadiness, no truth needed.
    mpjpe
        Mean joint error after root alignment, mm; None without truth.
    accel
        Mean norm of the difference of second differences from the truth's, mm/frame^2; None without truth.
    """

    arm: str
    acceleration: float
    mpjpe: float | None = None
    accel: float | None = None


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


def pose_figures(arm: str, store: ClipStore, names: np.ndarray, truth: ClipStore | None = None) -> PoseFigures:
    """Measure the skeletons of some clips.

    A joint counts in a frame in which it was seen, and its acceleration where it was seen in three frames in a row.

    Parameters
    ----------
    arm
        The name for the result.
    store
        The skeletons.
    names
        Which clips.
    truth
        The same clips without noise.
    """
    sums, scale = np.zeros((3, 2)), unit(store.layout.dims)[1]
    for joints, seen, target, known in _blocks(store, names, truth):
        # _blocks puts an unseen frame after every track, so no triple of frames spans two tracks.
        triple = seen[:-2] & seen[1:-1] & seen[2:]
        second = np.diff(joints, 2, axis=0)
        sums[0] += _total(np.linalg.norm(second, axis=-1), triple)
        if target is None or known is None:
            continue
        both = seen & known
        root = store.layout.root
        offset = (joints - joints[:, [root]]) - (target - target[:, [root]])
        sums[1] += _total(np.linalg.norm(offset, axis=-1), both & both[:, [root]])
        triple = both[:-2] & both[1:-1] & both[2:]
        sums[2] += _total(np.linalg.norm(np.diff(joints - target, 2, axis=0), axis=-1), triple)
    mean = [scale * total / count if count else None for total, count in sums.tolist()]
    return PoseFigures(arm, mean[0] if mean[0] is not None else float("nan"), mean[1], mean[2])


def acceleration_per_frame(joints: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the mean norm of second differences, mm/frame^2, for the middle frame of each three, float64 [n - 2].

    Parameters
    ----------
    joints
        [n, V, C], metres, or pixels if C is 2, of which the result is then made.
    seen
        bool [n, V]. Frames without a joint seen three times in a row are NaN.
    """
    triple = seen[:-2] & seen[1:-1] & seen[2:]
    norm = np.linalg.norm(np.diff(joints.astype(np.float64), 2, axis=0), axis=-1)
    count = triple.sum(1)
    mean: np.ndarray = unit(joints.shape[-1])[1] * np.where(triple, norm, 0).sum(1) / np.where(count, count, np.nan)
    return mean


def typical_clip(store: ClipStore, names: np.ndarray, quantile: float = 0.75) -> str:
    """Return the clip whose first actor's mean acceleration lies at a quantile of that of all given clips."""
    jitter = np.full(len(names), np.nan)
    for number, name in enumerate(names):
        rows = _main_track(store, str(name))
        if rows is not None and len(range(*rows.indices(len(store.joints)))) >= 16:
            values = acceleration_per_frame(store.joints[rows], store.tracked[rows] > 0)
            if np.isfinite(values).any():
                jitter[number] = np.nanmean(values)
    if not np.isfinite(jitter).any():
        return str(names[0])
    wanted = np.nanquantile(jitter, quantile, method="nearest")
    return str(names[int(np.nanargmin(np.abs(jitter - wanted)))])


def clip_poses(stores: dict[str, ClipStore], name: str) -> ClipPoses | None:
    """Cut the first actor's track of a clip out of several stores; None if the first of them has no such track.

    Parameters
    ----------
    stores
        Per arm; all but `oracle` share their tracks with the first.
    name
        The clip.
    """
    base = next(iter(stores.values()))
    track = _track(base, name)
    if track is None:
        return None
    start, length = int(base.tracks.first_row[track]), int(base.tracks.length[track])
    rows = slice(start, start + length)
    first = int(base.tracks.first_frame[track])
    joints = {}
    for arm, store in stores.items():
        if len(store.joints) == len(base.joints) and np.array_equal(store.tracks.first_row, base.tracks.first_row):
            joints[arm] = np.array(store.joints[rows])
        else:
            own = np.array(base.joints[rows])
            matched = _match(store, name, first, own, base.tracked[rows] > 0)
            if matched is not None:
                joints[arm] = np.where(matched[1][..., None], matched[0], np.nan)
    row = int(base.tracks.clip[track])
    return ClipPoses(
        name, int(base.clips.action[row]), first, joints, np.array(base.tracked[rows]) > 0, base.layout, base.info.fps
    )


def clip_tracks(store: ClipStore, names: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield every track of some clips: the clip's row, joints float64 [n, V, C], 0 where unseen, and seen [n, V]."""
    for track in np.flatnonzero(np.isin(store.clips.name, names)[store.tracks.clip]).tolist():
        start, length = int(store.tracks.first_row[track]), int(store.tracks.length[track])
        joints = np.asarray(store.joints[start : start + length], np.float64)
        seen = (np.asarray(store.tracked[start : start + length]) > 0) & np.isfinite(joints).all(-1)
        yield int(store.tracks.clip[track]), np.where(seen[..., None], joints, 0), seen


def _blocks(
    store: ClipStore, names: np.ndarray, truth: ClipStore | None
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]]:
    """Yield joints [n, V, C], seen [n, V], truth and whether it is known, of whole tracks with gaps between them."""
    wanted = np.flatnonzero(np.isin(store.clips.name, names)[store.tracks.clip])
    parts: list[tuple[np.ndarray, ...]] = []
    rows = 0
    for number, track in enumerate(wanted.tolist()):
        start, length = int(store.tracks.first_row[track]), int(store.tracks.length[track])
        joints = np.asarray(store.joints[start : start + length], np.float64)
        seen = (np.asarray(store.tracked[start : start + length]) > 0) & np.isfinite(joints).all(-1)
        joints = np.where(seen[..., None], joints, 0)
        part: tuple[np.ndarray, ...] = (joints, seen)
        if truth is not None:
            name = str(store.clips.name[store.tracks.clip[track]])
            matched = _match(truth, name, int(store.tracks.first_frame[track]), joints, seen)
            part += matched if matched is not None else (np.zeros_like(joints), np.zeros_like(seen))
        parts.append(tuple(np.concatenate([x, np.zeros_like(x[:1])]) for x in part))
        rows += length + 1
        if rows >= ROWS or number == len(wanted) - 1:
            joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
            yield joined[0], joined[1], *(joined[2:] if truth is not None else (None, None))
            parts, rows = [], 0


def _match(
    truth: ClipStore, name: str, first: int, joints: np.ndarray, seen: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Find the true track of a clip that is nearest to a track, and line it up with that in time.

    Returns its joints [n, V, C] and whether they are known [n, V], or None: the two stores may number the actors
    differently.
    """
    best, nearest = None, np.inf
    for track in _tracks(truth, name):
        own_first, length = int(truth.tracks.first_frame[track]), int(truth.tracks.length[track])
        low, high = max(first, own_first), min(first + len(joints), own_first + length)
        if low >= high:
            continue
        start = int(truth.tracks.first_row[track]) + low - own_first
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


def _main_track(store: ClipStore, name: str) -> slice | None:
    track = _track(store, name)
    if track is None:
        return None
    start = int(store.tracks.first_row[track])
    return slice(start, start + int(store.tracks.length[track]))


def _track(store: ClipStore, name: str) -> int | None:
    """Return the longest track of the clip's first actor."""
    tracks = [track for track in _tracks(store, name) if store.tracks.actor[track] == 0]
    return max(tracks, key=lambda track: int(store.tracks.length[track])) if tracks else None


def _tracks(store: ClipStore, name: str) -> list[int]:
    row = np.flatnonzero(store.clips.name == name)
    return np.flatnonzero(np.isin(store.tracks.clip, row)).tolist()


def _total(values: np.ndarray, mask: np.ndarray) -> tuple[float, int]:
    return float(values[mask].sum()), int(mask.sum())
