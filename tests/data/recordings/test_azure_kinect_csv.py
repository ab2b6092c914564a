"""Azure Kinect's joints in a table with x, y and z in a cell."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from data.recordings.guessing import read_recording
from tests.data.recordings.json_checks import read_same, refused, rewritten, survives

NAN = np.nan
HEADER = "Time,Pelvis,SpineNavel,Neck,SpineChest,Ear Left\n"
TEXT = f"\ufeff{HEADER}5,0.5 1 2,0.25 7.5E-05 -1.25,1 1 1,2 2 2,3 3 3\r\n6,,0 0 0,1 nan 1,2 2 2.125,3 3 4".encode()


def test_cells_of_three_numbers(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT)
    found = read_same(path, "azure_kinect_csv", tmp_path / "b.csv")
    wanted = [
        [[0.5, 1, 2], [0.25, 7.5e-5, -1.25], [1, 1, 1], [2, 2, 2], [3, 3, 3]],
        [[NAN] * 3, [NAN] * 3, [NAN] * 3, [2, 2, 2.125], [3, 3, 4]],
    ]
    np.testing.assert_array_equal(found.joints, wanted)
    assert (found.frame.tolist(), found.person.tolist(), found.confidence) == ([0, 1], [0, 0], None)
    assert found.names == ("Pelvis", "SpineNavel", "Neck", "SpineChest", "Ear Left")
    assert found.bones == ((0, 1), (1, 3), (3, 2))


def test_only_what_changed_is_written(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT)
    _, found = read_recording(path)
    new = found.joints.copy()
    new[0, 1, 1], new[1, 3, 2] = 0.5, 2.25
    expected = TEXT.replace(b"7.5E-05", b"0.500000").replace(b"2.125", b"2.250000")
    assert rewritten(found, new, tmp_path / "b.csv") == expected


ROW = "0.5 1 2,1 1 1,1 1 1,2 2 2,3 3 3\n"
BAD = {
    "empty": ("", "has 0 lines, expected a header and a line per frame"),
    "cut": (f"a,b,c,d,e\n{ROW}1 2 3,4", "line 3 has 2 cells, expected 5"),
    "two": (f"a,b,c,d,e\n{ROW}1 2,,,,\n", "line 3, column 1: found '1 2', expected three numbers or nothing"),
    "a text": (f"a,b,c,d,e\n{ROW}1 2 x,,,,\n", "line 3, column 1: found '1 2 x', expected three numbers or nothing"),
    "no joints": ("a,b\n1,2\n", "line 2 has no cell of three numbers, expected one for each joint"),
    "infinite": (f"a,b,c,d,e\n{ROW}1 2 1e999,,,,\n", "infinite coordinate"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused(tmp_path, case):
    text, message = BAD[case]
    path = tmp_path / "a.csv"
    path.write_text(text)
    refused(path, message, "azure_kinect_csv")


number = st.floats(-5, 5, allow_subnormal=False) | st.just(0)
cell = st.just("") | st.lists(number, min_size=3, max_size=3).map(lambda point: " ".join(map(str, point)))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(cell, min_size=5, max_size=5), max_size=4), st.sampled_from(["\n", "\r\n"]))
def test_any_table_comes_back(tmp_path_factory, rows, end):
    folder = tmp_path_factory.mktemp("a")
    path = folder / "a.csv"
    path.write_bytes(("a,b,c,d,e\n" + ROW + "\n".join(map(",".join, rows))).replace("\n", end).encode())
    assert read_same(path, "azure_kinect_csv", folder / "b.csv").joints.shape[1:] == (5, 3)


def test_damaged_files_are_refused_or_read(tmp_path):
    assert survives(TEXT, "azure_kinect_csv", tmp_path, "a.csv") == {"read", "refused"}
