"""A recording of some tool as a clip of a store: its people's tracks, at even times, in metres or pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.words import plural
from data.recordings.guessing import guess_recording, read_recording
from data.recordings.landmarks import OF_UNKNOWN_SIZE
from data.recordings.people import tracks_of
from data.recordings.rates import clock_of
from data.recordings.recording import Recording
from data.recordings.registry import RECORDINGS
from data.skeletons.layouts import LAYOUTS, Layout, find_layout
from data.skeletons.opening import PEOPLE
from data.skeletons.seen import FARTHEST
from data.skeletons.store import Track
from data.skeletons.units import METRES, Units, check_metres

LONGEST = 20_000
"""Frames of one clip, eleven minutes at 30 a second."""

EXTRAS = 42
"""So many joints more than a body's are those of two hands at least, and perhaps of a face."""

NO_DEPTH = "landmarks in an image are taken without their depth"
FOLLOWED = "where a file does not tell who is who, people are followed from frame to frame"


@dataclass(frozen=True)
class RecordedClip:
    """A recording, ready to be stored.

    Parameters
    ----------
    frames
        The clip's length.
    tracks
        One for each person that is kept, whoever is seen best first; none if nobody is seen.
    fps
        Frames a second.
    notes
        What the user should know.
    """

    frames: int
    tracks: list[Track]
    fps: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timing:
    """When the rows of a recording were: int64 [N] the clip's frame of each, float64 [N] seconds, and the rate."""

    frame: np.ndarray
    seconds: np.ndarray
    fps: float


def read_one(path: Path, timed: bool = True) -> Recording:
    """Read a recording of one clip.

    Raises
    ------
    InputError
        It is of no tool that is known or may be of several, holds many clips, or is damaged.
    """
    try:
        name = guess_recording(path)
    except InputError as error:
        raise InputError(f"{path}: may be of several tools, which nothing in it tells apart; convert it") from error
    name, recording = read_recording(path, name, timed)
    if RECORDINGS[name].several and recording.person is not None and len(np.unique(recording.person)) > 1:
        raise InputError(
            f"{path}: holds several clips or people, which nothing tells apart; give a file per clip, or what "
            "`python run.py import` reads"
        )
    return recording


def joints_in(names: Sequence[str], layout: Layout) -> np.ndarray | None:
    """Return which of a recording's joints are those of a layout, by their names; None if they do not tell it."""
    place = {name: at for at, name in enumerate(names)}
    if len(place) < len(names) or not set(layout.joints) <= set(place):
        return None
    return np.array([place[name] for name in layout.joints], np.int64)


def timing_of(recording: Recording, where: str, fps: float | None = None) -> Timing:
    """Find out when a recording's frames were, at even times.

    Parameters
    ----------
    recording
        What was read.
    where
        Its path, for messages.
    fps
        What the user says; it goes before what the file does, as for `smooth`.

    Raises
    ------
    InputError
        Nobody says how many frames a second there are, or there are too many.
    """
    if fps is None and recording.seconds is None and recording.fps is None:
        raise InputError(f"{where}: does not say how many frames a second it has; give --fps 30, say")
    if fps is None and len(np.unique(recording.frame)) < 2:
        recording = replace(recording, seconds=None, fps=recording.fps or 30.0)  # a still: any rate is its own
    clock = clock_of(recording, where, fps)
    frame, rate = recording.frame - recording.frame.min(), clock.fps
    if not clock.even:
        frame = np.rint(clock.seconds * rate).astype(np.int64)
    else:
        step = int(np.gcd.reduce(frame))
        if step > 1 and len(np.unique(frame)) > 2:  # every fifth frame of a video, say
            frame, rate = frame // step, rate / step
    frames = int(frame.max()) + 1
    if frames > LONGEST:
        raise InputError(
            f"{where}: has {frames} frames, expected 1 to {LONGEST} (eleven minutes); cut it into clips of one action "
            "each"
        )
    return Timing(frame, clock.seconds, rate)


