"""MediaPipe's landmarks as JSON, in the ways that people write them."""

import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from data.recordings.guessing import read_recording
from data.recordings.mediapipe_json import guess
from tests.data.recordings.json_checks import read_same, refused, rewritten, survives

NAN = np.nan


def points(first, count=2, **more):
    """Return landmarks whose coordinates are `first` and what comes after it, all different."""
    return [{"x": first + at, "y": first + at + 0.25, "z": first + at + 0.5, **more} for at in range(count)]


def values(first, count=2):
    return first + np.arange(count)[:, None] + [0, 0.25, 0.5]


ONE, TWO = points(0.5, visibility=0.75), points(1.5, visibility=0.5)
FRAMES = {
    "lists of landmarks": ([ONE, [], TWO], [0, 2]),
    "null for nobody": ([ONE, None, TWO], [0, 2]),
    "objects": ([{"frame": 4, "landmarks": ONE}, {"frame": 5}, {"frame": 7, "landmarks": TWO}], [4, 7]),
    "camels": ([{"frameNumber": 4, "poseLandmarks": ONE}, {"frameNumber": 9, "poseLandmarks": TWO}], [4, 9]),
    "protocol buffers": ([{"pose_landmarks": {"landmark": ONE}}, {"pose_landmarks": {"landmark": TWO}}], [0, 1]),
    "tasks": ([{"landmarks": [ONE], "worldLandmarks": []}, {"landmarks": [[], TWO]}], [0, 1]),
    "a root": ({"fps": 25, "frames": [{"frame_id": 3, "landmarks": ONE}, {"landmarks": TWO}]}, [3, 1]),
    "keys": ({"frame_0003": ONE, "frame_0008": {"landmarks": TWO}, "note": "x"}, [3, 8]),
    "one frame": ({"landmarks": [ONE, TWO]}, [0, 0]),
    "people": ([{"index": 6, "people": [{"id": 1, "landmarks": ONE}, {"id": 0, "landmarks": TWO}]}], [6, 6]),
    "flat people": ([{"frame": 6, "person_id": 1, "pose": ONE}, {"frame": 6, "person_id": 0, "pose": TWO}], [6, 6]),
}


@pytest.mark.parametrize("case", FRAMES)
def test_all_shapes_of_frames(tmp_path, case):
    root, frames = FRAMES[case]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(root))
    found = read_same(path, "mediapipe_json", tmp_path / "b.json")
    np.testing.assert_array_equal(found.joints, [values(0.5), values(1.5)])
    np.testing.assert_array_equal(found.confidence, np.float32([[0.75, 0.75], [0.5, 0.5]]))
    np.testing.assert_array_equal(found.frame, frames)
    assert found.fps == (25 if case == "a root" else None)
    assert (None if found.person is None else found.person.tolist()) == ([1, 0] if "people" in case else None)
    assert "size is not told" in found.notes[0]


def test_one_pose(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(points(0.5, 33, visibility=0.5), indent=2))
    found = read_same(path, "mediapipe_json", tmp_path / "b.json")
    assert found.joints.shape == (1, 33, 3)
    assert (found.names[0], found.names[32], len(found.bones)) == ("nose", "right foot index", 35)


def test_missing_landmarks_and_lists_of_numbers(tmp_path):
    path = tmp_path / "a.json"
    frames = [[[0.5, 0.25, 0.125, 0.75], None, [0, 0, 0, 1]], [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, None]]]
    path.write_text(json.dumps([{"landmarks": frame} for frame in frames]))
    found = read_same(path, "mediapipe_json", tmp_path / "b.json")
    # One landmark has no depth, so depths are left alone.
    wanted = [[[0.5, 0.25], [NAN, NAN], [NAN, NAN]], [[0.1, 0.2], [0.4, 0.5], [0.7, 0.8]]]
    np.testing.assert_array_equal(found.joints, wanted)
    np.testing.assert_array_equal(found.confidence, np.float32([[0.75, 1, 1], [1, 1, 1]]))


