import numpy as np
import pytest

from base.shown import cut, one_line, shown


def nested(levels, width=10):
    value = [1]
    for _ in range(levels):
        value = [value] * width
    return value


def test_small_values_are_shown_as_python_writes_them():
    for value in (None, True, 3, -2.5, "it's", b"x", [1, "a"], (1,), {"a": [2]}, (), np.float64(0.5).item()):
        assert shown(value) == repr(value)


def test_what_has_no_end_is_cut():
    loop = []
    loop.append(loop)
    table = {}
    table["a"] = table
    for value in (nested(100), nested(3, 10**6), loop, table, 10**100_000, "x" * 10**7, b"\0" * 10**7, Hostile()):
        assert len(shown(value)) <= 60
    assert shown(10**100_000) == "a number of 332193 bits"
    assert shown(np.zeros((2, 10**6))) == "array of float64 (2, 1000000)"


class Hostile:
    def __repr__(self):
        raise AssertionError("nothing of others' is asked for its text")


@pytest.mark.parametrize("text", ["a\x1b[31mb", "a\u202eb", "a\x00b", "a\nb", "a\r\tb", "a\x9bb", "a\ud800b"])
def test_control_characters_are_not_passed_on(text):
    for line in (shown(text), cut(text), one_line(text)):
        assert line.isprintable()
        assert line.strip("'").startswith("a")


def test_a_long_line_keeps_both_ends_and_letters_of_any_language():
    line = one_line("größe: " + "x" * 10**6 + " what to do")
    assert len(line) == 600
    assert line.startswith("größe: xxx")
    assert line.endswith("what to do")
