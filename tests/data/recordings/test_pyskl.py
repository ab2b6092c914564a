import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import InputError
from data.recordings.pyskl import read
from tests.data.recordings.checks import check_damaged, check_same, rewritten


def content(kind="<f2", dims=2):
    rng = np.random.default_rng(0)
    clips = []
    for number, (people, frames) in enumerate([(1, 4), (2, 3)]):
        clips.append(
            {
                "frame_dir": f"clip{number}",
                "label": number,
                "total_frames": frames,
                "keypoint": rng.uniform(1, 200, (people, frames, 5, dims)).astype(kind),
                "keypoint_score": rng.random((people, frames, 5)).astype("<f2"),
            }
        )
    clips[1]["keypoint"][1, 2] = 0
    clips[1]["keypoint_score"][1, 2] = 0
    return {"split": {"train": ["clip0"], "val": ["clip1"]}, "annotations": clips}


def saved(folder, value, protocol=4):
    (folder / "a.pkl").write_bytes(pickle.dumps(value, protocol))
    return folder / "a.pkl"


@pytest.mark.parametrize(("kind", "protocol"), [("<f2", 4), ("<f4", 2), (">i2", 3)])
def test_every_clips_people_are_rows_and_replaced_in_their_places(tmp_path, kind, protocol):
    value = content(kind)
    path = saved(tmp_path, value, protocol)
    recording = check_same(path, "pyskl")
    assert recording.person.tolist() == [0] * 4 + [1] * 3 + [2] * 3
    assert recording.frame.tolist() == [0, 1, 2, 3, 0, 1, 2, 0, 1, 2]
    np.testing.assert_array_equal(recording.joints[5], value["annotations"][1]["keypoint"][0, 1])
    assert np.isnan(recording.joints[9]).all()
    np.testing.assert_array_equal(recording.confidence[8], value["annotations"][1]["keypoint_score"][1, 1])
    output = rewritten(path, recording, lambda joints: joints.__setitem__((7, 2), [16, 32]))
    value["annotations"][1]["keypoint"][1, 0, 2] = [16, 32]
    np.testing.assert_equal(pickle.loads(output.read_bytes()), value)


@pytest.mark.parametrize(
    ("clip", "told"),
    [
        ({}, r"annotation 1 \('clip1'\): has no `keypoint`"),
        ({"keypoint": np.zeros((2, 5, 3))}, r"expected numbers \[people, frames, joints, 2 or 3\]"),
        ({"keypoint": np.ones((1, 3, 6, 2))}, "expected one shape"),
        ({"keypoint": np.ones((1, 3, 5, 2)), "keypoint_score": np.ones((1, 3))}, r"found shape \(1, 3\)"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, clip, told):
    value = content()
    value["annotations"][1] = {"frame_dir": "clip1", **clip}
    with pytest.raises(InputError, match=told):
        read(saved(tmp_path, value))


def test_damaged_files_are_refused_in_one_line(tmp_path):
    check_damaged(saved(tmp_path, content()), read)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(["<f2", "<f4", "f8", "i2"]), st.sampled_from([2, 3]), st.sampled_from([2, 3, 4, 5]))
def test_any_clips_come_back_byte_for_byte(tmp_path_factory, kind, dims, protocol):
    path = saved(tmp_path_factory.mktemp("pyskl"), content(kind, dims), protocol)
    assert rewritten(path, read(path)).read_bytes() == path.read_bytes()
