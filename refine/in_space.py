"""Refining skeletons where they are: with their travel, their gaps and jumps, and what is known of each sighting.

Whatever the method, a skeleton at rest, at constant velocity or at constant acceleration comes out as it went in, and
what was not seen stays as it was. A method sees what is left of one motion when the body's path has been taken out
(`refine.travel`): positions at even times, none missing, unsure ones led by surer ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicSpline

from base.errors import InputError
from base.settings import FPS
from data.skeletons.gaps import gap_values
from data.skeletons.seen import seen_joints
from refine.normalise import body_size
from refine.splits import Pieces, split_track
from refine.travel import body_axes, body_path, mean_of_joints, smooth_path
from refine.trust import trust

Method = Callable[[list[np.ndarray], list[float]], list[np.ndarray]]
"""Maps motions, float64 [n, V, C] each, and body sizes to refined motions of the same shapes."""

_UNEVEN = 0.05
"""Frames: so far from even times counts as even."""

_BELIEVED = 0.999
"""From this trust on, a sighting is one to go by."""


@dataclass(frozen=True)
class Sightings:
    """What was seen of one body.

    Parameters
    ----------
    joints
        [n, V, C], any unit.
    seen
        bool [n, V]; where it is not, `joints` may hold anything. None for wherever `joints` is finite.
    confidence
        [n, V], at least 0, in any unit: how sure each sighting is. None for equally.
    times
        [n], seconds, rising; None for even times.
    size
        What a method takes for the body's size; measured if None.
    inferred
        bool [n, V]: what the Kinect has inferred, for which `confidence` has `refine.trust.INFERRED` as a factor. None
        for nothing.
    """

    joints: np.ndarray
    seen: np.ndarray | None = None
    confidence: np.ndarray | None = None
    times: np.ndarray | None = None
    size: float | None = None
    inferred: np.ndarray | None = None


def as_sightings(
    sequences: Sequence[np.ndarray],
    sizes: Sequence[float] | None = None,
    seen: Sequence[np.ndarray | None] | None = None,
    confidences: Sequence[np.ndarray | None] | None = None,
    times: Sequence[np.ndarray | None] | None = None,
) -> list[Sightings]:
    """Put together what is known of each sequence.

    A joint of which nobody says whether it was seen has a position by the rule of `data.skeletons.seen`; one that is
    at 0 in every frame is taken for the origin.

    Raises
    ------
    InputError
        A sequence is not [T, V, 2 or 3], something beside it has another length, times do not rise, or a confidence is
        below 0.
    """
    count = len(sequences)
    columns = [[None] * count if column is None else column for column in (seen, confidences, times, sizes)]
    return [
        _checked(Sightings(*parts), f"sequence {number}")
        for number, parts in enumerate(zip(sequences, *columns, strict=True))
    ]


def _checked(given: Sightings, where: str) -> Sightings:
    """Check what somebody gave, and say which joints were seen where he did not."""
    joints = np.asarray(given.joints)
    if joints.ndim != 3 or joints.shape[-1] not in (2, 3) or not joints.size:
        raise InputError(f"{where}: shape {joints.shape}, expected [frames, joints, 2 or 3], of each at least one")
    seen, confidence, times = given.seen, given.confidence, given.times
    each = joints.shape[:2]
    for name, part, shape in (("seen", seen, each), ("confidences", confidence, each), ("times", times, each[:1])):
        if part is not None and np.shape(part) != shape:
            raise InputError(f"{where}: {name} of shape {np.shape(part)}, expected {shape}")
    if times is not None and not (np.diff(times) > 0).all():
        raise InputError(f"{where}: its times do not rise; give each frame's own, in seconds")
    if confidence is not None:
        confidence = np.nan_to_num(np.asarray(confidence, np.float64))
        if confidence.min(initial=0) < 0:
            raise InputError(f"{where}: found a confidence of {confidence.min():g}, expected 0 or more")
    if seen is None:
        origin = np.flatnonzero((joints == 0).all((0, 2)))
        score = confidence if joints.shape[-1] == 2 else None
        found = seen_joints(joints, score, origin if len(origin) < joints.shape[1] else ())
        seen = None if found.all() else found
    return replace(given, joints=joints, seen=seen, confidence=confidence)


def check_rate(fps: float | None) -> None:
    """Refuse a frame rate that no camera has."""
    if fps is not None and not FPS[0] <= fps <= FPS[1]:
        raise InputError(f"fps: found {fps}, expected a number from {FPS[0]} to {FPS[1]}, frames per second")


@dataclass
class _Motion:
    """One piece of a track on its way through a method, and how to come back from there."""

    rows: slice
    """Rows of the track, m of them."""
    motion: np.ndarray
    """What the method sees, [n, V, C]."""
    path: np.ndarray
    """What was taken out, [n, 1, C]."""
    at: np.ndarray | None
    """Where the rows are among the n, [m]: whole numbers if they are among them; None if they are all of them."""


@dataclass(frozen=True)
class _Apart:
    """A track in its body's axes: the axes, its motions, how they were cut, its size, and what is seen if not all."""

    axes: np.ndarray
    motions: list[_Motion]
    pieces: Pieces
    size: float
    seen: np.ndarray | None


