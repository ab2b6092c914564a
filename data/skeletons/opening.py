"""Open a clip store: what `store.json` says, the tables and the memory maps, each checked before it is used."""

import csv
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.lib.format import open_memmap
from pydantic import Field, NonNegativeInt, PositiveInt, ValidationError

from base.errors import InputError
from base.files import regular_file
from base.settings import Fps, Section
from base.shown import cut, shown
from base.words import plural
from data.ntu.names import ClipName
from data.skeletons.labels import Labels
from data.skeletons.layouts import LAYOUTS, Layout, layouts_of

LABELS = "labels.json"
_LONGEST_NAME = 100
PEOPLE = 2
"""People of a clip, where nobody asks for more."""
MOST_PEOPLE = 32
"""People of a clip that anybody can ask for."""
_MOST_FRAMES = 1 << 20
"""Of one clip: ten hours at 30 a second."""
_MOST_UNSEEN = 1000
"""So many times the frames of its tracks may the clips of a store have, in all, and that many for a start."""
_LARGEST_INFO = 256 << 20
_LARGEST_LINE = 300


class StoreInfo(Section):
    """What `store.json` says of a store: its layout and frame rate, its size, and where it came from."""

    format: Literal[1] = 1
    layout: str = "ntu25"
    own_layout: dict[str, Any] | None = None
    """The joints and bones of a layout that is not shipped, see `data.skeletons.layouts.layouts_of`."""
    fps: Fps = 30.0
    image: tuple[PositiveInt, PositiveInt] | None = None
    """Width and height in pixels of what the joints were seen in; layouts in an image need it."""
    confidence: bool = False
    """Whether the store has an estimator's confidence in each joint."""
    times: bool = False
    """Whether the store says when each frame was recorded; frames follow each other evenly, at `fps`, otherwise."""
    labels: bool = False
    """Whether the clips have names, actions and splits of their owner's."""
    kind: Literal["raw", "truth", "refined", "filtered"] = "raw"
    source: str = ""
    refiner: dict[str, Any] | None = None
    config: dict[str, Any] = Field(default_factory=dict)
    skipped: list[dict[str, str]] = Field(default_factory=list)
    clips: NonNegativeInt = 0
    tracks: NonNegativeInt = 0
    frames: NonNegativeInt = 0

    @property
    def skeleton(self) -> Layout:
        """The joints and bones.

        Raises
        ------
        InputError
            They are no layout, or of a name that is unknown.
        """
        if self.own_layout is not None:
            return layouts_of(self.layout, self.own_layout, "store.json: own_layout")[0]
        if self.layout not in LAYOUTS:
            raise InputError(f"unknown joint layout {shown(self.layout)}")
        return LAYOUTS[self.layout]


@dataclass(frozen=True)
class Tracks:
    """The table of tracks; int64 [K] each. `clip` is a row of the clips, `actor` counts from 0."""

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
    times: np.ndarray | None = None
    """float64 [F], seconds since the clip's first frame, likewise."""
    labels: Labels | None = None
    """What the clips' owner calls them; None for NTU RGB+D's."""

    def __reduce__(self) -> tuple[Callable[[Path], "ClipStore"], tuple[Path]]:
        # A pickled memory map is all of its content: another process opens the store itself.
        return open_store, (self.folder.absolute(),)

    @property
    def layout(self) -> Layout:
        """The joints and bones of the store."""
        return self.info.skeleton

    def title(self, name: str) -> str:
        """Return what the owner of a clip calls it, by the name that it has in the store."""
        return self.labels.clips.get(name, name) if self.labels is not None else name

    def called(self, name: str) -> np.ndarray:
        """Return the clips of a name, the one in the store or their owner's; int64 [n], empty if there is none."""
        owners = [] if self.labels is None else [code for code, title in self.labels.clips.items() if title == name]
        return np.flatnonzero(np.isin(self.clips.name, [name, *owners]))

    @cached_property
    def tracks_per_clip(self) -> np.ndarray:
        """How many tracks each clip has, int64 [N]."""
        return np.bincount(self.tracks.clip, minlength=len(self.clips))

    @cached_property
    def _by_clip(self) -> tuple[np.ndarray, np.ndarray]:
        """All tracks, clip by clip and within a clip by actor, and where those of each clip begin."""
        order = np.lexsort((self.tracks.actor, self.tracks.clip))
        return order, np.cumsum(self.tracks_per_clip) - self.tracks_per_clip

    def tracks_of(self, clips: int | np.ndarray) -> np.ndarray:
        """Return the tracks of a clip or of several, one clip after another, within a clip by actor.

        Parameters
        ----------
        clips
            A row of `clips`, or int64 [n] of them.

        Returns
        -------
        int64 [k], rows of `tracks`; two tracks of one actor are in the order of the table.
        """
        rows = np.atleast_1d(np.asarray(clips, np.int64))
        order, begin = self._by_clip
        count = self.tracks_per_clip[rows]
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        found: np.ndarray = order[np.repeat(begin[rows], count) + within]
        return found

    def rows_of(self, track: int) -> slice:
        """Return the rows of `joints`, `tracked` and `confidence` that a track has."""
        first = int(self.tracks.first_row[track])
        return slice(first, first + int(self.tracks.length[track]))


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
        info = read_info(folder)
        layout = info.skeleton
        joints = _memory_map(folder / "joints.npy", (info.frames, len(layout.joints), layout.dims), np.float32)
        tracked = _memory_map(folder / "tracked.npy", (info.frames, len(layout.joints)), np.uint8)
        confidence = None
        if info.confidence:
            confidence = _memory_map(folder / "confidence.npy", (info.frames, len(layout.joints)), np.float32)
        times = _memory_map(folder / "times.npy", (info.frames,), np.float64) if info.times else None
        tracks = Tracks(**_read_table(folder / "tracks.csv", Tracks, info.tracks))
        clips = Clips(**_read_table(folder / "clips.csv", Clips, info.clips))
        _check_clips(clips)
        _check_tracks(tracks, clips, info.frames)
        labels = _read_labels(folder / LABELS, clips) if info.labels else None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = LABELS if error.title == Labels.__name__ else "store.json"
        reason = ": ".join([where, *(cut(str(part), 100) for part in first["loc"]), cut(first["msg"], 200)])
        raise InputError(f"{folder}: damaged clip store: {reason}; prepare or import it again") from error
    except InputError as error:
        raise InputError(f"{folder}: damaged clip store: {error}; prepare or import it again") from error
    except (ValueError, OSError) as error:
        reason = cut(str(error).partition("\n")[0], 300)
        raise InputError(f"{folder}: damaged clip store: {reason}; prepare or import it again") from error
    return ClipStore(folder, joints, tracked, tracks, clips, info, confidence, times, labels)


