"""Arrays written piece by piece are those that NumPy reads, and the other way round."""

import io

import numpy as np
import pytest

from base.errors import InputError
from data.formats.arrays import read_block, read_header, write_header


@pytest.mark.parametrize("kind", ["<f2", "<f4", "<f8"])
def test_numpy_reads_what_is_written_in_pieces(kind):
    pieces = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(kind)
    stream = io.BytesIO()
    write_header(stream, pieces.shape, pieces.dtype)
    for piece in pieces:
        stream.write(piece.tobytes())
    stream.seek(0)
    read = np.load(stream)
    assert read.dtype == kind
    np.testing.assert_array_equal(read, pieces)


@pytest.mark.parametrize("kind", ["<f2", "<f4", ">f8"])
def test_what_numpy_writes_is_read_in_pieces(kind):
    whole = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(kind)
    stream = io.BytesIO()
    np.save(stream, whole)
    stream.seek(0)
    shape, found = read_header(stream, "x")
    assert (shape, found) == (whole.shape, np.dtype(kind))
    for piece in whole:
        np.testing.assert_array_equal(read_block(stream, shape[1:], found, "x"), piece)
    with pytest.raises(InputError, match=r"x\[3\]: the array ends too early"):
        read_block(stream, shape[1:], found, "x[3]")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((2, 3), int), "x is int64, expected float32 in C order"),
        (np.asfortranarray(np.ones((2, 3))), "x is float64 in Fortran order, expected float32 in C order"),
        (np.ones(2, complex), "x is complex128, expected float32"),
    ],
)
def test_other_arrays_are_refused(array, message):
    stream = io.BytesIO()
    np.save(stream, array)
    stream.seek(0)
    with pytest.raises(InputError, match=message):
        read_header(stream, "x")
