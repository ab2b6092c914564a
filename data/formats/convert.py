"""`python run.py export` and `python run.py import`: between a clip store and other people's files."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from base.errors import InputError
from base.files import atomic_file, atomic_folder
from base.progress import progress
from base.settings import FPS
from data.formats import ctrgcn, stgcn
from data.formats.clips import Advance, Incoming, Positions, check_exportable
from data.formats.npy_files import SUFFIX, read_npy_files, write_npy_files
from data.formats.padded import FRAMES, Cuts
from data.formats.pyskl import Precision, read_pyskl, write_pyskl
from data.formats.skeleton_files import read_skeletons, write_skeletons
from data.ntu.splits import Split, in_training
from data.skeletons.store import ClipStore, StoreInfo, StoreWriter, open_store

Format = Literal["pyskl", "ctrgcn", "stgcn", "skeleton", "npy"]
SPLITS: tuple[Split, ...] = get_args(Split)


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
            with _new_file(output, again) as file:
                write_pyskl(store, file, options.precision or "float16", advance)
            return [f"{output}: {len(store.clips)} clips for PYSKL, {_megabytes(output)}"]
        if options.format in ("ctrgcn", "stgcn"):
            return _export_padded(store, output, options, splits, again, advance)
        if options.format == "skeleton" and output.suffix == ".zip":
            with _new_file(output, again) as file:
                write_skeletons(store, file, True, advance)
            return [f"{output}: {len(store.clips)} .skeleton files, {_megabytes(output)}"]
        suffix = SUFFIX if options.format == "npy" else ".skeleton"
        if again:
            _check_replaceable(output, suffix)
        with atomic_folder(output, again) as at:
            if options.format == "npy":
                write_npy_files(store, at, advance)
            else:
                write_skeletons(store, at, False, advance)
        return [f"{output}: {len(store.clips)} {suffix} files"]


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
    lines = []
    for split in splits:
        cuts: Cuts
        with ExitStack() as stack:
            if options.format == "ctrgcn":
                targets = [output / name for name in ctrgcn.file_names(split)]
                file, names = [stack.enter_context(_new_file(target, again)) for target in targets]
                cuts = ctrgcn.write_ctrgcn(store, split, file, names, options.positions or "prepared", advance)
            else:
                targets = [output / name for name in stgcn.file_names(split)]
                files = [stack.enter_context(_new_file(target, again)) for target in targets]
                cuts = stgcn.write_stgcn(store, split, files, options.positions or "prepared", advance)
        training = int(in_training(store.clips, split).sum())
        lines.append(
            f"{targets[0] if options.format == 'ctrgcn' else targets[0].parent}: {training} clips for training, "
            f"{len(store.clips) - training} for testing, {_megabytes(*targets)}"
        )
        if cuts.clips:
            lines.append(f"  cut at {FRAMES} frames: {cuts.clips} clips lost {cuts.frames} frames")
    if left_out := [split for split in SPLITS if split not in splits and options.split is None]:
        lines.append(f"  not written: {left_out[0]}, by which all clips would be for training or all for testing")
    return lines


def _megabytes(*files: Path) -> str:
    return f"{sum(file.stat().st_size for file in files) / 1e6:,.1f} MB"


@contextmanager
def _new_file(path: Path, again: bool) -> Iterator[Path]:
    if path.is_dir() or (path.exists() and not again):
        raise InputError(f"{path}: already exists; choose another output or pass --again to replace it")
    with atomic_file(path) as temporary:
        yield temporary


@contextmanager
def _writing(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror or error}); nothing was kept") from error


def _check_replaceable(folder: Path, suffix: str) -> None:
    """Refuse to replace a folder in which there is anything but an export."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.is_dir() or not path.name.endswith(suffix):
                raise InputError(
                    f"{folder}: holds {path.name}, which is no {suffix} file; choose another output folder"
                )
    elif folder.exists():
        raise InputError(f"{folder}: is a file, expected a folder or nothing; choose another output")


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
    """

    format: Format | None = None
    names: Path | None = None
    split: Split | None = None
    fps: float = 30.0


def import_store(source: Path, folder: Path, options: ImportOptions, again: bool = False) -> list[str]:
    """Read somebody else's files into a clip store, which is there whole or not at all.

    What the files do not say is filled in: actors are seen where their numbers are not all 0, and a joint of a seen
    actor counts as tracked (in an image: if its position and confidence are not all 0).

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
        The files are not of that format, damaged, or hold what a store cannot.
    """
    if not source.exists():
        raise InputError(f"{source}: no such file or folder")
    format = options.format or guess_format(source)
    if not FPS[0] <= options.fps <= FPS[1]:
        raise InputError(f"--fps {options.fps}: expected a number from {FPS[0]} to {FPS[1]}, frames per second")
    if folder.exists() and not again:  # before anything long is read
        raise InputError(f"{folder}: already exists; choose another folder or pass --again to replace it")
    if again and folder.exists():
        open_store(folder)  # only a store is replaced by a store
    incoming = _open(source, format, options)
    info = StoreInfo(
        layout=incoming.layout.name,
        fps=options.fps,
        image=incoming.image,
        confidence=incoming.confidence,
        source=str(source),
        config={"import": {"format": format, "split": options.split, "names": options.names and str(options.names)}},
    )
    skipped = []
    with _writing(folder), StoreWriter(folder, info, again) as writer, progress() as bar:
        task = bar.add_task("importing clips", total=incoming.total)
        for name, frames, tracks in incoming.clips:
            if tracks:
                writer.add(name, frames, tracks)
            else:
                skipped.append({"file": str(name), "reason": "nobody is seen in any frame"})
            bar.advance(task)
        writer.info = info.model_copy(update={"skipped": skipped})
    lines = [f"{folder}: {incoming.total - len(skipped)} clips from {format} files, joints of {incoming.layout.name}"]
    if skipped:
        lines.append(f"  left out: {len(skipped)} clips in which nobody is seen, the first {skipped[0]['file']}")
    return lines + [f"  {note}" for note in incoming.notes]


def guess_format(source: Path) -> Format:
    """Tell the format of a file or folder from its names.

    Raises
    ------
    InputError
        They do not tell.
    """
    if source.is_file():
        by_suffix: dict[str, Format] = {".pkl": "pyskl", ".npz": "ctrgcn", ".zip": "skeleton"}
        if source.suffix in by_suffix:
            return by_suffix[source.suffix]
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
    raise InputError(f"{source}: its names do not tell the format; pass --format {'|'.join(get_args(Format))}")


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
        return read_skeletons(source)
    return _open_ctrgcn(source, options)


def _open_ctrgcn(source: Path, options: ImportOptions) -> Incoming:
    if source.is_dir():
        files = sorted(source.glob("*.npz"))
        if options.split is not None:
            files = [file for file in files if ctrgcn.CODES[options.split] in file.stem.split("_")]
        if len(files) != 1:
            raise InputError(
                f"{source}: found {len(files)} .npz files, expected one; name the file, such as NTU60_CS.npz"
            )
        source = files[0]
    split = options.split
    if split is None:
        told = [split for split in SPLITS if ctrgcn.CODES[split] in source.stem.split("_")]
        if len(told) != 1:
            raise InputError(f"{source}: its name does not tell the split by CS or CV; pass --split xsub or xview")
        split = told[0]
    beside = source.with_name(f"{source.stem}_names.txt")
    names = options.names or (beside if beside.is_file() else None)
    return ctrgcn.read_ctrgcn(source, split, names)
