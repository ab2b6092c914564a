"""Folders of other tools' recordings: one folder per class, or clips in any arrangement with a table of labels.

A recording is whatever `python run.py smooth` reads: a file, or a folder of a file per frame (`data.recordings`). Every
file is read twice: once to learn what a store has one of (joints, rate, size of the image), and once for its clip.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median_low

import numpy as np

from base.errors import InputError
from base.progress import progress
from base.shown import one_line, shown
from base.words import plural
from data.debris import is_debris
from data.formats.clips import Incoming, NextClip, ReadClip
from data.formats.options import ReadOptions
from data.formats.registry import BY_PLACE, FORMATS, FormatKind
from data.ntu.names import ClipName
from data.recordings.clip import EXTRAS, NO_DEPTH, as_clip, image_of, in_image, kept_joints, read_one, timing_of
from data.recordings.guessing import guess_recording
from data.recordings.recording import Recording
from data.recordings.registry import RECORDINGS
from data.skeletons.labels import LONGEST, OwnClip, code_clips, natural
from data.skeletons.layouts import LAYOUTS, TOLD, Layout, find_layout
from data.skeletons.resample import SAME_RATE, resample_tracks
from data.skeletons.seen import FARTHEST

DEEPEST = 32
"""Folders within folders that are looked into."""

_LOOKED_AT = 5
"""Entries of a folder that are looked at to guess what it is."""


@dataclass(frozen=True)
class _Place:
    """Where a clip is, what it is called, what is done in it, and what is wrong with that."""

    path: Path
    title: str
    action: str
    fault: str = ""


@dataclass(frozen=True)
class _Look:
    """What a store has one of, as one recording has it.

    Parameters
    ----------
    joints, dims
        How many joints, and coordinates of each.
    fps
        Frames a second.
    frames
        Frames of the clip.
    confidence
        Whether it has one.
    reach
        float64 [D]: the largest coordinates of all joints that count, 1 at least.
    image
        Width and height of the image, if the file says it.
    """

    joints: int
    dims: int
    fps: float
    frames: int
    confidence: bool
    reach: np.ndarray
    image: tuple[int, int] | None


def read_recordings(folder: Path, options: ReadOptions) -> Incoming:
    """Read a folder of recordings.

    Without a table of labels FOLDER/CLASS/CLIP is a clip called CLASS/CLIP, without the ending, and what is done in it
    is CLASS. With one, each recording in the folder, to any depth, is a clip; its name is its path within the folder,
    with its ending or without, as the table has it.

    Raises
    ------
    InputError
        There are no clips, none can be read, most have joints that nobody knows, or nobody says how fast frames follow.
    """
    notes: list[str] = []
    places = _by_class(folder, notes) if options.labelled is None else _by_label(folder, options.labelled, notes)
    readable = [place for place in places if not place.fault]
    looks, faults = _look_at(readable, options)
    faults |= {place.title: place.fault for place in places if place.fault}
    layout = _layout_of(list(looks.values()), folder, options)
    _check_motion(folder, list(looks.values()), options)
    fps = _rate_of([look.fps for look in looks.values()], options, notes)
    names, labels = code_clips([OwnClip(place.title, place.action) for place in readable], where=str(folder))
    image = None
    if layout.dims == 2:
        image = _image(list(looks.values()), layout, options, notes)
    confidence = any(look.confidence for look in looks.values())
    name_of = {place.title: name for place, name in zip(readable, names, strict=True)}
    reader = _Reader(layout, options, fps, confidence, notes)

    def clips() -> Iterator[NextClip]:
        for place in places:
            yield place.title, partial(reader.read, place, name_of.get(place.title), faults.get(place.title, ""))

    return Incoming(layout, len(places), clips(), image, confidence, notes, labels=labels, fps=fps)


@dataclass(frozen=True)
class _Reader:
    layout: Layout
    options: ReadOptions
    fps: float
    confidence: bool
    notes: list[str]

    def read(self, place: _Place, name: ClipName | None, fault: str) -> ReadClip:
        """Read a clip, at the store's rate."""
        if fault or name is None:
            raise InputError(fault)
        options = self.options
        recording = _read(place.path, options)
        clip = as_clip(
            recording,
            str(place.path),
            self.layout,
            fps=options.fps,
            units=options.units,
            prefix=options.layout is not None,
            confidence=self.confidence,
            people=options.people,
        )
        notes = (*clip.notes, *(note for note in recording.notes if note == NO_DEPTH))
        self.notes.extend(note for note in notes if note not in self.notes)
        return name, *resample_tracks(clip.frames, clip.tracks, self.fps / clip.fps)


