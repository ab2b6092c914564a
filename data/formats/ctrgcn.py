"""CTR-GCN's arrays, `NTU60_CS.npz` and `NTU60_CV.npz`, and of NTU RGB+D 120 `NTU120_CSub.npz` and `NTU120_CSet.npz`.

`x_train` and `x_test` are float32 [N, 300, 150] (the last axis is actor, joint, coordinate), `y_train` and `y_test`
one-hot float64 [N, 60 or 120]. There are no names in them; an export writes them beside, as `NTU60_CS_names.txt`: one a
line, those for training first.
"""

import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from base.errors import InputError
from base.files import regular_file
from base.shown import cut, shown
from base.unpickling import find_member, member_names, open_arrays, read_any_header, read_array
from base.words import plural
from data.debris import is_debris
from data.formats.arrays import read_block, read_header, write_header
from data.formats.clips import (
    ACTORS,
    Advance,
    DenseClips,
    Incoming,
    NextClip,
    ReadClip,
    as_tracks,
    check_length,
    clip_name,
    table_of,
)
from data.formats.guessing import some_of
from data.formats.options import Positions, ReadOptions, WriteOptions
from data.formats.outputs import FilesBySplit
from data.formats.padded import FRAMES, MIDDLE_OF_SPINE, Cuts, centre, ctrgcn_order, pad, trim
from data.formats.registry import BY_NAME, FORMATS, FormatKind
from data.ntu.actions import ACTIONS, ACTIONS_120
from data.ntu.names import ClipName
from data.ntu.splits import LAST_SETUP, LAST_SETUP_120, MISSING, RULES, SPLITS_120, Split
from data.skeletons.layouts import NTU25
from data.skeletons.store import ClipStore

WIDE = (ACTORS, len(NTU25.joints), NTU25.dims)
WIDTH = ACTORS * len(NTU25.joints) * NTU25.dims
CODES: dict[Split, str] = {"xsub": "CS", "xview": "CV", "xsub120": "CSub", "xset120": "CSet"}
PARTS = ("train", "test")

MOST_CLIPS = 900_000
"""Of one part of a file; eight times those of NTU RGB+D 120, and made-up names go no further."""

_LARGEST = 1 << 40
_LARGEST_LABELS = 1 << 28
_LARGEST_NAMES = 1 << 26


def classes_of(split: Split) -> int:
    """Return the number of classes that the files of a split have, 60 or 120."""
    return len(ACTIONS_120) if split in SPLITS_120 else len(ACTIONS)


def file_names(split: Split) -> list[str]:
    """Return the names of the arrays' file and of the names' file of a split."""
    stem = f"NTU{classes_of(split)}_{CODES[split]}"
    return [f"{stem}.npz", f"{stem}_names.txt"]


def write_ctrgcn(
    store: ClipStore, split: Split, file: Path, names: Path, positions: Positions, advance: Advance
) -> Cuts:
    """Write one split as CTR-GCN's arrays, clip by clip, and the clips' names beside.

    Parameters
    ----------
    store
        The clips.
    split
        The evaluation protocol.
    file, names
        Where to write.
    positions
        `prepared`: moved as CTR-GCN's own preparation does, whose networks expect it (`padded.centre`); `stored`: as
        they are.
    advance
        Called after each clip.

    Returns
    -------
    What was cut off after 300 frames.
    """
    cuts, clips, parts = Cuts(), DenseClips(store), ctrgcn_order(store.clips, split)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed:
        for part, rows in zip(PARTS, parts, strict=True):
            with packed.open(f"x_{part}.npy", "w", force_zip64=True) as member:
                write_header(member, (len(rows), FRAMES, WIDTH), np.dtype(np.float32))
                for row in rows:
                    joints = pad(clips[int(row)], cuts)
                    member.write((centre(joints) if positions == "prepared" else joints).astype("<f4").data.cast("B"))
                    advance()
            with packed.open(f"y_{part}.npy", "w", force_zip64=True) as member:
                classes = classes_of(split)
                write_header(member, (len(rows), classes), np.dtype(np.float64))
                for start in range(0, len(rows), 4096):
                    action = store.clips.action[rows[start : start + 4096]]
                    member.write(np.eye(classes)[action - 1].tobytes())
    names.write_text("".join(f"{store.clips.name[row]}\n" for rows in parts for row in rows))
    return cuts


def _ours(files: list[Path]) -> bool:
    """Say whether a split's files were written by `write_ctrgcn`: it alone puts a list of names beside the arrays."""
    names = files[1]
    if not names.is_file():
        return False
    with names.open("rb") as opened:
        first = opened.readline(200).decode("ascii", "replace").strip()
    try:
        return bool(clip_name(first, str(names)))
    except InputError:
        return False