def kept_joints(recording: Recording, layout: Layout, prefix: bool) -> np.ndarray | None:
    """Return which joints of a recording are those of a layout, int64 [V]; None if they are others.

    By their names, if it has such names; else all of them; else the first, if that is allowed and they are no parts
    that have places of their own, of which the body need not be the first.
    """
    count, dims = recording.joints.shape[1:]
    wanted = len(layout.joints)
    if dims != layout.dims:
        return None
    if (named := joints_in(recording.names, layout)) is not None and (prefix or count == wanted):
        return named
    if count == wanted or (prefix and count > wanted and len(recording.groups) < 2):
        return np.arange(wanted)
    return None


def in_image(recording: Recording, size: tuple[int, int] | None) -> Recording:
    """Return a recording of landmarks in an image in two dimensions; others are returned as they are.

    If their coordinates are parts of an image of unknown size, it is taken to be of this one.
    """
    parts = OF_UNKNOWN_SIZE in recording.notes
    if not parts and recording.unit != "px":
        return recording
    if recording.joints.shape[-1] == 3 and not recording.groups:
        kept = recording.joints[..., :2], recording.scale[:2], (*recording.notes, NO_DEPTH)
        recording = replace(recording, joints=kept[0], scale=kept[1], notes=kept[2])
    if size is None or not parts:
        return recording
    return replace(recording, scale=(float(size[0]), float(size[1])), unit="px")


def image_of(recording: Recording) -> tuple[int, int] | None:
    """Return width and height of the image that joints lie in, where a file has parts of it and says its size."""
    if recording.unit != "px" or len(recording.scale) < 2:
        return None
    width, height = map(round, recording.scale[:2])
    return (width, height) if min(width, height) > 1 else None


def layout_of(recording: Recording, where: str, wanted: Layout) -> Layout:
    """Return which joints a recording has, besides a face's and two hands' perhaps.

    Those that are wanted, if it has joints of these names; else those that its names tell, or that are wanted by their
    number, or that its number of joints tells. Where nothing does, they count as wanted.
    """
    count, dims = recording.joints.shape[1:]
    if joints_in(recording.names, wanted) is not None:
        return wanted
    # a tool may give in space what the layout has in an image
    named = [replace(one, dims=dims) for one in LAYOUTS.values() if joints_in(recording.names, one) is not None]
    known = max(named, key=lambda one: len(one.joints), default=wanted)
    rest = count - len(known.joints)
    if named and rest == 0:
        return known
    if (count, dims) == (len(wanted.joints), wanted.dims):
        return wanted
    if (named and rest >= EXTRAS) or kept_joints(recording, known, rest >= EXTRAS) is not None:
        return known
    try:
        return find_layout(count, dims, where)
    except InputError:
        return known


def positions_of(
    recording: Recording, where: str, layout: Layout, units: Units = "m", prefix: bool = False
) -> np.ndarray:
    """Return the joints of a layout, in metres or pixels.

    Parameters
    ----------
    recording
        What was read.
    where
        Its path, for messages.
    layout
        The joints to return.
    units
        What positions in space are in, if the file does not say it.
    prefix
        Whether the recording may have more joints than the layout, see `kept_joints`.

    Returns
    -------
    float64 [N, V, C]; NaN where nothing is known

    Raises
    ------
    InputError
        The recording has other joints, or what it has are no positions that lie in one space.
    """
    count, dims = recording.joints.shape[1:]
    wanted = len(layout.joints)
    chosen = kept_joints(recording, layout, prefix)
    if chosen is None:
        raise InputError(
            f"{where}: has {plural(count, 'joint')} with {dims} coordinates, expected {wanted} with {layout.dims} "
            f"({layout.name})"
        )
    if recording.groups and not any(set(chosen.tolist()) <= set(group) for group in recording.groups):
        raise InputError(
            f"{where}: has rotations, or parts with places of their own, expected the positions of {layout.name} joints"
        )
    joints = recording.joints[:, chosen] * np.array(recording.scale or (1.0,) * dims)
    with np.errstate(invalid="ignore"):
        near = (np.abs(joints) < FARTHEST).all(axis=-1)
    joints = np.where(near[..., None], joints, np.nan)
    if dims == 3:
        said: Units | None = next((unit for unit in METRES if unit == recording.unit), None)
        joints = joints * METRES[said or units]
        check_metres(np.nan_to_num(joints), near, where, "--units ")
    return joints


