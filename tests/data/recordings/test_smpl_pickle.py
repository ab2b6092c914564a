import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from base.errors import InputError
from data.recordings.smpl_pickle import read
from tests.data.recordings.checks import check_damaged, check_same, rewritten


def content(frames=5):
    rng = np.random.default_rng(0)
    return {
        "smpl_loss": 1.5,
        "smpl_poses": rng.normal(0, 0.5, (frames, 72)).astype(np.float32),
        "smpl_scaling": np.array([98.0], np.float32),
        "smpl_trans": rng.normal(0, 90, (frames, 3)).astype(np.float32),
    }


def saved(folder, value, protocol=4):
    (folder / "a.pkl").write_bytes(pickle.dumps(value, protocol))
    return folder / "a.pkl"


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_path_and_rotations_are_replaced_and_all_else_stays(tmp_path, protocol):
    value = content()
    path = saved(tmp_path, value, protocol)
    recording = check_same(path, "smpl_pickle")
    np.testing.assert_array_equal(recording.joints[:, 0], value["smpl_trans"])
    assert [len(group) for group in recording.groups] == [1, 48]

    def change(joints):
        joints[1, 0] = [-1, 2, 300]
        joints[3, 1:3] = Rotation.from_rotvec([0.1, 0.2, 0.3]).as_matrix()[:, :2].T

    again = pickle.loads(rewritten(path, recording, change).read_bytes())
    np.testing.assert_allclose(again["smpl_poses"][3, :3], [0.1, 0.2, 0.3], atol=1e-6)
    value["smpl_poses"][3, :3] = again["smpl_poses"][3, :3]
    value["smpl_trans"][1] = [-1, 2, 300]
    np.testing.assert_equal(again, value)


@pytest.mark.parametrize(
    "part", [{"smpl_trans": np.zeros((4, 3))}, {"smpl_poses": [1]}, {"smpl_poses": np.zeros((5, 72), int)}]
)
def test_other_shapes_are_refused(tmp_path, part):
    with pytest.raises(InputError, match=r"expected smpl_poses|expected \[frames"):
        read(saved(tmp_path, content() | part))


def test_damaged_files_are_refused_in_one_line(tmp_path):
    check_damaged(saved(tmp_path, content(3)), read)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6), st.sampled_from([2, 3, 4, 5]), st.booleans())
def test_any_motion_comes_back_byte_for_byte(tmp_path_factory, frames, protocol, walks):
    value = content(frames)
    if not walks:
        del value["smpl_trans"]
    path = saved(tmp_path_factory.mktemp("smpl"), value, protocol)
    assert rewritten(path, read(path)).read_bytes() == path.read_bytes()
