"""Ultralytics' folders of labels, with a line per person."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from data.recordings.guessing import read_recording
from data.recordings.ultralytics import guess
from tests.data.recordings.json_checks import contents, read_same, refused, rewritten, survives

NAN = np.nan
BOX = "0 0.5 0.25 0.125 1"


def label(values, *after):
    return " ".join([BOX, *(f"{value:g}" for value in np.ravel(values)), *after])


def joints(first, count=17, per=3):
    return first + np.arange(count * per).reshape(count, per) / 64


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "labels"
    path.mkdir()
    one, two = joints(0), joints(0.125)
    one[3, :2] = 0
    (path / "my video_2.txt").write_text(label(one) + "\n" + label(two))
    (path / "my video_3.txt").write_text("")
    (path / "my video_10.txt").write_bytes((label(two) + " \r\n\r\n").encode())
    (path / "classes.txt").write_text("person\n")
    return path


def test_a_folder(folder, tmp_path):
    name, found = read_recording(folder)
    assert name == "ultralytics"
    one, two = joints(0), joints(0.125)
    one[[0, 3], :2] = NAN, NAN  # the first starts at (0, 0.0156), which is no zero
    one[0, :2] = joints(0)[0, :2]
    rounded = np.vectorize(lambda value: float(f"{value:g}"))
    # Frame 10 comes before frame 2 by name; rows are in the order of the files.
    np.testing.assert_array_equal(found.joints, rounded(np.stack([two, one, two])[..., :2]))
    np.testing.assert_array_equal(found.confidence, np.float32(rounded(np.stack([two, joints(0), two])[..., 2])))
    np.testing.assert_array_equal(found.frame, [10, 2, 2])
    assert (found.person, found.names[16], found.scale) == (None, "right ankle", ())
    assert "size is not told" in found.notes[0]
    expected = {name: text for name, text in contents(folder).items() if name != "classes.txt"}
    assert rewritten(found, found.joints, tmp_path / "out") == expected


def test_only_what_changed_is_written(folder, tmp_path):
    _, found = read_recording(folder)
    new = found.joints.copy()
    new[0, 1, 1] = 0.5
    expected = {name: text for name, text in contents(folder).items() if name != "classes.txt"}
    before = f"{joints(0.125)[1, 0]:g} {joints(0.125)[1, 1]:g} ".encode()
    after = before.split()[0] + b" 0.5000 "
    expected["my video_10.txt"] = expected["my video_10.txt"].replace(before, after, 1)
    assert b" 0.5000 " in expected["my video_10.txt"]
    assert rewritten(found, new, tmp_path / "out") == expected


@pytest.mark.parametrize(
    ("count", "per", "after", "person"),
    [
        (17, 3, (), None),
        (17, 2, (), None),
        (17, 3, ("0.75",), None),
        (17, 3, ("7",), [7]),
        (17, 2, ("7",), [7]),
        (17, 3, ("0.75", "7"), [7]),
        (17, 2, ("0.75", "7"), [7]),
        (21, 3, (), None),
        (21, 3, ("0.75", "7"), [7]),
        (2, 3, ("7",), [7]),
    ],
)  # fmt: skip
def test_layouts_of_lines(tmp_path, count, per, after, person):
    path = tmp_path / "image3.txt"
    path.write_text(label(joints(0.125, count, per), *after) + "\n")
    found = read_same(path, "ultralytics", tmp_path / "out.txt")
    assert found.joints.shape == (1, count, 2)
    assert (None if found.person is None else found.person.tolist()) == person
    assert (found.confidence is None) == (per == 2)
    assert found.frame.tolist() == [0]


def test_a_track_that_some_lines_lack_tells_nobody_apart(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(f"{label(joints(0), '7')}\n{label(joints(0))}\n")
    assert read_same(path, "ultralytics", tmp_path / "out.txt").person is None


BAD = {
    "a text": (f"{BOX} 0.1 abc", r"a.txt: line 1: found 'abc', expected numbers"),
    "later": (f"{label(joints(0))}\n\n{BOX} 0.1 1_0", "line 3: found '1_0', expected numbers"),
    "a box": (BOX, "a.txt: line 1: found 5 numbers"),
    "mixed": (
        f"{label(joints(0, 17))}\n{label(joints(0, 21))}",
        "line 2: found 68 numbers, and 56 in line 1 of a.txt; expected class, box, and the joints of one kind",
    ),
    "nobody": ("\n \n", "has nobody in any frame"),
    "infinite": (f"{BOX} 1e999{' 0.5' * 50}", "infinite coordinate"),
    "binary": (b"\x00\xff 1 2", r"line 1: found '\\x00\\xff', expected numbers"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused(tmp_path, case):
    text, message = BAD[case]
    path = tmp_path / "a.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    refused(path, message, "ultralytics")


def test_bad_folders_are_refused(tmp_path):
    refused(tmp_path, "holds no .txt file", "ultralytics")
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(label(joints(0)))
    refused(tmp_path, "found a.txt, expected names that end in the number of the frame")


@pytest.mark.parametrize(
    "text", ["0 640 480 20 30" + " 0.5" * 51, "x" + BOX + " 0.5" * 51, BOX, "0,1,2", ""], ids=range(5)
)
def test_what_is_no_label_is_not_guessed(tmp_path, text):
    path = tmp_path / "a.txt"
    path.write_text(text)
    assert guess(path) == 0


number = st.floats(0, 1, allow_subnormal=False).map(lambda value: f"{value:g}")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.lists(number, min_size=51, max_size=51), max_size=2), max_size=3), st.sampled_from("\n\r"))
def test_any_folder_comes_back(tmp_path_factory, frames, end):
    folder = tmp_path_factory.mktemp("a") / "labels"
    folder.mkdir()
    end = "\n" if end == "\n" else "\r\n"
    frames = [[["0.25"] * 51], *frames]
    for at, people in enumerate(frames):
        text = "".join(" ".join([BOX, *person]) + end for person in people)
        (folder / f"v_{at}.txt").write_bytes(text.encode())
    found = read_same(folder, "ultralytics", folder.with_name("out"))
    assert len(found.joints) == sum(map(len, frames))


def test_damaged_files_are_refused_or_read(tmp_path):
    content = f"{label(joints(0))}\n{label(joints(0.25))}\n".encode()
    assert survives(content, "ultralytics", tmp_path, "a1.txt") == {"read", "refused"}
