"""JSON whose numbers know where they stand."""

import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from base.errors import InputError
from data.recordings import json_text
from data.recordings.json_text import Number, read_json


def read(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_json(path)


def numbers_in(value):
    if isinstance(value, Number):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from numbers_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers_in(item)


def test_numbers_stand_where_they_say(tmp_path):
    text = ' {"a 5": [1, -2.50e+1, "6, \\"7\\\\"], "b\\u0031": {"c": 0, "c": NaN}, "d": [null, true, -Infinity, 1E2]}\n'
    found = read(tmp_path, b"\xef\xbb\xbf" + text.encode())
    assert [float(number) for number in numbers_in(found.root)] == [1, -25, 100]
    spans = found.numbers.spans.tolist()
    tokens = [found.numbers.text[start:end] for start, end in spans]
    assert tokens == [b"1", b"-2.50e+1", b"0", b"1E2"]
    assert [number.slot for number in numbers_in(found.root)] == [0, 1, 3]


values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_infinity=False) | st.integers(-(10**20), 10**20) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=50, deadline=None)
@given(values, st.booleans(), st.sampled_from([None, 1, 4]))
def test_every_number_of_any_text_can_be_found(tmp_path_factory, value, plain, indent):
    text = json.dumps(value, ensure_ascii=plain, indent=indent)
    found = read(
        tmp_path_factory.getbasetemp(),
        text.encode("utf-8", "surrogatepass") if plain else text.encode("utf-8", "replace"),
    )
    for number in numbers_in(found.root):
        start, end = found.numbers.spans[number.slot]
        assert float(found.numbers.text[start:end]) == number


BAD = {
    "cut": ('{"a": [1,\n 2', "line 2, column 3: .*; expected JSON"),
    "empty": ("", "line 1, column 1: .*; expected JSON"),
    "binary": (b"\x80\x03}q\x00", "byte 0 is no UTF-8, expected JSON"),
    "UTF-16": ("\ufeff[1]".encode("utf-16-le"), "is UTF-16, expected UTF-8; save it as UTF-8"),
    "deep": ("[" * 1_000_000, "nested too deeply|expected JSON"),
    "two": ("[1] [2]", "line 1, column 5: Extra data; expected JSON"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_texts_are_refused(tmp_path, case):
    text, message = BAD[case]
    with pytest.raises(InputError, match=message) as found:
        read(tmp_path, text)
    assert str(found.value).startswith(str(tmp_path / "a.json"))


def test_large_files_are_refused_before_they_are_read(tmp_path):
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(2 << 30)
    with pytest.raises(InputError, match="has 2048 MiB, at most 256 MiB are read"):
        read_json(path)


def test_lists_of_numbers(tmp_path):
    root = read(tmp_path, "[[1, null, 2, NaN], [[1, 2, 3], [4, null, 6]]]").root
    numbers, slots = json_text.as_numbers(root[0], "here")
    np.testing.assert_array_equal(numbers, [1, np.nan, 2, np.nan])
    np.testing.assert_array_equal(slots, [0, -1, 1, -1])
    numbers, slots = json_text.as_points(root[0], 2, "here")
    np.testing.assert_array_equal(numbers, [[1, np.nan], [2, np.nan]])
    numbers, slots = json_text.as_point_lists(root[1], (2, 3), "here")
    np.testing.assert_array_equal(numbers, [[1, 2, 3], [4, np.nan, 6]])
    np.testing.assert_array_equal(slots, [[2, 3, 4], [5, -1, 6]])


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (json_text.as_numbers, '{"a": 1}', "found an object, expected a list of numbers"),
        (json_text.as_numbers, "[1, true]", "found true or false at place 1, expected a number"),
        (json_text.as_numbers, "[1, [2]]", "found a list at place 1, expected a number"),
        (
            lambda value, where: json_text.as_points(value, 2, where),
            "[1]",
            "found 1 number, expected 2 for each joint",
        ),
        (
            lambda value, where: json_text.as_point_lists(value, (2, 3), where),
            "[[1]]",
            "other than lists of 2 or 3 numb",
        ),
        (
            lambda value, where: json_text.as_point_lists(value, (3,), where),
            "[]",
            "found other than lists of 3 numbers",
        ),
        (json_text.as_object, "[]", "found a list, expected an object"),
        (json_text.as_list, '"a"', "found a text, expected a list"),
    ],
)
def test_what_something_else_is_told(tmp_path, read, text, message):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InputError, match=f"^here: .*{message}"):
        read(read_json(path).root, "here")
