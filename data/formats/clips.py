"""Clips between a store's ragged tracks and the dense arrays of other people's files."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from base.errors import InputError
from base.shown import shown
from data.ntu.names import ClipName, parse_name
from data.skeletons.labels import Labels
from data.skeletons.layouts import NTU25, Layout
from data.skeletons.seen import seen_joints
from data.skeletons.store import Clips, ClipStore, Track

ACTORS = 2
"""Of a clip, as many as the formats of NTU RGB+D's have places for."""
LONGEST = 20_000
"""Frames that a clip of somebody's file may have, eleven minutes; the data set's longest has 300."""

ReadClip = tuple[ClipName, int, list[Track]]
"""A clip's name, its frames and its tracks."""
NextClip = tuple[str, Callable[[], ReadClip]]
"""What a clip is called where it comes from, and what reads it, to be called before the next clip is asked for.

An InputError of the latter is about this clip alone; one that comes when the next clip is asked for, about the file."""
Advance = Callable[[], None]
"""Called after each clip, for whoever shows the progress."""


@dataclass(frozen=True)
class DenseClip:
    """A clip with all its frames and actors in one array.

    Parameters
    ----------
    name
        The clip's name.
    joints
        float32 [M, T, V, C]; actors and frames that are not seen are 0.
    tracked
        uint8 [M, T, V]: 0 not seen, 1 inferred, 2 tracked.
    confidence
        float32 [M, T, V], where the store has it.
    """

    name: ClipName
    joints: np.ndarray
    tracked: np.ndarray
    confidence: np.ndarray | None = None


@dataclass(frozen=True)
class Incoming:
    """The clips of somebody's file, to be read one at a time.

    Parameters
    ----------
    layout
        The joints they have.
    total
        How many clips there will be.
    clips
        The clips, one after another; reading them is what may fail.
    image
        Width and height of the image, of layouts in one.
    confidence
        Whether their tracks have confidences.
    notes
        What the user should know; complete when all clips are read.
    times
        Whether their tracks have times, where frames are missing.
    labels
        What their owner calls them; None if they have NTU RGB+D's names.
    fps
        Frames per second, if the files say it.
    """

    layout: Layout
    total: int
    clips: Iterator[NextClip]
    image: tuple[int, int] | None = None
    confidence: bool = False
    notes: list[str] = field(default_factory=list)
    times: bool = False
    labels: Labels | None = None
    fps: float | None = None


class DenseClips:
    """The clips of a store by their rows.

    Parameters
    ----------
    store
        The store; it is read where a clip is asked for.
    """

    def __init__(self, store: ClipStore) -> None:
        self._store = store

    def __getitem__(self, row: int) -> DenseClip:
        """Return one clip; frames of which no joint was seen are 0, whatever the store has there."""
        store = self._store
        tracks = store.tracks_of(row)
        frames = int(store.clips.frames[row])
        actors = int(store.tracks.actor[tracks].max(initial=0)) + 1
        shape = (actors, frames, *store.joints.shape[1:])
        joints, tracked = np.zeros(shape, np.float32), np.zeros(shape[:3], np.uint8)
        confidence = None if store.confidence is None else np.zeros(shape[:3], np.float32)
        for track in tracks:
            first, length = int(store.tracks.first_frame[track]), int(store.tracks.length[track])
            rows = store.rows_of(track)
            at = (int(store.tracks.actor[track]), slice(first, first + length))
            states = _read_rows(store.tracked, rows)
            seen = np.any(states, axis=-1)
            tracked[at] = states
            joints[at] = np.where(seen[:, None, None], _read_rows(store.joints, rows), 0)
            if confidence is not None and store.confidence is not None:
                confidence[at] = np.where(seen[:, None], _read_rows(store.confidence, rows), 0)
        return DenseClip(parse_name(str(store.clips.name[row])), joints, tracked, confidence)


def _read_rows(array: np.ndarray, rows: slice) -> np.ndarray:
    """Read rows of a store's array from its file: whoever goes through all of a map has all of it in memory."""
    if not isinstance(array, np.memmap) or array.filename is None:
        return np.asarray(array[rows])
    width = int(np.prod(array.shape[1:]))
    offset = array.offset + rows.start * width * array.itemsize
    content = np.fromfile(array.filename, array.dtype, (rows.stop - rows.start) * width, offset=offset)
    return content.reshape(-1, *array.shape[1:])


def table_of(names: Sequence[ClipName]) -> Clips:
    """Return the table of clips of which nothing but the names is known."""
    numbers = np.array([list(vars(name).values()) for name in names], np.int64)
    setup, camera, performer, replication, action = numbers.reshape(-1, 5).T
    text, frames = np.array([str(name) for name in names], str), np.zeros(len(names), np.int64)
    return Clips(text, setup, camera, performer, replication, action, frames)


