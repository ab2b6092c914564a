"""The files of ST-GCN and 2s-AGCN: `{train,val}_data_joint.npy`, `{train,val}_label.pkl` in folders `xsub` and `xview`.

Of NTU RGB+D 120 they are in folders `xsub` and `xset`, as MS-G3D and others after it have them.

The arrays are float32 [N, 3, 300, 25, 2] (coordinate, frame, joint, actor), made to be memory-mapped; the pickles hold
(names, labels): names end in `.skeleton`, labels count from 0.
"""

import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from base.errors import InputError
from base.pickle_writer import PickleWriter
from base.shown import shown
from base.unpickling import as_plain, read_pickle
from base.words import plural
from data.formats.arrays import read_block, read_header, write_header
from data.formats.clips import (
    ACTORS,
    Advance,
    DenseClips,
    Incoming,
    NextClip,
    ReadClip,
    as_tracks,
    check_label,
    check_length,
    found_twice,
    in_order,
    known,
    name_or_fault,
)
from data.formats.options import Positions, ReadOptions, WriteOptions
from data.formats.outputs import FilesBySplit
from data.formats.padded import FRAMES, MIDDLE_OF_SPINE, Cuts, normalise, pad, trim
from data.formats.registry import BY_NAME, FORMATS, FormatKind
from data.ntu.actions import ACTIONS_120
from data.ntu.names import ClipName
from data.ntu.splits import RULES, Split, in_training
from data.skeletons.layouts import NTU25
from data.skeletons.store import ClipStore

PARTS = ("train", "val")
FOLDERS = {split: split.removesuffix("120") for split in RULES}
_LARGEST_LABELS = 1 << 28


def file_names(split: Split) -> list[str]:
    """Return the files of a split, relative to the folder: array and labels for training, then for testing."""
    return [f"{FOLDERS[split]}/{part}_{kind}" for part in PARTS for kind in ("data_joint.npy", "label.pkl")]


def write_stgcn(store: ClipStore, split: Split, files: list[Path], positions: Positions, advance: Advance) -> Cuts:
    """Write one split as 2s-AGCN's files, clip by clip, in the order of the names.

    Parameters
    ----------
    store
        The clips.
    split
        The evaluation protocol.
    files
        Where to write what `file_names` names.
    positions
        `prepared`: repeated, centred and turned as 2s-AGCN's own preparation does, whose networks expect it
        (`padded.normalise`); `stored`: as they are and followed by zeros, which is what ST-GCN's own files have.
    advance
        Called after each clip.

    Returns
    -------
    What was cut off after 300 frames.
    """
    rows, clips, cuts = in_order(store), DenseClips(store), Cuts()
    training = in_training(store.clips, split)[rows]
    for at, part in enumerate((rows[training], rows[~training])):
        shape = (len(part), NTU25.dims, FRAMES, len(NTU25.joints), ACTORS)
        with files[2 * at].open("wb") as stream:
            write_header(stream, shape, np.dtype(np.float32))
            for row in part:
                joints = pad(clips[int(row)], cuts)
                joints = normalise(joints) if positions == "prepared" else joints
                stream.write(np.ascontiguousarray(joints.transpose(3, 0, 2, 1), "<f4").data)
                advance()
        names = [f"{store.clips.name[row]}.skeleton" for row in part]
        with files[2 * at + 1].open("wb") as stream:
            PickleWriter(stream).dump((names, [int(action) - 1 for action in store.clips.action[part]]))
    return cuts


def _ours(files: list[Path]) -> bool:
    """Say whether files of a split were written by `write_stgcn`: their labels begin as Python's own pickles do not."""
    with io.BytesIO() as stream:
        PickleWriter(stream).dump((["S"], [0]))
        beginning = stream.getvalue().partition(b"X")[0]
    labels = [file for file in files if file.suffix == ".pkl" and file.is_file()]
    for file in labels:
        with file.open("rb") as opened:
            if opened.read(len(beginning)) != beginning:
                return False
    return bool(labels)


