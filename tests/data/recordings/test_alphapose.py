"""AlphaPose's results, as a list of people and by image."""

import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from data.recordings.guessing import read_recording
from tests.data.recordings.json_checks import read_same, refused, rewritten, survives

TWO = (
    b'[{"image_id": "10.jpg", "category_id": 1, "keypoints": [1.5, 2, 0.25, 0, 0, 0.5], "score": 2.9, "idx": 2},\n'
    b' {"image_id": "9.jpg", "keypoints": [3, 4.125, 5.5, 7, 1e1, 1], "score": 6.0, "box": [1, 2, 3, 4], "idx": 2}]\n'
)


def test_a_list_of_people(tmp_path):
    path = tmp_path / "alphapose-results.json"
    path.write_bytes(TWO)
    found = read_same(path, "alphapose", tmp_path / "out.json")
    np.testing.assert_array_equal(found.joints, [[[1.5, 2], [np.nan, np.nan]], [[3, 4.125], [7, 10]]])
    np.testing.assert_array_equal(found.confidence, np.float32([[0.25, 0.5], [1, 1]]))
    np.testing.assert_array_equal(found.frame, [10, 9])
    np.testing.assert_array_equal(found.person, [2, 2])
    assert (found.fps, found.seconds, found.unit) == (None, None, "px")


def test_only_what_changed_is_written(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(TWO)
    _, found = read_recording(path)
    new = found.joints.copy()
    new[0, 0, 1], new[1, 1, 0] = 2.0625, -7.5
    expected = TWO.replace(b"[1.5, 2, 0.25", b"[1.5, 2.06, 0.25").replace(b" 7, 1e1", b" -7.50, 1e1")
    assert rewritten(found, new, tmp_path / "b.json") == expected


@pytest.mark.parametrize(
    "idx", ["[0.0]", "[[0.0], [0.0]]", "[2]", "null", "-1", "1.5", '"a"', "1e300"], ids=lambda text: text.strip("[]")
)
def test_what_is_no_identity_is_none(tmp_path, idx):
    path = tmp_path / "a.json"
    path.write_text(f'[{{"image_id": "1.jpg", "keypoints": [1, 2, 0.5], "idx": {idx}}}]')
    assert read_same(path, "alphapose", tmp_path / "b.json").person is None


def test_a_number_of_two_people_in_one_image_is_no_identity(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"image_id": "1.jpg", "keypoints": [place, 2, 1], "idx": 0} for place in (5, 6)]))
    assert read_same(path, "alphapose", tmp_path / "b.json").person is None


@pytest.mark.parametrize(
    ("image", "key"),
    [
        ([{"keypoints": [1, 2, 0.5], "scores": 1, "idx": 4}], None),
        ({"version": "AlphaPose v0.3", "people": [{"pose_keypoints_2d": [1, 2, 0.5], "idx": 4}]}, "people"),
        ({"version": "AlphaPose v0.3", "bodies": [{"joints": [1, 2, 0.5], "idx": 4}]}, "bodies"),
    ],
    ids=["PoseFlow", "OpenPose", "CMU-Pose"],
)
def test_people_by_image(tmp_path, image, key):
    empty = [] if key is None else {key: []}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"images/v 1/0007.jpg": image, "images/v 1/0008.jpg": empty, "9.jpg": image}, indent=1))
    found = read_same(path, "alphapose", tmp_path / "b.json")
    np.testing.assert_array_equal(found.joints, [[[1, 2]]] * 2)
    np.testing.assert_array_equal(found.frame, [7, 9])
    np.testing.assert_array_equal(found.person, [4, 4])


@pytest.mark.parametrize(
    ("count", "last"), [(17, "right ankle"), (26, "right heel"), (136, "right hand 20"), (133, "right hand 20")]
)
def test_joints_are_named_by_their_number(tmp_path, count, last):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"image_id": "still.png", "keypoints": [1.5] * 3 * count}]))
    found = read_same(path, "alphapose", tmp_path / "b.json")
    assert (len(found.names), found.names[-1]) == (count, last)
    assert max(max(pair) for pair in found.bones) < count


BAD = {
    "cut": ('[{"image_id": "1.jpg", "keypoints": [1, 2', "line 1, column 4[0-9]: .*expected JSON"),
    "no name": ('[{"image_id": "1.jpg", "keypoints": []}, {"image_id": 5}]', r"\[1\].image_id: found 5.0, expected"),
    "no list": ('[{"image_id": "1.jpg", "keypoints": null}]', r"\[0\].keypoints: found null, expected a list"),
    "a text": ('[{"image_id": "1.jpg", "keypoints": [1, "b", 3]}]', "found a text at place 1, expected a number"),
    "two of three": ('[{"image_id": "1.jpg", "keypoints": [1, 2]}]', "found 2 numbers, expected 3 for each joint"),
    "no object": ('[{"image_id": "1.jpg", "keypoints": []}, 3]', r"\[1\]: found a number, expected an object"),
    "nobody": ('{"a.jpg": [], "keypoints": []}', "has nobody in any frame"),
    "no number": (
        '[{"image_id": "a.jpg", "keypoints": [1, 2, 3]}, {"image_id": "b.jpg", "keypoints": [1, 2, 3]}]',
        "found a.jpg, expected names that end in the number of the frame",
    ),
    "twice": (
        '[{"image_id": "v1/1.jpg", "keypoints": [1, 2, 3]}, {"image_id": "v2/1.jpg", "keypoints": [1, 2, 3]}]',
        "found v1/1.jpg and v2/1.jpg, expected names",
    ),
    "mixed": (
        '[{"image_id": "1.jpg", "keypoints": [1, 2, 3]}, {"image_id": "2.jpg", "keypoints": [1, 2, 3, 4, 5, 6]}]',
        "found 2 joints of 3 numbers in frame 2, expected 1 joint of 3 numbers as in frame 1",
    ),
    "infinite": ('[{"image_id": "1.jpg", "keypoints": [1, 1e999, 3]}]', "infinite coordinate"),
    "all missing": ('[{"image_id": "1.jpg", "keypoints": [0, 0, 3]}]', "no joint has a position"),
    "far": (
        f'[{{"image_id": "1.jpg", "keypoints": [1, 2, 3]}}, {{"image_id": "{"9" * 40}.jpg", "keypoints": [1, 2, 3]}}]',
        "found frame 999999999999, expected",
    ),
    "deep": ("[" * 100_000, "nested too deeply|expected JSON"),
    "many images": ('{"a.jpg": {"people": 4}, "keypoints": 3}', r"a.jpg: found a number, expected a list"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused(tmp_path, case):
    text, message = BAD[case]
    path = tmp_path / "a.json"
    path.write_text(text)
    refused(path, message, "alphapose")


number = st.floats(-1e6, 1e6, allow_subnormal=False) | st.integers(-(10**6), 10**6) | st.just(0)
person = st.lists(number, min_size=6, max_size=6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), person), min_size=1, max_size=5), st.integers(0, 4))
def test_any_results_come_back(tmp_path_factory, people, indent):
    folder = tmp_path_factory.mktemp("a")
    path = folder / "a.json"
    rows = [{"image_id": f"{at}.png", "keypoints": [500, *row[1:]], "idx": [0.0]} for at, row in people]
    path.write_text(json.dumps(rows, indent=indent or None))
    assert len(read_same(path, "alphapose", folder / "b.json").joints) == len(people)


def test_damaged_files_are_refused_or_read(tmp_path):
    assert survives(TWO, "alphapose", tmp_path, "a.json") == {"read", "refused"}
