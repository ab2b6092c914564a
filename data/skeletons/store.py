"""The clip store: all clips of a data set as ragged, memory-mapped arrays in one folder.

| file | content |
|---|---|
| `joints.npy` | float32 [F, V, C], metres (layouts in an image: pixels); the frames of all tracks, one after another |
| `tracked.npy` | uint8 [F, V]: 0 not seen, 1 inferred, 2 tracked |
| `confidence.npy` | float32 [F, V], where an estimator gave one; absent otherwise |
| `times.npy` | float64 [F], seconds since the clip's first frame; absent where frames follow each other evenly |
| `tracks.csv` | clip (row of clips.csv), actor (from 0, by rank), first_frame, length, first_row |
| `clips.csv` | name, setup, camera, performer, replication, action, frames |
| `labels.json` | what the clips' owner calls them, see `data.skeletons.labels`; absent for NTU RGB+D's own |
| `store.json` | joint layout, frame rate, counts, and where the store came from |

A track runs from the first to the last frame in which its actor is seen; frames in between in which the actor is not
seen have `tracked` 0 and joints 0. Nothing is padded or rounded. A store is written into a temporary folder and renamed
when complete, and `store.json` is written last, so that half a store cannot be opened.
"""

import io
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

from base.errors import InputError
from base.files import atomic_file, atomic_folder, is_left_over, resumable_folder, sha256
from base.journal import JOURNAL, Journal
from base.replacing import Kind
from data.debris import is_debris
from data.ntu.names import ClipName
from data.skeletons.labels import Labels
from data.skeletons.layouts import Layout
from data.skeletons.opening import LABELS, Clips, ClipStore, StoreInfo, Tracks, open_store, read_info

__all__ = [
    "LABELS",
    "STORE",
    "Block",
    "ClipStore",
    "Clips",
    "Progress",
    "StoreFiles",
    "StoreInfo",
    "StoreWriter",
    "Track",
    "Tracks",
    "check_begun",
    "derive_store",
    "open_store",
    "rename_origin",
    "sound_states",
    "store_of",
    "stranger",
    "to_block",
    "track_of",
]


_COLUMNS = {name: [column.name for column in fields(table)] for name, table in (("clips", Clips), ("tracks", Tracks))}
_COUNTS = ("clips", "tracks", "frames")


@dataclass(frozen=True)
class Track:
    """One actor of one clip, about to be stored.

    Parameters
    ----------
    actor
        From 0, in the order in which people are chosen: whoever wants fewer takes the first.
    first_frame
        The clip's frame in which the track begins, from 0.
    joints
        float32 [n, V, C].
    tracked
        uint8 [n, V].
    confidence
        float32 [n, V], for stores that have it.
    frames
        [n], rising: the recording's frame of each row, from 0, where some are missing in between; fractions for frames
        that were recorded in between.
    """

    actor: int
    first_frame: int
    joints: np.ndarray
    tracked: np.ndarray
    confidence: np.ndarray | None = None
    frames: np.ndarray | None = None


def track_of(store: ClipStore, row: int) -> Track:
    """Return a track of a store, a row of its table, in memory and as it would be stored again."""
    rows = store.rows_of(row)
    return Track(
        int(store.tracks.actor[row]),
        int(store.tracks.first_frame[row]),
        np.array(store.joints[rows]),
        np.array(store.tracked[rows]),
        None if store.confidence is None else np.array(store.confidence[rows]),
        None if store.times is None else np.array(store.times[rows]) * store.info.fps,
    )


@dataclass(frozen=True)
class Block:
    """Some clips of a store, one after another.

    Parameters
    ----------
    clips
        Each clip's name and number of frames.
    tracks
        int64 [K, 4]: clip (counted from the block's first), actor, first frame, length.
    joints
        float32 [F, V, C], the frames of all tracks.
    tracked
        uint8 [F, V].
    confidence
        float32 [F, V], for stores that have it.
    recorded
        float64 [F]: the recording's frame of each row, where some are missing in between.
    """

    clips: list[tuple[ClipName, int]]
    tracks: np.ndarray
    joints: np.ndarray
    tracked: np.ndarray
    confidence: np.ndarray | None = None
    recorded: np.ndarray | None = None


