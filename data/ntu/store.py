"""The clip store: all clips of a data set as ragged, memory-mapped arrays in one folder.

| file | content |
|---|---|
| `joints.npy` | float32 [F, V, C], metres (layouts in an image: pixels); the frames of all tracks, one after another |
| `tracked.npy` | uint8 [F, V]: 0 not seen, 1 inferred, 2 tracked |
| `confidence.npy` | float32 [F, V], where an estimator gave one; absent otherwise |
| `tracks.csv` | clip (row of clips.csv), actor (0 or 1), first_frame, length, first_row |
| `clips.csv` | name, setup, camera, performer, replication, action, frames |
| `store.json` | joint layout, frame rate, counts, and where the store came from |

A track runs from the first to the last frame in which its actor is seen; frames in between in which the actor is not
seen have `tracked` 0 and joints 0. Nothing is padded or rounded. A store is written into a temporary folder and renamed
when complete, so that half a store cannot be opened.
"""

import csv
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

import numpy as np
from pydantic import Field, ValidationError

from data.errors import InputError
from data.files import atomic_file, atomic_folder, resumable_folder, sha256
from data.ntu.layout import LAYOUTS, Layout
from data.ntu.names import ClipName
from data.settings import Section


class StoreInfo(Section):
    """What `store.json` says of a store: its layout and frame rate, its size, and where it came from."""

    format: Literal[1] = 1
    layout: str = "ntu25"
    fps: float = 30.0
    image: tuple[int, int] | None = None
    """Width and height in pixels of what the joints were seen in; layouts in an image need it."""
    confidence: bool = False
    """Whether the store has an estimator's confidence in each joint."""
    kind: Literal["raw", "truth", "refined", "filtered"] = "raw"
    source: str = ""
    refiner: dict[str, Any] | None = None
    config: dict[str, Any] = Field(default_factory=dict)
    skipped: list[dict[str, str]] = Field(default_factory=list)
    clips: int = 0
    tracks: int = 0
    frames: int = 0


@dataclass(frozen=True)
class Tracks:
    """The table of tracks; int64 [K] each. `clip` is a row of the clips, `actor` is 0 or 1."""

    clip: np.ndarray
    actor: np.ndarray
    first_frame: np.ndarray
    length: np.ndarray
    first_row: np.ndarray

    def __len__(self) -> int:
        return len(self.clip)


@dataclass(frozen=True)
class Clips:
    """The table of clips; [N] each. `name` is text, the others int64; `action` counts from 1."""

    name: np.ndarray
    setup: np.ndarray
    camera: np.ndarray
    performer: np.ndarray
    replication: np.ndarray
    action: np.ndarray
    frames: np.ndarray

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True)
class ClipStore:
    """An open clip store; `joints` and `tracked` are memory maps and are read only where they are touched."""

    folder: Path
    joints: np.ndarray
    tracked: np.ndarray
    tracks: Tracks
    clips: Clips
    info: StoreInfo
    confidence: np.ndarray | None = None
    """float32 [F, V], a memory map like the others, if there is one."""

    @property
    def layout(self) -> Layout:
        """The joints and bones of the store."""
        return LAYOUTS[self.info.layout]


@dataclass(frozen=True)
class Track:
    """One actor of one clip, about to be stored.

    Parameters
    ----------
    actor
        0 or 1.
    first_frame
        The clip's frame in which the track begins, from 0.
    joints
        float32 [n, V, C].
    tracked
        uint8 [n, V].
    confidence
        float32 [n, V], for stores that have it.
    """

    actor: int
    first_frame: int
    joints: np.ndarray
    tracked: np.ndarray
    confidence: np.ndarray | None = None


