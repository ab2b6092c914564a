import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from base.errors import InputError
from data.recordings.amass import read
from tests.data.recordings.checks import check_damaged, check_same, rewritten


def content(frames=6):
    rng = np.random.default_rng(0)
    poses = np.zeros((frames, 156))
    poses[:, :6] = rng.normal(0, 0.5, (frames, 6))
    trans = rng.normal(0, 1, (frames, 3))
    return {
        "poses": poses,
        "gender": np.array(b"female"),
        "mocap_framerate": np.array(120.00004578),
        "betas": rng.random(16),
        "trans": trans,
    }


def saved(folder, **arrays):
    np.savez(folder / "a.npz", **arrays)
    return folder / "a.npz"


def test_path_and_rotations_are_two_groups_and_still_hands_are_left_out(tmp_path):
    arrays = content()
    recording = check_same(saved(tmp_path, **arrays), "amass")
    assert recording.names == ("root", "pelvis x", "pelvis y", "left hip x", "left hip y")
    assert recording.groups == ((0,), (1, 2, 3, 4))
    assert recording.fps == 120.00004578
    np.testing.assert_array_equal(recording.joints[:, 0], arrays["trans"])
    wanted = Rotation.from_rotvec(arrays["poses"][:, 3:6]).as_matrix()
    np.testing.assert_allclose(recording.joints[:, 3], wanted[:, :, 0], atol=1e-14)
    np.testing.assert_allclose(recording.joints[:, 4], wanted[:, :, 1], atol=1e-14)


def test_only_what_has_changed_is_another(tmp_path):
    arrays = content()
    path = saved(tmp_path, **arrays)
    turned = Rotation.from_rotvec([0.0, 0.4, 0.0])

    def change(joints):
        joints[4, 0] = [1, 2, 3]
        joints[2, 1:3] = turned.as_matrix()[:, :2].T * 1.1  # refined points need not be on the sphere

    output = rewritten(path, read(path), change)
    arrays["trans"][4] = [1, 2, 3]
    with np.load(output) as new:
        np.testing.assert_allclose(new["poses"][2, :3], [0, 0.4, 0], atol=1e-12)
        arrays["poses"][2, :3] = new["poses"][2, :3]
        for name, array in arrays.items():
            np.testing.assert_array_equal(new[name], array)


def test_arrays_in_the_other_order_are_replaced_as_well(tmp_path):
    arrays = content()
    path = saved(tmp_path, **arrays | {"poses": np.asfortranarray(arrays["poses"])})
    turned = Rotation.from_rotvec([0.0, 0.4, 0.0]).as_matrix()
    output = rewritten(path, check_same(path, "amass"), lambda joints: joints.__setitem__((2, [1, 2]), turned[:, :2].T))
    with np.load(output) as new:
        np.testing.assert_allclose(new["poses"][2, :3], [0, 0.4, 0], atol=1e-12)
        arrays["poses"][2, :3] = new["poses"][2, :3]
        np.testing.assert_array_equal(new["poses"], arrays["poses"])


@pytest.mark.parametrize(
    "arrays",
    [{"poses": np.zeros((6, 155))}, {"trans": np.zeros((5, 3))}, {"poses": np.array(["a"])}, {"trans": np.ones(3)}],
)
def test_other_shapes_are_refused(tmp_path, arrays):
    with pytest.raises(InputError, match=r"(poses|trans): (found|expected)"):
        read(saved(tmp_path, **content() | arrays))


def test_damaged_files_are_refused_in_one_line(tmp_path):
    arrays = content(4)
    check_damaged(saved(tmp_path, poses=arrays["poses"][:, :9], trans=arrays["trans"]), read)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6), st.sampled_from(["f4", "f8"]), st.sampled_from([np.savez, np.savez_compressed]))
def test_any_motion_comes_back_byte_for_byte(tmp_path_factory, frames, kind, save):
    path = tmp_path_factory.mktemp("amass") / "a.npz"
    save(path, **{name: array.astype(kind) if array.ndim == 2 else array for name, array in content(frames).items()})
    assert rewritten(path, read(path)).read_bytes() == path.read_bytes()
