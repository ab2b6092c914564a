"""Clips to predict, wherever they are: `.skeleton` files, folders and zips of them, recordings, and clip stores."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.files import regular_file
from base.progress import console
from base.shown import one_line, shown
from base.words import plural
from data.ntu.actors import choose_actors
from data.ntu.archive import Source, list_entries
from data.ntu.text import MAX_BYTES, read_skeleton
from data.recordings.clip import EXTRAS, NO_DEPTH, as_clip, image_of, in_image, joints_in, layout_of, read_one
from data.recordings.guessing import guess_recording
from data.recordings.recording import Recording
from data.skeletons.conversion import conversion, layout_entries, listed
from data.skeletons.labels import Labels
from data.skeletons.layouts import NTU25, Layout
from data.skeletons.opening import PEOPLE
from data.skeletons.resample import SAME_RATE, resample_tracks
from data.skeletons.store import Clips, ClipStore, StoreInfo, Track, Tracks, open_store, track_of
from data.skeletons.units import to_image

READS = (
    "give .skeleton files, folders or zips of them, what `smooth` reads, or clip stores (`python run.py import` makes "
    "one of other formats)"
)

DEEPEST = 32
"""Folders within folders that are looked into."""

CHUNK = 256
"""Clips that are in memory at a time."""

Clip = tuple[str, int, Sequence[Track]]
"""A clip's name, its frames and its tracks."""

Unusable = Callable[[str], None]
"""What to do with the line that says why a clip cannot be used."""

Refine = Callable[[StoreInfo, Sequence[Track], str], list[Track]]
"""Refines the tracks of a clip, of which the first says layout and rate; the last is what messages call it."""

NTU_FPS = 30.0


def print_line(line: str) -> None:
    """Print what the user should read, on standard error."""
    console.print(one_line(line), style="yellow", highlight=False, soft_wrap=True)


def each_once() -> Callable[[str], None]:
    """Return what prints each line that the user should read, and the same one only once."""
    told: set[str] = set()

    def tell(line: str) -> None:
        if line not in told:
            told.add(line)
            print_line(line)

    return tell


@dataclass(frozen=True)
class Fitting:
    """What is done to clips until they are as those that a recogniser was trained on.

    They are brought to its joints, refined if that is asked for, and brought to its rate.

    Parameters
    ----------
    layout, confidence, image, fps
        Of the recogniser, see there.
    said
        Frames per second of files, as the user says; None if he does not.
    refine
        What refines clips first; None for nothing.
    missing
        Whether joints of other layouts may be missing that cannot be had, see `data.skeletons.conversion`.
    image_said
        Width and height of the image that joints of files lie in, as the user says; None if he does not.
    people
        So many people of a clip are used.
    tell
        Called with each line that the user should read, of many clips with the same one many times.
    """

    layout: Layout
    confidence: bool
    image: tuple[int, int] | None
    fps: float | None
    said: float | None = None
    refine: Refine | None = None
    missing: bool = False
    image_said: tuple[int, int] | None = None
    people: int = PEOPLE
    tell: Callable[[str], None] = lambda line: None

    def fit(self, info: StoreInfo, clip: Clip, where: str) -> Clip:
        """Refine a clip if that is asked for, and bring it to the rate of the training.

        Raises
        ------
        InputError
            Its joints are not the training's, and do not convert to them.
        """
        name, frames, tracks = clip
        if info.skeleton != self.layout:
            how = conversion(info.skeleton, self.layout, where, self.missing)
            tracks = how.tracks(tracks)
            if not tracks:
                raise InputError(f"{where}: no joint of {self.layout.name} is seen in any frame")
            info = info.model_copy(update=layout_entries(self.layout))
            self.tell(how.told())
        if self.refine is not None:
            tracks = self.refine(info, tracks, where)
        if self.fps is None:
            return name, frames, tracks
        return name, *resample_tracks(frames, tracks, self.fps / info.fps)

    def check_joints(self, layout: Layout, where: str) -> None:
        """Make sure that joints are the training's, or convert to them.

        Raises
        ------
        InputError
            They do not.
        """
        if layout != self.layout:
            conversion(layout, self.layout, where, self.missing)

    def info(self, info: StoreInfo) -> StoreInfo:
        """Describe the clips of a description once they are fitted."""
        return info.model_copy(update={**layout_entries(self.layout), "fps": self.fps or info.fps})

    def warn_of_rate(self, fps: float, where: str) -> None:
        """Say that a rate is not the training's."""
        if self.fps is not None and abs(self.fps / fps - 1) >= SAME_RATE:
            self.tell(
                f"WARNING: {where}: {fps:g} frames a second, and the recogniser has learnt from {self.fps:g}; "
                "resampled to that"
            )


