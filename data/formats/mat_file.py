"""One array of numbers in a MATLAB file of version 5 (what `save` writes, packed or not).

SciPy reads such files faster than safely: a damaged one can end the process. What is needed here is little.

Source: MathWorks, MAT-File Format, chapter 1.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.shown import cut
from data.recordings.patching import read_bytes

LARGEST = 16 << 20
"""Bytes of a file, and of what one of its variables unpacks to; 20,000 frames of 20 joints have 10 MB."""

_HEADER = 128
_MATRIX, _PACKED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = range(6, 16)
"""double, single and whole numbers; those before are cells, structures, objects, texts and sparse arrays."""


def read_variable(path: Path, name: str) -> np.ndarray:
    """Read an array of real numbers.

    Parameters
    ----------
    path
        The file.
    name
        What the variable is called.

    Returns
    -------
    float64, of the shape that MATLAB says, which drops axes of one at the end

    Raises
    ------
    InputError
        The file is damaged, of another version, or has no such array.
    """
    content = read_bytes(path, LARGEST)
    order = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}.get(content[_HEADER - 4 : _HEADER])
    if order is None:
        found = "version 7.3" if content.startswith(b"MATLAB 7.3") else "something else"
        raise InputError(f"{path}: found {found}, expected a MATLAB file of version 5 to 7; save it with -v7")
    for kind, element in _elements(content[_HEADER:], order, path):
        if kind == _PACKED:
            kind, element = next(_elements(_unpacked(element, path), order, path), (0, b""))
        if kind == _MATRIX and (array := _array(element, order, name, path)) is not None:
            return array
    raise InputError(f"{path}: has no variable {name}; give the file as it was released")


def _elements(content: bytes, order: str, path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and the content of each element."""
    at = 0
    while at + 8 <= len(content):
        kind, size = struct.unpack_from(f"{order}II", content, at)
        start = at + 8
        if kind >> 16:  # up to four bytes, which stand in the tag
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
        if size > (4 if start == at + 4 else len(content) - start):
            raise InputError(f"{path}: ends within a variable; the file is damaged, download it again")
        yield kind, content[start : start + size]
        at = max(at + 8, start + size + (0 if kind == _PACKED else -(start + size) % 8))


def _unpacked(content: bytes, path: Path) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(content, LARGEST)
    except zlib.error as error:
        raise InputError(f"{path}: damaged ({cut(str(error))}); download it again") from error
    if not unpacker.eof:
        fault = f"unpacks to more than {LARGEST >> 20} MiB" if unpacker.unconsumed_tail else "ends within a variable"
        raise InputError(f"{path}: {fault}; the file is damaged, download it again")
    return found


def _array(element: bytes, order: str, name: str, path: Path) -> np.ndarray | None:
    """Return the array in a variable; None if it is called otherwise."""
    parts = [part for _, part in zip(range(4), _elements(element, order, path), strict=False)]
    if len(parts) < 3 or parts[2][1] != name.encode():
        return None
    flags, dims = parts[0][1], parts[1][1]
    kind, numbers = parts[3] if len(parts) == 4 else (0, b"")
    class_number = flags[0 if order == "<" else 3] if len(flags) == 8 else 0
    if class_number not in _CLASSES or kind not in _NUMBERS or len(dims) % 4:
        raise InputError(f"{path}: {name} is no array of numbers; give the file as it was released")
    shape = struct.unpack(f"{order}{len(dims) // 4}i", dims)
    dtype = np.dtype(order + _NUMBERS[kind])
    if min(shape, default=-1) < 0 or math.prod(shape) * dtype.itemsize != len(numbers):
        raise InputError(f"{path}: {name} has other numbers than its size says; the file is damaged, download it again")
    return np.frombuffer(numbers, dtype).astype(np.float64).reshape(shape, order="F")