class StoreWriter:
    """Write a clip store one clip at a time, in bounded memory; use it as a context manager.

    The store appears under its name when the block ends without an error, and not at all otherwise.

    Parameters
    ----------
    folder
        Where the store shall be.
    info
        Layout, frame rate and origin; the counts are filled in.
    replace
        Whether an existing store may be replaced, once the new one is complete.
    """

    def __init__(self, folder: Path, info: StoreInfo, replace: bool = False) -> None:
        self.info = info
        layout = LAYOUTS[info.layout]
        self._shape = (len(layout.joints), layout.dims)
        self._folder: AbstractContextManager[Path] = atomic_folder(folder, replace)
        self._frames = self._clips = self._tracks = 0

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._at = self._stack.enter_context(self._folder)
        self._joints = self._stack.enter_context((self._at / "joints.npy").open("wb"))
        self._tracked = self._stack.enter_context((self._at / "tracked.npy").open("wb"))
        self._confidence = (
            self._stack.enter_context((self._at / "confidence.npy").open("wb")) if self.info.confidence else None
        )
        clips = self._stack.enter_context((self._at / "clips.csv").open("w", newline=""))
        tracks = self._stack.enter_context((self._at / "tracks.csv").open("w", newline=""))
        self._clip_rows, self._track_rows = csv.writer(clips), csv.writer(tracks)
        self._clip_rows.writerow([field.name for field in fields(Clips)])
        self._track_rows.writerow([field.name for field in fields(Tracks)])
        self._write_headers()
        return self

    def add(self, name: ClipName, frames: int, tracks: Sequence[Track]) -> None:
        """Append a clip of so many frames with its tracks."""
        for track in tracks:
            length = len(track.joints)
            if track.joints.shape != (length, *self._shape) or track.tracked.shape != (length, self._shape[0]):
                raise ValueError(f"{name}: track of shape {track.joints.shape}, expected [n, {self._shape}]")
            if length == 0 or track.first_frame < 0 or track.first_frame + length > frames:
                raise ValueError(f"{name}: track outside the clip's {frames} frames")
            if (track.confidence is None) == self.info.confidence:
                raise ValueError(f"{name}: a store has the confidence of all tracks or of none")
            if self._confidence is not None and track.confidence is not None:
                if track.confidence.shape != track.tracked.shape:
                    raise ValueError(f"{name}: confidence of shape {track.confidence.shape}")
                self._confidence.write(np.ascontiguousarray(track.confidence, np.float32).data)
            self._joints.write(np.ascontiguousarray(track.joints, np.float32).data)
            self._tracked.write(np.ascontiguousarray(track.tracked, np.uint8).data)
            self._track_rows.writerow([self._clips, track.actor, track.first_frame, length, self._frames])
            self._frames += length
            self._tracks += 1
        numbers = (name.setup, name.camera, name.performer, name.replication, name.action)
        self._clip_rows.writerow([str(name), *numbers, frames])
        self._clips += 1

    def _write_headers(self) -> None:
        """Write the headers of both arrays; NumPy leaves room in them for the first axis to grow."""
        for file, shape, kind in (
            (self._joints, (self._frames, *self._shape), np.float32),
            (self._tracked, (self._frames, self._shape[0]), np.uint8),
            (self._confidence, (self._frames, self._shape[0]), np.float32),
        ):
            if file is not None:
                _write_header(file, shape, np.dtype(kind))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if error is None:
                for file in filter(None, (self._joints, self._tracked, self._confidence)):
                    file.seek(0)
                self._write_headers()
                counts = {"clips": self._clips, "tracks": self._tracks, "frames": self._frames}
                _write_info(self._at, self.info.model_copy(update=counts))
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stack.__exit__(kind, error, at)


def derive_store(
    source: ClipStore,
    folder: Path,
    blocks: Callable[[int], Iterable[np.ndarray]],
    info: StoreInfo,
    replace: bool = False,
    made_by: Mapping[str, Any] | None = None,
) -> None:
    """Write a store that differs from `source` in its joints only.

    It grows in `.NAME.part` beside `folder`, with a journal of the blocks that are on disk. If this is ended, by
    whatever means, the same call goes on after the last of them; a call that would make another store starts anew.

    Parameters
    ----------
    source
        The store whose clips, tracks, tracking states and confidences are taken over.
    folder
        Where the new store shall be.
    blocks
        Called with the number of rows that are there already, 0 at first; returns blocks of float32 [n, V, C] that
        are the rest of the new joints, in the order of the rows. It is called again with the row after any of its
        blocks.
    info
        What the new store is; the counts are taken over.
    replace
        Whether an existing store may be replaced.
    made_by
        What else the joints depend on. Only blocks that were made from the same source by the same are kept.

    Raises
    ------
    InputError
        `folder` exists and may not be replaced, another process is writing it, or the disk is full.
    """
    if folder.exists() and not replace:
        raise InputError(f"{folder}: already exists; choose another folder or pass --again to replace it")
    counts = {name: getattr(source.info, name) for name in ("clips", "tracks", "frames")}
    info = info.model_copy(update=counts)
    identity = {"info": info.model_dump(mode="json"), "source": _fingerprint(source), "made_by": dict(made_by or {})}
    same = ("tracked.npy", "tracks.csv", "clips.csv", *(["confidence.npy"] if source.info.confidence else []))
    try:
        with resumable_folder(folder) as at:
            _write_blocks(at, source.joints.shape, blocks, identity)
            for name in same:
                shutil.copyfile(source.folder / name, at / name)
            (at / JOURNAL).unlink()
            _write_info(at, info)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror or error}); the same command goes on where it was"
        ) from error


JOURNAL = "journal.jsonl"
"""Of a store that is being derived: what it will be, and then a line for each block that is on disk."""