def test_image_and_world_are_refined_each_by_itself(tmp_path):
    frame = {
        "pose_world_landmarks": points(10.5),
        "pose_landmarks": points(0.5),
        "right_hand_landmarks": points(5.5, 21),
        "left_hand_landmarks": None,
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"width": 640, "height": 480, "frames": [frame, {**frame, "right_hand_landmarks": []}]}))
    found = read_same(path, "mediapipe_json", tmp_path / "b.json")
    whole = np.concatenate([values(0.5), values(10.5), values(5.5, 21)])
    np.testing.assert_array_equal(found.joints, [whole, np.where(np.arange(25)[:, None] < 4, whole, NAN)])
    assert found.groups == ((0, 1, *range(4, 25)), (2, 3))
    assert found.names[:5] == ("0", "1", "world 0", "world 1", "right hand wrist")
    assert (found.bones[0], len(found.bones)) == ((4, 5), 20)
    assert (found.scale, found.unit, found.confidence) == ((), "", None)


def test_the_worlds_alone_are_metres(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"worldLandmarks": points(0.5)}]))
    found = read_same(path, "mediapipe_json", tmp_path / "b.json")
    assert (found.unit, found.scale, found.groups, found.notes) == ("m", (), (), ())


@pytest.mark.parametrize("about", [{"width": 640, "height": 480}, {"video": {"frame_width": 640, "frameHeight": 480}}])
def test_the_images_size_is_the_scale(tmp_path, about):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**about, "frames": [ONE]}))
    found = read_same(path, "mediapipe_json", tmp_path / "b.json")
    assert (found.scale, found.unit, found.notes) == ((640, 480, 640), "px", ())


def test_named_joints_in_pixels(tmp_path):
    frame = {"NOSE": {"x": 300, "y": 200, "score": 0.5}, "LEFT_EYE_INNER": {"x": 310, "y": 190, "score": 0.25}}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"0": frame, "1": dict(reversed(frame.items())), "landmarks_of": 0}))
    found = read_same(path, "mediapipe_json", tmp_path / "b.json")
    np.testing.assert_array_equal(found.joints, [[[300, 200], [310, 190]]] * 2)
    np.testing.assert_array_equal(found.confidence, np.float32([[0.5, 0.25]] * 2))
    assert (found.names, found.unit, found.scale, found.notes) == (("nose", "left eye inner"), "px", (), ())


@pytest.mark.parametrize(
    ("key", "unit"), [("timestamp_ms", 1e-3), ("timestamp", 1e-3), ("time", 1), ("timestampUs", 1e-6)]
)
def test_times(tmp_path, key, unit):
    path = tmp_path / "a.json"
    frames = [{key: at * 0.04 / unit, "landmarks": ONE if at != 1 else None} for at in range(4)]
    path.write_text(json.dumps(frames))
    found = read_same(path, "mediapipe_json", tmp_path / "b.json")
    np.testing.assert_allclose(found.seconds, [0, 0.08, 0.12], rtol=1e-12)
    path.write_text(json.dumps([*frames, {"landmarks": TWO}]))
    assert read_recording(path)[1].seconds is None


def test_only_what_changed_is_written(tmp_path):
    path = tmp_path / "a.json"
    text = json.dumps([ONE, TWO])
    path.write_text(text)
    _, found = read_recording(path)
    new = found.joints.copy()
    new[1, 1] = [2.625, 2.75, 3.5]
    expected = text.replace('"x": 2.5, "y": 2.75, "z": 3.0', '"x": 2.62, "y": 2.75, "z": 3.50').encode()
    assert rewritten(found, new, tmp_path / "b.json") == expected


def test_points_of_something_else_are_weaker_than_any_other_format(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"x": 1, "y": 2}]))
    assert read_recording(path)[0] == "mediapipe_json"
    path.write_text(json.dumps([{"image_id": "1.jpg", "keypoints": [1, 2, 0.5], "centre": {"x": 1, "y": 2}}]))
    assert read_recording(path)[0] == "alphapose"