def refine_in_space(
    sightings: Sequence[Sightings], method: Method, fps: float, *, turned: bool = True
) -> tuple[list[np.ndarray], list[Pieces]]:
    """Refine bodies by a method, each for itself.

    Parameters
    ----------
    sightings
        What was seen of each body.
    method
        What to do with a motion.
    fps
        Frames a second.
    turned
        Whether the method minds in which axes it sees a motion; it then gets the body's own.

    Returns
    -------
    joints
        float32 [n, V, C] each; unchanged where not seen.
    pieces
        How each track was cut.
    """
    taken = [_take_apart(sighting, fps, turned) for sighting in sightings]
    given = [one.motion for apart in taken for one in apart.motions]
    sizes = [apart.size for apart in taken for _ in apart.motions]
    refined = iter(method(given, sizes) if given else [])
    results = []
    for sighting, apart in zip(sightings, taken, strict=True):
        result = np.array(sighting.joints, np.float32)
        for one in apart.motions:
            moved = next(refined) + one.path
            if one.at is not None:
                exact = one.at.dtype.kind == "i"
                moved = moved[one.at] if exact else CubicSpline(np.arange(len(moved)), moved)(one.at)
            if turned:
                moved = _turned(moved, apart.axes.T)
            if apart.seen is None:
                result[one.rows] = moved
            else:
                np.copyto(result[one.rows], moved, where=apart.seen[one.rows][..., None], casting="same_kind")
        results.append(result)
    return results, [apart.pieces for apart in taken]


@dataclass(frozen=True)
class _Cut:
    """A track in its body's axes: joints and what is seen of them, the axes, how it is cut, the body's size."""

    joints: np.ndarray
    seen: np.ndarray
    axes: np.ndarray
    pieces: Pieces
    size: float


def cut_track(sighting: Sightings, fps: float, turned: bool = True) -> Pieces:
    """Cut a track as `refine_in_space` does."""
    return _cut(sighting, fps, turned).pieces


def _cut(sighting: Sightings, fps: float, turned: bool) -> _Cut:
    joints, seen = np.asarray(sighting.joints, np.float64), seen_of(sighting)
    axes = np.eye(joints.shape[-1])
    complete = bool(seen.all())
    if not complete:
        if not seen.any():
            return _Cut(joints, seen, axes, Pieces([]), 1.0)
        joints = np.where(seen[..., None], joints, 0.0)
    if turned:
        axes = body_axes(joints, None if complete else seen)
        joints = _turned(joints, axes)
    size = body_size(joints, None if complete else seen)
    times = np.arange(len(joints)) / fps if sighting.times is None else sighting.times
    return _Cut(joints, seen, axes, split_track(joints, seen, times, size), size)


