"""`python run.py export`: a clip store as other people's files."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.progress import progress
from data.formats.options import Dtype, Positions, WriteOptions
from data.formats.outputs import Export, OneFile, Output, writing
from data.formats.registry import FORMATS, FormatKind, find_format
from data.ntu.splits import Split
from data.skeletons.store import ClipStore, open_store


@dataclass(frozen=True)
class ExportOptions:
    """What to write, and how; of options that are None, the format has its own defaults.

    Parameters
    ----------
    format
        Whose files, by a name in `FORMATS`.
    dtype, split, positions
        See `WriteOptions`; refused by formats that do not take them.
    """

    format: str
    dtype: Dtype | None = None
    split: Split | None = None
    positions: Positions | None = None


def export_store(folder: Path, output: Path, options: ExportOptions, again: bool = False) -> list[str]:
    """Write a clip store in somebody else's format; what is written is there whole or not at all.

    Parameters
    ----------
    folder
        The clip store.
    output
        A file or folder, as the format has it.
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
    kind = find_format(options.format)
    how = _check_options(kind, options)
    store = open_store(folder)
    _check_store(store, options.format, kind)
    export = Export(store, output, options.format, how, again)
    with writing(output), progress() as bar:
        shape = _shape_of(export, kind)
        task = bar.add_task("exporting clips", total=len(store.clips) * shape.rounds(export))
        return shape.write(export, lambda: bar.advance(task))


def _check_options(kind: FormatKind, options: ExportOptions) -> WriteOptions:
    how = replace(WriteOptions(), **kind.writes_with)
    for name in ("dtype", "split", "positions"):
        value = getattr(options, name)
        if value is None:
            continue
        if name not in kind.writes_with:
            raise InputError(f"--{name} {value}: does not go with --format {options.format}; leave it out")
        how = replace(how, **{name: value})
    return how


def _check_store(store: ClipStore, format: str, kind: FormatKind) -> None:
    """Refuse a store whose joints or actions a format cannot hold."""
    if not len(store.clips):
        raise InputError(f"{store.folder}: holds no clip; there is nothing to export")
    layout, action = store.info.layout, store.clips.action
    if layout not in kind.layouts:
        raise InputError(
            f"{store.folder}: has the joints of {layout}, and --format {format} holds {' or '.join(kind.layouts)}"
            + "".join(f"; use --format {other}" for other in _others(layout, 1)[:1])
            + "; `python run.py convert` writes a store with other joints" * (not _others(layout, 1))
        )
    actors = int(store.tracks.actor.max(initial=0)) + 1
    if kind.people is not None and actors > kind.people:
        raise InputError(
            f"{store.folder}: has clips of {actors} people, and --format {format} holds {kind.people}; import it with "
            f"--people {kind.people}"
        )
    if kind.actions is None:
        return
    outside = np.flatnonzero((action < 1) | (action > kind.actions))
    if len(outside):
        found = int(action[outside[0]])
        raise InputError(
            f"{store.folder}: clip {store.clips.name[outside[0]]} has action {found}, and --format {format} needs one "
            f"of NTU RGB+D {kind.actions}'s actions 1 to {kind.actions}; leave the clip out"
            + "".join(f" or use --format {other}" for other in _others(layout, found)[:1])
        )


def _others(layout: str, action: int) -> list[str]:
    """Name the formats that can hold some joints and an action."""
    kinds = [(name, FORMATS[name]) for name in FORMATS.names()]
    held = [(name, kind) for name, kind in kinds if kind.outputs and layout in kind.layouts]
    return [name for name, kind in held if kind.actions is None or 1 <= action <= kind.actions]


def _shape_of(export: Export, kind: FormatKind) -> Output:
    if not kind.outputs:
        raise InputError(f"--format {export.format}: can be read and not written; choose another format")
    shape = next((shape for shape in kind.outputs if shape.fits(export.output)), None)
    if shape is None:
        file = next(shape for shape in kind.outputs if isinstance(shape, OneFile))
        example = file.example or f"clips{file.suffix}"
        raise InputError(f"{export.output}: {kind.label} opens {file.suffix} files only; give a name such as {example}")
    return shape


def describe_outputs() -> list[tuple[str, str]]:
    """Return the name of each format that can be written, and whose it is, its shapes, and its options' defaults."""
    rows = []
    for name in FORMATS.names():
        kind = FORMATS[name]
        if kind.outputs:
            shapes = " or ".join(shape.called for shape in kind.outputs)
            options = [f"--{option}{f' ({value})' * bool(value)}" for option, value in kind.writes_with.items()]
            rows.append((name, "; ".join([f"{kind.label}: {shapes}", *options])))
    return rows
