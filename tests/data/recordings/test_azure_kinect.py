"""The JSON of Azure Kinect's offline processor."""

import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from data.recordings.guessing import read_recording
from tests.data.recordings.json_checks import read_same, refused, rewritten, survives

NAMES = ["PELVIS", "SPINE_NAVAL", "SPINE_CHEST"]


def a_body(number, *positions):
    return {"body_id": number, "joint_orientations": [[1.0, 0.0, 0.0, 0.0]] * 3, "joint_positions": list(positions)}


BODIES = [
    a_body(1, [1.5, 2.0, 900.25], [0.0, 0.0, 0.0], [4.0, 5.0, 6.0]),
    a_body(2, [7.0, 8.0, 9.0], [1.0, 1.0, 1.0], [3.0, 3.0, 3.0]),
]
# The processor's library writes keys in the order of the alphabet.
ROOT = {
    "bone_list": [["SPINE_CHEST", "SPINE_NAVAL"], ["SPINE_NAVAL", "PELVIS"], ["NECK", "PELVIS"], 3],
    "frames": [
        {"bodies": [], "frame_id": 0, "num_bodies": 0, "timestamp_usec": 33333},
        {"bodies": BODIES, "frame_id": 1, "num_bodies": 2, "timestamp_usec": 66666},
        {"bodies": BODIES[1:], "frame_id": 3, "num_bodies": 1, "timestamp_usec": 133332},
    ],
    "joint_names": NAMES,
    "k4abt_sdk_version": "1.1.2",
    "source_file": "a.mkv",
}


def test_bodies_with_times(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(ROOT, indent=4) + "\n")
    found = read_same(path, "azure_kinect", tmp_path / "b.json")
    wanted = [body["joint_positions"] for body in (*BODIES, BODIES[1])]
    np.testing.assert_array_equal(found.joints, wanted)
    np.testing.assert_array_equal(found.frame, [1, 1, 3])
    np.testing.assert_array_equal(found.person, [1, 2, 2])
    np.testing.assert_allclose(found.seconds, [0.066666, 0.066666, 0.133332], rtol=1e-12)
    assert (found.names, found.bones, found.unit) == (tuple(NAMES), ((2, 1), (1, 0)), "mm")
    assert found.notes == ("orientations of joints stay as they are",)


def test_only_what_changed_is_written(tmp_path):
    path = tmp_path / "a.json"
    text = json.dumps(ROOT)
    path.write_text(text)
    _, found = read_recording(path)
    new = found.joints.copy()
    new[0, 0, 2] = 901.126
    assert rewritten(found, new, tmp_path / "b.json") == text.replace("900.25", "901.13").encode()


def test_names_and_times_may_be_absent(tmp_path):
    positions = [[1.0, 2.0, 3.0]] * 32
    frames = [{"frame_id": 0, "num_bodies": 1, "bodies": [{"body_id": 4, "joint_positions": positions}]}]
    frames.append({**frames[0], "frame_id": 1, "timestamp_usec": 5})
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"frames": frames}))
    found = read_same(path, "azure_kinect", tmp_path / "b.json")
    assert (found.seconds, found.names[-1], len(found.bones), found.notes) == (None, "ear right", 31, ())


BAD = {
    "cut": (json.dumps(ROOT)[:700], "line 1, column [67][0-9][0-9]: .*expected JSON"),
    "a list": ("[]", "found a list, expected an object"),
    "no frames": ("{}", "frames: found null, expected a list"),
    "no number": ('{"frames": [{"bodies": []}]}', r"frames\[0\].frame_id: found None, expected the number of a frame"),
    "no time": (
        '{"frames": [{"frame_id": 0, "timestamp_usec": "x"}]}',
        r"frames\[0\].timestamp_usec: found 'x', expected microseconds",
    ),
    "no bodies": ('{"frames": [{"frame_id": 0, "bodies": 3}]}', r"frames\[0\].bodies: found a number, expected a list"),
    "no positions": ('{"frames": [{"frame_id": 0, "bodies": [{}]}]}', "joint_positions: found null, expected a list"),
    "two numbers": (
        '{"frames": [{"frame_id": 0, "bodies": [{"joint_positions": [[1, 2]]}]}]}',
        "found other than lists of 3 numbers, expected one for each joint",
    ),
    "nobody": (json.dumps({"frames": ROOT["frames"][:1]}), "has nobody in any frame"),
    "backwards": (
        json.dumps({"frames": [{**ROOT["frames"][1]}, {**ROOT["frames"][2], "timestamp_usec": 3}]}),
        "expected times that run forwards",
    ),
    "twice": (
        json.dumps({"frames": ROOT["frames"][1:] + ROOT["frames"][2:]}),
        r"frames\[2\].frame_id: found 3 again, expected a number of its own",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused(tmp_path, case):
    text, message = BAD[case]
    path = tmp_path / "a.json"
    path.write_text(text)
    refused(path, message, "azure_kinect")


number = st.floats(-1e6, 1e6, allow_subnormal=False)
position = st.lists(number, min_size=3, max_size=3)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(position, position, position), min_size=1, max_size=5))
def test_any_bodies_come_back(tmp_path_factory, bodies):
    folder = tmp_path_factory.mktemp("a")
    frames = [
        {"frame_id": at, "num_bodies": 1, "bodies": [a_body(3, *body)], "timestamp_usec": 40_000 * at}
        for at, body in enumerate(bodies)
    ]
    path = folder / "a.json"
    path.write_text(json.dumps({**ROOT, "frames": frames}))
    assert len(read_same(path, "azure_kinect", folder / "b.json").joints) == len(bodies)


def test_damaged_files_are_refused_or_read(tmp_path):
    assert survives(json.dumps(ROOT).encode(), "azure_kinect", tmp_path, "a.json") == {"read", "refused"}
