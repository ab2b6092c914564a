"""The second Kinect's joints in a table without a header."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from data.recordings.guessing import read_recording
from data.recordings.kinect_v2 import guess
from tests.data.recordings.json_checks import read_same, refused, rewritten, survives


def line(first, states=(2,) * 25):
    cells = [f"{first + joint / 8 + axis / 64:g}" for joint in range(25) for axis in range(3)]
    return "".join(f"{','.join(cells[3 * joint : 3 * joint + 3])},{states[joint]}," for joint in range(25))


def coordinates(first):
    return first + np.arange(25)[:, None] / 8 + np.arange(3) / 64


def rounded(values):
    return np.vectorize(lambda value: float(f"{value:g}"))(values)


def test_a_row_per_frame(tmp_path):
    path = tmp_path / "a.csv"
    states = [0, 1, *[2] * 23]
    path.write_text("\n" * 24 + line(1, states) + "\n\n" + line(-2) + "\n")
    found = read_same(path, "kinect_v2", tmp_path / "b.csv")
    np.testing.assert_array_equal(found.joints, rounded(np.stack([coordinates(1), coordinates(-2)])))
    np.testing.assert_array_equal(found.confidence, np.float32([[0, 0.5, *[1] * 23], [1] * 25]))
    assert (found.frame.tolist(), found.person.tolist(), found.unit) == ([0, 1], [0, 0], "m")
    assert (found.names[20], len(found.bones), found.seconds) == ("spine", 24, None)


def test_without_a_last_comma_and_with_missing_joints(tmp_path):
    path = tmp_path / "a.csv"
    cells = line(1).split(",")[:-1]
    cells[4:8] = ["0", "0", "0", "0"]
    path.write_text(line(1).rstrip(",") + "\r\n" + ",".join(cells) + "\r\n")
    found = read_same(path, "kinect_v2", tmp_path / "b.csv")
    assert np.isnan(found.joints[1]).nonzero()[0].tolist() == [1, 1, 1]
    assert np.isfinite(found.joints[0]).all()


def test_only_what_changed_is_written(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(line(1) + "\n" + line(2))
    _, found = read_recording(path)
    new = found.joints.copy()
    new[1, 0, 1] = 5.03125
    expected = line(1) + "\n" + line(2).replace("2,2.01562,", "2,5.03125,", 1)
    assert rewritten(found, new, tmp_path / "b.csv") == expected.encode()


BAD = {
    "empty": ("\n\n", "is empty, expected a line of 100 numbers per frame"),
    "cut": (line(1) + "\n" + line(2)[:200], "line 2 has [0-9]+ cells, expected 100"),
    "more": (line(1) + "5,5\n", "line 1 has 102 cells, expected 100"),
    "a state": (line(1, [3, *[2] * 24]), "line 1, column 4: found 3, expected a tracking state of 0, 1 or 2"),
    "no state": (line(1).replace(",2,", ",,", 1), "line 1, column 4: found nan, expected a tracking state"),
    "a text": (line(1).replace("1.125", "x"), "line 1, column 5: found 'x', expected a number"),
    "infinite": (line(1).replace("1.125", "1e999"), "infinite coordinate"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused(tmp_path, case):
    text, message = BAD[case]
    path = tmp_path / "a.csv"
    path.write_text(text)
    refused(path, message, "kinect_v2")


@pytest.mark.parametrize("text", [line(1)[4:], line(1, [3, *[2] * 24]), line(1) * 2, "x" + line(1), ""], ids=range(5))
def test_other_tables_are_not_guessed(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert guess(path) == 0


number = st.floats(-5, 5, allow_subnormal=False) | st.just(0)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.lists(number, min_size=3, max_size=3), st.integers(0, 2)), max_size=5), st.booleans())
def test_any_table_comes_back(tmp_path_factory, people, comma):
    folder = tmp_path_factory.mktemp("a")
    path = folder / "a.csv"
    rows = [",".join(map(str, [*position, state] * 25)) + "," * comma for position, state in [([1, 2, 3], 2), *people]]
    path.write_text("\n".join(rows))
    found = read_same(path, "kinect_v2", folder / "b.csv")
    np.testing.assert_array_equal(found.joints[0], [[1, 2, 3]] * 25)


def test_damaged_files_are_refused_or_read(tmp_path):
    content = f"\n{line(1)}\n{line(2)}\n".encode()
    assert survives(content, "kinect_v2", tmp_path, "a.csv") == {"read", "refused"}