def _turned(joints: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Return joints @ axes, in one product and not one for each frame."""
    return (joints.reshape(-1, len(axes)) @ axes).reshape(joints.shape)


def seen_of(sighting: Sightings) -> np.ndarray:
    """Say which joints were seen, bool [n, V]: those that are said to have been, and are finite."""
    joints = sighting.joints
    with np.errstate(invalid="ignore", over="ignore"):
        total = joints.sum(dtype=np.float64)
    # Where the sum is finite, so is everything; to look at every joint takes long.
    finite = np.ones(joints.shape[:2], bool) if np.isfinite(total) else np.isfinite(joints).all(-1)
    return finite if sighting.seen is None else sighting.seen & finite


def _take_apart(sighting: Sightings, fps: float, turned: bool) -> _Apart:
    cut = _cut(sighting, fps, turned)
    joints, seen, pieces = cut.joints, cut.seen, cut.pieces
    motions = []
    right = seen
    if len(pieces.astray):
        right = seen.copy()
        right[pieces.astray] = False
    for first, end in pieces.spans:
        rows = slice(first, end)
        confidence = None if sighting.confidence is None else sighting.confidence[rows]
        uneven = None if sighting.times is None else sighting.times[rows]
        motions.append(_motion(rows, joints[rows], right[rows], confidence, uneven, fps))
    return _Apart(cut.axes, motions, pieces, sighting.size or cut.size, None if seen.all() else seen)


def _motion(
    rows: slice,
    joints: np.ndarray,
    seen: np.ndarray,
    confidence: np.ndarray | None,
    times: np.ndarray | None,
    fps: float,
) -> _Motion:
    at: np.ndarray | None = None
    if times is not None:
        number = frames_of(times, fps)
        if number is None:
            return _uneven_motion(rows, joints, seen, confidence, times, fps)
        if number[-1] >= len(number):  # frames are missing in between
            at, frames = number, int(number[-1]) + 1
            joints, seen = spread(joints, at, frames), spread(seen, at, frames)
            confidence = None if confidence is None else spread(confidence, at, frames)
    sure, believed = _sure(seen, confidence, np.arange(len(seen)) / fps)
    if sure is seen and seen.all():
        path = smooth_path(mean_of_joints(joints), fps)[:, None]
        return _Motion(rows, joints - path, path, at)
    path = smooth_path(body_path(joints, sure, seen), fps, np.any(sure, axis=1))[:, None]
    return _Motion(rows, _led(joints - path, seen, sure, believed), path, at)


def _uneven_motion(
    rows: slice,
    joints: np.ndarray,
    seen: np.ndarray,
    confidence: np.ndarray | None,
    times: np.ndarray,
    fps: float,
) -> _Motion:
    """Take positions to even times by a cubic spline through all of them."""
    sure, believed = _sure(seen, confidence, times)
    path, known = body_path(joints, sure, seen), sure.any(1)
    if not known.all():
        path = CubicSpline(times[known], path[known])(times) if known.sum() > 1 else path[known].repeat(len(path), 0)
    whole = _led(joints - path[:, None], seen, sure, believed) + path[:, None]
    passed = times - times[0]
    frames = frames_within(times, fps)
    even = CubicSpline(passed, whole)(np.linspace(0, passed[-1], frames))
    smooth = smooth_path(even.mean(1), fps)[:, None]
    return _Motion(rows, even - smooth, smooth, passed / passed[-1] * (frames - 1))


def frames_of(times: np.ndarray, fps: float) -> np.ndarray | None:
    """Return the frames at a constant rate that times [n] are those of, int64 [n] from 0; None if they are of none."""
    passed = (times - times[0]) * fps
    number = np.rint(passed).astype(np.int64)
    uneven = np.abs(passed - number).max() > _UNEVEN or (np.diff(number) < 1).any()
    return None if uneven else number


def frames_within(times: np.ndarray, fps: float) -> int:
    """Return to how many even frames uneven times [n] are taken."""
    return max(round((times[-1] - times[0]) * fps) + 1, min(len(times), 3))


def spread(x: np.ndarray, at: np.ndarray, frames: int) -> np.ndarray:
    """Put rows [n, ...] where they belong among so many frames, with zeros in between."""
    out = np.zeros((frames, *x.shape[1:]), x.dtype)
    out[at] = x
    return out


def _sure(seen: np.ndarray, confidence: np.ndarray | None, times: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Say which sightings are to go by, and how far each is believed if that is not the same for all."""
    believed = None if confidence is None else trust(confidence, seen, times)
    return (seen, None) if believed is None else (seen & (believed > _BELIEVED), believed)


def _led(motion: np.ndarray, seen: np.ndarray, sure: np.ndarray, believed: np.ndarray | None) -> np.ndarray:
    """Fill in what was not seen, and lead what is unsure towards what surer sightings say, in place."""
    if sure.all():
        return motion
    frame, joint, values = gap_values(motion, sure)
    if believed is not None:
        share = np.where(seen[frame, joint], believed[frame, joint], 0.0)[:, None]
        values = share * motion[frame, joint] + (1 - share) * values
    motion[frame, joint] = values
    return motion