def _read(path: Path, options: ReadOptions) -> Recording:
    return in_image(read_one(path, timed=options.fps is None), options.image_size)


def _by_class(folder: Path, notes: list[str]) -> list[_Place]:
    """Find the clips of a folder per class; what cannot be one has a fault."""
    entries = _entries(folder)
    classes = [path for path in entries if path.is_dir()]
    if not classes:
        raise InputError(
            f"{folder}: holds no folder, expected one folder per class with its clips in it; or say what is done in "
            "each clip with --labels"
        )
    if beside := [path.name for path in entries if not path.is_dir()]:
        notes.append(f"left out: {plural(len(beside), 'file')} beside the classes' folders, such as {shown(beside[0])}")
    places = []
    for path in classes:
        clips = _entries(path)
        if not clips:
            fault = f"{one_line(str(path))}: holds no clip of its class; remove the folder"
            places.append(_Place(path, path.name, path.name, fault))
        stems = Counter(_stem(clip) for clip in clips)
        for clip in clips:
            stem = _stem(clip)
            places.append(_place(clip, f"{path.name}/{stem if stems[stem] == 1 else clip.name}", path.name))
    return places


def _by_label(folder: Path, labelled: frozenset[str], notes: list[str]) -> list[_Place]:
    """Find the clips that a table of labels names, and all other recordings."""
    others: list[str] = []
    places = list(_inside(folder, "", labelled, others))
    if not places:
        raise InputError(f"{folder}: holds no recording; its clips are files, or folders of a file per frame")
    if others:
        notes.append(f"left out: {plural(len(others), 'file')} of no known tool, such as {shown(others[0])}")
    return places


def _inside(folder: Path, above: str, labelled: frozenset[str], others: list[str], depth: int = 0) -> Iterator[_Place]:
    for path in _entries(folder):
        relative = f"{above}{path.name}"
        title = next((name for name in _shorter(relative, path) if name in labelled), None)
        if title is not None:
            yield _place(path, title, "unknown")
        elif path.is_dir() and (any(name.startswith(f"{relative}/") for name in labelled) or not _known(path)):
            if depth < DEEPEST and not path.is_symlink():  # a link may lead round in a circle
                yield from _inside(path, f"{relative}/", labelled, others, depth + 1)
        elif _known(path):
            yield _place(path, relative, "unknown")
        else:
            others.append(relative)


def _shorter(relative: str, path: Path) -> Iterator[str]:
    """Yield the name of a recording, then without one ending, and so on; a folder's name has none."""
    yield relative
    while path.is_file() and path.suffix and "." in relative.rpartition("/")[2][1:]:
        relative = relative.rpartition(".")[0]
        yield relative


def _place(path: Path, title: str, action: str) -> _Place:
    if len(title) > LONGEST or not title.isprintable():
        return _Place(
            path,
            shown(title),
            action,
            f"{one_line(str(path))}: expected a name that can be printed, of up to {LONGEST} characters",
        )
    return _Place(path, title, action)


def _entries(folder: Path) -> list[Path]:
    try:
        found = [path for path in folder.iterdir() if not path.name.startswith(".") and not is_debris(path.name)]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); give a folder that can") from error
    return sorted(found, key=lambda path: natural(path.name))


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.stem


def _known(path: Path) -> bool:
    try:
        name = guess_recording(path)
        return name is not None and not RECORDINGS[name].several
    except InputError:  # it may be of several, which is told when it is read
        return True


def _look_at(places: Sequence[_Place], options: ReadOptions) -> tuple[dict[str, _Look], dict[str, str]]:
    """Look at each recording; return what was found, and what is wrong with those that cannot be used."""
    looks, faults = {}, {}
    with progress() as bar:
        for place in bar.track(places, description="looking at clips"):
            where = str(place.path)
            try:
                recording = _read(place.path, options)
                timing = timing_of(recording, where, options.fps)
            except InputError as error:
                faults[place.title] = str(error)
                continue
            joints, dims = recording.joints.shape[1:]
            frames = int(timing.frame.max()) + 1
            confidence = recording.confidence is not None
            reach = _reach(recording, options.layout)
            looks[place.title] = _Look(joints, dims, timing.fps, frames, confidence, reach, image_of(recording))
    if places and not looks:
        raise InputError(f"no clip can be used; the first: {next(iter(faults.values()))}")
    return looks, faults