def read_ctrgcn(file: Path, split: Split, names: Path | None) -> Incoming:
    """Read CTR-GCN's arrays, clip by clip out of the zip.

    Parameters
    ----------
    file
        The `.npz` file.
    split
        The protocol by which its clips are divided.
    names
        A list of the clips' names, one a line: as an export writes it, or CTR-GCN's `skes_available_name.txt`. Without
        it the clips get made-up names, which keep the part and the label.

    Raises
    ------
    InputError
        The file is damaged or not laid out as CTR-GCN's, or the names are not its clips'; so does reading its clips.
    """
    check_arrays(file)
    labels = {part: _read_labels(file, part, split) for part in PARTS}
    with open_arrays(file) as packed:
        for part in PARTS:
            with packed.open(find_member(packed, file, f"x_{part}", _LARGEST)) as member:
                _read_header(member, len(labels[part]), f"{file}: x_{part}")
    known = {part: make_up_names(labels[part], split, part) for part in PARTS}
    notes = ["the clips' names are made up (the file has none): only the part and the action in them are true"]
    if names is not None:
        known, notes = _read_names(names, labels, split, file), []

    def clips() -> Iterator[NextClip]:
        with open_arrays(file) as packed:
            for part in PARTS:
                with packed.open(f"x_{part}.npy") as member:
                    frames, kind = _read_header(member, len(labels[part]), f"{file}: x_{part}")
                    for at, name in enumerate(known[part]):
                        where = f"{file}: x_{part}[{at}] ({name})"
                        joints = read_block(member, (frames, *WIDE), kind, where)
                        yield str(name), partial(_read_clip, joints, name, where)
                    member.read(1)  # the end, where the checksum is compared

    return Incoming(NTU25, sum(map(len, labels.values())), clips(), notes=notes)


def check_arrays(file: Path) -> None:
    """Refuse a file that does not hold CTR-GCN's four arrays, and say what it holds.

    Raises
    ------
    InputError
        One is missing, or the file is no zip of arrays.
    """
    names = member_names(file)
    if missing := [f"{kind}_{part}" for part in PARTS for kind in "xy" if f"{kind}_{part}" not in names]:
        found = ", ".join(cut(name, 40) for name in names[:5]) + (" and more" if len(names) > 5 else "")
        raise InputError(
            f"{file}: not CTR-GCN's arrays: found {found or 'nothing'}, expected x_train, y_train, x_test and y_test "
            f"({missing[0]} is missing); no other .npz can be imported"
        )


def _read_labels(file: Path, part: str, split: Split) -> np.ndarray:
    """Return the classes from 0, int64 [N]."""
    where = f"{file}: y_{part}"
    with open_arrays(file) as packed, packed.open(find_member(packed, file, f"y_{part}", _LARGEST_LABELS)) as member:
        shape, _, kind = read_any_header(member, where)
    if len(shape) != 2 or kind.kind not in "fiubO":
        raise InputError(f"{where} is {kind} {shown(shape)}, expected one-hot labels [N, {classes_of(split)}]")
    if shape[0] > MOST_CLIPS:
        raise InputError(f"{where} has {shape[0]} rows, expected one for each clip, {MOST_CLIPS} at most")
    if not 1 <= shape[1] <= 999:
        raise InputError(f"{where} has {shape[1]} classes, expected {classes_of(split)}")
    if shape[1] == len(ACTIONS_120) and split not in SPLITS_120:
        raise InputError(
            f"{where} has {shape[1]} classes, those of NTU RGB+D 120, and {split} is a rule of 60; pass --split "
            f"{' or '.join(SPLITS_120)}"
        )
    one_hot = read_array(file, f"y_{part}", _LARGEST_LABELS)
    if one_hot.dtype.kind not in "fiub":
        raise InputError(f"{where} is {one_hot.dtype} {shown(one_hot.shape)}, expected one-hot labels of numbers")
    wrong = np.flatnonzero((one_hot > 0).sum(1) != 1)
    if len(wrong):
        raise InputError(f"{where}: row {wrong[0]} has {int((one_hot[wrong[0]] > 0).sum())} classes, expected one")
    return (one_hot > 0).argmax(1) if len(one_hot) else np.zeros(0, np.int64)


def _read_header(member: IO[bytes], clips: int, where: str) -> tuple[int, np.dtype]:
    """Return the frames of each clip and the kind of number."""
    shape, kind = read_header(member, where)
    if len(shape) != 3 or shape[0] != clips or shape[2] != WIDTH:
        raise InputError(f"{where} is {kind} {shown(shape)}, expected float32 [{clips}, {FRAMES}, {WIDTH}]")
    check_length(shape[1], where)
    return shape[1], kind


def _read_clip(joints: np.ndarray, name: ClipName, where: str) -> ReadClip:
    with np.errstate(invalid="ignore"):  # NaN is refused below
        joints = trim(joints.swapaxes(0, 1))
    return name, joints.shape[1], as_tracks(joints, None, where, (MIDDLE_OF_SPINE,))