def read_stgcn(folder: Path, split: Split | None) -> Incoming:
    """Read a folder of 2s-AGCN's or ST-GCN's files (`train_data.npy` without `_joint` is ST-GCN's).

    Parameters
    ----------
    folder
        Where the files are, or where folders `xsub`, `xview` or `xset` are, which hold the same clips, differently
        divided.
    split
        Whose folder; whichever is there if None.

    Raises
    ------
    InputError
        A file is missing, damaged or not laid out as theirs; so does reading its clips.
    """
    places = [folder / FOLDERS[split]] if split else [folder, *_places(folder)]
    place = next((place for place in places if (place / "train_label.pkl").is_file()), None)
    if place is None:
        raise InputError(f"{folder}: found no train_label.pkl in {' or '.join(map(str, places))}")
    parts = [_open_part(place, part) for part in PARTS if (place / f"{part}_label.pkl").is_file()]
    names = [name for part in parts for name, _ in part[1] if isinstance(name, ClipName)]
    if (twice := found_twice(names)) is not None:
        raise InputError(f"{place}: clip {twice} is in its files twice")
    notes = [] if len(parts) == len(PARTS) else [f"{place} has no val_label.pkl: only the clips for training were read"]

    def clips() -> Iterator[NextClip]:
        for file, named in parts:
            # Mapping the file would do as well, but then all of it counts as the program's memory in the end.
            with file.open("rb") as stream:
                frames, kind = _read_header(stream, len(named), file)
                for at, (name, label) in enumerate(named):
                    where = f"{file}: clip {at}" + (f" ({name})" if isinstance(name, ClipName) else "")
                    shape = (NTU25.dims, frames, len(NTU25.joints), ACTORS)
                    joints = read_block(stream, shape, kind, where)
                    yield str(name), partial(_read_clip, joints, name, label, where)

    return Incoming(NTU25, sum(len(named) for _, named in parts), clips(), notes=notes)


def _read_clip(joints: np.ndarray, named: ClipName | InputError, label: object, where: str) -> ReadClip:
    name = known(named)
    check_label(name, label, where)
    with np.errstate(invalid="ignore"):  # NaN is refused below
        joints = trim(joints.transpose(3, 1, 2, 0))
    return name, joints.shape[1], as_tracks(joints, None, where, (MIDDLE_OF_SPINE,))


Named = list[tuple[ClipName | InputError, object]]
"""The names and labels of some clips."""


def _open_part(place: Path, part: str) -> tuple[Path, Named]:
    labels = place / f"{part}_label.pkl"
    names = _read_names(labels)
    files = [place / f"{part}_data_joint.npy", place / f"{part}_data.npy"]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise InputError(f"{files[0]}: no such file, though {labels.name} is there")
    with file.open("rb") as stream:
        _read_header(stream, len(names), file)
    return file, names


def _read_header(stream: IO[bytes], clips: int, file: Path) -> tuple[int, np.dtype]:
    """Return the frames of each clip and the kind of number."""
    shape, kind = read_header(stream, str(file))
    rest = (len(NTU25.joints), ACTORS)
    if len(shape) != 5 or shape[1] != NTU25.dims or shape[3:] != rest:
        expected = f"float32 [N, {NTU25.dims}, {FRAMES}, {rest[0]}, {rest[1]}]"
        raise InputError(f"{file}: {kind} {shown(shape)}, expected {expected}")
    check_length(shape[2], str(file))
    if shape[0] != clips:
        raise InputError(f"{file}: has {plural(shape[0], 'clip')}, and the labels beside it name {clips}")
    return shape[2], kind


def _read_names(file: Path) -> Named:
    content = read_pickle(file, _LARGEST_LABELS)
    pair: list[Any] = [as_plain(part) for part in content] if isinstance(content, tuple | list) else []
    pair = [part.tolist() if isinstance(part, np.ndarray) else part for part in pair]
    if len(pair) != 2 or not all(isinstance(part, list) for part in pair) or len(pair[0]) != len(pair[1]):
        raise InputError(f"{file}: expected a pair of lists of equal length: names and labels")
    return [(name_or_fault(name, str(file)), label) for name, label in zip(*pair, strict=True)]


def _places(folder: Path) -> list[Path]:
    return [folder / name for name in dict.fromkeys(FOLDERS.values())]


def _guess(path: Path) -> int:
    return BY_NAME * any((place / "train_label.pkl").is_file() for place in (path, *_places(path)))


def _save(store: ClipStore, split: Split, files: list[Path], options: WriteOptions, advance: Advance) -> list[str]:
    return write_stgcn(store, split, files, options.positions, advance).notes()


def _open(path: Path, options: ReadOptions) -> Incoming:
    return read_stgcn(path, options.split)


FORMATS.add(
    "stgcn",
    FormatKind(
        "2s-AGCN and ST-GCN",
        "folders of 2s-AGCN's or ST-GCN's train_label.pkl and arrays",
        _guess,
        _open,
        (FilesBySplit(file_names, _save, _ours),),
        source="folder",
        parts=("_data_joint.npy", "_data.npy"),
        actions=len(ACTIONS_120),
        writes_with={"split": None, "positions": "prepared"},
        reads_with=frozenset({"split"}),
    ),
)