def to_block(clips: Sequence[tuple[ClipName, int, Sequence[Track]]], layout: Layout) -> Block:
    """Put clips, each a name, a number of frames and tracks, one after another.

    Raises
    ------
    ValueError
        A track does not fit the layout, its clip or the other tracks.
    """
    shape = (len(layout.joints), layout.dims)
    for name, frames, tracks in clips:
        for track in tracks:
            length = len(track.joints)
            if track.joints.shape != (length, *shape) or track.tracked.shape != (length, shape[0]):
                raise ValueError(f"{name}: track of shape {track.joints.shape}, expected [n, {shape}]")
            if length == 0 or track.first_frame < 0 or track.first_frame + length > frames:
                raise ValueError(f"{name}: track outside the clip's {frames} frames")
            if track.confidence is not None and track.confidence.shape != track.tracked.shape:
                raise ValueError(f"{name}: confidence of shape {track.confidence.shape}")
            if track.frames is not None and (track.frames.shape != (length,) or not (np.diff(track.frames) > 0).all()):
                raise ValueError(f"{name}: numbers of frames {track.frames.shape}, expected {length} that rise")
    rows = [
        (number, track.actor, track.first_frame, len(track.joints))
        for number, (_, _, tracks) in enumerate(clips)
        for track in tracks
    ]
    tracks = [track for _, _, tracks in clips for track in tracks]
    confidences = [track.confidence for track in tracks if track.confidence is not None]
    if len(confidences) not in (0, len(tracks)):
        raise ValueError(f"{clips[0][0]}: a store has the confidence of all tracks or of none")
    recorded = [
        np.arange(track.first_frame, track.first_frame + len(track.joints)) if track.frames is None else track.frames
        for track in tracks
    ]
    return Block(
        [(name, frames) for name, frames, _ in clips],
        np.array(rows, np.int64).reshape(-1, 4),
        _join([track.joints for track in tracks], shape, np.float32),
        _join([track.tracked for track in tracks], shape[:1], np.uint8),
        np.concatenate(confidences, dtype=np.float32) if confidences else None,
        np.concatenate([np.empty(0), *recorded]),
    )


def _join(arrays: list[np.ndarray], shape: tuple[int, ...], kind: type) -> np.ndarray:
    return np.concatenate([np.empty((0, *shape), kind), *arrays], dtype=kind, casting="unsafe")


