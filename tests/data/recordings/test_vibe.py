import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from base.errors import InputError
from data.recordings.vibe import read
from tests.data.recordings.checks import check_damaged, check_same, rewritten

joblib = pytest.importorskip("joblib")


def person(frames, seed=0, first=0, world=False):
    rng = np.random.default_rng(seed)
    pose = np.zeros((frames, 72), np.float32)
    pose[:, :9] = rng.normal(0, 0.6, (frames, 9))
    found = {
        "pred_cam": rng.random((frames, 3), np.float32),
        "verts": rng.random((frames, 10, 3), np.float32),
        "pose": pose,
        "betas": rng.random((frames, 10), np.float32),
        "frame_ids": np.arange(first, first + frames),
    }
    if world:
        found |= {"trans": rng.random((frames, 3)), "trans_world": rng.random((frames, 3)), "pose_world": pose + 0.25}
    return found


def saved(folder, value, compress=0):
    joblib.dump(value, folder / "a.pkl", compress=compress)
    return folder / "a.pkl"


@pytest.mark.parametrize("compress", [0, 3])
def test_people_keep_their_numbers_and_frames(tmp_path, compress):
    value = {7: person(4, 1), 3: person(3, 2, first=10)}
    recording = check_same(saved(tmp_path, value, compress), "vibe")
    assert recording.person.tolist() == [7] * 4 + [3] * 3
    assert recording.frame.tolist() == [0, 1, 2, 3, 10, 11, 12]
    assert recording.names[:4] == ("pelvis x", "pelvis y", "left hip x", "left hip y")
    assert recording.joints.shape == (7, 6, 3)  # the three joints that turn
    wanted = Rotation.from_rotvec(value[3]["pose"][1, 3:6]).as_matrix()
    np.testing.assert_allclose(recording.joints[5, 2:4], wanted[:, :2].T, atol=1e-6)
    assert "SMPL's body model" in recording.notes[0]


@pytest.mark.parametrize("compress", [0, 3])
@pytest.mark.parametrize("dump", [joblib.dump, lambda value, path, **_: path.write_bytes(pickle.dumps(value))])
def test_only_the_rotations_that_change_are_others(tmp_path, compress, dump):
    value = {0: person(4, 1), 1: person(3, 2)}
    path = tmp_path / "a.pkl"
    dump(value, path, compress=compress)

    def change(joints):
        joints[5, 2:4] = Rotation.from_rotvec([0.2, 0.1, -0.4]).as_matrix()[:, :2].T

    again = joblib.load(rewritten(path, read(path), change))
    np.testing.assert_allclose(again[1]["pose"][1, 3:6], [0.2, 0.1, -0.4], atol=1e-6)
    value[1]["pose"][1, 3:6] = again[1]["pose"][1, 3:6]
    np.testing.assert_equal(again, value)


def test_whams_world_is_refined_too(tmp_path):
    recording = check_same(saved(tmp_path, {0: person(5, world=True)}), "vibe")
    assert recording.names[:2] == ("trans", "trans_world")
    assert [len(group) for group in recording.groups] == [1, 1, 6, 6]


def test_matrices_of_spin_stay_matrices(tmp_path):
    turns = Rotation.random(48, rng=np.random.default_rng(0)).as_matrix().astype(np.float32).reshape(2, 24, 3, 3)
    value = {
        0: {"pred_camera": np.ones((2, 3), np.float32), "global_orient": turns[:, :1], "pose": turns[:, 1:].copy()}
    }
    path = saved(tmp_path, value)
    recording = check_same(path, "vibe")
    turned = Rotation.from_rotvec([0.3, 0.4, 0.5]).as_matrix()
    again = joblib.load(rewritten(path, recording, lambda joints: joints.__setitem__((1, slice(2)), turned[:, :2].T)))
    np.testing.assert_allclose(again[0]["global_orient"][1, 0], turned, atol=1e-6)
    np.testing.assert_array_equal(again[0]["pose"], value[0]["pose"])


class Evil:
    def __reduce__(self):
        return print, ("ran",)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({0: {"pred_cam": np.zeros((3, 3))}}, "no person with a `pose`"),
        ([1, 2], "no person with a `pose`"),
        ({0: {"pose": np.zeros((3, 71), np.float32)}}, r"pose: found shape \(3, 71\)"),
        ({0: {"pose": np.zeros((3, 24, 3, 3), np.float32)}}, "a matrix that is no rotation"),
        ({0: {"pose": np.full((3, 72), np.inf, np.float32)}}, "infinite"),
        ({0: person(3) | {"frame_ids": np.arange(2)}}, r"person 0: frame_ids: found shape \(2,\)"),
        ({0: person(3) | {"trans": np.zeros((2, 3))}}, "as many frames of everything"),
        ({0: person(3), 1: person(3, world=True)}, "person 1 has trans"),
        ({0: person(3) | {"x": Evil()}}, r"refused to unpickle builtins\.print"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, capsys, value, told):
    with pytest.raises(InputError, match=told) as error:
        read(saved(tmp_path, value))
    assert "\n" not in str(error.value)
    assert capsys.readouterr().out == ""


def test_one_array_for_two_people_is_refused(tmp_path):
    pose = person(3)["pose"]
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({0: {"pose": pose}, 1: {"pose": pose}}))
    with pytest.raises(InputError, match="two of its parts are one array"):
        read(tmp_path / "a.pkl")


@pytest.mark.parametrize("compress", [0, 3])
def test_damaged_files_are_refused_in_one_line(tmp_path, compress):
    path = saved(tmp_path, {0: person(3, world=True), 1: person(2, world=True)}, compress)
    if compress:  # where nearly no damage is read
        path.write_bytes(path.read_bytes()[:-3])
        with pytest.raises(InputError, match="too early"):
            read(path)
    else:
        check_damaged(path, read)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.sampled_from([0, 1, 3]), st.booleans())
def test_any_people_come_back_byte_for_byte(tmp_path_factory, frames, compress, world):
    people = {n: person(count, n, n * 3, world) for n, count in enumerate(frames)}
    path = saved(tmp_path_factory.mktemp("vibe"), people, compress)
    assert rewritten(path, read(path)).read_bytes() == path.read_bytes()
