"""Reading pickles of NumPy arrays without running what a pickle may tell Python to run.

Released files keep ragged sequences as object arrays, which NumPy stores as pickles, or as pickled tables of arrays.
Here a pickle may build numeric and text arrays, NumPy numbers, lists and plain Python values; anything else it names is
refused. What a file says of its sizes is compared with its own size before anything is made.
"""

import io
import lzma
import math
import pickle
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, ClassVar, Literal

import numpy as np
from numpy.lib import format as npy

from base.errors import InputError
from base.files import regular_file
from base.pickle_scan import UnsafeError, scan_pickle
from base.shown import cut, shown

LARGEST = 16 << 30
"""Bytes that one member of a file may take when unpacked; the largest released one takes about 2 GiB."""

MOST_TIMES = 200
"""Skeletons deflate to a half, padded ones to a twentieth; a bomb to a thousandth."""

ANY_TIMES = 64 << 20
"""Members of up to so many bytes may be packed by any factor."""

MOST_EMPTY = 1 << 20
"""An array without numbers may have so many rows of nothing; whoever goes through them needs time for each."""

MOST_DIMENSIONS = 32

KINDS = "biufcSUO"
"""Numbers, text and objects."""


class Refused(pickle.UnpicklingError):
    """A pickle names what it may not; the text says what, in one line."""


def check_shape(shape: tuple[int, ...]) -> None:
    """Refuse, with a ValueError, more dimensions than arrays have, and more rows of nothing than files have bytes."""
    if len(shape) > MOST_DIMENSIONS:
        raise ValueError(f"an array of {len(shape)} dimensions")
    if 0 in shape and math.prod(length for length in shape if length) > MOST_EMPTY:
        raise ValueError(f"an array of shape {shown(shape)} without a single number")


def as_array(
    content: bytes | bytearray, kind: np.dtype, shape: tuple[int, ...], order: Literal["C", "F"]
) -> np.ndarray:
    """Make an array of its bytes, which must be as many as its shape takes; a ValueError says that they are not."""
    check_shape(shape)
    if kind.itemsize == 0 or kind.kind not in KINDS or kind.hasobject or kind.fields is not None:
        raise ValueError(f"an array of {cut(str(kind))}")
    flat = np.frombuffer(content, kind) if len(content) else np.zeros(0, kind)
    return flat.reshape(shape, order=order)


class _ArrayType:
    """Stands for `numpy.ndarray` in a pickle, where it is an argument and never called."""


