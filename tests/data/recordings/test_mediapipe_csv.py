"""MediaPipe's landmarks in tables, in the ways that people write them."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from data.recordings.guessing import read_recording
from data.recordings.joint_sets import BLAZEPOSE_33
from data.recordings.mediapipe_csv import guess
from tests.data.recordings.json_checks import read_same, refused, rewritten, survives

NAN = np.nan
LONG = b"""Frame,LandmarkID,X,Y
3,0,0.5,0.25
3,1,0.125,0.75

5,1,0.75,1.0
5,0,0,0
"""
NAMES = BLAZEPOSE_33.names


def wide(columns, *rows):
    return "\n".join([",".join(columns), *(",".join(str(value) for value in row) for row in rows)]) + "\n"


def columns(pattern, values="xyz", count=33, first=0):
    names = [name.replace(" ", "_") for name in NAMES]
    return [
        pattern.format(n=number + first, name=names[number % 33], NAME=names[number % 33].upper(), v=value)
        for number in range(count)
        for value in values
    ]


def numbers(count, first=1):
    return (np.arange(first, first + count) / 1024).tolist()


def test_a_row_per_landmark(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(LONG)
    found = read_same(path, "mediapipe_csv", tmp_path / "b.csv")
    np.testing.assert_array_equal(found.joints, [[[0.5, 0.25], [0.125, 0.75]], [[NAN, NAN], [0.75, 1]]])
    np.testing.assert_array_equal(found.frame, [3, 5])
    assert (found.person.tolist(), found.confidence, found.seconds, found.names) == ([0, 0], None, None, ("0", "1"))
    assert "size is not told" in found.notes[0]


def test_only_what_changed_is_written(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(LONG)
    _, found = read_recording(path)
    new = found.joints.copy()
    new[1, 1] = [0.8125, 1]
    assert rewritten(found, new, tmp_path / "b.csv") == LONG.replace(b"5,1,0.75,1.0", b"5,1,0.81,1.0")


def test_rows_of_named_landmarks_of_several_people_with_times(tmp_path):
    path = tmp_path / "a.csv"
    rows = [
        (0, "bob", 0, "NOSE", 0.1, 0.2, 0.3, 0.5),
        (0, "bob", 0, "LEFT_EYE", 0.4, 0.5, 0.6, 0.75),
        (0, "ann", 0, "LEFT_EYE", 0.7, 0.8, 0.9, 0.25),
        (2, "bob", 80, "NOSE", 0.11, 0.21, 0.31, 0.5),
    ]
    path.write_text(wide(["frame", "person", "time_ms", "landmark_name", "x", "y", "z", "visibility"], *rows))
    found = read_same(path, "mediapipe_csv", tmp_path / "b.csv")
    nobody = [NAN] * 3
    wanted = [[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], [nobody, [0.7, 0.8, 0.9]], [[0.11, 0.21, 0.31], nobody]]
    np.testing.assert_array_equal(found.joints, wanted)
    np.testing.assert_array_equal(found.confidence, np.float32([[0.5, 0.75], [0, 0.25], [0.5, 0]]))
    np.testing.assert_array_equal(found.frame, [0, 0, 2])
    np.testing.assert_array_equal(found.person, [0, 1, 0])
    np.testing.assert_allclose(found.seconds, [0, 0, 0.08], rtol=1e-12)
    assert found.names == ("nose", "left eye")


@pytest.mark.parametrize(
    ("pattern", "first"),
    [
        ("landmark_{n}_{v}", 0),
        ("landmark{n}_{v}", 0),
        ("lm_{n}_{v}", 0),
        ("{v}{n}", 1),
        ("{v}_{n}", 0),
        ("{n}_{v}", 0),
        ("{name}_{v}", 0),
        ("{NAME}.{v}", 0),
        ("landmark_{name}_{v}", 0),
        ("{v}_{name}", 0),
    ],
)
def test_names_of_columns(tmp_path, pattern, first):
    path = tmp_path / "a.csv"
    header = ["class", *columns(pattern, first=first)]
    path.write_text(wide(header, ["up", *numbers(99)], ["", *[""] * 99], ["down", *numbers(99, 201)]))
    found = read_same(path, "mediapipe_csv", tmp_path / "b.csv")
    wanted = np.array([numbers(99), numbers(99, 201)]).reshape(2, 33, 3)
    np.testing.assert_array_equal(found.joints, wanted)
    assert (found.frame.tolist(), found.names, found.bones) == ([0, 2], NAMES, BLAZEPOSE_33.bones)


def test_visibility_goes_before_presence_and_times_may_be_of_no_unit(tmp_path):
    path = tmp_path / "a.csv"
    values = ("presence", "x", "y", "visibility")
    header = ["frame_number", "timestamp", *columns("landmark_{n}_{v}", values, count=2)]
    rows = [[4, 100.0, 0.9, 0.1, 0.2, 0.5, 0.9, 0.3, 0.4, 0.25], [6, 166.7, 0.9, 0.5, 0.6, "", 0.9, "", 0.8, 1]]
    path.write_text(wide(header, *rows))
    found = read_same(path, "mediapipe_csv", tmp_path / "b.csv")
    np.testing.assert_array_equal(found.joints, [[[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.6], [NAN, NAN]]])
    np.testing.assert_array_equal(found.confidence, np.float32([[0.5, 0.25], [0, 1]]))
    np.testing.assert_array_equal(found.frame, [4, 6])
    np.testing.assert_allclose(found.seconds, [0.1, 0.1667], rtol=1e-12)


def test_image_world_and_hands(tmp_path):
    path = tmp_path / "a.csv"
    header = columns("world_landmark_{n}_{v}", "xyv", 2) + columns("right_hand_{n}_{v}", "xy", 21)
    header += columns("pose_{n}_{v}", "xyv", 2)
    values = numbers(len(header))
    path.write_text(wide(header, values))
    found = read_same(path, "mediapipe_csv", tmp_path / "b.csv")
    wanted = [values[at : at + 2] for at in (0, 3, *range(6, 48, 2), 48, 51)]
    np.testing.assert_array_equal(found.joints, [wanted])
    # Hands have no confidence of their own.
    np.testing.assert_array_equal(
        found.confidence, np.float32([[values[2], values[5], *[1] * 21, values[50], values[53]]])
    )
    assert found.groups == ((*range(2, 25),), (0, 1))
    assert found.names[:3] == ("world 0", "world 1", "right hand wrist")
    assert (found.unit, found.notes) == ("", ())


def test_rows_of_people(tmp_path):
    path = tmp_path / "a.csv"
    header = ["frame", "person_id", *columns("{name}_{v}", "xy")]
    path.write_text(wide(header, [1, 7, *numbers(66)], [1, 3, *numbers(66)], [0, 3, *numbers(66)]))
    found = read_same(path, "mediapipe_csv", tmp_path / "b.csv")
    assert (found.frame.tolist(), found.person.tolist()) == ([1, 1, 0], [7, 3, 3])


BAD = {
    "empty": ("", "has 0 lines, expected names of columns and numbers below them"),
    "header": ("a,b\n1,2\n", "line 1 names no coordinates"),
    "a text": (LONG.decode() + "6,0,abc,1\n", "line 7, column 3: found 'abc', expected a number or nothing"),
    "a frame": (LONG.decode() + "6.5,0,1,1\n", "line 7, column 1: found '6.5', expected the number of a frame"),
    "cut": (LONG.decode() + "6,0,5", "line 7 has 3 cells, expected 4"),
    "twice": (LONG.decode() + "5,1,1,1\n", "found a joint twice in frame 5"),
    "two videos": (
        wide(["frame", *columns("{name}_{v}")], *([at, *numbers(99)] for at in (0, 1, 0, 1))),
        "found frame 0 after 1, expected frames that run forwards; give each video a file of its own",
    ),
    "infinite": (LONG.decode() + "6,0,1e999,1\n", "infinite coordinate"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused(tmp_path, case):
    text, message = BAD[case]
    path = tmp_path / "a.csv"
    path.write_text(text)
    refused(path, message, "mediapipe_csv")


@pytest.mark.parametrize(
    "header",
    [
        "frame,nose_x,nose_y,left_shoulder_x,left_shoulder_y",
        "frame,model,landmark,x,y",
        "frame,keypoint,x,y",
        ",".join(f"{axis}{at}" for at in range(17) for axis in "xy"),
        "scorer,a,a,b,b",
    ],
)
def test_tables_of_others_are_not_guessed(tmp_path, header):
    path = tmp_path / "a.csv"
    path.write_text(header + "\n" + ",".join("1" * (header.count(",") + 1)) + "\n")
    assert guess(path) == 0


number = st.floats(-2, 3, allow_subnormal=False) | st.just(0) | st.just("")


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(number, min_size=8, max_size=8), max_size=4),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(",;\t"),
)
def test_any_table_comes_back(tmp_path_factory, rows, end, delimiter):
    folder = tmp_path_factory.mktemp("a")
    path = folder / "a.csv"
    text = wide(columns("landmark_{n}_{v}", ("x", "y", "z", "visibility"), 2), [0.5] * 8, *rows)
    path.write_bytes(text.replace("\n", end).replace(",", delimiter).encode())
    read_same(path, "mediapipe_csv", folder / "b.csv")


def test_damaged_files_are_refused_or_read(tmp_path):
    assert survives(LONG, "mediapipe_csv", tmp_path, "a.csv") == {"read", "refused"}
    content = wide(["frame", *columns("{name}_{v}", "xy")], [1, *numbers(66)], [3, *numbers(66)]).encode()
    assert survives(content, "mediapipe_csv", tmp_path, "b.csv") == {"read", "refused"}
