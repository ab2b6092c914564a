"""MMPose's predictions, of all shapes that its versions write."""

import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from data.recordings.guessing import read_recording
from data.recordings.mmpose import guess
from tests.data.recordings.json_checks import read_same, refused, rewritten, survives

NAN = np.nan
ANN = {"keypoints": [[1.5, 2], [0, 0]], "keypoint_scores": [0.5, 1.25], "bbox": [[1, 2, 3, 4]], "bbox_score": 0.5}
BOB = {"keypoints": [[3, 4], [5, 6]], "keypoint_scores": [0.25, 0.125], "bbox": [[1, 2, 3, 4]], "bbox_score": 0.5}
META = {"dataset_name": "x", "keypoint_id2name": {"0": "nose", "1": "tail"}, "skeleton_links": [[1, 0]]}
VIDEO = [{"frame_id": 0, "instances": [ANN]}, {"frame_id": 2, "instances": []}, {"frame_id": 5, "instances": [BOB]}]
VALUES = [[[1.5, 2], [NAN, NAN]], [[3, 4], [5, 6]]]


@pytest.mark.parametrize(
    ("root", "frames"),
    [
        (VIDEO, [0, 5]),
        ({"meta_info": META, "instance_info": VIDEO}, [0, 5]),
        ({"meta_info": META, "instance_info": [ANN, BOB]}, [0, 0]),
        ([ANN, BOB], [0, 0]),
        ([[ANN], [], [BOB]], [0, 2]),
    ],
    ids=["frames", "version 1", "version 1, image", "instances", "lists"],
)
def test_all_shapes_of_roots(tmp_path, root, frames):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(root, indent=2))
    found = read_same(path, "mmpose", tmp_path / "b.json")
    np.testing.assert_array_equal(found.joints, VALUES)
    np.testing.assert_array_equal(found.confidence, np.float32([[0.5, 1], [0.25, 0.125]]))
    np.testing.assert_array_equal(found.frame, frames)
    named = isinstance(root, dict)
    assert (found.names, found.bones) == ((("nose", "tail"), ((1, 0),)) if named else ((), ()))
    assert (found.person, found.unit) == (None, "px")


def test_version_0_has_the_score_beside_the_coordinates_and_tracks(tmp_path):
    path = tmp_path / "a.json"
    frames = [
        [{"keypoints": [[1, 2, 0.5], [3, 4, 1.5]], "track_id": 4}],
        [{"keypoints": [[5, 6, 0], [0, 0, 0]], "track_id": 4}],
    ]
    path.write_text(json.dumps(frames))
    found = read_same(path, "mmpose", tmp_path / "b.json")
    np.testing.assert_array_equal(found.joints, [[[1, 2], [3, 4]], [[5, 6], [NAN, NAN]]])
    np.testing.assert_array_equal(found.confidence, np.float32([[0.5, 1], [0, 0]]))
    np.testing.assert_array_equal(found.person, [4, 4])


def test_a_root_in_space_is_no_missing_joint(tmp_path):
    path = tmp_path / "a.json"
    person = {"keypoints": [[[0, 0, 0], [1, 2, 3]]], "keypoint_scores": [[0.5, 0.25]]}
    path.write_text(json.dumps([{"frame_id": 3, "instances": [person]}]))
    found = read_same(path, "mmpose", tmp_path / "b.json")
    np.testing.assert_array_equal(found.joints, [[[0, 0, 0], [1, 2, 3]]])
    np.testing.assert_array_equal(found.confidence, np.float32([[0.5, 0.25]]))
    assert (found.unit, found.frame.tolist()) == ("", [3])


def test_only_what_changed_is_written(tmp_path):
    path = tmp_path / "a.json"
    text = json.dumps(VIDEO)
    path.write_text(text)
    _, found = read_recording(path)
    new = found.joints.copy()
    new[0, 0, 0], new[1, 1] = 1.25, (5.5, 6)
    expected = text.replace("[[1.5, 2]", "[[1.25, 2]").replace("[5, 6]", "[5.50, 6]").encode()
    assert rewritten(found, new, tmp_path / "b.json") == expected


