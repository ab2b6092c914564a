import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import InputError
from data.recordings.csv import guess, read
from data.recordings.guessing import guess_recording
from tests.data.recordings.checks import check_damaged, content_after

POSES = """frame,time,nose_x,nose_y,nose_score,tail_x,tail_y,tail_score
3,0.10,10.5,20.25,0.9,0,0,0
5,0.20,,,,31.5,41.5,1.5
6,0.25,11,21,0.8,32,42,0.7
"""
JOINTS = """frame,person,joint,x,y,z,visibility
0,ann,hip,1.0,2.0,3.0,0.5
0,ann,knee,4.0,5.0,6.0,0.6
0,bob,knee,7.0,8.0,9.0,0.7
2,ann,knee,4.5,5.5,6.5,0.8
2,ann,hip,,,,0.1
"""
TOGETHER = '\ufeffHip,Knee,label\r\n"[1.5, 2]","(3,-4e-1)",walk\r\n,"[5, 6]",walk\r\n'


@pytest.fixture
def file(tmp_path):
    def make(text, name="a.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return make


def test_a_row_per_frame(file):
    recording = read(file(POSES))
    nan = [np.nan, np.nan]
    np.testing.assert_array_equal(recording.joints, [[[10.5, 20.25], nan], [nan, [31.5, 41.5]], [[11, 21], [32, 42]]])
    np.testing.assert_array_equal(recording.confidence, np.float32([[0.9, 0], [0, 1], [0.8, 0.7]]))
    assert recording.frame.tolist() == [3, 5, 6]
    np.testing.assert_array_equal(recording.seconds, [0.1, 0.2, 0.25])
    assert recording.person.tolist() == [0, 0, 0]
    assert recording.names == ("nose", "tail")


def test_a_row_per_joint(file):
    recording = read(file(JOINTS))
    nan = [np.nan] * 3
    expected = [[[1, 2, 3], [4, 5, 6]], [nan, [7, 8, 9]], [nan, [4.5, 5.5, 6.5]]]
    np.testing.assert_array_equal(recording.joints, expected)
    np.testing.assert_array_equal(recording.confidence, np.float32([[0.5, 0.6], [0, 0.7], [0.1, 0.8]]))
    assert recording.frame.tolist() == [0, 0, 2]
    assert recording.person.tolist() == [0, 1, 0]
    assert recording.names == ("hip", "knee")


def test_models_are_groups(file):
    text = "frame,model,keypoint,x,y\n0,body,a,1,2\n0,hand,a,3,4\n0,body,b,5,6\n"
    recording = read(file(text))
    assert recording.names == ("body a", "hand a", "body b")
    assert recording.groups == ((0, 2), (1,))


def test_all_coordinates_in_a_cell(file):
    path = file(TOGETHER)
    assert guess(path)
    recording = read(path)
    np.testing.assert_array_equal(recording.joints, [[[1.5, 2], [3, -0.4]], [[np.nan] * 2, [5, 6]]])
    assert recording.names == ("Hip", "Knee")

    def change(joints):
        joints[0, 1, 0] = 7

    assert content_after(path, change).decode() == TOGETHER.replace("(3,", "(7.00,")


def test_three_numbers_in_a_cell_apart_by_spaces(file):
    recording = read(file("Frame,Hip,Knee\n4,1 2 3,4.5 5.5 6.5\n7,1 2 3.5,4 5 6\n"))
    np.testing.assert_array_equal(recording.joints[0], [[1, 2, 3], [4.5, 5.5, 6.5]])
    assert recording.frame.tolist() == [4, 7]


def test_several_people_in_rows_of_a_frame(file):
    text = "frame,{}a_x,a_y\n0,{}1,2\n0,{}3,4\n1,{}5,6\n"
    assert read(file(text.format(*[""] * 4))).person is None
    assert read(file(text.format("track_id,", "7,", "9,", "9,"))).person.tolist() == [7, 9, 9]
    assert read(file(text.format("player,", "x,", "y,", "x,"))).person.tolist() == [0, 1, 0]
    assert read(file(text.format("id,", "1,", "2,", "3,"))).person is None


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        (("timestamp", "0", "33", "67"), [0, 0.033, 0.067]),
        (("time_ms", "0.5", "1", "2"), [0.0005, 0.001, 0.002]),
        (("Timestamp", "1600000000.1", "1600000000.2", "1600000000.4"), [1600000000.1, 1600000000.2, 1600000000.4]),
        (("time", "", "", ""), None),
        (("time", "0", "", "1"), None),
        (("time", "12:30:01", "12:30:02", "12:30:03"), None),
    ],
)
def test_times(file, times, seconds):
    name, *each = times
    rows = [f"{at},{time},{at},2" for at, time in enumerate(each)]
    recording = read(file("\n".join([f"frame,{name},a_x,a_y", *rows])))
    if seconds is None:
        assert recording.seconds is None
        assert bool(recording.notes) == any(each)
    else:
        np.testing.assert_allclose(recording.seconds, seconds, rtol=1e-15)


