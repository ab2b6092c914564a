"""Arrays in NumPy's `.npy` format, written and read piece by piece in a stream."""

import math
from typing import IO

import numpy as np
from numpy.lib import format as npy

from base.errors import InputError
from base.unpickling import read_any_header


def write_header(stream: IO[bytes], shape: tuple[int, ...], kind: np.dtype) -> None:
    """Write the header of an array whose content, in C order, the caller writes behind it."""
    npy.write_array_header_1_0(stream, {"descr": npy.dtype_to_descr(kind), "fortran_order": False, "shape": shape})


def read_header(stream: IO[bytes], where: str) -> tuple[tuple[int, ...], np.dtype]:
    """Read the header of an array of floating-point numbers in C order.

    Raises
    ------
    InputError
        There is no such header.
    """
    shape, fortran, kind = read_any_header(stream, where)
    if kind.kind != "f" or fortran:
        order = " in Fortran order" if fortran else ""
        raise InputError(f"{where} is {kind}{order}, expected float32 in C order; write it so")
    return shape, kind


def read_block(stream: IO[bytes], shape: tuple[int, ...], kind: np.dtype, where: str) -> np.ndarray:
    """Read the next numbers of an array.

    Raises
    ------
    InputError
        The file ends before.
    """
    size = math.prod(shape) * kind.itemsize
    content = stream.read(size)
    if len(content) != size:
        raise InputError(f"{where}: the array ends too early; the file is damaged, write or download it again")
    return np.frombuffer(content, kind).reshape(shape)