class _Kind:
    """Stands for `numpy.dtype`: numbers, text and objects, without fields or metadata."""

    def __init__(self, code: str, *_: bool) -> None:
        if not re.fullmatch(r"[biufcSU]\d{1,6}|O8?|O4", code):
            raise Refused(f"an array of {cut(code)}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, order, *structure = state
        if any(part is not None for part in structure[:3]):
            raise Refused("an array of records")
        self.dtype = self.dtype.newbyteorder(order)


class PickledArray:
    """Stands for an array while its pickle is read; `value` is the array."""

    value: np.ndarray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, content = state
        order: Literal["F", "C"] = "F" if fortran else "C"
        if kind.dtype.hasobject:
            flat = np.empty(len(content), object)
            for i, item in enumerate(content):
                flat[i] = item.value if isinstance(item, PickledArray) else item
            check_shape(shape)
            self.value = flat.reshape(shape, order=order)
        else:
            self.value = as_array(_as_bytes(content), kind.dtype, shape, order)


def _reconstruct(kind: type, shape: tuple[int, ...], code: bytes | str) -> PickledArray:
    return PickledArray()


def _scalar(kind: _Kind, content: bytes | str) -> Any:
    if kind.dtype.hasobject:
        raise Refused("an object where a number is expected")
    return np.frombuffer(_as_bytes(content), kind.dtype)[0]


def _from_buffer(
    content: bytes | bytearray, kind: _Kind, shape: tuple[int, ...], order: Any, axes: tuple[int, ...] | None = None
) -> PickledArray:
    """Build an array as pickles of protocol 5 have it."""
    if kind.dtype.hasobject:
        raise Refused("an array of objects in a buffer")
    array = PickledArray()
    array.value = as_array(content, kind.dtype, shape, "C" if order == "K" else order)
    if order == "K":
        array.value = array.value.transpose(axes)
    return array


def _as_bytes(content: bytes | str) -> bytes:
    """Give the bytes that Python 2 wrote as its text, read as Latin-1."""
    return content.encode("latin1") if isinstance(content, str) else content


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Give the bytes that older pickles keep as text."""
    if encoding != "latin1":
        raise Refused(f"the encoding {shown(encoding)}")
    return text.encode("latin1")


ARRAYS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _ArrayType,
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _encode,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
}
"""What a pickle may name, and what it gets instead: nothing of NumPy's own is handed to it."""


class ArrayUnpickler(pickle.Unpickler):
    """Builds arrays, numbers, text and plain containers; refuses whatever is not in `allowed`."""

    allowed: ClassVar[Mapping[tuple[str, str], Any]] = ARRAYS
    content: ClassVar[str] = "only arrays, numbers and text may be in it"

    def find_class(self, module: str, name: str) -> Any:  # noqa: D102
        try:
            return self.allowed[module, name]
        except KeyError:
            raise Refused(cut(f"{module[:60]}.{name[:60]}", 120)) from None


def member_names(path: Path) -> list[str]:
    """List the arrays in a `.npz` file.

    Raises
    ------
    InputError
        The file is absent or no `.npz` file.
    """
    with open_arrays(path) as file:
        return [name.removesuffix(".npy") for name in file.namelist()]


@contextmanager
def open_arrays(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a `.npz` file to be read.

    Raises
    ------
    InputError
        The file is absent or no `.npz` file; or it turns out to be damaged while it is read.
    """
    try:
        # A zip's directory may be wrong in any way, and Python's module for it raises as many errors.
        with _telling(path, (*BAD_ZIP, ValueError, LookupError, OverflowError, AttributeError, MemoryError)):
            file = zipfile.ZipFile(regular_file(path))
        with file, _telling(path, BAD_ZIP):
            yield file
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or cut(str(error))})") from error


@contextmanager
def _telling(path: Path, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except errors as error:
        raise InputError(
            f"{path}: not a .npz file, or damaged ({cut(str(error))}); download or write it again"
        ) from error


BAD_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, struct.error, lzma.LZMAError)
"""What reading a damaged zip may raise, besides OSError."""


def find_member(file: zipfile.ZipFile, path: Path, name: str, largest: int = LARGEST) -> zipfile.ZipInfo:
    """Find an array in a `.npz` file and refuse it if it would take too much room.

    Raises
    ------
    InputError
        It is not there, takes more than `largest` bytes, or unpacks to far more than skeletons do.
    """
    try:
        info = file.getinfo(f"{name}.npy")
    except KeyError:
        there = cut(", ".join(entry.removesuffix(".npy") for entry in file.namelist()[:10])) or "nothing"
        raise InputError(f"{path}: holds no {name}, only {there}") from None
    if info.file_size > largest:
        raise InputError(f"{path}: {name} takes {info.file_size} bytes unpacked, more than {largest} are not read")
    packed = min(info.compress_size, path.stat().st_size)
    if info.file_size > max(ANY_TIMES, MOST_TIMES * packed):
        raise InputError(
            f"{path}: {name} unpacks to more than {MOST_TIMES} times its {packed} bytes, as a zip bomb does; "
            "if it is none, write it with numpy.savez"
        )
    return info


def read_array(path: Path, name: str, largest: int = LARGEST) -> np.ndarray:
    """Read one array of a `.npz` file, numeric or of objects, that takes no more than `largest` bytes unpacked.

    Raises
    ------
    InputError
        The file or the array is damaged or too large, or holds anything but arrays, numbers and text.
    """
    with open_arrays(path) as file:
        info = find_member(file, path, name, largest)
        with file.open(info) as member:
            return _read_member(member, info.file_size, f"{path}: {name}")


def _read_member(member: IO[bytes], size: int, where: str) -> np.ndarray:
    damaged = f"{where}: not an array as NumPy writes it; write the file again with numpy.savez"
    shape, fortran, kind = read_any_header(member, where)
    if not kind.hasobject:
        there, wanted = size - member.tell(), kind.itemsize * math.prod(shape)
        if there != wanted or len(content := member.read()) != wanted:
            raise InputError(f"{where}: {there} bytes for an array of {kind} {shown(shape)}; the file is damaged")
        return as_array(content, kind, shape, "F" if fortran else "C")
    array = _unpickle(member, size - member.tell(), where, damaged)
    if not isinstance(array, PickledArray) or not _has_shape(array, shape):
        raise InputError(damaged)
    return array.value


def _has_shape(array: PickledArray, shape: tuple[int, ...]) -> bool:
    return isinstance(getattr(array, "value", None), np.ndarray) and array.value.shape == shape


def read_any_header(member: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Read the header of a `.npy` file: shape, whether it is in Fortran order, and kind of number.

    Raises
    ------
    InputError
        There is no such header, or the array would have far more rows than numbers.
    """
    try:
        version = npy.read_magic(member)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's, about what it reads
            shape, fortran, kind = read(member)
        check_shape(shape)
        if kind.kind not in KINDS or kind.fields is not None or kind.itemsize == 0 or any(n < 0 for n in shape):
            raise ValueError(f"an array of {kind}")
    except (OSError, *BAD_ZIP) as error:
        if isinstance(error, RecursionError):
            raise InputError(f"{where}: not an array as NumPy writes it; write the file again") from error
        raise
    except Exception as error:  # NumPy has Python parse the header, which can fail in any way
        raise InputError(f"{where}: not an array as NumPy writes it; write the file again") from error
    return shape, fortran, kind


def read_pickle(path: Path, largest: int = LARGEST) -> Any:
    """Read a pickle, of Python 2 or 3 and of any NumPy, that holds nothing but arrays, numbers, text and containers.

    Its arrays come as `PickledArray`; `as_plain` takes them out.

    Raises
    ------
    InputError
        The file is absent, larger than `largest` bytes, damaged, or names anything else.
    """
    with _open(path, largest, "a pickle") as (file, size):
        return _unpickle(file, size, str(path), f"{path}: not a pickle, or damaged; download or write it again")


def read_npy(path: Path, largest: int = LARGEST) -> np.ndarray:
    """Read a `.npy` file, numeric or of objects, of no more than `largest` bytes.

    Raises
    ------
    InputError
        The file is absent, too large or damaged, or holds anything but arrays, numbers and text.
    """
    with _open(path, largest, "an array") as (file, size):
        return _read_member(file, size, str(path))


@contextmanager
def _open(path: Path, largest: int, what: str) -> Iterator[tuple[IO[bytes], int]]:
    """Open a file of no more than `largest` bytes."""
    try:
        size = regular_file(path).stat().st_size
        if size > largest:
            raise InputError(f"{path}: {size} bytes, more than {largest} are not read as {what}")
        with path.open("rb") as file:
            yield file, size
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def as_plain(value: Any) -> Any:
    """Give the array that a stand-in holds, and anything else as it is."""
    return getattr(value, "value", None) if isinstance(value, PickledArray) else value


def _unpickle(file: IO[bytes], size: int, where: str, damaged: str) -> Any:
    return load_scanned(ArrayUnpickler, file, size, where, damaged)


def load_scanned(
    unpickler: type[ArrayUnpickler], file: IO[bytes], size: int, where: str, damaged: str, late: int = 0
) -> Any:
    """Unpickle the rest of a file, of so many bytes, after it has been looked through.

    Parameters
    ----------
    unpickler
        With which names it may be read.
    file, size
        The file, at the start of the pickle, and the bytes that are left of it.
    where, damaged
        How messages begin; the message for what is no pickle.
    late
        See `base.pickle_scan.scan_pickle`.

    Raises
    ------
    InputError
        The pickle is damaged, asks for more than its size warrants, or names what it may not.
    """
    start = file.tell()
    try:
        if isinstance(file, zipfile.ZipExtFile):
            scanned = io.BufferedReader(file, 1 << 16)
            scan_pickle(scanned, size, late)
            scanned.detach()
        else:
            scan_pickle(file, size, late)
        file.seek(start)
        return unpickler(file, encoding="latin1").load()
    except UnsafeError as error:
        raise InputError(f"{damaged} ({error})") from error
    except Refused as error:
        raise InputError(f"{where}: refused to unpickle {error}; {unpickler.content}") from error
    except OSError:
        raise
    except Exception as error:  # a damaged pickle can fail in any way
        raise InputError(damaged) from error