class _File:
    """A file that is appended to; it counts the bytes behind its header and their CRC-32."""

    def __init__(self, path: Path, header: bytes, size: int = 0, crc: int = 0) -> None:
        self.size, self.crc = size, crc
        self._header = len(header)
        exists = path.exists()
        self._file = path.open("r+b" if exists else "wb")
        self._file.write(header)
        self._file.truncate(self._header + size)
        self._file.seek(self._header + size)

    def append(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self.size += memoryview(data).nbytes
        self.crc = zlib.crc32(data, self.crc)

    def flush(self) -> None:
        self._file.flush()

    def finish(self, header: bytes, durable: bool) -> None:
        """Write the header anew, in its length, and close the file; if `durable`, only once it is on the disk."""
        assert len(header) == self._header
        self._file.seek(0)
        self._file.write(header)
        self._file.flush()
        if durable:
            os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        with suppress(OSError):  # a full disk has been told already
            self._file.close()


@dataclass(frozen=True)
class Progress:
    """How far a store's files have got: the counts, and of each file the bytes behind its header and their CRC-32."""

    clips: int = 0
    tracks: int = 0
    frames: int = 0
    files: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class StoreFiles:
    """The files of a store that is being written, in a folder that is not yet its own.

    Parameters
    ----------
    folder
        Where they are.
    info
        Layout and frame rate.
    progress
        Where to go on; what lies behind is cut off.
    """

    def __init__(self, folder: Path, info: StoreInfo, progress: Progress | None = None) -> None:
        progress = progress or Progress()
        self.folder = folder
        self.info = info
        self.layout = info.skeleton
        self.clips, self.tracks, self.frames = progress.clips, progress.tracks, progress.frames
        self._files: dict[str, _File] = {}
        try:
            for name, header in self._headers().items():
                self._files[name] = _File(folder / name, header, *progress.files.get(name, (0, 0)))
        except BaseException:
            self.close()
            raise

    def _headers(self) -> dict[str, bytes]:
        return _headers(self.info, self.frames)

    def add(self, block: Block) -> None:
        """Append some clips."""
        if (block.confidence is None) == self.info.confidence and len(block.tracks):
            raise ValueError(f"{block.clips[0][0]}: a store has the confidence of all tracks or of none")
        arrays = {"joints": block.joints, "tracked": block.tracked, "confidence": block.confidence}
        if self.info.times:
            assert block.recorded is not None
            arrays["times"] = block.recorded / self.info.fps
        for name, array in arrays.items():
            if array is not None and array.size:
                self._files[f"{name}.npy"].append(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        row = self.frames
        lines = []
        for clip, actor, first, length in block.tracks.tolist():
            lines.append(f"{self.clips + clip},{actor},{first},{length},{row}\r\n")
            row += length
        self._files["tracks.csv"].append("".join(lines).encode())
        lines = [
            f"{name},{name.setup},{name.camera},{name.performer},{name.replication},{name.action},{frames}\r\n"
            for name, frames in block.clips
        ]
        self._files["clips.csv"].append("".join(lines).encode())
        self.clips += len(block.clips)
        self.tracks += len(block.tracks)
        self.frames = row

    def progress(self) -> Progress:
        """Hand all that was added to the operating system and return how far it goes."""
        for file in self._files.values():
            file.flush()
        files = {name: (file.size, file.crc) for name, file in self._files.items()}
        return Progress(self.clips, self.tracks, self.frames, files)

    def finish(self, info: StoreInfo, durable: bool = False) -> None:
        """Complete the files and write `store.json`, which makes the folder a store."""
        for name, header in self._headers().items():
            self._files[name].finish(header, durable)
        _write_info(self.folder, info.model_copy(update={key: getattr(self, key) for key in _COUNTS}))

    def close(self) -> None:
        """Close the files as they are."""
        for file in self._files.values():
            file.close()


def _headers(info: StoreInfo, frames: int) -> dict[str, bytes]:
    """Return what each file of a store begins with; its length does not depend on the number of frames."""
    layout = info.skeleton
    shape = (frames, len(layout.joints))
    headers = {"joints.npy": _header((*shape, layout.dims), np.float32), "tracked.npy": _header(shape, np.uint8)}
    if info.confidence:
        headers["confidence.npy"] = _header(shape, np.float32)
    if info.times:
        headers["times.npy"] = _header(shape[:1], np.float64)
    return headers | {f"{name}.csv": f"{','.join(columns)}\r\n".encode() for name, columns in _COLUMNS.items()}


def sound_states(folder: Path, info: StoreInfo, states: Sequence[Progress]) -> int:
    """Say with how many of the states, each further than the one before, the files in a folder agree.

    All bytes are read, for after a loss of power a file can have its length and not its content.
    """
    sound = len(states)
    for name, header in _headers(info, 0).items():
        try:
            with (folder / name).open("rb") as file:
                file.seek(len(header))
                sound = _sound_states(file, [state.files[name] for state in states[:sound]])
        except (OSError, KeyError):
            return 0
    return sound


def _sound_states(file: IO[bytes], states: Sequence[tuple[int, int]]) -> int:
    size = crc = 0
    for number, (new_size, new_crc) in enumerate(states):
        while size < new_size:
            block = file.read(min(new_size - size, 1 << 20))
            if not block:
                return number
            crc, size = zlib.crc32(block, crc), size + len(block)
        if (size, crc) != (new_size, new_crc):
            return number
    return len(states)


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
    inputs
        What the clips come from, which must stay.
    labels
        What the clips' owner calls them; those of clips that are not added are left out.
    """

    def __init__(
        self,
        folder: Path,
        info: StoreInfo,
        replace: bool = False,
        inputs: Sequence[Path] = (),
        labels: Labels | None = None,
    ) -> None:
        self.info = info.model_copy(update={"labels": labels is not None})
        self._labels, self._kept = labels, list[str]()
        self._folder: AbstractContextManager[Path] = atomic_folder(
            folder, store_of(info.kind) if replace else None, inputs
        )

    def __enter__(self) -> Self:
        at = self._at = self._folder.__enter__()
        try:
            self._files = StoreFiles(at, self.info)
        except BaseException as failure:
            self._folder.__exit__(type(failure), failure, failure.__traceback__)
            raise
        return self

    def add(self, name: ClipName, frames: int, tracks: Sequence[Track]) -> None:
        """Append a clip of so many frames with its tracks."""
        self._kept.append(str(name))
        self._files.add(to_block([(name, frames, tracks)], self._files.layout))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if error is None:
                if self._labels is not None:
                    _write_json(self._at / LABELS, self._labels.of(self._kept).model_dump(mode="json"))
                self._files.finish(self.info.model_copy(update={"labels": self._labels is not None}))
        except BaseException as failure:
            self._files.close()
            self._folder.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._files.close()
        self._folder.__exit__(kind, error, at)


def derive_store(
    source: ClipStore,
    folder: Path,
    blocks: Callable[[int], Iterable[np.ndarray]],
    info: StoreInfo,
    replace: bool = False,
    made_by: Mapping[str, Any] | None = None,
    finish: Callable[[StoreInfo], StoreInfo] | None = None,
) -> None:
    """Write a store that differs from `source` in its joints only.

    It grows in `.NAME.part` beside `folder`, with a journal of the blocks that are on disk. If this is ended, by
    whatever means, the same call goes on after the last of them; a call that would make another store starts anew.

    Parameters
    ----------
    source
        The store whose clips, tracks, tracking states, confidences and times are taken over.
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
    finish
        Called when all joints are written; adds to `info` what only then is known.

    Raises
    ------
    InputError
        `folder` exists and may not be replaced, another process is writing it, or the disk is full.
    """
    counts = {name: getattr(source.info, name) for name in ("clips", "tracks", "frames")}
    info = info.model_copy(update={**counts, "confidence": source.info.confidence, "times": source.info.times})
    info = info.model_copy(update={"labels": source.info.labels})
    identity = {"info": info.model_dump(mode="json"), "source": _fingerprint(source), "made_by": dict(made_by or {})}
    same = ("tracked.npy", "tracks.csv", "clips.csv", *_optional_files(source.info))
    try:
        with resumable_folder(folder, store_of(info.kind) if replace else None, [source.folder]) as at:
            _write_blocks(at, source.joints.shape, blocks, identity)
            for name in same:
                shutil.copyfile(source.folder / name, at / name)
            (at / JOURNAL).unlink()
            _write_info(at, finish(info) if finish else info)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror or error}); the same command goes on where it was"
        ) from error


def _optional_files(info: StoreInfo) -> list[str]:
    return [f"{name}.npy" for name in ("confidence", "times") if getattr(info, name)] + (
        [LABELS] if info.labels else []
    )


def _write_blocks(
    folder: Path, shape: tuple[int, ...], blocks: Callable[[int], Iterable[np.ndarray]], identity: Mapping[str, Any]
) -> None:
    """Write `joints.npy`, going on after the blocks that the journal lists and that are as they were written."""
    check_begun(folder)
    path, journal = folder / "joints.npy", Journal(folder, identity)
    row_bytes = 4 * int(np.prod(shape[1:]))
    good = _good_entries(path, journal.read(), row_bytes)
    done = sum(entry["rows"] for entry in good)
    if not good:
        path.write_bytes(_header(shape, np.float32))
    with path.open("r+b") as file, closing(journal):
        journal.begin(good)
        file.seek(_header_bytes(path) + done * row_bytes)
        file.truncate()
        for block in blocks(done):
            data = np.ascontiguousarray(block, np.float32)
            file.write(data.data)
            # The journal may not be ahead of what it lists, not even when the power fails.
            file.flush()
            os.fsync(file.fileno())
            journal.add({"rows": len(data), "crc32": zlib.crc32(data.data)})
            done += len(data)
    if done != shape[0]:
        raise ValueError(f"{folder}: {done} rows given for a store of {shape[0]}")


def _good_entries(path: Path, entries: Sequence[Any], row_bytes: int) -> list[dict[str, int]]:
    """Return the journal's entries up to the first whose block is not on disk as it was written."""
    good: list[dict[str, int]] = []
    with suppress(OSError, ValueError, KeyError, TypeError), path.open("rb") as file:
        file.seek(_header_bytes(path))
        for entry in entries:
            wanted = int(entry["rows"]) * row_bytes
            data = file.read(max(wanted, 0))
            if wanted <= 0 or len(data) != wanted or zlib.crc32(data) != entry["crc32"]:
                break
            good.append(entry)
    return good


def _header_bytes(path: Path) -> int:
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        return file.tell()


def _fingerprint(store: ClipStore) -> dict[str, Any]:
    """Say which store this is: its tables' hashes, and the size and time of its joints."""
    files = ("store.json", "tracks.csv", "clips.csv", *([LABELS] if store.info.labels else []))
    joints = (store.folder / "joints.npy").stat()
    return {name: sha256(store.folder / name) for name in files} | {
        "bytes": joints.st_size,
        "modified": joints.st_mtime_ns,
    }


def stranger(folder: Path) -> str:
    """Return the name of something in a folder that no clip store has; empty if there is nothing."""
    flags = {name: True for name, field in StoreInfo.model_fields.items() if field.annotation is bool}
    known = {*_headers(StoreInfo.model_validate(flags), 0), "store.json", LABELS, JOURNAL}
    for path in sorted(folder.iterdir()):
        ours = (path.name in known and not path.is_symlink()) or is_debris(path.name)
        if not (ours and path.is_file()) and not is_left_over(path):
            return path.name
    return ""


def check_begun(folder: Path) -> None:
    """Make sure that a folder in which a store was begun holds nothing else, which would be removed.

    Raises
    ------
    InputError
        There is something else in it.
    """
    if name := stranger(folder):
        raise InputError(
            f"{folder}: holds {name}, which no clip store has; expected what an ended run has left, move the rest away"
        )


def _store_fault(folder: Path) -> str:
    """Say why a folder is no clip store that may be replaced; one that is damaged may be."""
    if name := stranger(folder):
        return f"holds {name}, which no clip store has"
    if not any(folder.iterdir()) or _names_a_store(folder):
        return ""
    try:  # without its description, the table of tracks tells: it begins as no other file does
        with (folder / "tracks.csv").open("rb") as file:
            header = _headers(StoreInfo(), 0)["tracks.csv"]
            return "" if file.read(len(header)) == header else "is no clip store"
    except OSError:
        return "is no clip store"


STORE = Kind("clip store", _store_fault)


def store_of(kind: str) -> Kind:
    """Return what is replaced by a store of a kind, such as `refined`: one of the same kind, or a damaged one."""

    def fault(folder: Path) -> str:
        if found := _store_fault(folder):
            return found
        with suppress(OSError, ValueError, RecursionError):
            held = read_info(folder).kind
            if held != kind:
                return f"holds {held} clips, and these will be {kind}"
        return ""

    return Kind("clip store", fault)


def _names_a_store(folder: Path) -> bool:
    try:
        read_info(folder)
    except (OSError, ValueError):
        return False
    return True


def rename_origin(store: ClipStore, fps: float, config: dict[str, Any]) -> None:
    """Write another frame rate and configuration into a store's `store.json`; its clips stay as they are."""
    info = store.info.model_copy(update={"fps": fps, "config": config})
    with atomic_file(store.folder / "store.json") as temporary:
        _write_json(temporary, info.model_dump(mode="json"))


def _header(shape: tuple[int, ...], kind: type) -> bytes:
    with io.BytesIO() as file:
        _write_header(file, shape, np.dtype(kind))
        return file.getvalue()


def _write_header(file: IO[bytes], shape: tuple[int, ...], kind: np.dtype) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _write_info(folder: Path, info: StoreInfo) -> None:
    _write_json(folder / "store.json", info.model_dump(mode="json"))


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")
