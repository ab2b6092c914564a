"""One recording: its rows are put together to people's motions, refined, and put back."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from base.errors import InputError
from base.words import plural
from data.recordings.people import FEW, body_sizes, tracks_of
from data.recordings.rates import Clock
from data.recordings.recording import Recording
from data.skeletons.gaps import fill_gaps, neighbours
from data.skeletons.seen import FARTHEST
from refine.blocks import frame_blocks
from refine.files.even import at_even_times
from refine.files.measures import Motion, Moved
from refine.files.methods import Method, Piece, of_rotations
from refine.splits import split_track

FEWEST_FRAMES = 3
"""Fewer are stills: an acceleration takes three."""

ROUNDED = 1e-6
"""Of the largest coordinate: what changes by less has been rounded on its way, and stays as it was."""

STEPS = 20.0
"""Usual steps of a point that is no body's count as a body's size."""


@dataclass(frozen=True)
class Options:
    """How to refine.

    Parameters
    ----------
    strength
        From 0, the input, to 1.
    fill
        Gaps of a joint of at most so many seconds get a position, where the file has a place for it.
    min_confidence
        Joints below it are left alone, and nothing is learnt from them.
    """

    strength: float = 1.0
    fill: float = 0.0
    min_confidence: float = 0.0


@dataclass
class Refined:
    """A refined recording.

    Parameters
    ----------
    joints
        float64 [N, J, D] in the file's own unit; NaN where the file has nothing and nothing was filled.
    track
        int64 [N]: whose each row is.
    filled
        bool [N, J]: what was missing and got a position.
    missing, unsure
        How many joints in a frame have no position, and how many have one with too little confidence, or one that is
        farther away than anything.
    absent
        Frames of somebody that are short gaps, but that the file has no row for.
    jumps, gaps
        At how many jumps, and gaps too long to bridge, a motion was cut.
    astray
        Rows in which a body was elsewhere for a moment; it is put to where it must have been.
    motion
        How each group of joints moved.
    """

    joints: np.ndarray
    track: np.ndarray
    filled: np.ndarray
    missing: int
    unsure: int
    absent: int = 0
    jumps: int = 0
    gaps: int = 0
    astray: int = 0
    motion: list[Motion] = field(default_factory=list)

    @property
    def people(self) -> int:
        """How many tracks there are in which somebody is seen."""
        return len(np.unique(self.track[np.isfinite(self.joints).all(axis=-1).any(axis=-1)]))


@dataclass(frozen=True)
class _Given:
    """What all tracks of a recording share; `scale` [D], `seen` bool [N, J], `confidence` [N, J] or None."""

    recording: Recording
    clock: Clock
    method: Method
    options: Options
    scale: np.ndarray
    seen: np.ndarray
    confidence: np.ndarray | None


def check_moving(recording: Recording, where: str) -> None:
    """Refuse stills.

    Raises
    ------
    InputError
        There are too few frames to speak of a motion.
    """
    frames = len(np.unique(recording.frame))
    if frames < FEWEST_FRAMES:
        raise InputError(
            f"{where}: shows somebody in {plural(frames, 'frame')}, expected {FEWEST_FRAMES} or more of a motion"
        )


def refine_recording(recording: Recording, clock: Clock, method: Method, options: Options) -> Refined:
    """Refine a recording.

    Each person is refined alone, and so is each of the recording's groups of joints. A motion is cut at jumps that no
    body makes and at gaps too long to bridge (`refine.splits`). What is missing, or less sure than it has to be, stays
    as it is, and nothing is learnt from it.

    Parameters
    ----------
    recording
        What was read.
    clock
        When its frames were.
    method
        The refiner.
    options
        See there.

    Raises
    ------
    InputError
        There are too many people in a frame, or too few frames too far apart.
    """
    joints = recording.joints
    there = np.isfinite(joints).all(axis=-1)
    near = there & (np.abs(np.nan_to_num(joints)).max(axis=-1) < FARTHEST)
    confidence = _confidence(recording, options.min_confidence)
    seen = near if confidence is None else near & (confidence > 0)
    scale = np.array(recording.scale or (1.0,) * joints.shape[-1])
    given = _Given(recording, clock, method, options, scale, seen, confidence)
    found = Refined(
        joints.copy(),
        tracks_of(replace(recording, joints=np.where(near[..., None], joints, np.nan)), clock.seconds),
        np.zeros(there.shape, bool),
        int((~there).sum()),
        int((there & ~seen).sum()),
    )
    groups = recording.groups or (tuple(range(joints.shape[1])),)
    for number, group in enumerate(groups):
        moved = Moved()
        own = replace(given, method=of_rotations(method)) if number in recording.rotations else given
        for rows in by_track(found.track, recording.frame):
            _refine_track(own, rows, np.array(group), found, moved)
        found.motion.append(moved.motion(len(group)))
    return found


def by_track(track: np.ndarray, frame: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the rows of each track, in the order of frames."""
    order = np.lexsort((frame, track))
    yield from np.split(order, np.flatnonzero(np.diff(track[order])) + 1)


