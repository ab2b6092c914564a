import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from base.errors import InputError
from data.recordings.smoothnet import read
from tests.data.recordings.checks import check_damaged, check_same, rewritten


def ragged(*arrays):
    found = np.empty(len(arrays), object)
    found[:] = arrays
    return found


def poses(*shape):
    return np.random.default_rng(shape[0]).normal(0, 1, shape).astype(np.float32)


NAMES = ragged(np.array(["a", "b"]), np.array(["c"]))


def saved(folder, **arrays):
    np.savez_compressed(folder / "a.npz", imgname=NAMES, **arrays)
    return folder / "a.npz"


@pytest.mark.parametrize(("key", "dims"), [("joints_3d", 3), ("keypoints_2d", 2)])
def test_sequences_are_people_and_each_is_replaced_in_its_place(tmp_path, key, dims):
    arrays = [poses(7, 4 * dims), poses(5, 4 * dims)]
    path = saved(tmp_path, **{key: ragged(*arrays)})
    recording = check_same(path, "smoothnet")
    assert recording.person.tolist() == [0] * 7 + [1] * 5
    assert recording.frame.tolist() == [*range(7), *range(5)]
    np.testing.assert_array_equal(recording.joints, np.concatenate(arrays).reshape(12, 4, dims))
    output = rewritten(path, recording, lambda joints: joints.__setitem__((8, 2), 9))
    with np.load(output, allow_pickle=True) as new:
        np.testing.assert_array_equal(new[key][0], arrays[0])
        arrays[1][1, 2 * dims : 3 * dims] = 9
        np.testing.assert_array_equal(new[key][1], arrays[1])
        assert new["imgname"][1].tolist() == ["c"]


def test_one_dense_array_is_one_sequence(tmp_path):
    array = poses(7, 12)
    path = saved(tmp_path, joints_3d=array)
    recording = check_same(path, "smoothnet")
    np.testing.assert_array_equal(recording.joints, array.reshape(7, 4, 3))
    with np.load(rewritten(path, recording, lambda joints: joints.__iadd__(1))) as new:
        np.testing.assert_allclose(new["joints_3d"], array + 1, atol=1e-6)


def test_one_dense_array_may_hold_sequences_of_one_length(tmp_path):
    array = poses(2, 5, 12)
    path = saved(tmp_path, joints_3d=array)
    recording = check_same(path, "smoothnet")
    assert recording.person.tolist() == [0] * 5 + [1] * 5
    np.testing.assert_array_equal(recording.joints, array.reshape(10, 4, 3))
    with np.load(rewritten(path, recording, lambda joints: joints.__setitem__((7, 3), 9))) as new:
        array[1, 2, 9:] = 9
        np.testing.assert_array_equal(new["joints_3d"], array)


def test_rotations_go_through_two_columns_and_come_back(tmp_path):
    vectors = np.tile(poses(1, 72), (6, 1))
    vectors[:, 3:6] = np.linspace(0, 1, 6)[:, None]
    path = saved(tmp_path, pose=ragged(vectors.astype(np.float32)), shape=ragged(poses(6, 10)))
    recording = check_same(path, "smoothnet")
    assert recording.names == ("left hip x", "left hip y")  # the only one that turns
    wanted = Rotation.from_rotvec([0.1, 0.2, -0.3])
    output = rewritten(path, recording, lambda joints: joints.__setitem__(2, wanted.as_matrix()[:, :2].T))
    with np.load(output, allow_pickle=True) as new:
        np.testing.assert_allclose(new["pose"][0][2, 3:6], [0.1, 0.2, -0.3], atol=1e-6)
        vectors[2, 3:6] = new["pose"][0][2, 3:6]
        np.testing.assert_array_equal(new["pose"][0], vectors.astype(np.float32))


def test_names_that_others_gave_stay_in_their_line(tmp_path):
    with pytest.raises(InputError, match=r"holds a\\nb, imgname; expected joints_2d") as error:
        read(saved(tmp_path, **{"a\nb": np.zeros(3)}))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (ragged(poses(7, 12), poses(5, 9)), "of one number of joints"),
        (ragged(poses(7, 11)), "of one number of joints"),
        (ragged("text"), "no array of numbers"),
        (ragged(), "no sequences"),
    ],
)
def test_what_holds_no_sequences_is_refused(tmp_path, array, told):
    with pytest.raises(InputError, match=told):
        read(saved(tmp_path, joints_3d=array))


def test_damaged_files_are_refused_in_one_line(tmp_path):
    check_damaged(saved(tmp_path, joints_3d=ragged(poses(4, 6), poses(3, 6))), read)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.sampled_from(["joints_2d", "keypoints_3d", "pose"]))
def test_any_sequences_come_back_byte_for_byte(tmp_path_factory, frames, key):
    arrays = ragged(*(poses(count, 72 if key == "pose" else 12) for count in frames))
    path = saved(tmp_path_factory.mktemp("smoothnet"), **{key: arrays})
    assert rewritten(path, read(path)).read_bytes() == path.read_bytes()
