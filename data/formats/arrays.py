"""Arrays in NumPy's `.npy` format, written and read piece by piece in a stream."""

import zipfile
import zlib
from typing import IO

import numpy as np
from numpy.lib import format as npy

from base.errors import InputError


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
    try:
        version = npy.read_magic(stream)
        shape, fortran, kind = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(stream)
    except (OSError, zipfile.BadZipFile, zlib.error):
        raise
    except Exception as error:  # NumPy has Python parse the header, which can fail in any way
        raise InputError(f"{where}: not an array as NumPy writes it; write the file again") from error
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
    size = int(np.prod(shape)) * kind.itemsize
    content = stream.read(size)
    if len(content) != size:
        raise InputError(f"{where}: the array ends too early; the file is damaged, write or download it again")
    return np.frombuffer(content, kind).reshape(shape)
