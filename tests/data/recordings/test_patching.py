import numpy as np
import pytest

from base.errors import InputError
from data.recordings import patching
from data.recordings.patching import MOST_DECIMALS, Numbers, decimals_of, read_bytes

TEXT = b"x: 12.5, -3 ; 7,\n0.125 end"
SPANS = [(3, 7), (9, 11), (14, 15), (17, 22)]
NUMBERS = Numbers(TEXT, np.array(SPANS))


def test_the_spans_are_those_of_numbers():
    assert [TEXT[start:end] for start, end in SPANS] == [b"12.5", b"-3", b"7", b"0.125"]


def patched(after, before=(12.5, -3, 7, 0.125), slots=(0, 1, 2, 3), **more):
    return NUMBERS.patched(np.array(slots), np.array(before, float), np.array(after, float), **more)


@pytest.mark.parametrize(
    ("after", "text"),
    [
        ((12.5, -3, 7, 0.125), TEXT),
        ((12.5, -3.25, 7, 0.125), b"x: 12.5, -3.25 ; 7,\n0.125 end"),  # at least two decimals
        ((12.5, -3, 7, 0.75), b"x: 12.5, -3 ; 7,\n0.750 end"),  # as many as it had
        ((100, -3, 7, 0.75), b"x: 100.000, -3 ; 7,\n0.750 end"),  # as the one of them that has most
        ((12.5, np.nan, np.inf, 0.125), TEXT),
        ((12.5, -3, 1e300, 0.125), b"x: 12.5, -3 ; 1e+300,\n0.125 end"),
    ],
)
def test_only_what_changed_is_replaced(after, text):
    assert patched(after) == text


def test_numbers_without_a_place_are_left_out():
    assert patched((1, 2, 3, 4), slots=(-1, 1, -1, -1)) == b"x: 12.5, 2.00 ; 7,\n0.125 end"


def test_a_place_whose_number_was_missing_can_be_filled():
    assert patched((12.5, -3, 5, 0.125), (12.5, -3, np.nan, 0.125)) == b"x: 12.5, -3 ; 5.00,\n0.125 end"


def test_places_may_come_in_any_order_and_shape_and_many_at_once(monkeypatch):
    slots, before = np.array([[3, 0], [2, 1]]), np.array([[0.125, 12.5], [7, -3.0]])
    for together in (1, 3, 100):
        monkeypatch.setattr(patching, "AT_ONCE", together)
        assert NUMBERS.patched(slots, before, before + 1) == b"x: 13.500, -2.000 ; 8.000,\n1.125 end"


def test_decimals_after_a_comma_and_as_many_as_wanted():
    assert patched((1.5, -3, 7, 0.125), comma=True) == b"x: 1,50, -3 ; 7,\n0.125 end"
    assert patched((1.5, -3, 7, 0.125), decimals=4) == b"x: 1.5000, -3 ; 7,\n0.125 end"
    assert len(patched((0.1, -3, 7, 0.125), decimals=99)) == len(TEXT) - len(b"12.5") + 2 + MOST_DECIMALS


@pytest.mark.parametrize(
    ("token", "decimals"),
    [("12", 0), ("12.50", 2), (" 12,5 ", 1), ("-.5", 1), ("+3.", 0), ("1.25e-3", 5), ("1.25E+1", 1), ("1.25e9", 0),
     ("1e-2", 2), ("1.5e99999", 1), ("nan", 0), ("", 0), ("1.5x", 0)],
)  # fmt: skip
def test_decimals_of_a_number(token, decimals):
    assert decimals_of(token.encode()) == decimals


def test_bytes_are_read_up_to_a_size(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"abc")
    assert read_bytes(file, 3) == b"abc"
    file.write_bytes(bytes(3 << 20))
    with pytest.raises(InputError, match=r"a: has 3 MiB, at most 2 MiB are read; cut it into parts$"):
        read_bytes(file, 2 << 20)
    with pytest.raises(InputError, match="is a folder, expected a regular file"):
        read_bytes(tmp_path)
    with pytest.raises(InputError, match="none: cannot be read"):
        read_bytes(tmp_path / "none")
