"""Parquet files with names above columns, such as plain tables have.

Their numbers are packed together, so that one of them cannot be replaced where it stands: a file that something has
changed in is written anew, with the same columns, rows, groups of rows, compression and metadata.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from base.optional import import_optional
from base.shown import cut, shown
from data.recordings.apart import do_apart, patience
from data.recordings.hdf5 import LARGEST
from data.recordings.named_columns import find_columns
from data.recordings.named_rows import NamedRows, lay_out
from data.recordings.patching import read_bytes
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.table_text import MOST_CELLS
from data.recordings.wide import no_frames, wide_recording

_MAGIC = b"PAR1"
_REWRITTEN = "parquet is written anew where something has changed: other bytes than the numbers' may differ"


@dataclass(frozen=True)
class _Table:
    """What is in a file.

    Parameters
    ----------
    header
        The names of all columns.
    numbers
        By column: float64 [R], NaN for none.
    words
        By column: the number of a word for each row, and the words.
    whole
        The columns of whole numbers.
    count
        The rows, R.
    """

    header: list[str]
    numbers: dict[int, np.ndarray]
    words: dict[int, tuple[np.ndarray, list[str]]]
    whole: list[int]
    count: int


def guess(path: Path) -> int:
    """Say whether a file is parquet."""
    return BY_CONTENT if head(path, len(_MAGIC)) == _MAGIC else 0


def read(path: Path) -> Recording:
    """Read a table with a row per frame, per person and frame, or per joint: see `data.recordings.csv.read`.

    Raises
    ------
    InputError
        The file is damaged or too large, or its columns name no coordinates.
    """
    import_optional("pyarrow", "formats", f"{path}: a parquet file")
    table: _Table = do_apart(_read, path, where=str(path), seconds=patience(path))
    columns = find_columns(table.header)
    if columns is None:
        found = cut(", ".join(table.header))
        raise InputError(f"{path}: its columns name no coordinates ({found}), expected such as nose_x and nose_y")
    used = {*columns.coordinates.ravel().tolist(), *([] if columns.sure is None else columns.sure.tolist())} - {-1}
    for column in used - set(table.numbers):
        raise InputError(f"{path}: its column {cut(table.header[column])} holds no numbers")
    grid = np.full((table.count, len(table.header)), np.nan)
    for column in used:
        grid[:, column] = table.numbers[column]
    layout = lay_out(
        NamedRows(
            str(path),
            table.header,
            columns,
            np.arange(table.count),
            numbers=lambda column: _numbers(path, table, column),
            frames=lambda column: _frames(path, table, column),
            words=lambda column: _words(path, table, column),
        )
    )
    values = layout.cells(grid, layout.coordinates, np.nan)
    rows = np.broadcast_to(layout.rows[:, None, :, None], values.shape)
    places = np.broadcast_to(layout.coordinates, values.shape)

    def write(after: np.ndarray, output: Path) -> None:
        changed = np.isfinite(after) & (values != after) & (rows >= 0)
        new = {}
        for column in np.unique(places[changed]).tolist():
            at = changed & (places == column)
            new[column] = rows[at], after[at]
        if new:
            do_apart(_write, path, output, new, where=str(path), seconds=patience(path))
        else:
            output.write_bytes(read_bytes(path, LARGEST))

    rounded = set(table.whole) & set(columns.coordinates.ravel().tolist())
    notes = ("the file has whole numbers: what is refined is rounded",) if rounded else ()
    return wide_recording(
        values,
        None if layout.sure is None else layout.cells(grid, layout.sure, np.nan),
        layout.frame,
        write,
        zero_is_missing=True,
        **layout.about | {"notes": (_REWRITTEN, *notes, *layout.about["notes"])},
    )


def _numbers(path: Path, table: _Table, column: int) -> np.ndarray:
    if column not in table.numbers:
        raise InputError(f"{path}: its column {cut(table.header[column])} holds no numbers")
    return table.numbers[column]


def _frames(path: Path, table: _Table, column: int) -> np.ndarray:
    numbers = _numbers(path, table, column)
    wrong = no_frames(numbers)
    if len(wrong):
        where = f"{path}: row {wrong[0]}, column {cut(table.header[column])}"
        raise InputError(f"{where}: found {shown(float(numbers[wrong[0]]))}, expected the number of a frame")
    return numbers.astype(np.int64)


def _words(path: Path, table: _Table, column: int) -> list[str]:
    if column in table.words:
        codes, words = table.words[column]
        return [words[code] for code in codes.tolist()]
    return [f"{number:.15g}" for number in _numbers(path, table, column).tolist()]


def _read(path: Path) -> _Table:
    """Read all columns of numbers and of text, in a process of its own."""
    import pyarrow as pa
    import pyarrow.compute as pc

    with _opened(path, coded=True) as file:
        table = _whole_table(path, file)
        numbers, words, whole = {}, {}, []
        for at, (kind, column) in enumerate(zip(table.schema.types, table.columns, strict=True)):
            if pa.types.is_integer(kind) or pa.types.is_floating(kind):
                numbers[at] = _as_floats(column)
                whole += [at] if pa.types.is_integer(kind) else []
            elif pa.types.is_timestamp(kind):
                numbers[at] = _as_floats(column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())) / 1e6
            elif pa.types.is_dictionary(kind) and _is_text(kind.value_type):
                coded = column.unify_dictionaries().combine_chunks()
                coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
                codes = pc.fill_null(coded.indices, len(coded.dictionary)).to_numpy(zero_copy_only=False)
                words[at] = codes.astype(np.int64), [*coded.dictionary.to_pylist(), ""]
        return _Table(list(table.column_names), numbers, words, whole, table.num_rows)


def _write(path: Path, output: Path, new: dict[int, tuple[np.ndarray, np.ndarray]]) -> None:
    """Write a file anew with other numbers in some rows of some columns, in a process of its own."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _opened(path) as file:
        table = file.read()
        for at, (rows, values) in new.items():
            field = table.schema.field(at)
            column = table.column(at).fill_null(0).to_numpy().copy()
            if column.dtype.kind in "iu":
                limits = np.iinfo(column.dtype)
                values = np.clip(np.rint(values), limits.min, limits.max)
            column[rows] = values
            empty = table.column(at).is_null().to_numpy().copy()
            empty[rows] = False
            table = table.set_column(at, field, pa.array(column, field.type, mask=empty))
        with pq.ParquetWriter(output, table.schema, **_ways(file)) as writer:
            start = 0
            for group in range(file.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                writer.write_table(table.slice(start, count), row_group_size=max(count, 1))
                start += count


def _ways(file: Any) -> dict[str, Any]:
    """Return how a file was written: its version, and the compression and coding of each column."""
    if not file.num_row_groups:
        return {}
    group = file.metadata.row_group(0)
    columns = [group.column(at) for at in range(group.num_columns)]
    return {
        "version": file.metadata.format_version if file.metadata.format_version in ("1.0", "2.4", "2.6") else "2.6",
        "compression": {column.path_in_schema: _compression(column.compression) for column in columns},
        "use_dictionary": [column.path_in_schema for column in columns if column.has_dictionary_page],
        "write_statistics": [column.path_in_schema for column in columns if column.is_stats_set],
    }


def _compression(name: str) -> str:
    return {"UNCOMPRESSED": "NONE"}.get(name, name)


def _as_floats(column: Any) -> np.ndarray:
    import pyarrow as pa

    found = column.cast(pa.float64(), safe=False).to_numpy()
    return np.asarray(found, np.float64)


def _whole_table(path: Path, file: Any) -> Any:
    """Read columns of numbers and text, no more than memory is for."""
    import pyarrow as pa

    schema = file.schema_arrow
    if len(set(schema.names)) < len(schema.names):
        raise InputError(f"{path}: has several columns of one name, expected names of their own")
    batches, cells = [], 0
    for batch in file.iter_batches(1 << 16):
        cells += batch.num_rows * batch.num_columns
        if cells > MOST_CELLS:
            raise InputError(f"{path}: has more than {MOST_CELLS} cells; cut it into parts")
        batches.append(batch)
    return pa.Table.from_batches(batches, schema)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


@contextmanager
def _opened(path: Path, coded: bool = False) -> Iterator[Any]:
    """Open a file; `coded` gives texts as numbers of words, for a word of any length may stand in every row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = pa.py_buffer(read_bytes(path, LARGEST))
    try:
        file = pq.ParquetFile(content)
        if coded:
            texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
            file = pq.ParquetFile(content, read_dictionary=texts)
        yield file
    except InputError:
        raise
    except Exception as error:  # pyarrow's errors are many, and some are Python's
        raise InputError(f"{path}: is damaged, or no parquet file that can be read ({cut(str(error))})") from error


RECORDINGS.add("parquet", RecordingKind("Parquet", ".parquet with columns named as plain tables' are", guess, read))
