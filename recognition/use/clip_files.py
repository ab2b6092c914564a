"""Clips to predict, wherever they are: single `.skeleton` files, folders and zips of them, and clip stores."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.files import regular_file
from data.ntu.actors import choose_actors
from data.ntu.archive import Source, list_entries
from data.ntu.text import MAX_BYTES, read_skeleton
from data.skeletons.layouts import NTU25
from data.skeletons.store import Clips, ClipStore, StoreInfo, Track, Tracks, open_store

READS = (
    "give .skeleton files, folders or zips of them, or clip stores (`python run.py import` makes one of other formats)"
)

CHUNK = 256
"""Clips that are in memory at a time."""

Unusable = Callable[[str], None]
"""What to do with the line that says why a clip cannot be used."""


@dataclass(frozen=True)
class Chunk:
    """Some clips: rows of the clip table of a store, which may be in memory only."""

    store: ClipStore
    rows: np.ndarray


def read_chunks(paths: Sequence[Path], unusable: Unusable, chunk: int = CHUNK) -> Iterator[Chunk]:
    """Read clips, a bounded number at a time.

    Parameters
    ----------
    paths
        `.skeleton` files under any name, folders or zips of them, and clip stores. Bodies become actors by the rules of
        `data.ntu.actors.choose_actors`.
    unusable
        Called for each clip that cannot be used, with the reason; it may raise.
    chunk
        Clips at a time.

    Raises
    ------
    InputError
        A path is nothing of the kind.
    """
    for path in paths:
        if (path / "store.json").is_file():
            yield from _of_store(open_store(path), unusable, chunk)
        else:
            clips = _of_files(path, unusable)
            while some := list(islice(clips, chunk)):
                store = in_memory(path, some)
                yield Chunk(store, np.arange(len(store.clips)))


def in_memory(folder: Path, clips: Sequence[tuple[str, int, Sequence[Track]]]) -> ClipStore:
    """Make a clip store that is on no disk, of NTU's skeletons; its clips have a name, a length and tracks."""
    tracks = [(row, track) for row, (_, _, several) in enumerate(clips) for track in several]
    length = np.array([len(track.joints) for _, track in tracks], np.int64)
    nothing = np.zeros(len(clips), np.int64)
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
        StoreInfo(layout=NTU25.name, clips=len(clips), tracks=len(tracks), frames=int(length.sum())),
    )


def _of_store(store: ClipStore, unusable: Unusable, chunk: int) -> Iterator[Chunk]:
    if not len(store.clips):
        raise InputError(f"{store.folder}: the store has no clips; prepare it again")
    actors = store.tracks_per_clip
    for row in np.flatnonzero((actors == 0) | (store.clips.frames == 0)):
        unusable(f"{store.folder}: clip {store.clips.name[row]} shows nobody")
    usable = np.flatnonzero((actors > 0) & (store.clips.frames > 0))
    by_clip = np.argsort(store.tracks.clip, kind="stable")
    ends = np.cumsum(actors)
    for start in range(0, len(usable), chunk):
        good = []
        for row in usable[start : start + chunk]:
            if any(shows_somebody(store, track) for track in by_clip[ends[row] - actors[row] : ends[row]]):
                good.append(row)
            else:
                unusable(f"{store.folder}: clip {store.clips.name[row]} shows nobody: no joint has a finite position")
        if good:
            yield Chunk(store, np.array(good))


def shows_somebody(store: ClipStore, track: int) -> bool:
    """Say whether any joint of a track is seen in any frame, with a position that is a number."""
    rows = slice(store.tracks.first_row[track], store.tracks.first_row[track] + store.tracks.length[track])
    return bool(((store.tracked[rows] > 0) & np.isfinite(store.joints[rows]).all(-1)).any())


def _of_files(path: Path, unusable: Unusable) -> Iterator[tuple[str, int, Sequence[Track]]]:
    for name, where, read in _texts(path):
        try:
            frames, tracks = choose_actors(read_skeleton(read(), where))
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