def read_info(folder: Path) -> StoreInfo:
    """Read a store's `store.json`.

    Raises
    ------
    OSError, ValueError
        There is none, or it is no description of a store.
    """
    return StoreInfo.model_validate_json(_read_bytes(folder / "store.json", _LARGEST_INFO))


def _read_labels(path: Path, clips: Clips) -> Labels:
    """Read what the owner calls the clips; a ValueError if it is about other clips."""
    labels = Labels.model_validate_json(_read_bytes(path, _LARGEST_INFO))
    names = set(clips.name.tolist())
    if set(labels.clips) != names:
        raise ValueError(
            f"{LABELS} has names for {plural(len(labels.clips), 'clip')}, other than the {len(names)} of clips.csv"
        )
    if len(clips) and (clips.action.max() > len(labels.actions) or clips.action.min() < 1):
        raise ValueError(
            f"{LABELS} has names for {plural(len(labels.actions), 'action')}, and clips.csv numbers others"
        )
    if len(clips) and labels.subjects and clips.performer.max() > len(labels.subjects):
        raise ValueError(
            f"{LABELS} has names for {plural(len(labels.subjects), 'subject')}, and clips.csv numbers others"
        )
    for split, parts in labels.splits.items():
        listed = [clip for part in parts.values() for clip in part]
        if not names.issuperset(listed) or len(set(listed)) < len(listed):
            raise ValueError(f"{LABELS}: split {shown(split)} names other clips, or a clip in two of its parts")
    return labels


def _check_clips(clips: Clips) -> None:
    """Refuse, with a ValueError, names that are none, that are there twice, or that say other than the columns."""
    if not len(clips):
        return
    wrong = np.flatnonzero((clips.frames < 0) | (clips.frames > _MOST_FRAMES))
    if len(wrong):
        raise ValueError(f"clips.csv: row {wrong[0]} has {clips.frames[wrong[0]]} frames, expected 0 to {_MOST_FRAMES}")
    width = len(str(ClipName(1, 1, 1, 1, 1)))
    if clips.name.dtype.itemsize != 4 * width:
        raise ValueError(f"clips.csv: expected names of {width} characters, such as {ClipName(1, 1, 1, 1, 1)}")
    letters = np.ascontiguousarray(clips.name).view(np.uint32).reshape(len(clips), -1, 4).transpose(1, 2, 0)
    columns = [clips.setup, clips.camera, clips.performer, clips.replication, clips.action]
    right = np.ones(len(clips), bool)
    key = np.zeros(len(clips), np.int64)
    for code, letter, column in zip(letters, "SCPRA", columns, strict=True):
        digits = code[1:] - np.uint32(ord("0"))  # what is less becomes very large
        number = 100 * digits[0] + 10 * digits[1] + digits[2]
        right &= (code[0] == ord(letter)) & (digits <= 9).all(0) & (number == column)
        key = 1000 * key + number
    wrong = np.flatnonzero(~right)
    if len(wrong):
        raise ValueError(
            f"clips.csv: row {wrong[0]}: found the name {shown(clips.name[wrong[0]].item())}, expected "
            f"{ClipName(*(int(column[wrong[0]]) for column in columns))} by the columns behind it"
        )
    if len(np.unique(key)) < len(clips):
        raise ValueError("clips.csv: a clip is there twice")