def in_order(store: ClipStore) -> np.ndarray:
    """Return the rows of a store's clips in the order of their names."""
    return np.argsort(store.clips.name, kind="stable")


def as_tracks(
    joints: np.ndarray,
    confidence: np.ndarray | None,
    where: str,
    origin: Sequence[int] = (),
    people: int = ACTORS,
) -> list[Track]:
    """Turn dense arrays into tracks, each from the first to the last frame in which its actor is seen.

    A joint at exactly 0 is not seen, see `data.skeletons.seen`; an actor is seen where a joint is. Positions in space
    may be relative to the root, which is then at 0 in all frames, and seen.

    Parameters
    ----------
    joints
        [M, T, V, C], of any floating-point type.
    confidence
        [M, T, V] or None.
    where
        The file and clip, for messages.
    origin
        Joints on which the format centres positions.
    people
        Actors that there may be.

    Raises
    ------
    InputError
        More than `people` actors, or a number that is not finite.
    """
    if len(joints) > people:
        raise InputError(f"{where}: has {len(joints)} actors, expected at most {people}; choose the actors first")
    with np.errstate(over="ignore"):  # beyond float32 is infinity, which is refused
        joints = joints.astype(np.float32, copy=False)
    values = [joints] if confidence is None else [joints, confidence]
    if not all(np.isfinite(value).all() for value in values):
        raise InputError(f"{where}: found NaN or infinity, expected numbers; leave the clip out or repair it")
    joint_seen = seen_joints(joints, confidence)
    tracks = []
    for actor, seen in enumerate(np.any(joint_seen, axis=-1)):
        frames = np.flatnonzero(seen)
        if joints.shape[-1] == 3:
            centred = [*origin, *([NTU25.root] if not joint_seen[actor, :, NTU25.root].any() else [])]
            joint_seen[actor][:, centred] |= seen[:, None]
        if len(frames):
            part = slice(frames[0], frames[-1] + 1)
            tracks.append(
                Track(
                    actor,
                    int(frames[0]),
                    joints[actor, part],
                    np.where(joint_seen[actor, part], 2, 0).astype(np.uint8),
                    None if confidence is None else confidence[actor, part].astype(np.float32, copy=False),
                )
            )
    return tracks


_SUFFIX = re.compile(r"(_rgb)?(\.skeleton)?(\.npy|\.avi)?$")
_LONGEST_NAME = 100


def clip_name(text: object, where: str) -> ClipName:
    """Read a clip's name as others write it: alone, or followed by `.skeleton`, `.skeleton.npy`, `_rgb` or the like.

    Raises
    ------
    InputError
        It is no name of an NTU RGB+D clip.
    """
    if isinstance(text, str) and len(text) < _LONGEST_NAME:
        try:
            return parse_name(_SUFFIX.sub("", text))
        except InputError:
            pass
    raise InputError(
        f"{where}: found {shown(text)} for a clip's name, expected SsssCcccPpppRrrrAaaa such as "
        "S001C002P003R002A013; clips of other names are imported from PYSKL's pickles"
    )


def found_twice(names: Sequence[ClipName]) -> ClipName | None:
    """Return a name that is there more than once, if there is one."""
    seen: set[ClipName] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def name_or_fault(text: object, where: str) -> ClipName | InputError:
    """Read a clip's name as `clip_name` does, but return what is wrong with it, to be raised when the clip is read."""
    try:
        return clip_name(text, where)
    except InputError as error:
        return error


def known(name: ClipName | InputError) -> ClipName:
    """Return a name, or raise what is wrong with it."""
    if isinstance(name, InputError):
        raise name
    return name


def check_length(frames: int, where: str) -> None:
    """Refuse a clip, or the array of all, without frames or of more than any clip has.

    Raises
    ------
    InputError
        It has 0 frames, or more than 20,000.
    """
    if not 1 <= frames <= LONGEST:
        advice = "cut it into clips of one action each" if frames else "leave it out"
        raise InputError(f"{where} has {frames} frames, expected 1 to {LONGEST} (eleven minutes); {advice}")


def check_label(name: ClipName, label: object, where: str) -> None:
    """Refuse a label (from 0) that is not the action (from 1) in the clip's name.

    Raises
    ------
    InputError
        The label is no number, or another action.
    """
    if isinstance(label, bool) or not isinstance(label, int | np.integer) or label != name.action - 1:
        raise InputError(
            f"{where}: clip {name} has label {shown(label, 40)}, expected {name.action - 1}, its action counted from "
            "0; the labels belong to other clips"
        )