def test_a_folder_of_images(tmp_path):
    folder = tmp_path / "predictions"
    folder.mkdir()
    for number, content in ((3, [ANN, BOB]), (10, []), (12, [BOB])):
        (folder / f"img_{number}.json").write_text(json.dumps(content))
    found = read_same(folder, "mmpose", tmp_path / "out")
    # By their names, files of the frames 10 and 12 come first.
    np.testing.assert_array_equal(found.joints, [VALUES[1], *VALUES])
    assert found.frame.tolist() == [12, 3, 3]


def test_a_folder_of_videos_is_many_recordings(tmp_path):
    for name in ("v1.json", "v2.json"):
        (tmp_path / name).write_text(json.dumps(VIDEO))
    assert guess(tmp_path) == 0
    refused(tmp_path, "v1.json: holds several frames, expected one per file", "mmpose")


BAD = {
    "cut": ('[{"frame_id": 0, "instances": [{"keypoints": [[1', "line 1, column 4[0-9]: .*expected JSON"),
    "no number": ('[{"frame_id": "x", "instances": []}]', r"\[0\].frame_id: found 'x', expected the number of a frame"),
    "twice": (json.dumps([VIDEO[0], VIDEO[0]]), r"\[1\].frame_id: found 0 again, expected a number of its own"),
    "no list": ('{"instance_info": 3}', "found a number, expected a list"),
    "no instances": ('[{"frame_id": 0, "instances": 3}]', r"\[0\].instances: found a number, expected a list"),
    "no keypoints": ("[{}]", r"\[0\].keypoints: found null, expected a list"),
    "four": (
        '[{"keypoints": [[1, 2, 3, 4]]}]',
        "found other than lists of 2 or 3 numbers, expected one for each joint",
    ),
    "ragged": ('[{"keypoints": [[1, 2], [3, 4, 5]]}]', "found other than lists of 2 or 3 numbers"),
    "flat": ('[{"keypoints": [1, 2, 3]}]', "found other than lists of 2 or 3 numbers"),
    "few scores": (
        '[{"keypoints": [[1, 2], [3, 4]], "keypoint_scores": [1]}]',
        "keypoint_scores: found 1 for 2 joints, expected one each",
    ),
    "a text": ('[{"keypoints": [[1, "a"]]}]', "found a text at place 1, expected a number"),
    "mixed": ('[{"keypoints": [[1, 2]]}, {"keypoints": [[1, 2], [3, 4]]}]', "found 2 joints of 3 numbers in frame 0"),
    "deep": ('[{"keypoints": ' + "[" * 500 + "]" * 500 + "}]", "found other than lists of 2 or 3 numbers"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused(tmp_path, case):
    text, message = BAD[case]
    path = tmp_path / "a.json"
    path.write_text(text)
    refused(path, message, "mmpose")


@pytest.mark.parametrize(
    "meta", [3, {}, {"keypoint_id2name": {"0": "a", "2": "b"}}, {"keypoint_id2name": [1]}], ids=str
)
def test_what_only_describes_may_be_wrong(tmp_path, meta):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"meta_info": meta, "instance_info": VIDEO}))
    assert read_same(path, "mmpose", tmp_path / "b.json").names == ()


number = st.floats(-1e6, 1e6, allow_subnormal=False) | st.integers(-(10**6), 10**6)
points = st.lists(st.tuples(number, number), min_size=2, max_size=2)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(points, max_size=3), max_size=4))
def test_any_predictions_come_back(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("a")
    path = folder / "a.json"
    people = [[{"keypoints": [[7, 7], *person], "keypoint_scores": [1, 1, 0]} for person in frame] for frame in frames]
    people.append([{"keypoints": [[1, 2], [3, 4], [5, 6]], "keypoint_scores": [1, 1, 0]}])
    path.write_text(json.dumps([{"frame_id": at, "instances": frame} for at, frame in enumerate(people)]))
    assert len(read_same(path, "mmpose", folder / "b.json").joints) == sum(map(len, people))


def test_damaged_files_are_refused_or_read(tmp_path):
    content = json.dumps({"meta_info": META, "instance_info": VIDEO}).encode()
    assert survives(content, "mmpose", tmp_path, "a.json") == {"read", "refused"}
