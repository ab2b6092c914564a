"""Arrays in others' HDF5 files: what reaches outside the file, or asks for more than it holds, is refused."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from base.optional import import_optional
from base.shown import cut, shown
from base.unpickling import ANY_TIMES, MOST_TIMES
from data.recordings.apart import do_apart, patience
from data.recordings.patching import read_bytes
from data.recordings.stored import replace_values

LARGEST = 1 << 30
"""Bytes of a file."""

MAGIC = b"\x89HDF\r\n\x1a\n"

_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
"""What HDF5 or h5py brings along, by number; anything else would load a plug-in."""

_MOST_OBJECTS = 10_000
_DEEPEST = 4
_LARGEST_ATTRIBUTE = 16 << 20


@dataclass(frozen=True)
class Hdf5:
    """What was wanted of a file.

    Parameters
    ----------
    arrays
        By their paths, without a slash in front.
    attributes
        The texts that are kept beside groups and arrays, by path and by name.
    """

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    attributes: dict[str, dict[str, bytes]] = field(default_factory=dict)


def read_hdf5(path: Path, wanted: str) -> Hdf5:
    """Read arrays of numbers or of texts of a fixed length, or of records of such.

    Parameters
    ----------
    path
        The file.
    wanted
        A regular expression for the paths of arrays; there may be none.

    Raises
    ------
    InputError
        The file is too large, none of HDF5 or damaged; or what is wanted is of another kind, is kept in another place,
        or takes more room than its bytes warrant.
    """
    import_optional("h5py", "formats", f"{path}: an HDF5 file")
    found: Hdf5 = do_apart(_read, path, wanted, where=str(path), seconds=patience(path))
    return found


def write_hdf5(path: Path, output: Path, values: dict[str, np.ndarray]) -> None:
    """Write a file once more with other values in some arrays, of their shapes and kinds; nothing else changes.

    Parameters
    ----------
    path, output
        The file, and the new one.
    values
        Arrays by their paths; if there are none, the file is copied.

    Raises
    ------
    InputError
        See `read_hdf5`.
    """
    if values:
        do_apart(_write, path, output, values, where=str(path), seconds=patience(path))
    else:
        output.write_bytes(read_bytes(path, LARGEST))


def patched_array(values: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray | None:
    """Return an array of numbers with what has changed; None if nothing has. Whole numbers are rounded.

    Parameters
    ----------
    values
        What is in the file, of any kind of number.
    before, after
        float64 of the same shape: as it was read, and as it shall be; NaN changes nothing.
    """
    new = values.copy()
    replace_values(new, before, after)
    return None if np.array_equal(new, values, equal_nan=True) else new


def _read(path: Path, wanted: str) -> Hdf5:
    found = Hdf5()
    with _opened(path, read_bytes(path, LARGEST)) as file:
        for name, item in _walk(path, file, wanted):
            found.attributes[name] = _attributes(item)
            if re.fullmatch(wanted, name):
                found.arrays[name] = _array(item, f"{path}: {name}")
    return found


def _write(path: Path, output: Path, values: dict[str, np.ndarray]) -> None:
    with _opened(path, read_bytes(path, LARGEST)) as file:
        for name, array in values.items():
            file[name][()] = array
        file.flush()
        content = file.id.get_file_image()
    output.write_bytes(content)


@contextmanager
def _opened(path: Path, content: bytes) -> Iterator[Any]:
    """Open the bytes of a file, in memory."""
    import h5py

    if not content.startswith(MAGIC):
        raise InputError(f"{path}: does not begin as an HDF5 file does; write it again")
    try:
        with h5py.File.in_memory(file_image=content) as file:
            yield file
    except InputError:
        raise
    except Exception as error:  # h5py passes on whatever HDF5 finds, as many errors
        raise InputError(f"{path}: is damaged, or no HDF5 file that can be read ({cut(str(error))})") from error


def _walk(path: Path, file: Any, wanted: str) -> Iterator[tuple[str, Any]]:
    """Go through the groups and arrays that the file itself holds, the outermost first."""
    import h5py

    groups, count = [("", file)], 0
    for depth in range(_DEEPEST):
        inner = []
        for prefix, group in groups:
            for key in group:
                name = f"{prefix}{key}"
                count += 1
                if count > _MOST_OBJECTS:
                    raise InputError(f"{path}: holds more than {_MOST_OBJECTS} groups and arrays, expected few")
                if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                    if re.fullmatch(wanted, name):
                        raise InputError(
                            f"{path}: {cut(name)} is a link, expected the data themselves; repack the file"
                        )
                    continue
                item = group[key]
                yield name, item
                if isinstance(item, h5py.Group) and depth + 1 < _DEEPEST:
                    inner.append((f"{name}/", item))
        groups = inner


def _attributes(item: Any) -> dict[str, bytes]:
    """Return an item's attributes that are one text of a fixed length."""
    found = {}
    for key in item.attrs:
        kind = item.attrs.get_id(key)
        if kind.dtype.kind == "S" and kind.shape == () and kind.dtype.itemsize <= _LARGEST_ATTRIBUTE:
            value = item.attrs[key]
            found[key] = value if isinstance(value, bytes) else b""  # h5py has an object for an empty text
    return found


def _array(item: Any, where: str) -> np.ndarray:
    import h5py

    if not isinstance(item, h5py.Dataset):
        raise InputError(f"{where}: is a group, expected an array")
    _check_kind(item.dtype, where)
    if item.is_virtual or item.external:
        raise InputError(f"{where}: is kept in another file, expected the data themselves; repack the file")
    plist = item.id.get_create_plist()
    unknown = [number for at in range(plist.get_nfilters()) if (number := plist.get_filter(at)[0]) not in _FILTERS]
    if unknown:
        known = ", ".join(_FILTERS.values())
        raise InputError(f"{where}: is packed with HDF5's filter {unknown[0]}, expected {known}; use h5repack")
    size = math.prod(item.shape) * item.dtype.itemsize
    chunk = math.prod(item.chunks) * item.dtype.itemsize if item.chunks else 0
    warranted = max(ANY_TIMES, MOST_TIMES * min(item.id.get_storage_size(), LARGEST))
    if max(size, chunk) > min(warranted, 4 * LARGEST):
        raise InputError(f"{where}: {shown(item.shape)} takes far more memory than there are bytes for it in the file")
    return np.asarray(item[()])


def _check_kind(kind: np.dtype, where: str) -> None:
    """Refuse anything but numbers and texts of a fixed length, or records of them."""
    parts = [field[0] for field in kind.fields.values()] if kind.fields else [kind]
    if any(part.base.kind not in "biufS" for part in parts):
        raise InputError(f"{where}: holds {cut(str(kind))}, expected numbers or texts of a fixed length")
