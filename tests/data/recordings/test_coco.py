"""COCO's results and annotations of keypoints."""

import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from data.recordings.guessing import read_recording
from tests.data.recordings.json_checks import read_same, refused, rewritten, survives

NAN = np.nan
SEEN = b'[{"image_id":139,"category_id":1,"keypoints":[36,181,2,20.25,191,0,35,166,1],"score":0.897},\n'
SEEN += b'{"image_id":136,"category_id":1,"keypoints":[1,2,2,3,4,2,0,0,1],"score":0.1}]'
ANNOTATED = {
    "info": {"year": 2026},
    "images": [{"id": 500, "file_name": "a/3.jpg", "frame_id": 3}, {"id": 501, "file_name": "a/4.jpg", "frame_id": 4}],
    "annotations": [
        {"id": 1, "image_id": 501, "bbox": [1, 2, 3, 4], "keypoints": [1.5, 2, 2, 0, 0, 0], "track_id": 7},
        {"id": 2, "image_id": 500, "iscrowd": 1},
        {"id": 3, "image_id": 500, "keypoints": [3, 4, 1, 5, 6, 2], "track_id": 7},
    ],
    "categories": [
        {"id": 1, "name": "person", "keypoints": ["nose", "tail"], "skeleton": [[1, 2], [2, 3], [0, 1], 5, [1]]},
        {"id": 2, "name": "ball"},
    ],
}


def test_results_with_visibilities(tmp_path):
    path = tmp_path / "results.json"
    path.write_bytes(SEEN)
    found = read_same(path, "coco", tmp_path / "out.json")
    wanted = [[[36, 181], [NAN, NAN], [35, 166]], [[1, 2], [3, 4], [NAN, NAN]]]
    np.testing.assert_array_equal(found.joints, wanted)
    np.testing.assert_array_equal(found.confidence, np.float32([[1, 0, 0.5], [1, 1, 0.5]]))
    np.testing.assert_array_equal(found.frame, [139, 136])
    assert (found.person, found.unit) == (None, "px")
    assert "photographs are no motion" in found.notes[0]


def test_results_with_scores(tmp_path):
    path = tmp_path / "results.json"
    path.write_text('[{"image_id": 1, "keypoints": [1, 2, 0, 3, 4, 0.5, 0, 0, 0.5], "track_id": 3}]')
    found = read_same(path, "coco", tmp_path / "out.json")
    np.testing.assert_array_equal(found.joints, [[[1, 2], [3, 4], [NAN, NAN]]])
    np.testing.assert_array_equal(found.confidence, np.float32([[0, 0.5, 0.5]]))
    np.testing.assert_array_equal(found.person, [3])


def test_only_what_changed_is_written(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(SEEN)
    _, found = read_recording(path)
    new = found.joints + np.array([0.0, 0.5])
    expected = SEEN.replace(b"36,181,", b"36,181.50,").replace(b"35,166,", b"35,166.50,")
    expected = expected.replace(b"[1,2,2,3,4,2", b"[1,2.50,2,3,4.50,2")
    assert rewritten(found, new, tmp_path / "b.json") == expected


@pytest.mark.parametrize("order", [list, reversed], ids=["as written", "annotations last"])
def test_annotations(tmp_path, order):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({key: ANNOTATED[key] for key in order(ANNOTATED)}, indent=2))
    found = read_same(path, "coco", tmp_path / "out.json")
    np.testing.assert_array_equal(found.joints, [[[1.5, 2], [NAN, NAN]], [[3, 4], [5, 6]]])
    np.testing.assert_array_equal(found.confidence, np.float32([[1, 0], [0.5, 1]]))
    np.testing.assert_array_equal(found.frame, [4, 3])
    np.testing.assert_array_equal(found.person, [7, 7])
    assert found.notes == ()
    assert (found.names, found.bones) == (("nose", "tail"), ((0, 1),))


def test_frames_are_image_ids_unless_each_has_a_frame_of_its_own(tmp_path):
    twice = {**ANNOTATED, "images": [{"id": 500, "frame_id": 3}, {"id": 501, "frame_id": 3}]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(twice))
    np.testing.assert_array_equal(read_same(path, "coco", tmp_path / "out.json").frame, [501, 500])


