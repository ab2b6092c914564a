"""Refining skeletons where they are: with their travel, their gaps and jumps, and what is known of each sighting.

Whatever the method, a skeleton at rest, at constant velocity or at constant acceleration comes out as it went in, and
what was not seen stays as it was. A method sees what is left of one motion when the body's path has been taken out
(`refine.travel`): positions at even times, none missing, unsure ones led by surer ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicSpline

from base.errors import InputError
from base.settings import FPS
from data.recordings.people import JUMP
from data.skeletons.gaps import gap_values
from data.skeletons.seen import seen_joints
from refine.blocks import FRAMES
from refine.long_tracks import Method, refine_long
from refine.normalise import body_sizes, lengths_of
from refine.splits import Pieces, split_track
from refine.travel import body_path, mean_pose, pose_axes, smooth_path
from refine.trust import trust

_UNEVEN = 0.05
"""Frames: so far from even times counts as even."""

TOGETHER = 1 << 11
"""Frames of tracks that are taken apart at once: they stay in a processor's cache."""

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
    sightings: Sequence[Sightings], method: Method, fps: float, *, turned: bool = True, reach: int | None = None
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
    reach
        How many frames to either side of it the method looks at, for a frame; None for all. If it does not mind the
        axes, either, it then sees long tracks block by block (`refine.long_tracks`).

    Returns
    -------
    joints
        float32 [n, V, C] each; unchanged where not seen.
    pieces
        How each track was cut.
    """
    if reach is not None and not turned and any(_is_long(one) for one in sightings):
        return _one_by_one(sightings, method, fps, reach)
    taken = [apart for group in _groups(sightings) for apart in _take_apart(group, fps, turned)]
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


def _is_long(sighting: Sightings) -> bool:
    """Say whether a track is long, and nothing is missing or unsure in it."""
    if len(sighting.joints) <= FRAMES or sighting.confidence is not None or sighting.times is not None:
        return False
    return bool(seen_of(sighting).all())


def _one_by_one(
    sightings: Sequence[Sightings], method: Method, fps: float, reach: int
) -> tuple[list[np.ndarray], list[Pieces]]:
    results, cuts = [], []
    for one in sightings:
        found = refine_long(one.joints, method, fps, reach, one.size) if _is_long(one) else None
        if found is None:
            [joints], [pieces] = refine_in_space([one], method, fps, turned=False)
            found = joints, pieces
        results.append(found[0])
        cuts.append(found[1])
    return results, cuts


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
    return _cut([sighting], fps, turned)[0].pieces


def _groups(sightings: Sequence[Sightings]) -> Iterator[list[Sightings]]:
    """Put tracks together that are treated at once: of the same joints, and few enough to stay in the cache."""
    group: list[Sightings] = []
    for one in sightings:
        shape = one.joints.shape[1:]
        rows = sum(len(other.joints) for other in group) + len(one.joints)
        if group and (rows > TOGETHER or group[0].joints.shape[1:] != shape):
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _cut(group: Sequence[Sightings], fps: float, turned: bool) -> list[_Cut]:
    """Turn tracks of the same joints into their axes, and cut them."""
    lengths = [len(one.joints) for one in group]
    ends = np.cumsum(lengths, dtype=np.int64)
    places = [slice(end - length, end) for end, length in zip(ends.tolist(), lengths, strict=True)]
    joints = np.concatenate([one.joints for one in group], dtype=np.float64)
    seen = np.concatenate([seen_of(one) for one in group])
    count = seen.sum(1)
    complete = np.logical_and.reduceat(count == seen.shape[1], ends - lengths)
    if not complete.all():
        joints[~seen] = 0.0
    axes = [np.eye(joints.shape[-1])] * len(group)
    if turned:
        poses = [mean_pose(joints[at], None if all_ else seen[at]) for at, all_ in zip(places, complete, strict=True)]
        axes = list(pose_axes(np.stack(poses)))
        for at, own in zip(places, axes, strict=True):
            joints[at] = _turned(joints[at], own)
    sizes = body_sizes(joints, seen, lengths)
    still = _without_jumps(joints, seen, count, ends, sizes)
    cuts = []
    for at, one, own, size, quiet in zip(places, group, axes, sizes, still.tolist(), strict=True):
        here, there = joints[at], seen[at]
        if quiet and one.times is None:
            pieces = Pieces([(0, len(here))])
        elif not count[at].any():
            pieces = Pieces([])
        else:
            times = np.arange(len(here)) / fps if one.times is None else one.times
            pieces = split_track(here, there, times, size)
        cuts.append(_Cut(here, there, own, pieces, size))
    return cuts


def _without_jumps(
    joints: np.ndarray, seen: np.ndarray, count: np.ndarray, ends: np.ndarray, sizes: Sequence[float]
) -> np.ndarray:
    """Say which tracks, of frames one after another, `split_track` would leave whole: bool, for each end; sure if so.

    Something is seen of all frames, and all steps are short: no median is more than twice the mean.
    """
    lengths = np.diff(ends, prepend=0)
    both = (seen[1:] & seen[:-1]).astype(np.float64)
    step = joints[1:] - joints[:-1]
    total = np.einsum("nv,nv->n", lengths_of(step), both)
    mean = np.zeros(len(joints))
    np.divide(total, np.maximum(both.sum(1), 1), out=mean[1:])
    mean[ends[:-1]] = 0.0
    farthest = np.maximum.reduceat(mean, ends - lengths)
    return np.logical_and.reduceat(count > 0, ends - lengths) & (2 * farthest < JUMP * np.asarray(sizes))


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


@dataclass(frozen=True)
class _Piece:
    """A piece of a track with even frames: what is known of them, and where the track's rows are among them if not all.

    See `_Motion` for the rest.
    """

    rows: slice
    joints: np.ndarray
    seen: np.ndarray
    confidence: np.ndarray | None
    at: np.ndarray | None


def _take_apart(group: Sequence[Sightings], fps: float, turned: bool) -> list[_Apart]:
    """Take tracks of the same joints apart."""
    cuts = _cut(group, fps, turned)
    taken: list[list[_Piece | _Motion]] = []
    for sighting, cut in zip(group, cuts, strict=True):
        right = cut.seen
        if len(cut.pieces.astray):
            right = right.copy()
            right[cut.pieces.astray] = False
        taken.append([_piece(sighting, cut.joints, right, slice(*span), fps) for span in cut.pieces.spans])
    even = iter(_motions([one for pieces in taken for one in pieces if isinstance(one, _Piece)], fps))
    return [
        _Apart(
            cut.axes,
            [next(even) if isinstance(one, _Piece) else one for one in pieces],
            cut.pieces,
            sighting.size or cut.size,
            None if cut.seen.all() else cut.seen,
        )
        for sighting, cut, pieces in zip(group, cuts, taken, strict=True)
    ]


def _piece(sighting: Sightings, joints: np.ndarray, seen: np.ndarray, rows: slice, fps: float) -> _Piece | _Motion:
    joints, seen = joints[rows], seen[rows]
    confidence = None if sighting.confidence is None else sighting.confidence[rows]
    if sighting.times is None:
        return _Piece(rows, joints, seen, confidence, None)
    at = frames_of(sighting.times[rows], fps)
    if at is None:
        return _uneven_motion(rows, joints, seen, confidence, sighting.times[rows], fps)
    frames = int(at[-1]) + 1
    if frames == len(at):
        return _Piece(rows, joints, seen, confidence, None)
    # Frames are missing in between.
    confidence = None if confidence is None else spread(confidence, at, frames)
    return _Piece(rows, spread(joints, at, frames), spread(seen, at, frames), confidence, at)


def _motions(pieces: Sequence[_Piece], fps: float) -> list[_Motion]:
    """Take the travel out of pieces of the same joints, and fill in what is missing."""
    if not pieces:
        return []
    lengths = [len(one.joints) for one in pieces]
    joints, seen = (np.concatenate(parts) for parts in zip(*((one.joints, one.seen) for one in pieces), strict=True))
    sure, believed = seen, None
    if any(one.confidence is not None for one in pieces):
        # What all say alike says nothing.
        confidences = [np.ones(one.seen.shape) if one.confidence is None else one.confidence for one in pieces]
        sure, believed = _sure(seen, np.concatenate(confidences), np.arange(len(seen)) / fps, lengths)
    path, known = body_path(joints, sure, seen, lengths), np.asarray(sure.any(1))
    motions, first = [], 0
    for one, length in zip(pieces, lengths, strict=True):
        at = slice(first, first + length)
        smooth = smooth_path(path[at], fps, known[at])[:, None]
        joints[at] -= smooth
        motions.append(_Motion(one.rows, joints[at], smooth, one.at))
        first += length
    _led(joints, seen, sure, believed, lengths)
    return motions


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


def _sure(
    seen: np.ndarray, confidence: np.ndarray | None, times: np.ndarray, lengths: Sequence[int] | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Say which sightings are to go by, and how far each is believed if that is not the same for all."""
    believed = None if confidence is None else trust(confidence, seen, times, lengths)
    return (seen, None) if believed is None else (seen & (believed > _BELIEVED), believed)


def _led(
    motion: np.ndarray,
    seen: np.ndarray,
    sure: np.ndarray,
    believed: np.ndarray | None,
    lengths: Sequence[int] | None = None,
) -> np.ndarray:
    """Fill in what was not seen, and lead what is unsure towards what surer sightings say, in place."""
    if sure.all():
        return motion
    frame, joint, values = gap_values(motion, sure, lengths)
    if believed is not None:
        share = np.where(seen[frame, joint], believed[frame, joint], 0.0)[:, None]
        values = share * motion[frame, joint] + (1 - share) * values
    motion[frame, joint] = values
    return motion