def _write_blocks(
    folder: Path, shape: tuple[int, ...], blocks: Callable[[int], Iterable[np.ndarray]], identity: Mapping[str, Any]
) -> None:
    """Write `joints.npy`, going on after the blocks that the journal lists and that are as they were written."""
    path, journal = folder / "joints.npy", folder / JOURNAL
    first = json.dumps(identity, sort_keys=True)
    row_bytes = 4 * int(np.prod(shape[1:]))
    lines = _good_lines(path, journal, first, row_bytes)
    done = sum(line["rows"] for line in lines)
    if not lines:
        with path.open("wb") as file:
            _write_header(file, shape, np.dtype(np.float32))
    # Rewritten without what was half written; from here on it only grows.
    with atomic_file(journal) as temporary:
        temporary.write_text("\n".join([first, *map(json.dumps, lines)]) + "\n")
    with path.open("r+b") as file, journal.open("a") as log:
        file.seek(_header_bytes(path) + done * row_bytes)
        file.truncate()
        for block in blocks(done):
            data = np.ascontiguousarray(block, np.float32)
            file.write(data.data)
            # The journal may not be ahead of what it lists, not even when the power fails.
            file.flush()
            os.fsync(file.fileno())
            log.write(json.dumps({"rows": len(data), "crc32": zlib.crc32(data.data)}) + "\n")
            log.flush()
            done += len(data)
    if done != shape[0]:
        raise ValueError(f"{folder}: {done} rows given for a store of {shape[0]}")


def _good_lines(path: Path, journal: Path, first: str, row_bytes: int) -> list[dict[str, int]]:
    """Return the journal's lines up to the first whose block is not on disk as it was written."""
    good: list[dict[str, int]] = []
    # Nothing may be there yet, and whatever was ended may have left a line that was cut short: what precedes it counts.
    with suppress(OSError, ValueError, KeyError, TypeError):
        head, *rest = journal.read_text().splitlines()
        if head != first:
            return []
        with path.open("rb") as file:
            file.seek(_header_bytes(path))
            for text in rest:
                line = json.loads(text)
                wanted = int(line["rows"]) * row_bytes
                data = file.read(max(wanted, 0))
                if wanted <= 0 or len(data) != wanted or zlib.crc32(data) != line["crc32"]:
                    break
                good.append(line)
    return good


def _header_bytes(path: Path) -> int:
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        return file.tell()


def _fingerprint(store: ClipStore) -> dict[str, Any]:
    """Say which store this is: its tables' hashes, and the size and time of its joints."""
    files = ("store.json", "tracks.csv", "clips.csv")
    joints = (store.folder / "joints.npy").stat()
    return {name: sha256(store.folder / name) for name in files} | {
        "bytes": joints.st_size,
        "modified": joints.st_mtime_ns,
    }


def open_store(folder: Path) -> ClipStore:
    """Open a clip store without loading its frames.

    Raises
    ------
    InputError
        There is no store in the folder, or its parts do not fit together.
    """
    folder = Path(folder)
    if not (folder / "store.json").is_file():
        raise InputError(f"{folder}: no clip store (store.json is missing); make one with `python run.py prepare`")
    try:
        info = StoreInfo.model_validate_json((folder / "store.json").read_bytes())
        if info.layout not in LAYOUTS:
            raise ValueError(f"unknown joint layout {info.layout!r}")
        layout = LAYOUTS[info.layout]
        joints = _memory_map(folder / "joints.npy", (info.frames, len(layout.joints), layout.dims), np.float32)
        tracked = _memory_map(folder / "tracked.npy", (info.frames, len(layout.joints)), np.uint8)
        confidence = None
        if info.confidence:
            confidence = _memory_map(folder / "confidence.npy", (info.frames, len(layout.joints)), np.float32)
        tracks = Tracks(**_read_table(folder / "tracks.csv", Tracks, info.tracks))
        clips = Clips(**_read_table(folder / "clips.csv", Clips, info.clips))
        if len(tracks):
            if tracks.clip.min() < 0 or tracks.clip.max() >= len(clips):
                raise ValueError("tracks.csv names a clip that clips.csv does not have")
            if tracks.first_row.min() < 0 or (tracks.first_row + tracks.length).max() > info.frames:
                raise ValueError("tracks.csv names rows that joints.npy does not have")
    except (ValueError, OSError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{folder}: damaged clip store: {reason}; prepare it again") from error
    return ClipStore(folder, joints, tracked, tracks, clips, info, confidence)


def _write_header(file: IO[bytes], shape: tuple[int, ...], kind: np.dtype) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _write_info(folder: Path, info: StoreInfo) -> None:
    (folder / "store.json").write_text(json.dumps(info.model_dump(mode="json"), indent=1) + "\n")


def _memory_map(path: Path, shape: tuple[int, ...], kind: type) -> np.ndarray:
    if 0 in shape:
        return np.zeros(shape, kind)  # a store without frames: nothing to map
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.shape != shape or array.dtype != kind:
        raise ValueError(f"{path.name} is {array.dtype} {array.shape}, expected {np.dtype(kind)} {shape}")
    return array


def _read_table(path: Path, table: type, rows: int) -> dict[str, np.ndarray]:
    with path.open(newline="") as file:
        header, *body = csv.reader(file)
    names = [field.name for field in fields(table)]
    if header != names or len(body) != rows:
        raise ValueError(f"{path.name} has columns {header} and {len(body)} rows, expected {names} and {rows}")
    columns = dict(zip(names, zip(*body, strict=True), strict=True)) if body else dict.fromkeys(names, ())
    return {name: np.array(column, dtype=str if name == "name" else np.int64) for name, column in columns.items()}
