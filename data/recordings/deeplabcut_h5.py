"""DeepLabCut's HDF5 files, which pandas writes in two layouts: "table" and "fixed"."""

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from base.shown import cut, shown
from base.unpickling import ArrayUnpickler, load_scanned
from data.recordings.deeplabcut import find_columns
from data.recordings.hdf5 import MAGIC, Hdf5, patched_array, read_hdf5, write_hdf5
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.wide import wide_recording

_WANTED = r"[^/]+/(table|axis1|block\d+_values|block\d+_items_(level|label)\d+)"
_MOST_BLOCKS = 10
_PEEK = 4 << 20


@dataclass(frozen=True)
class _Block:
    """Columns of one kind of number.

    Parameters
    ----------
    values
        [T, C], as in the file.
    columns
        What each column is called: a tuple for each.
    array, field
        The path of the array that holds them, and which field of its records they are; None if it has none.
    """

    values: np.ndarray
    columns: list[tuple[Any, ...]]
    array: str
    field: str | None = None


def guess(path: Path) -> int:
    """Say whether a file is a pandas table in HDF5 whose columns are body parts."""
    start = head(path, _PEEK)
    return BY_CONTENT if start.startswith(MAGIC) and b"pandas_type" in start and b"bodyparts" in start else 0


def read(path: Path) -> Recording:
    """Read a table of one or several animals, in 2D or 3D.

    The names of columns may be pickled, by any Python: only text and numbers are read of such. An index that is no
    whole numbers leaves frames counted from 0. A part at exactly zero is missing.

    Raises
    ------
    InputError
        The file is damaged, holds several tables, or its columns are not DeepLabCut's.
    """
    file = read_hdf5(path, _WANTED)
    kinds = {key: attributes.get("pandas_type") for key, attributes in file.attributes.items()}
    tables = [key for key, kind in kinds.items() if kind in (b"frame_table", b"frame")]
    if len(tables) != 1:
        raise InputError(f"{path}: holds {len(tables)} tables of pandas, expected one; write each into its own file")
    parts = _appendable if kinds[tables[0]] == b"frame_table" else _fixed
    index, blocks = parts(path, file, tables[0])
    names = [column for block in blocks for column in block.columns]
    for name in names:
        if not 3 <= len(name) <= 4 or not all(isinstance(part, str) for part in name):
            raise InputError(
                f"{path}: found a column {shown(name)}, expected scorer, (individual,) body part and coord"
            )
    if len({len(block.values) for block in blocks}) > 1:
        raise InputError(f"{path}: its columns have different lengths; the file is damaged")
    columns, sure, bodyparts = find_columns(path, [(name[-3], name[-2], name[-1]) for name in names])
    grid = np.concatenate([block.values.astype(np.float64) for block in blocks], axis=1)

    def write(after: np.ndarray, output: Path) -> None:
        new = np.full(grid.shape, np.nan)
        new[:, columns[columns >= 0]] = after[:, columns >= 0]
        ends = np.cumsum([block.values.shape[1] for block in blocks])[:-1]
        arrays: dict[str, np.ndarray] = {}
        for block, old, part in zip(blocks, np.split(grid, ends, 1), np.split(new, ends, 1), strict=True):
            changed = patched_array(block.values, old, part)
            if changed is not None and block.field is None:
                arrays[block.array] = changed
            elif changed is not None:
                records = arrays.setdefault(block.array, file.arrays[block.array].copy())
                records[block.field] = changed.reshape(records[block.field].shape)
        write_hdf5(path, output, arrays)

    return wide_recording(
        np.where(columns >= 0, grid[:, columns], np.nan),
        None if sure is None else np.where(sure >= 0, grid[:, sure], np.nan),
        index.astype(np.int64) if index.shape == (len(grid),) and index.dtype.kind in "iu" else np.arange(len(grid)),
        write,
        zero_is_missing=True,
        names=bodyparts,
        unit="px" if columns.shape[-1] == 2 else "",
        notes=("the file has whole numbers: what is refined is rounded",) if _has_whole_numbers(blocks) else (),
    )


def _has_whole_numbers(blocks: list[_Block]) -> bool:
    return any(block.values.dtype.kind in "iu" for block in blocks)


def _appendable(path: Path, file: Hdf5, key: str) -> tuple[np.ndarray, list[_Block]]:
    """Return the index and the columns of the layout in which a row is a record."""
    name = f"{key}/table"
    records = file.arrays.get(name)
    if records is None or records.ndim != 1 or not records.dtype.names:
        raise InputError(f"{path}: {cut(key)} has no table of records, expected pandas's")
    blocks = []
    for field in records.dtype.names:
        if field.startswith("values_block_"):
            width = math.prod(records.dtype[field].shape)
            columns = _unpickled(path, file.attributes[name].get(f"{field}_kind", b""))
            blocks.append(_block(path, records[field].reshape(len(records), width), columns, name, field))
    if not blocks:
        raise InputError(f"{path}: {cut(name)} has no block of values, expected pandas's")
    return records["index"] if "index" in records.dtype.names else np.zeros(0), blocks


def _fixed(path: Path, file: Hdf5, key: str) -> tuple[np.ndarray, list[_Block]]:
    """Return the index and the columns of the layout in which each kind of number has an array."""
    blocks = []
    for number in range(_MOST_BLOCKS):
        name = f"{key}/block{number}_values"
        if name not in file.arrays:
            break
        values = file.arrays[name]
        columns = []
        for level in range(4):
            texts, labels = (file.arrays.get(f"{key}/block{number}_items_{what}{level}") for what in ("level", "label"))
            if texts is None or labels is None:
                break
            if texts.ndim != 1 or texts.dtype.kind != "S" or labels.dtype.kind not in "iu" or labels.ndim != 1:
                raise InputError(f"{path}: {cut(name)} has columns whose names are no texts, expected DeepLabCut's")
            if len(labels) and not 0 <= labels.min() <= labels.max() < len(texts):
                raise InputError(f"{path}: {cut(name)} has a column without a name; the file is damaged")
            names = [text.decode("utf-8", "replace") for text in texts.tolist()]
            columns.append([names[label] for label in labels.tolist()])
        if values.ndim != 2 or len({len(level) for level in columns}) != 1:
            raise InputError(f"{path}: {cut(name)} has no name for each column, expected DeepLabCut's")
        blocks.append(_block(path, values, list(zip(*columns, strict=True)), name))
    if not blocks:
        raise InputError(f"{path}: {cut(key)} has no block of values, expected pandas's")
    return file.arrays.get(f"{key}/axis1", np.zeros(0)), blocks


def _block(path: Path, values: np.ndarray, columns: Any, array: str, field: str | None = None) -> _Block:
    named = isinstance(columns, list) and all(isinstance(column, tuple) for column in columns)
    if values.dtype.kind not in "iuf" or not named or len(columns) != values.shape[1]:
        raise InputError(f"{path}: {cut(array)} has no number and no name for each column, expected DeepLabCut's")
    return _Block(values, columns, array, field)


def _unpickled(path: Path, content: bytes) -> Any:
    """Return what a pickle holds, of nothing but plain values."""
    damaged = f"{path}: the names of its columns cannot be read; write the file again"
    return load_scanned(ArrayUnpickler, io.BytesIO(content), len(content), str(path), damaged)


RECORDINGS.add("deeplabcut_h5", RecordingKind("DeepLabCut in HDF5", "DeepLabCut's .h5", guess, read))
