"""UI-PRMD's positions."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from data.recordings.guessing import read_recording
from data.recordings.ui_prmd import guess
from tests.data.recordings.json_checks import read_same, refused, rewritten, survives


def line(first):
    return ",".join(f"{first + at / 4:.6f}" for at in range(66))


def test_a_line_per_frame(tmp_path):
    path = tmp_path / "m01_s01_e01_positions.txt"
    path.write_text(f"{line(0)}\n{line(-3)}\n")
    found = read_same(path, "ui_prmd", tmp_path / "b.txt")
    first = np.arange(66).reshape(22, 3) / 4
    np.testing.assert_array_equal(found.joints, [first, first - 3])
    assert found.groups == ((0,), tuple(range(1, 22)))
    assert (found.names[0], found.names[-1], len(found.names)) == ("waist", "right toes", 22)
    assert "offsets from their parents" in found.notes[0]
    assert (found.frame.tolist(), found.fps) == ([0, 1], None)


def test_only_what_changed_is_written(tmp_path):
    path = tmp_path / "positions.txt"
    path.write_text(f"{line(0)}\r\n{line(3)}")
    _, found = read_recording(path)
    new = found.joints.copy()
    new[0, 1, 0] = -0.5
    expected = f"{line(0)}\r\n{line(3)}".replace(",0.750000,", ",-0.500000,", 1).encode()
    assert rewritten(found, new, tmp_path / "b.txt") == expected


BAD = {
    "empty": ("\n", "is empty, expected a line of 66 numbers per frame"),
    "cut": (f"{line(0)}\n1,2", "line 2 has 2 cells, expected 66"),
    "a text": (line(0).replace("0.750000", "abc"), "line 1, column 4: found 'abc', expected a number"),
    "infinite": (line(0).replace("0.750000", "1e999"), "infinite coordinate"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused(tmp_path, case):
    text, message = BAD[case]
    path = tmp_path / "positions.txt"
    path.write_text(text)
    refused(path, message, "ui_prmd")


def test_angles_are_refused(tmp_path):
    path = tmp_path / "m01_angles.txt"
    path.write_text(line(0))
    assert guess(path) == 0
    refused(path, "holds angles; give the file of positions that belongs to it", "ui_prmd")


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.floats(-300, 300), min_size=3, max_size=3), min_size=1, max_size=4))
def test_any_text_comes_back(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("a")
    path = folder / "positions.txt"
    path.write_text("\n".join(",".join(map(str, frame * 22)) for frame in frames))
    assert len(read_same(path, "ui_prmd", folder / "b.txt").joints) == len(frames)


def test_damaged_files_are_refused_or_read(tmp_path):
    content = f"{line(0)}\n{line(3)}\n".encode()
    assert survives(content, "ui_prmd", tmp_path, "positions.txt") == {"read", "refused"}
