"""`python run.py export` and `python run.py import`: between a clip store and other people's files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from base.errors import InputError
from base.files import atomic_files, atomic_folder, regular_file
from base.progress import progress
from base.replacing import Kind, check_file_replaceable, check_replaceable
from base.words import plural
from data.debris import is_debris
from data.formats import ctrgcn, stgcn
from data.formats.clips import Advance, Incoming, Positions, check_exportable
from data.formats.npy_files import NPY_FOLDER, SUFFIX, read_npy_files, write_npy_files
from data.formats.padded import FRAMES, Cuts
from data.formats.pyskl import Precision, is_our_pickle, read_pyskl, write_pyskl
from data.formats.skeleton_files import SKELETON_FOLDER, is_our_zip, read_skeletons, write_skeletons
from data.ntu.splits import Split, in_training
from data.skeletons.store import STORE, ClipStore, StoreInfo, StoreWriter, Track, open_store
from data.skeletons.units import METRES, Units, check_metres

Format = Literal["pyskl", "ctrgcn", "stgcn", "skeleton", "npy"]
SPLITS: tuple[Split, ...] = get_args(Split)
FOLDERS: Mapping[Format, Kind] = {"npy": NPY_FOLDER, "skeleton": SKELETON_FOLDER}
"""The formats that are a folder of one file per clip; `skeleton` may also be a zip."""


@dataclass(frozen=True)
class ExportOptions:
    """What to write, and how.

    Parameters
    ----------
    format
        Whose files.
    precision
        Of PYSKL's pickle: `float16`, as its own files are (the default), or `float32`.
    split
        Of `ctrgcn` and `stgcn`: the only protocol to write; both if None.
    positions
        Of `ctrgcn` and `stgcn`: `prepared` as that project prepares its own files (the default), or as `stored`.
    """

    format: Format
    precision: Precision | None = None
    split: Split | None = None
    positions: Positions | None = None


def export_store(folder: Path, output: Path, options: ExportOptions, again: bool = False) -> list[str]:
    """Write a clip store in somebody else's format; what is written is there whole or not at all.

    Parameters
    ----------
    folder
        The clip store.
    output
        A `.pkl` file for `pyskl`; a folder, or a `.zip` file for `skeleton`; a folder for the others.
    options
        What to write.
    again
        Replace what an earlier export wrote.

    Returns
    -------
    Lines that say what was written, and what was left out.

    Raises
    ------
    InputError
        The store, the output or an option does not fit the format.
    """
    _check_options(options)
    store = open_store(folder)
    check_exportable(store, options.format)
    with _writing(output), progress() as bar:
        splits = _splits_of(store, options)
        task = bar.add_task("exporting clips", total=len(store.clips) * max(len(splits), 1))

        def advance() -> None:
            bar.advance(task)

        if options.format == "pyskl":
            if output.suffix != ".pkl":
                raise InputError(f"{output}: PYSKL opens .pkl files only; give a name such as ntu60_3danno.pkl")
            with _new_files([output], again, folder, is_our_pickle) as (file,):
                write_pyskl(store, file, options.precision or "float16", advance)
            return [f"{output}: {plural(len(store.clips), 'clip')} for PYSKL, {_megabytes(output)}"]
        if options.format in ("ctrgcn", "stgcn"):
            return _export_padded(store, output, options, splits, again, advance)
        if options.format == "skeleton" and output.suffix == ".zip":
            with _new_files([output], again, folder, is_our_zip) as (file,):
                write_skeletons(store, file, True, advance)
            return [f"{output}: {plural(len(store.clips), '.skeleton file')}, {_megabytes(output)}"]
        suffix = SUFFIX if options.format == "npy" else ".skeleton"
        with atomic_folder(output, FOLDERS[options.format] if again else None, [folder]) as at:
            if options.format == "npy":
                write_npy_files(store, at, advance)
            else:
                write_skeletons(store, at, False, advance)
        return [f"{output}: {plural(len(store.clips), f'{suffix} file')}"]


def _check_options(options: ExportOptions) -> None:
    padded = options.format in ("ctrgcn", "stgcn")
    for option, value, fits in (
        ("--dtype", options.precision, options.format == "pyskl"),
        ("--split", options.split, padded),
        ("--positions", options.positions, padded),
    ):
        if value is not None and not fits:
            raise InputError(f"{option} {value}: does not go with --format {options.format}; leave it out")


def _splits_of(store: ClipStore, options: ExportOptions) -> tuple[Split, ...]:
    """Return the protocols to write: those by which there is something to train and to test on."""
    if options.format not in ("ctrgcn", "stgcn"):
        return ()
    asked = (options.split,) if options.split else SPLITS
    usable = tuple(split for split in asked if len(set(in_training(store.clips, split).tolist())) == 2)
    if len(store.clips) and not usable:
        raise InputError(
            f"{store.folder}: by {' and '.join(asked)} all of its {len(store.clips)} clips are for training or all for "
            f"testing, and --format {options.format} needs both; use a store of more clips"
        )
    return usable


def _export_padded(
    store: ClipStore, output: Path, options: ExportOptions, splits: tuple[Split, ...], again: bool, advance: Advance
) -> list[str]:
    formatter: Any = ctrgcn if options.format == "ctrgcn" else stgcn
    targets = {split: [output / name for name in formatter.file_names(split)] for split in splits}
    cuts: dict[Split, Cuts] = {}
    # all splits or none: one that stood there alone would be in the way of the same command
    with _new_files([file for files in targets.values() for file in files], again, store.folder) as files:
        waiting = iter(files)
        for split in splits:
            new = [next(waiting) for _ in targets[split]]
            positions = options.positions or "prepared"
            if options.format == "ctrgcn":
                file, names = new
                cuts[split] = ctrgcn.write_ctrgcn(store, split, file, names, positions, advance)
            else:
                cuts[split] = stgcn.write_stgcn(store, split, new, positions, advance)
    lines = []
    for split in splits:
        training = int(in_training(store.clips, split).sum())
        place = targets[split][0] if options.format == "ctrgcn" else targets[split][0].parent
        lines.append(
            f"{place}: {plural(training, 'clip')} for training, {len(store.clips) - training} for testing, "
            f"{_megabytes(*targets[split])}"
        )
        if cut := cuts[split].clips:
            lines.append(f"  cut at {FRAMES} frames: {plural(cut, 'clip')} lost {plural(cuts[split].frames, 'frame')}")
    if left_out := [split for split in SPLITS if split not in splits and options.split is None]:
        lines.append(f"  not written: {left_out[0]}, by which all clips would be for training or all for testing")
    return lines


def _megabytes(*files: Path) -> str:
    return f"{sum(file.stat().st_size for file in files) / 1e6:,.1f} MB"


@contextmanager
def _new_files(
    paths: Sequence[Path], again: bool, store: Path, ours: Callable[[Path], bool] = lambda _: True
) -> Iterator[list[Path]]:
    for path in paths:
        check_file_replaceable(path, again, [store], ours)
    with atomic_files(paths) as temporaries:
        yield temporaries


@contextmanager
def _writing(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror or error}); nothing was kept") from error


@dataclass(frozen=True)
class ImportOptions:
    """What to read.

    Parameters
    ----------
    format
        Whose files; guessed from the path if None.
    names
        Of `ctrgcn`: the list of the clips' names; the one that an export wrote beside the arrays if None.
    split
        Of `ctrgcn`: the protocol by which the file is divided; told by CS or CV in its name if None. Of `stgcn`: which
        of the folders to read.
    fps
        Frames per second of the recordings.
    units
        What positions in space are in; a store has metres.
    on_error
        What to do with a clip that cannot be used: stop, or skip it and count it in the store. What is wrong with the
        file as a whole stops in any case.
    """

    format: Format | None = None
    names: Path | None = None
    split: Split | None = None
    fps: float = 30.0
    units: Units = "m"
    on_error: Literal["stop", "skip"] = "stop"


def import_store(source: Path, folder: Path, options: ImportOptions, again: bool = False) -> list[str]:
    """Read somebody else's files into a clip store, which is there whole or not at all.

    What the files do not say is filled in: a joint at exactly 0 was not seen (`data.skeletons.seen`), any other is
    tracked.

    Parameters
    ----------
    source
        The file or folder to read.
    folder
        The clip store to write.
    options
        What to read.
    again
        Replace an existing store.

    Returns
    -------
    Lines that say what was read, and what was left out.

    Raises
    ------
    InputError
        The files are not of that format, damaged, or hold what a store cannot, such as bodies that are not in metres.
    """
    if not source.exists():
        raise InputError(f"{source}: no such file or folder")
    for path in (source, options.names):
        if path is not None and path.exists() and not path.is_dir():
            regular_file(path)
    format = options.format or guess_format(source)
    if not options.fps > 0 or not np.isfinite(options.fps):
        raise InputError(f"--fps {options.fps}: expected a number above 0")
    inputs = [source, *([options.names] if options.names else [])]
    check_replaceable(folder, STORE if again else None, inputs)  # before anything long is read
    incoming = _open(source, format, options)
    if incoming.layout.dims != 3 and options.units != "m":
        raise InputError(f"--units {options.units}: {source} has joints in an image, in pixels; leave it out")
    info = StoreInfo(
        layout=incoming.layout.name,
        fps=options.fps,
        image=incoming.image,
        confidence=incoming.confidence,
        times=incoming.times,
        source=str(source),
        config={"import": _kept(format, options)},
    )
    unseen: list[dict[str, str]] = []
    faulty: list[dict[str, str]] = []
    with _writing(folder), StoreWriter(folder, info, again, inputs) as writer, progress() as bar:
        task = bar.add_task("importing clips", total=incoming.total)
        for called, read in incoming.clips:
            try:
                name, frames, tracks = read()
                if format != "skeleton" and incoming.layout.dims == 3:  # those are read in metres already
                    tracks = _in_metres(tracks, options.units, f"{source}: {called}")
            except InputError as error:
                if options.on_error == "stop":
                    raise InputError(f"{error}; go on without such clips with --on-error skip") from error
                faulty.append({"file": called, "reason": str(error)})
            else:
                if tracks:
                    writer.add(name, frames, tracks)
                else:
                    unseen.append({"file": called, "reason": "nobody is seen in any frame"})
            bar.advance(task)
        if faulty and len(faulty) + len(unseen) == incoming.total:
            raise InputError(f"{source}: no clip can be used; the first: {faulty[0]['reason']}")
        writer.info = info.model_copy(update={"skipped": unseen + faulty})
    left = plural(incoming.total - len(unseen) - len(faulty), "clip")
    lines = [f"{folder}: {left} from {format} files, joints of {incoming.layout.name}"]
    if unseen:
        lines.append(
            f"  left out: {plural(len(unseen), 'clip')} in which nobody is seen, the first {unseen[0]['file']}"
        )
    if faulty:
        lines.append(
            f"  skipped: {len(faulty)} of {incoming.total} clips, which cannot be used (store.json has them all); the "
            f"first: {faulty[0]['reason']}"
        )
    return lines + [f"  {note}" for note in incoming.notes]


def _kept(format: Format, options: ImportOptions) -> dict[str, str | None]:
    """Return what a store keeps of the options."""
    names = None if options.names is None else str(options.names)
    kept: dict[str, str | None] = {"format": format, "split": options.split, "names": names}
    return kept if options.units == "m" else kept | {"units": options.units}


def _in_metres(tracks: list[Track], units: Units, where: str) -> list[Track]:
    """Return tracks in space in metres, and refuse those that cannot be."""
    if units != "m":
        tracks = [replace(track, joints=track.joints * np.float32(METRES[units])) for track in tracks]
    if tracks:
        joints, seen = (np.concatenate([getattr(track, key) for track in tracks]) for key in ("joints", "tracked"))
        check_metres(joints, seen > 0, where, "--units ")
    return tracks


READS = (
    "import reads PYSKL's .pkl, CTR-GCN's .npz, folders of 2s-AGCN's or ST-GCN's train_label.pkl and arrays, folders "
    "or zips of .skeleton files, and folders of .skeleton.npy files"
)


def guess_format(source: Path) -> Format:
    """Tell the format of a file or folder from its names.

    Raises
    ------
    InputError
        They are those of no format, or of several.
    """
    if source.is_file():
        by_suffix: dict[str, Format] = {".pkl": "pyskl", ".npz": "ctrgcn", ".zip": "skeleton"}
        if source.suffix in by_suffix:
            return by_suffix[source.suffix]
        if source.name.endswith((SUFFIX, ".skeleton", "_data_joint.npy", "_data.npy", "_label.pkl")):
            raise InputError(f"{source}: is one file of a set; give the folder that holds it")
        raise InputError(f"{source}: found {ascii(source.suffix)[1:-1] or 'no ending'} in its name; {READS}")
    else:
        found: list[Format] = []
        if any((source / part / "train_label.pkl").is_file() for part in (".", *SPLITS)):
            found.append("stgcn")
        if next(source.glob(f"*{SUFFIX}"), None):
            found.append("npy")
        if next(source.rglob("*.skeleton"), None):
            found.append("skeleton")
        if next(source.glob("*.npz"), None):
            found.append("ctrgcn")
        if len(found) == 1:
            return found[0]
    if found:
        raise InputError(f"{source}: holds files of {', '.join(found)}; say which with --format {'|'.join(found)}")
    raise InputError(f"{source}: found {_some_of(source)}; {READS}")


def _some_of(folder: Path) -> str:
    """Say what is in a folder, for messages."""
    names = sorted(ascii(path.name)[1:-1] + "/" * path.is_dir() for path in islice(folder.iterdir(), 1000))
    if not names:
        return "nothing in it"
    return ", ".join(name[:40] for name in names[:3]) + (" and more" if len(names) > 3 else "")


def _open(source: Path, format: Format, options: ImportOptions) -> Incoming:
    if options.names is not None and format != "ctrgcn":
        raise InputError(f"--names {options.names}: does not go with --format {format}, whose files have the names")
    if options.split is not None and format not in ("ctrgcn", "stgcn"):
        raise InputError(f"--split {options.split}: does not go with --format {format}; leave it out")
    wrong = {"pyskl": source.is_dir(), "stgcn": source.is_file(), "npy": source.is_file()}
    if wrong.get(format):
        raise InputError(f"{source}: expected a {'file' if format == 'pyskl' else 'folder'} for --format {format}")
    if format == "pyskl":
        return read_pyskl(source)
    if format == "stgcn":
        return stgcn.read_stgcn(source, options.split)
    if format == "npy":
        return read_npy_files(source)
    if format == "skeleton":
        return read_skeletons(source, options.units)
    return _open_ctrgcn(source, options)


def _open_ctrgcn(source: Path, options: ImportOptions) -> Incoming:
    if source.is_dir():
        files = sorted(file for file in source.glob("*.npz") if not is_debris(file.name))
        if options.split is not None:
            files = [file for file in files if ctrgcn.CODES[options.split] in file.stem.split("_")]
        if len(files) != 1:
            found = f"{len(files)} .npz files" if files else f"no .npz file but {_some_of(source)}"
            raise InputError(f"{source}: found {found}, expected one; name the file, such as NTU60_CS.npz")
        source = files[0]
    split = options.split
    if split is None:
        told = [split for split in SPLITS if ctrgcn.CODES[split] in source.stem.split("_")]
        if len(told) != 1:
            ctrgcn.check_arrays(source)  # another file is none of CTR-GCN's, whatever the split
            raise InputError(f"{source}: its name does not tell the split by CS or CV; pass --split xsub or xview")
        split = told[0]
    beside = source.with_name(f"{source.stem}_names.txt")
    names = options.names or (beside if beside.is_file() else None)
    return ctrgcn.read_ctrgcn(source, split, names)