def as_clip(
    recording: Recording,
    where: str,
    layout: Layout,
    *,
    fps: float | None = None,
    units: Units = "m",
    prefix: bool = False,
    confidence: bool = False,
    people: int = PEOPLE,
) -> RecordedClip:
    """Make a clip of a recording.

    A joint without a position, or with a confidence of 0, is not seen. Who is who is what the file says; where it does
    not, people are followed (`data.recordings.people`), and what was lost and found again makes one actor with whoever
    it does not overlap in time, as in `data.ntu.actors`. Of more than `people`, those are kept that are seen best:
    with the largest sum of confidences, or in the most joints.

    Parameters
    ----------
    recording
        What was read.
    where
        Its path, for messages.
    layout, units, prefix
        See `positions_of`.
    fps
        See `timing_of`.
    confidence
        Whether tracks have a confidence: 1 for what is seen, where the file has none.
    people
        So many are kept at most.

    Raises
    ------
    InputError
        See `positions_of` and `timing_of`.
    """
    joints = positions_of(recording, where, layout, units, prefix)
    chosen = kept_joints(recording, layout, prefix)
    timing = timing_of(recording, where, fps)
    seen = np.isfinite(joints).all(axis=-1)
    trust = seen.astype(np.float32)
    if recording.confidence is not None and (given := recording.confidence[:, chosen]).any():
        seen &= given > 0
        trust = np.where(seen, given, 0).astype(np.float32)
    try:
        track = tracks_of(replace(recording, joints=joints, scale=()), timing.seconds)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    rows = [np.flatnonzero(seen.any(axis=1) & (track == number)) for number in range(int(track.max()) + 1)]
    rows = sorted((own for own in rows if len(own)), key=lambda own: -float(trust[own].sum()))
    actors = rows if recording.person is not None else _joined(rows, timing.frame)
    notes = (more_people(people),) * (len(actors) > people) + (FOLLOWED,) * (recording.person is None and len(rows) > 1)
    tracks = []
    for actor, own in enumerate(actors[:people]):
        frames, first = np.unique(timing.frame[own], return_index=True)
        at, own = frames - frames[0], own[first]
        length = int(at[-1]) + 1
        placed = np.zeros((length, *joints.shape[1:]), np.float32)
        tracked = np.zeros((length, joints.shape[1]), np.uint8)
        sure = np.zeros(tracked.shape, np.float32)
        placed[at] = np.where(seen[own][..., None], joints[own], 0)
        tracked[at] = np.where(seen[own], 2, 0)
        sure[at] = trust[own]
        tracks.append(Track(actor, int(frames[0]), placed, tracked, sure if confidence else None))
    return RecordedClip(int(timing.frame.max()) + 1, tracks, timing.fps, notes)


def more_people(kept: int) -> str:
    """Say that some clips have more people than are kept."""
    if kept == 1:
        return "some clips have more than one person; the one that is seen best is kept"
    number = "two" if kept == 2 else str(kept)
    return f"some clips have more than {number} people; the {number} that are seen best are kept"


def _joined(tracks: Sequence[np.ndarray], frame: np.ndarray) -> list[np.ndarray]:
    """Join tracks, the best seen first, with the first of those before that they do not overlap in time."""
    people: list[np.ndarray] = []
    for rows in tracks:
        first, last = frame[rows].min(), frame[rows].max()
        for number, other in enumerate(people):
            if last < frame[other].min() or first > frame[other].max():
                people[number] = np.concatenate([other, rows])
                break
        else:
            people.append(rows)
    return people