def test_frames_without_a_column_of_them(file):
    assert read(file("a_x,a_y\n1,2\n3,4\n")).frame.tolist() == [0, 1]
    assert read(file(",a_x,a_y\n4,1,2\n9,3,4\n")).frame.tolist() == [4, 9]
    assert read(file(",a_x,a_y\n9,1,2\n4,3,4\n")).frame.tolist() == [0, 1]
    assert read(file("time,joint,x,y\n0.5,a,1,2\n0.7,a,3,4\n0.5,b,5,6\n")).frame.tolist() == [0, 1]


def test_zero_is_missing_but_for_a_root(file):
    recording = read(file("hip_x,hip_y,a_x,a_y\n0,0,0,0\n0,0,1,2\n"))
    np.testing.assert_array_equal(recording.joints, [[[0, 0], [np.nan] * 2], [[0, 0], [1, 2]]])


def test_frames_without_anybody_may_be_short_or_empty(file):
    path = file("frame,a_x,a_y\n0,1,2\n1\n2,,\n3,4,5\n")
    assert read(path).frame.tolist() == [0, 3]
    assert content_after(path) == path.read_bytes()


def test_a_header_of_one_name_less_or_more(file):
    np.testing.assert_array_equal(read(file("a_x,a_y\nr1,1,2\nr2,3,4\n")).joints[:, 0], [[1, 2], [3, 4]])
    for header in ("a_x,a_y,label", "label,a_x,a_y"):
        recording = read(file(f"{header}\n1,2\n3,4\n"))
        np.testing.assert_array_equal(recording.joints[:, 0], [[1, 2], [3, 4]])
        assert recording.notes == ("the header has a name too many, label, which is left out",)
    with pytest.raises(InputError, match="line 2 has 3 cells, expected 4 as there are names of columns"):
        read(file("a_x,a_y,b_x,b_y\n1,2,3\n4,5,6\n"))


def test_rows_of_nothing_are_frames_without_anybody(file):
    for text in (
        "a_x,a_y\n1,2\n\n3,4\n5,6\n",
        "a_x,a_y\n1,2\n,\n3,4\n5,6\n",
        "frame,a_x,a_y\n0,1,2\n,,\n2,3,4\n3,5,6\n",
    ):
        path = file(text)
        assert read(path).frame.tolist() == [0, 2, 3]
        assert content_after(path) == path.read_bytes()
    assert read(file("a_x,a_y\n\n1,2\n\n3,4\n\n5,6\n")).frame.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "text", [POSES, JOINTS, TOGETHER, POSES.replace(",", ";").replace(".", ","), POSES.replace(",", "\t")]
)
def test_what_is_not_changed_stays_to_the_byte(file, text):
    path = file(text)
    assert guess_recording(path) == "csv"
    assert content_after(path) == path.read_bytes()


def test_only_what_changes_is_written(file):
    def change(joints):
        joints[0, 0, 1] = 2.5

    assert content_after(file(JOINTS), change).decode() == JOINTS.replace("hip,1.0,2.0,3.0", "hip,1.0,2.50,3.0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has 0 lines"),
        ("a_x,a_y\n", "has 1 line, expected"),
        ("\n1,2,3,4\n5,6,7,8\n", "line 2 holds 4 numbers, expected names of columns; add a first line such as nose_x"),
        ("a,b\n1,2\n", "line 1 names no coordinates"),
        (POSES.replace("31.5", "?"), r"line 3, column 6: found '\?', expected a number"),
        (POSES.replace("5,0.20", "5.5,0.20"), r"line 3, column 1: found '5\.5', expected the number of a frame"),
        (POSES.replace(",42,0.7", ""), "line 4 has 6 cells, expected 8"),
        (JOINTS.replace("bob,knee", "ann,knee"), "found a joint of person 0 twice in frame 0"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(file, text, message):
    with pytest.raises(InputError, match=message):
        read(file(text))


def test_the_guess_is_the_least_sure(file):
    assert guess(file(POSES)) == guess(file(POSES, "a.TXT")) == 1
    assert guess(file("a b\n1 2\n", "a.txt")) == guess(file(POSES, "a.json")) == guess(file("a\n")) == 0


def test_a_header_longer_than_what_a_guess_looks_at(file):
    header = ",".join(f"joint_of_number_{at}_{axis}" for at in range(2000) for axis in "xy")
    path = file(f"{header}\n" + "1.5," * 3999 + "2\n")
    assert guess_recording(path) == "csv"
    assert read(path).joints.shape == (1, 2000, 2)


def test_damage(file):
    for text in (POSES, JOINTS, TOGETHER):
        check_damaged(file(text), read, 40)


numbers = st.one_of(st.floats(-1e4, 1e4).map(repr), st.just("NaN"), st.just(""), st.just("0"), st.integers().map(str))
separators, ends = st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n"])


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(numbers, min_size=6, max_size=6), min_size=1, max_size=4), mark=separators, end=ends)
def test_any_table_comes_back_the_same(tmp_path_factory, rows, mark, end):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    header = ["frame", "a_x", "a_y", "a_z", "b_x", "b_y", "b_z"]
    lines = [mark.join(header), *(mark.join([str(at), *row]) for at, row in enumerate(rows))]
    path.write_bytes(end.join(lines).encode())
    recording = read(path)
    recording.write(recording.joints.copy(), path.with_name("out"))
    assert path.with_name("out").read_bytes() == path.read_bytes()
