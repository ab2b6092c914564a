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
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

import numpy as np
from pydantic import Field, ValidationError

from data.errors import InputError
from data.files import atomic_folder
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

    def __reduce__(self) -> tuple[Callable[[Path], "ClipStore"], tuple[Path]]:
        # A pickled memory map is all of its content: another process opens the store itself.
        return open_store, (self.folder.absolute(),)

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
    source: ClipStore, folder: Path, joints: Iterable[np.ndarray], info: StoreInfo, replace: bool = False
) -> None:
    """Write a store that differs from `source` in its joints only.

    Parameters
    ----------
    source
        The store whose clips, tracks and tracking states are taken over.
    folder
        Where the new store shall be.
    joints
        Blocks of float32 [n, V, C] that together are the new joints, in the order of the rows.
    info
        What the new store is; the counts are taken over.
    replace
        Whether an existing store may be replaced.
    """
    with atomic_folder(folder, replace) as at:
        with (at / "joints.npy").open("wb") as file:
            _write_header(file, source.joints.shape, np.dtype(np.float32))
            rows = 0
            for block in joints:
                file.write(np.ascontiguousarray(block, np.float32).data)
                rows += len(block)
        if rows != len(source.joints):
            raise ValueError(f"{folder}: {rows} rows given for a store of {len(source.joints)}")
        same = ("tracked.npy", "tracks.csv", "clips.csv", *(["confidence.npy"] if source.info.confidence else []))
        for name in same:
            (at / name).write_bytes((source.folder / name).read_bytes())
        counts = {name: getattr(source.info, name) for name in ("clips", "tracks", "frames")}
        _write_info(at, info.model_copy(update=counts))


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