@dataclass(frozen=True)
class Chunk:
    """Some clips: rows of the clip table of a store, which may be in memory only."""

    store: ClipStore
    rows: np.ndarray


def read_chunks(
    paths: Sequence[Path], unusable: Unusable, fitting: Fitting | None = None, chunk: int = CHUNK
) -> Iterator[Chunk]:
    """Read clips, a bounded number at a time.

    Parameters
    ----------
    paths
        `.skeleton` files under any name, folders or zips of them, and clip stores; with `fitting` also recordings of
        other tools and folders of them. Bodies become actors by the rules of `data.ntu.actors.choose_actors`, people of
        other tools by those of `data.recordings.clip.as_clip`.
    unusable
        Called for each clip that cannot be used, with the reason; it may raise.
    fitting
        What is done to the clips; nothing if None.
    chunk
        Clips at a time.

    Raises
    ------
    InputError
        A path is nothing of the kind.
    """
    for path in paths:
        if (path / "store.json").is_file():
            store = open_store(path)
            if fitting is not None:
                fitting.check_joints(store.layout, str(path))
                fitting.warn_of_rate(store.info.fps, str(path))
            for part in _of_store(store, unusable, chunk):
                fitted = part if fitting is None else _fitted(part, fitting, unusable)
                if len(fitted.rows):
                    yield fitted
            continue
        recordings = [] if fitting is None else _recordings_in(path, fitting)
        if fitting is not None and recordings:
            info = fitting.info(StoreInfo(image=fitting.image, confidence=fitting.confidence))
            clips = _of_recordings(path, recordings, fitting, unusable)
        else:
            info = StoreInfo(layout=NTU25.name, fps=(fitting.said if fitting is not None else None) or NTU_FPS)
            clips = _of_files(path, unusable, PEOPLE if fitting is None else fitting.people)
            if fitting is not None:
                fitting.check_joints(NTU25, str(path))
                fitting.warn_of_rate(info.fps, str(path))
                clips = _fit_each(clips, info, fitting, str(path), unusable)
                info = fitting.info(info)
        while some := list(islice(clips, chunk)):
            store = in_memory(path, some, info)
            yield Chunk(store, np.arange(len(store.clips)))


def in_memory(
    folder: Path, clips: Sequence[Clip], info: StoreInfo | None = None, labels: Labels | None = None
) -> ClipStore:
    """Make a clip store that is on no disk, of NTU's skeletons if `info` says nothing else."""
    info = info or StoreInfo(layout=NTU25.name)
    tracks = [(row, track) for row, (_, _, several) in enumerate(clips) for track in several]
    length = np.array([len(track.joints) for _, track in tracks], np.int64)
    nothing = np.zeros(len(clips), np.int64)
    confidence = [track.confidence for _, track in tracks if track.confidence is not None]
    return ClipStore(
        folder,
        np.concatenate([track.joints for _, track in tracks]),
        np.concatenate([track.tracked for _, track in tracks]),
        Tracks(
            np.array([row for row, _ in tracks], np.int64),
            np.array([track.actor for _, track in tracks], np.int64),
            np.array([track.first_frame for _, track in tracks], np.int64),
            length,
            np.cumsum(length) - length,
        ),
        Clips(
            name=np.array([name for name, _, _ in clips]),
            frames=np.array([frames for _, frames, _ in clips], np.int64),
            **dict.fromkeys(("setup", "camera", "performer", "replication", "action"), nothing),
        ),
        info.model_copy(update={"clips": len(clips), "tracks": len(tracks), "frames": int(length.sum())}),
        np.concatenate(confidence) if info.confidence and confidence else None,
        labels=labels,
    )


def _fit_each(
    clips: Iterable[Clip], info: StoreInfo, fitting: Fitting, where: str, unusable: Unusable
) -> Iterator[Clip]:
    for clip in clips:
        try:
            fitted = fitting.fit(info, clip, f"{where}: {clip[0]}")
        except InputError as error:
            unusable(str(error))
        else:
            yield fitted


