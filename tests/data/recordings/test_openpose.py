"""OpenPose's folders of a JSON file per frame."""

import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from data.recordings.guessing import read_recording
from tests.data.recordings.json_checks import contents, read_same, refused, rewritten, survives

NAN = np.nan
FIRST = b'{"version":1.3,"people":[{"person_id":[-1],"pose_keypoints_2d":[1.5,2,0.25,0,0,0],"face_keypoints_2d":[]}]}'
THIRD = b'{"version":1.3,"people":[{"person_id":[-1],"pose_keypoints_2d":[3,4.125,1.5,5,6,1],'
THIRD += b'"hand_left_keypoints_2d":[7,8,1]},{"pose_keypoints_2d":[9,9,1,8,8,1]}]}\n'
EMPTY = b'{"version":1.3,"people":[]}'


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "a b"
    path.mkdir()
    for number, content in ((5, FIRST), (6, EMPTY), (10, THIRD)):
        (path / f"video 7_{number:012d}_keypoints.json").write_bytes(content)
    (path / "notes.txt").write_text("x")
    (path / ".hidden.json").write_text("x")
    return path


def expected(folder):
    return {name: content for name, content in contents(folder).items() if name.startswith("video")}


def test_a_folder(folder, tmp_path):
    name, found = read_recording(folder)
    assert name == "openpose"
    wanted = [[[1.5, 2], [NAN] * 2, [NAN] * 2], [[3, 4.125], [5, 6], [7, 8]], [[9, 9], [8, 8], [NAN] * 2]]
    np.testing.assert_array_equal(found.joints, wanted)
    np.testing.assert_array_equal(found.confidence, np.float32([[0.25, 0, 0], [1, 1, 1], [1, 1, 0]]))
    np.testing.assert_array_equal(found.frame, [5, 10, 10])
    assert (found.person, found.unit, found.frames) == (None, "px", 6)
    assert rewritten(found, found.joints, tmp_path / "b") == expected(folder)


def test_only_what_changed_is_written(folder, tmp_path):
    _, found = read_recording(folder)
    new = found.joints.copy()
    new[1, 0, 1], new[1, 2, 0] = 4.0625, 7.5
    wanted = expected(folder)
    last = max(wanted)
    wanted[last] = wanted[last].replace(b"3,4.125", b"3,4.062").replace(b"[7,8,1]", b"[7.500,8,1]")
    assert rewritten(found, new, tmp_path / "b") == wanted


@pytest.mark.parametrize("name", ["1_keypoints.json", "still.json"])
def test_one_file_of_the_first_version(tmp_path, name):
    person = {"pose_keypoints": [1, 2, 0.5], "face_keypoints": [], "hand_right_keypoints": [3, 4, 0.5]}
    (tmp_path / name).write_text(json.dumps({"version": 1.0, "people": [person]}))
    found = read_same(tmp_path / name, "openpose", tmp_path / "out.json")
    np.testing.assert_array_equal(found.joints, [[[1, 2], [3, 4]]])
    assert found.frame.tolist() == [0]


def test_joints_in_space(tmp_path):
    person = {
        "person_id": [3],
        "pose_keypoints_2d": [1, 2, 1, 3, 4, 1],
        "pose_keypoints_3d": [5, 6, 7, 0.5, 0, 0, 0, 0],
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"version": 1.3, "people": [person]}))
    found = read_same(path, "openpose", tmp_path / "out.json")
    np.testing.assert_array_equal(found.joints, [[[5, 6, 7], [NAN] * 3]])
    np.testing.assert_array_equal(found.confidence, np.float32([[0.5, 0]]))
    assert (found.person.tolist(), found.unit) == ([3], "")
    assert "in the image stay" in found.notes[0]


@pytest.mark.parametrize("count", [15, 18, 25])
def test_bones_of_bodies(tmp_path, count):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"version": 1.3, "people": [{"pose_keypoints_2d": [1.5] * 3 * count}]}))
    found = read_same(path, "openpose", tmp_path / "out.json")
    reached = {1}  # the neck: every joint hangs on it by one way only
    for _ in range(count):
        reached |= {end for bone in found.bones if set(bone) & reached for end in bone}
    assert reached == set(range(count))
    assert len(found.bones) == count - 1


@pytest.mark.parametrize(
    ("ids", "known"),
    [([[1], [2]], [1, 2]), ([[1], [1]], None), ([[1], [-1]], None), ([1, 2], [1, 2]), ([[1e300], [2]], None)],
    ids=str,
)
def test_identities(tmp_path, ids, known):
    people = [{"person_id": one, "pose_keypoints_2d": [1, 2, 1]} for one in ids]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"version": 1.3, "people": people}))
    person = read_same(path, "openpose", tmp_path / "out.json").person
    assert (None if person is None else person.tolist()) == known


BAD = {
    "cut": ('{"version": 1.3, "people": [{"pose_keypoints_2d": [1', "line 1, column 5[0-9]: .*expected JSON"),
    "no people": ('{"version": 1.3}', "has no list of `people`, expected a file of OpenPose"),
    "no object": ('{"people": [3]}', r"people\[0\]: is no object, expected a person"),
    "two": ('{"people": [{"pose_keypoints_2d": [1, 2]}]}', "found 2 numbers, expected 3 for each joint"),
    "five": ('{"people": [{"pose_keypoints_3d": [1, 2, 3, 4, 5]}]}', "found 5 numbers, expected 4 for each joint"),
    "a text": ('{"people": [{"pose_keypoints_2d": "abc"}]}', "found a text, expected a list of numbers"),
    "mixed": (
        '{"people": [{"pose_keypoints_2d": [1, 2, 3]}, {"pose_keypoints_2d": [1, 2, 3, 4, 5, 6]}]}',
        "people have 1 and 2 joints of pose, expected one number",
    ),
    "nobody": (EMPTY.decode(), "no joint has a position"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused(tmp_path, case):
    text, message = BAD[case]
    path = tmp_path / "a.json"
    path.write_text(text)
    refused(path, message, "openpose")


def test_bad_folders_are_refused(tmp_path):
    refused(tmp_path, "holds no .json file", "openpose")
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_bytes(FIRST)
    refused(tmp_path, "found a.json, expected names that end in the number of the frame", None)


number = st.floats(-1e6, 1e6, allow_subnormal=False) | st.integers(-(10**6), 10**6) | st.just(0)
person = st.lists(number, min_size=6, max_size=6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(person, max_size=3), max_size=4))
def test_any_folder_comes_back(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("a") / "in"
    folder.mkdir()
    for at, people in enumerate([[[1, 2, 3] * 2], *frames]):
        content = {"version": 1.3, "people": [{"pose_keypoints_2d": one} for one in people]}
        (folder / f"{at}_keypoints.json").write_text(json.dumps(content))
    found = read_same(folder, "openpose", folder.with_name("out"))
    assert len(found.joints) == 1 + sum(map(len, frames))


def test_damaged_files_are_refused_or_read(tmp_path):
    assert survives(THIRD, "openpose", tmp_path, "a.json") == {"read", "refused"}
