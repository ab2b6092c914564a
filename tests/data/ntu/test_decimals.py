"""Many numbers at once are to the last bit what `float` reads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.ntu.decimals import parse_decimals


def parse(numbers):
    text = np.frombuffer(b" ".join(numbers) + b"\n", np.uint8)
    ends = np.flatnonzero(text <= 32)
    return parse_decimals(text, ends, np.diff(ends, prepend=-1) - 1)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=1, max_size=50), st.integers(1, 17)
)
def test_decimals_are_those_of_float(values, digits):
    numbers = [b"%.*g" % (digits, value) for value in values]
    np.testing.assert_array_equal(parse(numbers), [float(number) for number in numbers])


@pytest.mark.parametrize("number", [b"1.2.3", b"-", b".", b"1-2", b"abc", b"--1", b"1e"])
def test_what_is_no_number_is_refused(number):
    with pytest.raises(ValueError, match="could not convert"):
        parse([b"1.25", b"0.333333333333", number])