def test_whole_bodies_are_joined_in_the_order_of_the_133_joints(tmp_path):
    sizes = {"keypoints": 17, "foot_kpts": 6, "face_kpts": 68, "lefthand_kpts": 21, "righthand_kpts": 21}
    values = np.arange(1.0, 400).reshape(133, 3)
    parts = np.split(values, np.cumsum(list(sizes.values()))[:-1])
    person = {key: part.ravel().tolist() for key, part in zip(sizes, parts, strict=True)}
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"image_id": 1, **dict(reversed(person.items()))}]))
    found = read_same(path, "coco", tmp_path / "out.json")
    np.testing.assert_array_equal(found.joints, [values[:, :2]])
    assert (found.names[17], found.names[-1]) == ("left big toe", "right hand 20")


def test_numbers_of_images_beyond_reach_are_brought_near(tmp_path):
    path = tmp_path / "a.json"
    ids = [10_000_020_002, 10_000_010_000, 10_000_010_001, 10_000_020_003]
    path.write_text(json.dumps([{"image_id": at, "keypoints": [1, 2, 0.5]} for at in ids]))
    found = read_same(path, "coco", tmp_path / "out.json")
    np.testing.assert_array_equal(found.frame, [10_001, 0, 1, 10_002])
    assert "the image with the number 10000010000 is frame 0" in found.notes[0]


BAD = {
    "cut": ('[{"image_id": 1, "keypoints": [1, 2', "line 1, column 3[0-9]: .*expected JSON"),
    "no image": ('[{"keypoints": [1, 2, 3]}]', r"\[0\].image_id: found None, expected the number of a frame"),
    "half an image": ('[{"image_id": 1.5, "keypoints": [1, 2, 3]}]', "found 1.5, expected the number of a frame"),
    "large image": ('[{"image_id": 1e300, "keypoints": [1, 2, 3]}]', "expected the number of a frame"),
    "no annotations": ('{"images": [], "annotations": null}', "annotations: found null, expected a list"),
    "no object": ('{"images": [], "annotations": [[]]}', r"\[0\]: found a list, expected an object"),
    "no keypoints": ('{"images": [], "annotations": [{"bbox": []}]}', "has nobody in any frame"),
    "a text": ('[{"image_id": 1, "keypoints": "x"}]', "keypoints: found a text, expected a list of numbers"),
    "two of three": ('[{"image_id": 1, "keypoints": [1, 2]}]', "found 2 numbers, expected 3 for each joint"),
    "number": ("5", "found a number, expected an object"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused(tmp_path, case):
    text, message = BAD[case]
    path = tmp_path / "a.json"
    path.write_text(text)
    refused(path, message, "coco")


@pytest.mark.parametrize(
    "change",
    [
        {"images": 3},
        {"images": [3, {}]},
        {"categories": 3},
        {"categories": [3]},
        {"categories": [{"keypoints": [1]}]},
        {"categories": [{"keypoints": ["a", "b"], "skeleton": 4}]},
    ],
    ids=str,
)
def test_what_only_describes_may_be_wrong(tmp_path, change):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**ANNOTATED, **change}))
    _, found = read_recording(path, "coco")
    assert (len(found.joints), found.bones) == (2, ((0, 1),) if "images" in change else ())


number = st.floats(-1e6, 1e6, allow_subnormal=False) | st.integers(-(10**6), 10**6)
person = st.lists(st.tuples(number, number, st.sampled_from([0, 1, 2, 0.25])), min_size=2, max_size=2)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**12), person), min_size=1, max_size=5))
def test_any_results_come_back(tmp_path_factory, people):
    folder = tmp_path_factory.mktemp("a")
    path = folder / "a.json"
    rows = [{"image_id": at, "keypoints": [5, 5, 2, *np.ravel(row).tolist()]} for at, row in people]
    path.write_text(json.dumps(rows))
    assert len(read_same(path, "coco", folder / "b.json").joints) == len(people)


def test_damaged_files_are_refused_or_read(tmp_path):
    assert survives(SEEN, "coco", tmp_path, "a.json") == {"read", "refused"}
    assert "refused" in survives(json.dumps(ANNOTATED).encode(), "coco", tmp_path, "b.json")
