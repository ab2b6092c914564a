"""Reading NumPy's object arrays without running what a pickle may tell Python to run.

The released benchmark files keep ragged sequences as object arrays, which NumPy stores as pickles. Here a pickle may
build numeric and text arrays, NumPy numbers, lists and plain Python values; anything else it names is refused.
"""

import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

import numpy as np
from numpy.lib import format as npy

from data.errors import InputError

Result = TypeVar("Result")

LARGEST = 16 << 30
"""Bytes that one member of a file may take when unpacked; the largest released one takes about 2 GiB."""


class _ArrayType:
    """Stands for `numpy.ndarray` in a pickle, where it is an argument and never called."""


class _Kind:
    """Stands for `numpy.dtype`: numbers, text and objects, without fields or metadata."""

    def __init__(self, code: str, *_: bool) -> None:
        if not re.fullmatch(r"[biufcSU]\d+|O8?|O4", code):
            raise pickle.UnpicklingError(f"an array of {code}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, order, *structure = state
        if any(part is not None for part in structure[:3]):
            raise pickle.UnpicklingError("an array of records")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Stands for an array while its pickle is read; `value` is the array."""

    value: np.ndarray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, content = state
        order: Literal["F", "C"] = "F" if fortran else "C"
        if kind.dtype.hasobject:
            flat = np.empty(len(content), object)
            for i, item in enumerate(content):
                flat[i] = item.value if isinstance(item, _Array) else item
        else:
            flat = np.frombuffer(content, kind.dtype)
        self.value = flat.reshape(shape, order=order)


def _reconstruct(kind: type, shape: tuple[int, ...], code: bytes) -> _Array:
    return _Array()


def _scalar(kind: _Kind, content: bytes) -> Any:
    if kind.dtype.hasobject:
        raise pickle.UnpicklingError("an object where a number is expected")
    return np.frombuffer(content, kind.dtype)[0]


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Give the bytes that older pickles keep as text."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"the encoding {encoding}")
    return text.encode("latin1")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _ArrayType,
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _encode,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
}
"""What a pickle may name, and what it gets instead: nothing of NumPy's own is handed to it."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name}") from None


def member_names(path: Path) -> list[str]:
    """List the arrays in a `.npz` file.

    Raises
    ------
    InputError
        The file is absent or no `.npz` file.
    """
    return _reading(path, lambda file: [name.removesuffix(".npy") for name in file.namelist()])


def read_array(path: Path, name: str) -> np.ndarray:
    """Read one array of a `.npz` file, numeric or of objects.

    Raises
    ------
    InputError
        The file or the array is damaged or too large, or holds anything but arrays, numbers and text.
    """

    def read(file: zipfile.ZipFile) -> np.ndarray:
        info = file.getinfo(f"{name}.npy")
        if info.file_size > LARGEST:
            raise InputError(f"{path}: {name} takes {info.file_size} bytes unpacked, more than {LARGEST} are not read")
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
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as error:
        raise InputError(f"{path}: not a .npz file, or damaged ({error}); download or write it again") from error


def _read_member(member: IO[bytes], size: int, where: str) -> np.ndarray:
    damaged = f"{where}: not an array as NumPy writes it; write the file again with numpy.savez"
    try:
        version = npy.read_magic(member)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, kind = header(member)
    except ValueError as error:
        raise InputError(damaged) from error
    if not kind.hasobject:
        content = member.read()
        if len(content) != kind.itemsize * int(np.prod(shape, dtype=object)):
            raise InputError(f"{where}: {len(content)} bytes for an array of {kind} {shape}; the file is damaged")
        return np.frombuffer(content, kind).reshape(shape, order="F" if fortran else "C")
    try:
        array = _Unpickler(member).load()
    except pickle.UnpicklingError as error:
        raise InputError(f"{where}: refused to unpickle {error}; only arrays, numbers and text may be in it") from error
    except Exception as error:  # a damaged pickle can fail in any way
        raise InputError(damaged) from error
    if not isinstance(array, _Array) or array.value.shape != shape:
        raise InputError(damaged)
    return array.value
