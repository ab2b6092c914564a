from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from refine.steady import room
from refine.steady.room import LEAST, empty, keep

pytestmark = pytest.mark.skipif(not hasattr(room.mmap, "MADV_HUGEPAGE"), reason="memory is kept on Linux")

FLOATS = LEAST // 4


@pytest.fixture
def keeping(monkeypatch):
    """Memory of arrays that is kept in this test, 3.5 times the least that is."""
    monkeypatch.setattr(room, "_thread", room.threading.local())
    monkeypatch.setattr(room, "SIZE", 7 * LEAST // 2)
    keep()


def begin(array):
    return array.__array_interface__["data"][0]


def test_arrays_keep_their_values_and_leave_their_memory_to_others(keeping):
    first, second = empty((FLOATS,)), empty((2, FLOATS // 2), np.int32)
    first[:], second[:] = 1.5, 7
    part, place = first[10:].reshape(2, -1).T, begin(first)
    del first
    third = empty((FLOATS,))  # the first one is still referred to, by a part of it
    third[:] = 2.5
    assert (part == 1.5).all()
    assert (second == 7).all()
    del part
    again = empty((FLOATS // 2,), np.float64)
    assert begin(again) == place
    assert again.dtype == np.float64
    assert (third == 2.5).all()


def test_gaps_are_found_and_larger_arrays_put_behind(keeping):
    first, second, third = (empty((FLOATS,)) for _ in range(3))
    places = begin(first), begin(third)
    del first, third
    larger = empty((3 * FLOATS // 2,))
    assert begin(larger) == places[1]
    assert begin(empty((FLOATS,))) == places[0]
    assert begin(second) % 64 == 0


def test_more_than_there_is_and_what_is_small_is_numpys_own(keeping):
    for shape in ((4 * FLOATS,), (FLOATS // 2,)):
        array = empty(shape)
        assert array.flags.owndata
        assert array.shape == shape
        assert array.dtype == np.float32


def test_threads_do_not_share(keeping):
    mine = empty((FLOATS,))
    mine[:] = 1
    with ThreadPoolExecutor(1, initializer=keep) as keeping_too, ThreadPoolExecutor(1) as not_keeping:
        other = keeping_too.submit(empty, (FLOATS,)).result()
        other[:] = 2
        plain = not_keeping.submit(empty, (FLOATS,)).result()
    assert (mine == 1).all()
    assert (other == 2).all()  # it outlives its thread
    assert plain.flags.owndata