def _fitted(chunk: Chunk, fitting: Fitting, unusable: Unusable) -> Chunk:
    """Convert, refine and resample clips of a store, if there is anything to do."""
    store = chunk.store
    same = fitting.fps is None or abs(fitting.fps / store.info.fps - 1) < SAME_RATE
    if fitting.refine is None and same and store.layout == fitting.layout:
        return chunk
    stored = (
        (str(store.clips.name[row]), int(store.clips.frames[row]), list(map(partial(track_of, store), tracks)))
        for row in chunk.rows.tolist()
        if len(tracks := store.tracks_of(row))
    )
    clips = list(_fit_each(stored, store.info, fitting, f"{store.folder}: clip", unusable))
    if not clips:
        return replace(chunk, rows=chunk.rows[:0])
    fitted = in_memory(store.folder, clips, fitting.info(store.info), store.labels)
    return Chunk(fitted, np.arange(len(clips)))


def _recordings_in(path: Path, fitting: Fitting) -> list[Path]:
    """Return the recordings of other tools at a path; none where NTU's `.skeleton` files are, or nothing known."""
    if path.is_file():
        return [path] if path.suffix.lower() not in (".skeleton", ".zip") and _is_recording(path) else []
    if not path.is_dir() or any(path.rglob("*.skeleton")):
        return []
    others: list[Path] = []
    found = [path] if _is_recording(path) else list(_inside(path, others))
    if found and others:
        count = plural(len(others), "file")
        fitting.tell(f"{path}: left out: {count} of no known tool, such as {shown(others[0].name)}")
    return found


def _inside(folder: Path, others: list[Path], depth: int = 0) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); give a folder that can") from error
    for path in entries:
        if path.name.startswith("."):
            continue
        if _is_recording(path):
            yield path
        elif not path.is_dir():
            others.append(path)
        elif depth < DEEPEST and not path.is_symlink():  # a link may lead round in a circle
            yield from _inside(path, others, depth + 1)


def _is_recording(path: Path) -> bool:
    try:
        name = guess_recording(path)
    except InputError:  # it may be of several tools, which is told when it is read
        return True
    return name not in (None, "ntu_skeleton")


def _of_recordings(path: Path, recordings: Sequence[Path], fitting: Fitting, unusable: Unusable) -> Iterator[Clip]:
    for file in recordings:
        try:
            clip = clip_of(
                read_one(file, timed=fitting.said is None), _called(file, path), fitting, str(file), str(path)
            )
        except InputError as error:
            unusable(str(error))
            continue
        yield clip


def clip_of(recording: Recording, name: str, fitting: Fitting, where: str, told: str) -> Clip:
    """Make a clip of a recording: its people, with the joints and the rate of the training, refined.

    Parameters
    ----------
    recording
        What was read.
    name
        What the clip is called.
    fitting
        What is done to it.
    where, told
        What errors, and warnings, call it.

    Raises
    ------
    InputError
        Its joints do not convert to the training's, it shows nobody, or nobody says when its frames were.
    """
    recording = in_image(recording, fitting.image_said or fitting.image)
    fps = fitting.said
    if fps is None and recording.fps is None and recording.seconds is None and fitting.fps is not None:
        fps = fitting.fps
        fitting.tell(
            f"WARNING: {told}: does not say how many frames a second it has; taken for {fps:g}, as the "
            "recogniser has learnt from; --fps says another"
        )
    layout = layout_of(recording, where, fitting.layout)
    extra = recording.joints.shape[1] - len(layout.joints)
    clip = as_clip(
        recording,
        where,
        layout,
        fps=fps,
        prefix=extra >= EXTRAS or joints_in(recording.names, layout) is not None,
        confidence=fitting.confidence,
        people=fitting.people,
    )
    if not clip.tracks:
        raise InputError(f"{where}: nobody is seen in any frame")
    tracks = _in_image(clip.tracks, fitting, fitting.image_said or image_of(recording), told)
    own = StoreInfo(**layout_entries(layout), fps=clip.fps, image=fitting.image, confidence=fitting.confidence)
    fitted = fitting.fit(own, (name, clip.frames, tracks), where)
    fitting.warn_of_rate(clip.fps, told)
    for note in (*clip.notes, *(note for note in recording.notes if note == NO_DEPTH)):
        fitting.tell(f"{told}: {note}")
    if extra > 0:
        count = len(layout.joints)
        rest = [name for name in recording.names if name not in layout.joints]
        lost = f"; lost: {listed(rest)}" if 0 < len(rest) == extra else ""
        fitting.tell(f"{told}: of {count + extra} joints the {count} of {layout.name} are taken{lost}")
    return fitted