def make_up_names(labels: np.ndarray, split: Split, part: str) -> list[ClipName]:
    """Give clips names by which they fall into their part; what counts them decides nothing by any protocol.

    Of 60, that is the replication and, each 999 clips, the setup, but for the setups that are of 120 alone; of 120, the
    replication and the camera. By the other protocol all are on one side.
    """
    at = np.arange(len(labels))
    block = at // 999
    performer, camera, setup = 3, np.ones_like(at), 1 + block + (LAST_SETUP_120 - LAST_SETUP) * (block >= LAST_SETUP)
    if split in SPLITS_120:
        setup, camera = np.full_like(at, LAST_SETUP + 2), 1 + block  # an odd one, for testing
    if part == "train":
        match split:
            case "xsub" | "xsub120":
                performer = 1
            case "xview":
                camera = camera + 1
            case "xset120":
                setup = setup + 1
    columns = (setup, camera, np.full_like(at, performer), 1 + at % 999, labels + 1)
    return [ClipName(*numbers) for numbers in np.stack(columns, 1).tolist()]


def _read_names(names: Path, labels: dict[str, np.ndarray], split: Split, file: Path) -> dict[str, list[ClipName]]:
    """Bring listed names into the order of the arrays; the labels must agree with all of them."""
    try:
        with regular_file(names).open("rb") as stream:
            content = stream.read(_LARGEST_NAMES + 1)
    except OSError as error:
        raise InputError(f"{names}: cannot be read ({error.strerror or error})") from error
    if len(content) > _LARGEST_NAMES:
        raise InputError(f"{names}: more than {_LARGEST_NAMES >> 20} MiB, which is no list of names")
    words = content.decode("ascii", "replace").split()
    listed = sorted({clip_name(word, str(names)) for word in words})
    total = sum(map(len, labels.values()))
    if len(listed) != total:
        listed = [name for name in listed if str(name) not in MISSING]
    known = {
        part: [listed[row] for row in rows]
        for part, rows in zip(PARTS, ctrgcn_order(table_of(listed), split), strict=True)
    }
    for part in PARTS:
        if len(known[part]) != len(labels[part]):
            raise InputError(
                f"{names}: {len(known[part])} of its names are for {part} by {split}, and {file} has "
                f"{plural(len(labels[part]), 'clip')} there; give the list of this file's clips"
            )
        actions = np.array([name.action for name in known[part]], np.int64)
        wrong = np.flatnonzero(actions != labels[part] + 1)
        if len(wrong):
            at = wrong[0]
            raise InputError(
                f"{names}: clip {known[part][at]} would be row {at} of {part}, whose label is action "
                f"{labels[part][at] + 1}; give the list of this file's clips"
            )
    return known


def _guess(path: Path) -> int:
    if path.is_dir():
        return BY_NAME * any(True for _ in path.glob("*.npz"))
    return BY_NAME * (path.suffix == ".npz")


def _save(store: ClipStore, split: Split, files: list[Path], options: WriteOptions, advance: Advance) -> list[str]:
    file, names = files
    return write_ctrgcn(store, split, file, names, options.positions, advance).notes()


def _open(path: Path, options: ReadOptions) -> Incoming:
    """Open a file, or the only one of a folder; without an option, its name tells the split."""
    if path.is_dir():
        path = _only_file(path, options.split)
    split = options.split
    if split is None:
        told = [split for split in RULES if CODES[split] in path.stem.split("_")]
        if len(told) != 1:
            check_arrays(path)  # another file is none of CTR-GCN's, whatever the split
            raise InputError(f"{path}: its name does not tell the split by {' or '.join(CODES.values())}; pass --split")
        split = told[0]
    beside = path.with_name(f"{path.stem}_names.txt")
    names = options.names or (beside if beside.is_file() else None)
    return read_ctrgcn(path, split, names)


def _only_file(folder: Path, split: Split | None) -> Path:
    files = sorted(file for file in folder.glob("*.npz") if not is_debris(file.name))
    if split is not None:
        files = [file for file in files if CODES[split] in file.stem.split("_")]
    if len(files) != 1:
        found = f"{len(files)} .npz files" if files else f"no .npz file but {some_of(folder)}"
        raise InputError(f"{folder}: found {found}, expected one; name the file, such as NTU60_CS.npz")
    return files[0]


FORMATS.add(
    "ctrgcn",
    FormatKind(
        "CTR-GCN",
        "CTR-GCN's .npz",
        _guess,
        _open,
        (FilesBySplit(file_names, _save, _ours),),
        actions=len(ACTIONS_120),
        writes_with={"split": None, "positions": "prepared"},
        reads_with=frozenset({"names", "split"}),
    ),
)
