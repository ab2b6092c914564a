import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import InputError
from data.recordings.guessing import guess_recording
from data.recordings.trc import read
from tests.data.recordings.checks import check_damaged, content_after

PLAIN = """PathFileType\t4\t(X/Y/Z)\twalk.trc
DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames
50\t50\t3\t2\tmm\t50\t1\t3
Frame#\tTime\tRHip\t\t\tLeft Knee\t\t
\t\tX1\tY1\tZ1\tX2\tY2\tZ2
{gap}5\t0.08\t1.5\t2.5\t3.5\t-1\t-2.25\t4e1
6\t0.1\t1.75\t2.5\t3.5\t-1\t-2.5\t41
8\t0.14\t2\t3\t4\t5\t6\t7
"""
JOINTS = [[[1.5, 2.5, 3.5], [-1, -2.25, 40]], [[1.75, 2.5, 3.5], [-1, -2.5, 41]], [[2, 3, 4], [5, 6, 7]]]
TEXT = PLAIN.format(gap="\n")
WAYS = {
    "as it should be": TEXT,
    "no blank line": PLAIN.format(gap=""),
    "a line of tabs": PLAIN.format(gap="\t\t\t\n"),
    "CRLF": TEXT.replace("\n", "\r\n"),
    "spaces in the first line": TEXT.replace("PathFileType\t4\t", "PathFileType  4\t"),
    "names' row short": TEXT.replace("Left Knee\t\t", "Left Knee"),
    "padded with tabs": TEXT.replace("walk.trc", "walk.trc\t\t\t\t").replace("\t1\t3\n", "\t1\t3\t\t\t\n"),
    "double tabs": TEXT.replace("\t0.08", "\t\t0.08").replace("6\t0.1\t", "6\t0.1\t\t"),
    "spaces for tabs": TEXT.replace("5\t0.08\t", "5  0.08 "),
    "spaces only": TEXT.replace("Left Knee", "LKnee").replace("\t\t\t", "  ").replace("\t", "   "),
    "commas": TEXT.replace("\t", ","),
    "decimal commas": TEXT.replace(".", ",").replace("walk,trc", "walk.trc"),
    "no newline at the end": TEXT.rstrip(),
    "tabs at the end": TEXT.replace("\t7\n", "\t7\t\n"),
}


@pytest.fixture
def file(tmp_path):
    def make(text):
        path = tmp_path / "a.trc"
        path.write_bytes(text.encode())
        return path

    return make


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_write_it_is_read_and_comes_back_the_same(file, way):
    path = file(WAYS[way])
    assert guess_recording(path) == "trc"
    recording = read(path)
    np.testing.assert_array_equal(recording.joints, JOINTS)
    assert recording.frame.tolist() == [5, 6, 8]
    assert recording.names[0] == "RHip"
    assert len(recording.names) == 2
    assert (recording.fps, recording.seconds, recording.unit, recording.notes) == (50, None, "mm", ())
    assert content_after(path) == path.read_bytes()


@pytest.mark.parametrize(
    ("way", "x"), [("double tabs", "2.500"), ("decimal commas", "2,500"), ("spaces only", "2.500")]
)
def test_only_what_changes_is_written(file, way, x):
    def change(joints):
        joints[0, 0, 0] += 1

    text = WAYS[way].replace("2.25", "2.255").replace("2,25", "2,255")
    assert content_after(file(text), change).decode() == text.replace(
        "1.5" if "." in x else "1,5", "2.50" if "." in x else "2,50", 1
    )


@pytest.mark.parametrize("missing", ["\t\t", "nan\tnan\tnan", "0.0\t0\t0"])
def test_missing_markers(file, missing):
    path = file(TEXT.replace("1.75\t2.5\t3.5", missing))
    recording = read(path)
    expected = np.array(JOINTS)
    expected[1, 0] = np.nan
    np.testing.assert_array_equal(recording.joints, expected)
    assert content_after(path) == path.read_bytes()


def test_double_tabs_beside_missing_markers_are_told_by_the_header(file):
    text = TEXT.replace("1.75\t2.5\t3.5", "\t\t").replace("\t\tX1", "\t\t\tX1")
    for time in ("0.08", "0.1", "0.14"):
        text = text.replace(f"\t{time}\t", f"\t{time}\t\t")
    expected = np.array(JOINTS)
    expected[1, 0] = np.nan
    np.testing.assert_array_equal(read(file(text)).joints, expected)


@pytest.mark.parametrize("rate", ["0", "0.00", "nan", "25", "?"])
def test_times_take_the_place_of_a_rate_that_is_none_or_another(file, rate):
    recording = read(file(TEXT.replace("\n50\t", f"\n{rate}\t")))
    assert recording.fps is None
    np.testing.assert_array_equal(recording.seconds, [0.08, 0.1, 0.14])
    assert rate in recording.notes[0]


def test_no_rate_and_no_times_leave_it_to_the_user(file):
    recording = read(file(TEXT.replace("\n50\t", "\n0\t").replace("\t0.14", "\t0.1")))
    assert (recording.fps, recording.seconds) == (None, None)


def test_rows_count_and_not_what_the_header_says(file):
    recording = read(file(TEXT.replace("\t50\t3\t2", "\t50\t652\t2")))
    assert len(recording.joints) == 3
    assert recording.notes == ("the header says 652 frames, there are 3",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("PathFileType\t4\n", "has no row that begins with Frame#"),
        (TEXT.replace("\t5\t6\t7\n", "\t5"), "line 9 has 6 cells, expected 8"),
        (TEXT.replace("\t7\n", "\t7\t8\n"), "line 9 has 9 cells, expected 8"),
        (TEXT.replace("-2.25", "x"), "line 7, column 7: found 'x', expected a number"),
        (TEXT.replace("\n6\t", "\nsix\t"), "line 8, column 1: found 'six', expected a number"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(file, text, message):
    with pytest.raises(InputError, match=message):
        read(file(text))


def test_damage(file):
    check_damaged(file(TEXT), read)


numbers = st.one_of(st.floats(-1e4, 1e4).map(repr), st.just("NaN"), st.just(""), st.just("0"))


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.lists(numbers, min_size=6, max_size=6), min_size=1, max_size=4),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_comes_back_the_same(tmp_path_factory, rows, end):
    path = tmp_path_factory.mktemp("trc") / "a.trc"
    lines = [*TEXT.split("\n")[:6], *("\t".join([str(at), str(at / 50), *row]) for at, row in enumerate(rows))]
    path.write_bytes(end.join(lines).encode())
    recording = read(path)
    recording.write(recording.joints.copy(), path.with_name("out"))
    assert path.with_name("out").read_bytes() == path.read_bytes()
