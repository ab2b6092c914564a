import io
import pickle
import weakref

import numpy as np
import pytest

from base.pickle_writer import APPENDED_AT_ONCE, PickleWriter
from base.unpickling import as_plain, read_pickle


def write(value):
    stream = io.BytesIO()
    PickleWriter(stream).dump(value)
    return stream.getvalue()


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"a": [1, -1, 255, 2**31 - 1, -(2**31), 2**31, 2**56 + 5, -(2**70)], "b": (True, False, 2.5, float("inf"))},
        [(), (1,), (1, 2, 3, 4), [], {}, "Schädel ♞", b"\x00\xff"],
        list(range(2 * APPENDED_AT_ONCE + 3)),
    ],
)
def test_plain_values_come_back(value):
    assert pickle.loads(write(value)) == value


@pytest.mark.parametrize("kind", ["f2", "f4", ">f8", "i8", "u1", "?"])
def test_arrays_come_back(kind):
    arrays = [
        np.arange(24).reshape(2, 3, 4).astype(kind),
        np.zeros((0, 3), kind),
        np.asfortranarray(np.ones((2, 3), kind)),
    ]
    for got, given in zip(pickle.loads(write(arrays)), arrays, strict=True):
        assert got.dtype == given.dtype.newbyteorder("=")  # NumPy turns bytes round as it reads
        np.testing.assert_array_equal(got, given)


def test_any_numpy_can_open_it():
    content = write([np.zeros(3), np.zeros(3, np.float16)])
    assert b"numpy.core.multiarray" in content
    assert b"numpy._core" not in content  # which NumPy 1 does not have


def test_an_iterator_is_written_as_a_list_without_being_held():
    arrays, most = [], 0

    class Array(np.ndarray):
        """An array that says how many of its kind there are."""

    def items():
        nonlocal most
        for at in range(3 * APPENDED_AT_ONCE):
            array = np.full(2, at).view(Array)
            arrays.append(weakref.ref(array))
            most = max(most, sum(one() is not None for one in arrays))
            yield {"x": array}

    loaded = pickle.loads(write({"items": items()}))["items"]
    assert [item["x"].tolist() for item in loaded] == [[at, at] for at in range(3 * APPENDED_AT_ONCE)]
    assert most <= 2


def test_the_careful_reader_reads_it(tmp_path):
    array = np.arange(6, dtype=np.float16).reshape(2, 3)
    content = np.empty((), object)
    content[()] = {"a": array}
    (tmp_path / "a.pkl").write_bytes(write(content))
    read = as_plain(read_pickle(tmp_path / "a.pkl")).item()
    np.testing.assert_array_equal(as_plain(read["a"]), array)


def test_other_objects_are_refused():
    with pytest.raises(TypeError, match="complex is not written"):
        write(1j)
    with pytest.raises(TypeError, match="an array of <U3 is not written"):
        write(np.array(["abc"]))
