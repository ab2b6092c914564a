import numpy as np
import pytest

from base.errors import InputError
from data.recordings.stored import Stored, check_apart, replace_values, spliced


def test_only_what_has_changed_is_replaced():
    array = np.array([1.0, 2.0, np.nan, 4.0], np.float32)
    before = array.astype(np.float64)
    after = np.array([1.0, 2.5, 3.0, np.nan])
    assert replace_values(array, before, after)
    assert array.tolist() == [1.0, 2.5, 3.0, 4.0]  # a gap that is filled has a place here
    assert not replace_values(array, after, after)


def test_contents_are_spliced_in_order_of_their_places():
    content = b"ab" + np.arange(2, dtype="<i2").tobytes() + b"cd" + b"\x05" + b"e"
    first = Stored(np.arange(2, dtype="<i2"), 2, 6)
    second = Stored(np.array([5], np.uint8), 8, 9)
    new = spliced(content, [(second, np.array([9], np.uint8)), (first, np.array([258, 1], "<i2"))])
    assert new == b"ab\x02\x01\x01\x00cd\x09e"
    assert spliced(content, []) == content


def test_an_array_may_stand_for_one_thing_only():
    one = Stored(np.zeros(2), 4, 20)
    check_apart([one, Stored(np.zeros(2), 4, 20, member="b")], "a")
    with pytest.raises(InputError, match="a: two of its parts"):
        check_apart([one, one], "a")