def _in_image(tracks: list[Track], fitting: Fitting, said: tuple[int, int] | None, told: str) -> list[Track]:
    """Bring joints in an image to the training's size, as imports do; if nobody says theirs, they count as in that."""
    if fitting.image is None:
        return tracks
    if said is None:
        width, height = fitting.image
        fitting.tell(
            f"WARNING: {told}: the size of the image is not known; taken for {width} x {height}, as the recogniser has "
            "learnt from; --image-size says another"
        )
        return tracks
    image = fitting.image
    return [replace(track, joints=to_image(track.joints, track.tracked > 0, said, image)) for track in tracks]


def _called(file: Path, given: Path) -> str:
    """Return the name of a recording: its path within the folder that was given, without its ending."""
    name = file.name if file == given else file.relative_to(given).as_posix()
    name = name if file.is_dir() else name.removesuffix(file.suffix)
    return name if name.isprintable() else ascii(name)[1:-1]


def _of_store(store: ClipStore, unusable: Unusable, chunk: int) -> Iterator[Chunk]:
    if not len(store.clips):
        raise InputError(f"{store.folder}: the store has no clips; prepare it again")
    actors = store.tracks_per_clip
    for row in np.flatnonzero((actors == 0) | (store.clips.frames == 0)):
        unusable(f"{store.folder}: clip {store.title(str(store.clips.name[row]))} shows nobody")
    usable = np.flatnonzero((actors > 0) & (store.clips.frames > 0))
    by_clip = np.argsort(store.tracks.clip, kind="stable")
    ends = np.cumsum(actors)
    for start in range(0, len(usable), chunk):
        good = []
        for row in usable[start : start + chunk]:
            if any(shows_somebody(store, track) for track in by_clip[ends[row] - actors[row] : ends[row]]):
                good.append(row)
            else:
                title = store.title(str(store.clips.name[row]))
                unusable(f"{store.folder}: clip {title} shows nobody: no joint has a finite position")
        if good:
            yield Chunk(store, np.array(good))


def shows_somebody(store: ClipStore, track: int) -> bool:
    """Say whether any joint of a track is seen in any frame, with a position that is a number."""
    rows = store.rows_of(track)
    return bool(((store.tracked[rows] > 0) & np.isfinite(store.joints[rows]).all(-1)).any())


def _of_files(path: Path, unusable: Unusable, people: int) -> Iterator[Clip]:
    for name, where, read in _texts(path):
        try:
            frames, tracks = choose_actors(read_skeleton(read(), where), people)
        except InputError as error:
            unusable(str(error))
            continue
        if tracks:
            yield name, frames, tracks
        else:
            unusable(f"{where}: nobody is seen in any frame")


def _texts(path: Path) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    """Give the name of each clip, its place for messages, and how to read it."""
    if path.is_file() and path.suffix.lower() != ".zip":
        if path.suffix != ".skeleton" and not _looks_like_a_clip(_bytes(path)):
            raise InputError(f"{path}: is no .skeleton file, which begins with its number of frames; {READS}")
        yield path.name.removesuffix(".skeleton"), str(path), lambda: _bytes(path)
        return
    if path.exists() and not path.is_dir():
        regular_file(path)
    entries = list_entries(path, READS).entries
    source = Source(path)
    try:
        for entry in entries:
            # a clip to predict may have any name; what else is wrong with it shows when it is read
            named = entry if entry.name is not None else replace(entry, fault="")
            name = Path(entry.path).name.removesuffix(".skeleton")
            yield name, source.place(entry), lambda named=named: source.read(named)  # type: ignore[misc]
    finally:
        source.close()


def _looks_like_a_clip(text: bytes) -> bool:
    """Say whether the first line is one whole number: a clip's frames."""
    return text.split(b"\n", 1)[0].strip().isdigit()


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if len(text) > MAX_BYTES:
        raise InputError(f"{path}: more than {MAX_BYTES >> 20} MiB, which is no clip")
    return text