def _check_tracks(tracks: Tracks, clips: Clips, rows: int) -> None:
    """Refuse, with a ValueError, tracks that are not within their clip or the frames of the store."""
    if int(clips.frames.sum()) > _MOST_UNSEEN * (rows + _MOST_UNSEEN):
        raise ValueError(f"clips.csv: its clips have {clips.frames.sum()} frames, and joints.npy has {rows} of them")
    if not len(tracks):
        return
    if tracks.clip.min() < 0 or tracks.clip.max() >= len(clips):
        raise ValueError("tracks.csv names a clip that clips.csv does not have")
    room = clips.frames[tracks.clip]
    # Each by itself first, so that no sum goes over the end of its integers.
    for name, column, least, most in (
        ("length", tracks.length, 1, room),
        ("first_frame", tracks.first_frame, 0, room - tracks.length),
        ("first_row", tracks.first_row, 0, rows - tracks.length),
    ):
        wrong = np.flatnonzero((column < least) | (column > most))
        if len(wrong):
            raise ValueError(
                f"tracks.csv: clip {clips.name[tracks.clip[wrong[0]]]} has a track of {name} {column[wrong[0]]}, which "
                f"is outside the clip's {room[wrong[0]]} frames or the {rows} of joints.npy"
            )
    if int(tracks.length.sum()) > rows:
        raise ValueError("tracks.csv: tracks share rows of joints.npy")
    wrong = np.flatnonzero((tracks.actor < 0) | (tracks.actor >= MOST_PEOPLE))
    if len(wrong):
        raise ValueError(f"tracks.csv: clip {clips.name[tracks.clip[wrong[0]]]} has more than {MOST_PEOPLE} actors")
    counts = np.bincount(MOST_PEOPLE * tracks.clip + tracks.actor)
    if counts.max() > 1:
        name = clips.name[counts.argmax() // MOST_PEOPLE]
        raise ValueError(f"tracks.csv: clip {name} has two tracks of one actor")


def _read_bytes(path: Path, largest: int) -> bytes:
    size = regular_file(path).stat().st_size
    if size > largest:
        raise ValueError(f"{path.name} has {size} bytes, more than {largest}")
    return path.read_bytes()


def _memory_map(path: Path, shape: tuple[int, ...], kind: type) -> np.ndarray:
    if 0 in shape:
        return np.zeros(shape, kind)  # a store without frames: nothing to map
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's, about what it reads
            array = open_memmap(regular_file(path), mode="r")  # np.load takes what is no .npy for a pickle, and says so
    except (OSError, InputError):
        raise
    except Exception as error:  # NumPy reads the header as Python text, which can go wrong in many ways
        raise ValueError(f"{path.name} cannot be read ({cut(str(error), 200)})") from error
    if array.shape != shape or array.dtype != kind:
        raise ValueError(
            f"{path.name} is {cut(str(array.dtype))} {shown(array.shape)}, expected {np.dtype(kind)} {shape}"
        )
    return array


def _read_table(path: Path, table: type, rows: int) -> dict[str, np.ndarray]:
    """Read a table: as one array of characters, if it is as this project writes it, else by the csv module."""
    names = [column.name for column in fields(table)]
    text = _read_bytes(path, _LARGEST_LINE * (rows + 1))
    header = f"{','.join(names)}\r\n".encode()
    if text.startswith(header):
        columns = _read_columns(np.frombuffer(text, np.uint8)[len(header) :], names, rows)
        if columns is not None:
            return columns
    try:
        lines = list(csv.reader(io.StringIO(text.decode(), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path.name} cannot be read as CSV ({error})") from error
    found, body = lines[0] if lines else [], lines[1:]
    if found != names or len(body) != rows:
        raise ValueError(
            f"{path.name} has columns {shown(found, 120)} and {len(body)} rows, expected {names} and {rows}"
        )
    cells = dict(zip(names, zip(*body, strict=True), strict=True)) if body else dict.fromkeys(names, ())
    if any(len(cell) > _LONGEST_NAME for column in cells.values() for cell in column):
        raise ValueError(f"{path.name} has a cell of more than {_LONGEST_NAME} characters")
    try:
        return {name: np.array(column, dtype=str if name == "name" else np.int64) for name, column in cells.items()}
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{path.name} has a cell that is no whole number ({error})") from error


def _read_columns(text: np.ndarray, names: list[str], rows: int) -> dict[str, np.ndarray] | None:
    """Read lines of whole numbers and plain words between commas; None if the text is anything else."""
    content = text.tobytes()
    width = content.find(b",")  # of the first name; a table that has names has them in front, all as long
    if rows == 0 or not 0 < width <= _LONGEST_NAME or b'"' in content:
        return None
    kinds = [(name, f"U{width + 1}" if name == "name" else "i8") for name in names]  # a longer one would be cut there
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of numbers that are not whole
            table = np.loadtxt(io.BytesIO(content), kinds, comments=None, delimiter=",", encoding="ascii", ndmin=1)
    except (ValueError, Warning):
        return None
    columns = {name: np.ascontiguousarray(table[name]) for name in names}
    if len(table) != rows or ("name" in columns and np.any(np.char.str_len(columns["name"]) != width)):
        return None
    return columns | ({"name": columns["name"].astype(f"U{width}")} if "name" in columns else {})