def test_a_folder_of_frames(tmp_path):
    folder = tmp_path / "landmarks"
    folder.mkdir()
    (folder / "f_2.json").write_text("[]")
    (folder / "f_3.json").write_text(json.dumps({"timestamp_ms": 120, "landmarks": ONE}))
    (folder / "f_5.json").write_text(json.dumps({"timestamp_ms": 200, "landmarks": TWO}))
    found = read_same(folder, "mediapipe_json", tmp_path / "out")
    np.testing.assert_array_equal(found.joints, [values(0.5), values(1.5)])
    assert (found.frame.tolist(), found.seconds.tolist()) == ([3, 5], [0.12, 0.2])


def test_a_folder_of_recordings_is_many(tmp_path):
    for name in ("v1.json", "v2.json"):
        (tmp_path / name).write_text(json.dumps([ONE, TWO]))
    assert guess(tmp_path) == 0
    refused(tmp_path, "v1.json: holds 2 frames, expected one per file; give the file alone", "mediapipe_json")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{", "5", "[" + " " * (1 << 18) + "]"], ids=["deep", "cut", "5", "large"]
)
def test_a_folder_of_other_files_is_not_guessed(tmp_path, text):
    (tmp_path / "1.json").write_text(json.dumps(ONE))
    (tmp_path / "2.json").write_text(text)
    assert guess(tmp_path) == 0


BAD = {
    "cut": ('[{"x": 1, "y": 2, "visib', "line 1, column 1[0-9]: .*expected JSON"),
    "number": ("5", "found a number, expected an object"),
    "nobody": ('{"landmarks": []}', "has nobody in any frame"),
    "labels": ('[{"frame": 1, "pose": "squat"}]', "has nobody in any frame"),
    "frames of numbers": ("[1, 2, 3]", r"\[0\]: found a number, expected an object"),
    "counts": (json.dumps([ONE, points(1, 3)]), r"\[1\]: found 3 landmarks of the pose, expected 2 as in frame 0"),
    "a text": ('[{"x": 1, "y": "b"}]', "found a text at place 1, expected a number"),
    "an object": ('{"landmarks": [{"x": 1, "y": 2}, {"x": {}}]}', "found an object at place 4, expected a number"),
    "no frame": ('[{"frame": 1.5, "landmarks": [[1, 2]]}]', "found 1.5, expected the number of a frame"),
    "infinite": ('[{"x": 1e999, "y": 2}]', "infinite coordinate"),
    "backwards": (
        json.dumps([{"time_s": 2 - at, "landmarks": ONE} for at in range(2)]), "expected times that run forwards"
    ),
    "deep": ('{"landmarks": ' + "[" * 500 + "1" + "]" * 500 + "}", "found a list at place 0, expected a number"),
    "deep people": ("[" * 300 + '{"x": 1, "y": 2}' + "]" * 300, "has nobody in any frame"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused(tmp_path, case):
    text, message = BAD[case]
    path = tmp_path / "a.json"
    path.write_text(text)
    refused(path, message, "mediapipe_json")


number = st.floats(-10, 10, allow_subnormal=False) | st.just(0)
landmark = st.fixed_dictionaries({"x": number, "y": number, "z": number}, optional={"visibility": st.floats(0, 1)})


@settings(max_examples=25, deadline=None)
@given(st.lists(st.none() | st.lists(landmark, min_size=2, max_size=2), max_size=4), st.booleans())
def test_any_landmarks_come_back(tmp_path_factory, frames, objects):
    folder = tmp_path_factory.mktemp("a")
    path = folder / "a.json"
    frames = [ONE, *frames]
    path.write_text(json.dumps([{"landmarks": frame} for frame in frames] if objects else frames))
    found = read_same(path, "mediapipe_json", folder / "b.json")
    assert found.frame.tolist() == [at for at, frame in enumerate(frames) if frame is not None]


def test_damaged_files_are_refused_or_read(tmp_path):
    root = {"fps": 30, "frames": [{"timestamp_ms": 5, "landmarks": ONE}, {"timestamp_ms": 45, "pose_landmarks": TWO}]}
    assert survives(json.dumps(root).encode(), "mediapipe_json", tmp_path, "a.json") == {"read", "refused"}
    assert "read" in survives(json.dumps([[ONE], [ONE, TWO]]).encode(), "mediapipe_json", tmp_path, "b.json")