def _confidence(recording: Recording, least: float) -> np.ndarray | None:
    """Return how sure each joint is, 0 below the least; None where the file says nothing, or 0 of all."""
    given = recording.confidence
    if given is None or not (given > 0).any():
        return None
    return np.where(given >= least, given, np.float32(0)).astype(np.float32)


def _refine_track(given: _Given, rows: np.ndarray, group: np.ndarray, found: Refined, moved: Moved) -> None:
    """Refine one group of joints of one track, and put it into what was found."""
    own = np.ix_(rows, group)
    seen = given.seen[own]
    if not seen.any():
        return
    joints = np.where(seen[..., None], given.recording.joints[own] * given.scale, 0.0)
    pieces = split_track(joints, seen, given.clock.seconds[rows], _size(joints, seen))
    found.jumps += pieces.jumps
    found.gaps += pieces.gaps
    found.astray += len(pieces.astray)
    right = seen.copy()
    right[pieces.astray] = False
    for first, end in pieces.spans:
        span = slice(first, end)
        _refine_piece(given, rows[span], group, joints[span], seen[span], right[span], found, moved)


def _size(joints: np.ndarray, seen: np.ndarray) -> float:
    """Measure a body by which jumps are told; of a point or two, whose jitter is all there is, by its usual steps."""
    size = float(np.median(body_sizes(joints, seen)[0]))
    if joints.shape[1] >= FEW or len(joints) < 2:
        return size
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)[seen[1:] & seen[:-1]]
    return max(size, STEPS * float(np.median(steps))) if len(steps) else size


def _refine_piece(
    given: _Given,
    rows: np.ndarray,
    group: np.ndarray,
    joints: np.ndarray,
    seen: np.ndarray,
    right: np.ndarray,
    found: Refined,
    moved: Moved,
) -> None:
    """Refine one motion; of what was seen, not all is right."""
    recording, clock, options = given.recording, given.clock, given.options
    times = clock.seconds[rows]
    trust = None if given.confidence is None else given.confidence[np.ix_(rows, group)]
    even = at_even_times(joints, right, trust, times, clock.fps, recording.frame[rows] if clock.even else None)
    middle = even.joints[even.seen].mean(axis=0)  # where numbers are small, float32 is enough
    bones = bones_within(recording.bones, group)
    # What a long motion needs no more is in no variable: each would be as large as all of it.
    piece = Piece(
        np.where(even.seen[..., None], even.joints - middle, np.nan), even.confidence, even.fps, bones, recording.unit
    )
    refined = given.method.refine(piece) + middle
    del piece
    base = joints if seen.all() else fill_gaps(joints, seen)
    change = even.back(refined) - base
    change[np.abs(change) <= ROUNDED * np.abs(even.joints - middle).max()] = 0.0
    change *= options.strength
    short = _short_gaps(seen, times, options.fill, even.fps)
    for at, _ in frame_blocks(len(rows)):
        own = np.ix_(rows[at], group)
        old = recording.joints[own]
        wanted = ~np.isfinite(old).all(axis=-1) & short[at]
        filled = np.where(wanted[..., None], (base[at] + change[at]) / given.scale, old)
        found.joints[own] = np.where(seen[at, :, None], old + change[at] / given.scale, filled)
        found.filled[own] = wanted
    if options.fill and not found.motion:  # frames are counted once, not for every group
        missed = np.rint(np.diff(times) * even.fps).astype(np.int64) - 1
        found.absent += int(missed[missed <= options.fill * even.fps + 1e-6].sum())
    moved.add(joints, base + change, seen, times, even.fps)
    moved.compare(even.joints, even.joints + options.strength * (refined - even.joints), even.fps)


def bones_within(bones: tuple[tuple[int, int], ...], group: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Return the bones within a group, by its own numbers."""
    place = {int(joint): at for at, joint in enumerate(group)}
    return tuple((place[a], place[b]) for a, b in bones if a in place and b in place)


def _short_gaps(seen: np.ndarray, times: np.ndarray, fill: float, fps: float) -> np.ndarray:
    """Say where joints are missing between two sightings for at most so many seconds, bool [n, J]."""
    if not fill or seen.all():
        return np.zeros(seen.shape, bool)
    before, after = neighbours(seen)
    inside = (before >= 0) & (after < len(seen)) & ~seen
    apart = times[np.minimum(after, len(seen) - 1)] - times[np.maximum(before, 0)]
    return np.asarray(inside & (apart - 1 / fps <= fill * (1 + 1e-6)))
