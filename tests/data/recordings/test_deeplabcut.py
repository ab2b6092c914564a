import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import InputError
from data.recordings.deeplabcut import guess, read
from data.recordings.guessing import guess_recording
from tests.data.recordings.checks import check_damaged, content_after

ONE = """scorer,net,net,net,net,net,net
bodyparts,nose,nose,nose,tail,tail,tail
coords,x,y,likelihood,x,y,likelihood
0,10.5,-20.25,0.9,30.125,40,0.5
1,,,0.0,31.5,41.5,1.2
7,12.5,22.5,0.7,,,
"""
TWO = """scorer,net,net,net,net,net,net
individuals,a,a,a,b,b,b
bodyparts,nose,nose,nose,nose,nose,nose
coords,x,y,likelihood,x,y,likelihood
0,1.0,2.0,0.5,,,
1,1.5,2.5,0.5,8.0,9.0,1.0
"""


@pytest.fixture
def file(tmp_path):
    def make(text, name="a.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


def test_one_animal(file):
    recording = read(file(ONE))
    expected = [[[10.5, -20.25], [30.125, 40]], [[np.nan] * 2, [31.5, 41.5]], [[12.5, 22.5], [np.nan] * 2]]
    np.testing.assert_array_equal(recording.joints, expected)
    np.testing.assert_array_equal(recording.frame, [0, 1, 7])
    np.testing.assert_array_equal(recording.confidence, np.float32([[0.9, 0.5], [0, 1], [0.7, 0]]))
    assert recording.names == ("nose", "tail")
    assert recording.person.tolist() == [0, 0, 0]
    assert recording.unit == "px"


def test_several_animals_keep_who_they_are_and_are_absent_where_they_have_no_position(file):
    recording = read(file(TWO))
    np.testing.assert_array_equal(recording.joints, [[[1, 2]], [[1.5, 2.5]], [[8, 9]]])
    assert recording.frame.tolist() == [0, 1, 1]
    assert recording.person.tolist() == [0, 0, 1]


def test_a_part_at_zero_is_missing(file):
    recording = read(file(TWO.replace("0.5,,,", "0.5,0.0,0,0").replace("1,1.5,2.5,0.5", "1,0,2.5,0.5")))
    np.testing.assert_array_equal(recording.joints, [[[1, 2]], [[0, 2.5]], [[8, 9]]])


def test_an_individual_may_have_parts_of_its_own(file):
    text = TWO.replace("bodyparts,nose,nose,nose,nose,nose,nose", "bodyparts,nose,nose,nose,corner,corner,corner")
    recording = read(file(text))
    assert recording.names == ("nose", "corner")
    np.testing.assert_array_equal(recording.joints[2], [[np.nan, np.nan], [8, 9]])
    np.testing.assert_array_equal(recording.confidence[2], [0, 1])


def test_three_dimensions_and_an_ensembles_columns(file):
    text = ONE.replace("likelihood", "z")
    assert read(file(text)).joints.shape == (3, 2, 3)
    text = "scorer,e,e,e\nbodyparts,a,a,a\ncoords,x,y,x_ens_var\n0,1,2,3\n"
    recording = read(file(text))
    np.testing.assert_array_equal(recording.joints, [[[1, 2]]])
    assert recording.confidence is None


def test_labelled_images_are_numbered_by_their_names(file):
    header = "scorer,,,me,me\nbodyparts,,,a,a\ncoords,,,x,y\n"
    rows = "labeled-data,video1,img0042.png,1,2\nlabeled-data,video1,img0007.png,3,4\n"
    path = file(header + rows)
    assert guess(path)
    assert read(path).frame.tolist() == [42, 7]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("text", [ONE, TWO, "\ufeff" + ONE, ONE.rstrip(), ONE.replace("nose", '"nose"')])
def test_what_is_not_changed_stays_to_the_byte(file, text, end):
    content = text.replace("\n", end).encode()
    path = file(content)
    assert guess_recording(path) == "deeplabcut"
    assert content_after(path) == content


def test_only_what_changes_is_written(file):
    def change(joints):
        joints[0, 0] += 1
        joints[2, 0, 1] = 23

    expected = ONE.replace("10.5,-20.25,", "11.50,-19.25,").replace("12.5,22.5", "12.5,23.00")
    assert content_after(file(ONE), change).decode() == expected


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("coords,x,y", "axes,x,y", "begins with no rows named scorer, bodyparts and coords"),
        ("coords,x,y,likelihood,x,y", "coords,u,v,likelihood,u,v", "no columns named x and y"),
        ("tail,tail,tail", "nose,nose,nose", "columns 2 and 5 are both x of nose"),
        ("tail,tail,tail", "tail,tail", "have 6 and 7 cells"),
        ("31.5,", "much,", "line 5, column 5: found 'much', expected a number"),
        ("\n1,", "\n1.5,", "line 5, column 1: found '1.5', expected the number of a frame"),
        ("12.5,22.5,0.7,,,", "12.5,22", "line 6 has 3 cells, expected 7"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(file, old, new, message):
    with pytest.raises(InputError, match=message):
        read(file(ONE.replace(old, new)))


def test_individuals_that_share_nothing_take_no_memory(file):
    count = 100
    text = f"scorer{',s' * count}\nindividuals{''.join(f',i{n}' for n in range(count))}\n"
    text += f"bodyparts{''.join(f',b{n}' for n in range(count))}\ncoords{',x,y' * (count // 2)}\n"
    with pytest.raises(InputError, match="share few of 100 body parts"):
        read(file(text))


def test_damage(file):
    for text in (ONE, TWO):
        check_damaged(file(text), read)


numbers = st.one_of(st.just(""), st.floats(-1e6, 1e6).map(repr), st.integers(-999, 999).map(str), st.just("NaN"))


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(*[numbers] * 6), min_size=1, max_size=5), end=st.sampled_from(["\n", "\r\n"]))
def test_any_table_comes_back_the_same(tmp_path_factory, rows, end):
    path = tmp_path_factory.mktemp("dlc") / "a.csv"
    lines = [*ONE.splitlines()[:3], *(",".join([str(at), *row]) for at, row in enumerate(rows))]
    path.write_bytes(end.join(lines).encode())
    recording = read(path)
    recording.write(recording.joints.copy(), path.with_name("out"))
    assert path.with_name("out").read_bytes() == path.read_bytes()
