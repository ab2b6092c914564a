"""MATLAB files as SciPy writes them, and damaged ones, of which some end SciPy's own reader."""

import io
import struct

import numpy as np
import pytest
from scipy.io import savemat

from base.errors import InputError
from data.formats.mat_file import LARGEST, read_variable

VALUES = np.random.default_rng(0).normal(size=(3, 2, 4))


def _saved(values, **options):
    file = io.BytesIO()
    savemat(file, {"before": "a text", "x": values, "long_name": np.eye(3)}, **options)
    return file.getvalue()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["f8", "f4", "i4", "u2", "i1"])
def test_what_scipy_writes_is_read(tmp_path, packed, kind):
    values = (10 * VALUES).astype(kind)
    (tmp_path / "a.mat").write_bytes(_saved(values, do_compression=packed))
    found = read_variable(tmp_path / "a.mat", "x")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, values)
    np.testing.assert_array_equal(read_variable(tmp_path / "a.mat", "long_name"), np.eye(3))


def test_numbers_of_the_other_byte_order_are_read(tmp_path):
    """Written by hand: SciPy writes the machine's own order only."""
    name = struct.pack(">HH4s", 1, 1, b"x")  # a size of 1 and a kind of 1 in a tag
    parts = struct.pack(">IIII", 6, 8, 6, 0) + struct.pack(">IIii", 5, 8, 2, 3) + name
    parts += struct.pack(">II6d", 9, 48, 1, 2, 3, 4, 5, 6)
    content = b"MATLAB 5.0".ljust(124) + b"\x01\x00MI" + struct.pack(">II", 14, len(parts)) + parts
    (tmp_path / "a.mat").write_bytes(content)
    np.testing.assert_array_equal(read_variable(tmp_path / "a.mat", "x"), [[1, 3, 5], [2, 4, 6]])


def _refused(path, content, message):
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_variable(path, "x")
    assert "\n" not in str(caught.value)


def test_what_is_no_such_file_is_told(tmp_path):
    path = tmp_path / "a.mat"
    _refused(path, b"", "found something else, expected a MATLAB file of version 5 to 7")
    _refused(path, b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM", "found version 7.3")
    _refused(path, _saved({"a": 1}), "x is no array of numbers")
    _refused(path, _saved(np.array(["text"])), "x is no array of numbers")
    file = io.BytesIO()
    savemat(file, {"y": VALUES})
    _refused(path, file.getvalue(), "has no variable x")


def test_sizes_that_are_not_those_of_the_numbers_are_told(tmp_path):
    content = bytearray(_saved(VALUES))
    dims = content.find(struct.pack("<3i", 3, 2, 4))
    for shape in ((3, 2, 5), (-3, -2, 4), (2**31 - 1,) * 3):
        content[dims : dims + 12] = struct.pack("<3i", *shape)
        _refused(tmp_path / "a.mat", content, "other numbers than its size says")


def test_what_unpacks_without_end_is_not_unpacked(tmp_path):
    content = _saved(np.zeros(LARGEST // 8 + 1), do_compression=True)
    assert len(content) < LARGEST // 100
    _refused(tmp_path / "a.mat", content, "unpacks to more than 16 MiB")


@pytest.mark.parametrize("packed", [False, True])
def test_any_damage_is_told_or_gives_other_numbers(tmp_path, packed):
    content = _saved(VALUES, do_compression=packed)
    random = np.random.default_rng(1)
    for _ in range(60):
        damaged = bytearray(content[: random.integers(100, len(content) + 1)])
        for at in random.integers(min(120, len(damaged) - 1), len(damaged), 2):
            damaged[at] = random.integers(256)
        (tmp_path / "a.mat").write_bytes(damaged)
        try:
            found = read_variable(tmp_path / "a.mat", "x")
        except InputError:
            continue
        assert found.dtype == np.float64
