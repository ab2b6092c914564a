"""Reading pickles of NumPy arrays without running what a pickle may tell Python to run.

Released files keep ragged sequences as object arrays, which NumPy stores as pickles, or as pickled tables of arrays.
Here a pickle may build numeric and text arrays, NumPy numbers, lists and plain Python values; anything else it names is
refused.
"""

import pickle
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, ClassVar, Literal, TypeVar

import numpy as np
from numpy.lib import format as npy

from base.errors import InputError

Result = TypeVar("Result")

LARGEST = 16 << 30
"""Bytes that one member of a file may take when unpacked; the largest released one takes about 2 GiB."""


class Refused(pickle.UnpicklingError):
    """A pickle names what it may not; the text says what, in one line."""


class _ArrayType:
    """Stands for `numpy.ndarray` in a pickle, where it is an argument and never called."""


class _Kind:
    """Stands for `numpy.dtype`: numbers, text and objects, without fields or metadata."""

    def __init__(self, code: str, *_: bool) -> None:
        if not re.fullmatch(r"[biufcSU]\d+|O8?|O4", code):
            raise Refused(f"an array of {ascii(code)[1:-1]}")
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
        else:
            flat = np.frombuffer(_as_bytes(content), kind.dtype)
        self.value = flat.reshape(shape, order=order)


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
    array, flat = PickledArray(), np.frombuffer(content, kind.dtype)
    array.value = flat.reshape(shape, order="C").transpose(axes) if order == "K" else flat.reshape(shape, order=order)
    return array


def _as_bytes(content: bytes | str) -> bytes:
    """Give the bytes that Python 2 wrote as its text, read as Latin-1."""
    return content.encode("latin1") if isinstance(content, str) else content


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Give the bytes that older pickles keep as text."""
    if encoding != "latin1":
        raise Refused(f"the encoding {encoding!a}")
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

    def find_class(self, module: str, name: str) -> Any:  # noqa: D102
        try:
            return self.allowed[module, name]
        except KeyError:
            # A name may hold line breaks and control characters.
            raise Refused(ascii(f"{module}.{name}")[1:-1]) from None


def member_names(path: Path) -> list[str]:
    """List the arrays in a `.npz` file.

    Raises
    ------
    InputError
        The file is absent or no `.npz` file.
    """
    return _reading(path, lambda file: [name.removesuffix(".npy") for name in file.namelist()])


def read_array(path: Path, name: str, largest: int = LARGEST) -> np.ndarray:
    """Read one array of a `.npz` file, numeric or of objects, that takes no more than `largest` bytes unpacked.

    Raises
    ------
    InputError
        The file or the array is damaged or too large, or holds anything but arrays, numbers and text.
    """

    def read(file: zipfile.ZipFile) -> np.ndarray:
        info = file.getinfo(f"{name}.npy")
        if info.file_size > largest:
            raise InputError(f"{path}: {name} takes {info.file_size} bytes unpacked, more than {largest} are not read")
        with file.open(info) as member:
            return _read_member(member, info.file_size, f"{path}: {name}")

    return _reading(path, read)


def _reading(path: Path, read: Callable[[zipfile.ZipFile], Result]) -> Result:
    try:
        with zipfile.ZipFile(path) as file:
            return read(file)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise InputError(f"{path}: not a .npz file, or damaged ({error}); download or write it again") from error


def _read_member(member: IO[bytes], size: int, where: str) -> np.ndarray:
    damaged = f"{where}: not an array as NumPy writes it; write the file again with numpy.savez"
    try:
        version = npy.read_magic(member)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, kind = header(member)
    except (OSError, zipfile.BadZipFile, zlib.error):
        raise
    except Exception as error:  # NumPy has Python parse the header, which can fail in any way
        raise InputError(damaged) from error
    if not kind.hasobject:
        content = member.read()
        if len(content) != kind.itemsize * int(np.prod(shape, dtype=object)):
            raise InputError(f"{where}: {len(content)} bytes for an array of {kind} {shape}; the file is damaged")
        return np.frombuffer(content, kind).reshape(shape, order="F" if fortran else "C")
    array = _unpickle(member, where, damaged)
    if not isinstance(array, PickledArray) or array.value.shape != shape:
        raise InputError(damaged)
    return array.value


def read_pickle(path: Path, largest: int = LARGEST) -> Any:
    """Read a pickle, of Python 2 or 3 and of any NumPy, that holds nothing but arrays, numbers, text and containers.

    Its arrays come as `PickledArray`; `as_plain` takes them out.

    Raises
    ------
    InputError
        The file is absent, larger than `largest` bytes, damaged, or names anything else.
    """
    try:
        size = path.stat().st_size
        if size > largest:
            raise InputError(f"{path}: {size} bytes, more than {largest} are not read as a pickle")
        with path.open("rb") as file:
            return _unpickle(file, str(path), f"{path}: not a pickle, or damaged; download or write it again")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def read_npy(path: Path, largest: int = LARGEST) -> np.ndarray:
    """Read a `.npy` file, numeric or of objects, of no more than `largest` bytes.

    Raises
    ------
    InputError
        The file is absent, too large or damaged, or holds anything but arrays, numbers and text.
    """
    try:
        size = path.stat().st_size
        if size > largest:
            raise InputError(f"{path}: {size} bytes, more than {largest} are not read as an array")
        with path.open("rb") as file:
            return _read_member(file, size, str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def as_plain(value: Any) -> Any:
    """Give the array that a stand-in holds, and anything else as it is."""
    return getattr(value, "value", None) if isinstance(value, PickledArray) else value


def _unpickle(file: IO[bytes], where: str, damaged: str) -> Any:
    try:
        return ArrayUnpickler(file, encoding="latin1").load()
    except Refused as error:
        raise InputError(f"{where}: refused to unpickle {error}; only arrays, numbers and text may be in it") from error
    except OSError:
        raise
    except Exception as error:  # a damaged pickle can fail in any way
        raise InputError(damaged) from error