def _reach(recording: Recording, layout: Layout | None) -> np.ndarray:
    """Return the largest coordinates [D] of the joints that count, 1 at least."""
    chosen = kept_joints(recording, layout, True) if layout is not None else None
    joints = recording.joints if chosen is None else recording.joints[:, chosen]
    joints = joints * np.array(recording.scale or (1.0,) * joints.shape[-1])
    with np.errstate(invalid="ignore"):
        near = (np.abs(joints) < FARTHEST).all(axis=-1, keepdims=True)
    reach: np.ndarray = np.where(near, joints, 1.0).max(axis=(0, 1)).clip(min=1.0)
    return reach


def _layout_of(looks: Sequence[_Look], folder: Path, options: ReadOptions) -> Layout:
    """Tell the layout of most clips; the one that is given may be the first joints of theirs."""
    if not looks:
        raise InputError(f"{folder}: holds no clip that can be read")
    (joints, dims), _ = Counter((look.joints, look.dims) for look in looks).most_common(1)[0]
    given = options.layout
    if given is not None and dims == given.dims and joints > len(given.joints):
        return given
    bodies = [name for name in TOLD if LAYOUTS[name].dims == dims and joints - len(LAYOUTS[name].joints) >= EXTRAS]
    try:
        return find_layout(joints, dims, f"{folder}: most clips", given)
    except InputError as error:
        if given is not None or not bodies:
            raise
        advice = f"; --layout {' or '.join(bodies)} takes the first joints, without hands and face"
        raise InputError(f"{error}{advice}") from None


def _check_motion(folder: Path, looks: Sequence[_Look], options: ReadOptions) -> None:
    if options.labelled is None and len(looks) > 1 and all(look.frames == 1 for look in looks):
        raise InputError(
            f"{folder}: all of its clips have one frame; if its folders are recordings themselves, of a file per "
            "frame, put them into a folder per class, or say what is done in each with --labels"
        )


def _rate_of(rates: Sequence[float], options: ReadOptions, notes: list[str]) -> float:
    """Return the rate of the store: the one in the middle, so that as few clips as may be are resampled."""
    rate = median_low(rates)
    if different := sum(abs(rate / one - 1) >= SAME_RATE for one in rates):
        notes.append(f"resampled to {rate:g} frames a second: {plural(different, 'clip')} of another rate")
    return rate


def _size(reaches: Sequence[np.ndarray], layout: Layout) -> tuple[int, int]:
    """Return how far joints reach to the right and down in all clips, rounded up, [width, height]."""
    width, height = np.max([reach for reach in reaches if reach.shape == (layout.dims,)], axis=0)
    return math.ceil(width), math.ceil(height)


def _image(looks: Sequence[_Look], layout: Layout, options: ReadOptions, notes: list[str]) -> tuple[int, int]:
    """Return the size of the image: as the user says, else as all files say, else as far as joints reach."""
    reach = _size([look.reach for look in looks], layout)
    said = options.image_size
    if said is None and len(known := {look.image for look in looks}) == 1:
        said = known.pop()
    if said is None:
        width, height = reach
        notes.append(
            f"the size of the image is not known: taken for {width} x {height}, as far as the joints reach; "
            "--image-size says another"
        )
        return reach
    if any(np.array(reach) > said):
        notes.append(f"joints reach to {reach[0]}, {reach[1]} in an image of {said[0]} x {said[1]}")
    return said


def _guess(path: Path) -> int:
    if not path.is_dir():
        return 0
    try:
        for entry in islice(_entries(path), _LOOKED_AT):
            if _known(entry) or (entry.is_dir() and any(map(_known, islice(_entries(entry), _LOOKED_AT)))):
                return BY_PLACE
    except InputError:
        pass
    return 0


FORMATS.add(
    "recordings",
    FormatKind(
        "trackers and pose estimators",
        "folders per class of files that smooth reads",
        _guess,
        read_recordings,
        source="folder",
        layouts=tuple(TOLD),
        reads_with=frozenset({"units", "layout", "people", "image_size"}),
    ),
)
