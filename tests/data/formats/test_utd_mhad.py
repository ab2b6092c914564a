"""UTD-MHAD's .mat files become clips with NTU RGB+D's joints and names."""

import numpy as np
from scipy.io import savemat

from data.skeletons.layouts import LAYOUTS, NTU25
from tests.data.formats.steps import bring, refused

ORDER = ("head", "centre of shoulders", "spine", "centre of hips", *LAYOUTS["kinect20"].joints[4:])
"""As the data set's page lists the joints: Kinect v1's, the head first."""
SAME_PLACE = {
    "base of spine": "centre of hips",
    "middle of spine": "spine",
    "head": "head",
    "spine": "centre of shoulders",
}


def _save(folder, name="a3_s7_t4", frames=5, changed=lambda joints: joints):
    joints = np.random.default_rng(frames).normal(size=(frames, 20, 3)).round(5)
    joints[:, 0, 1] = 3  # the head is up
    folder.mkdir(parents=True, exist_ok=True)
    savemat(folder / f"{name}_skeleton.mat", {"d_skel": changed(joints).transpose(1, 2, 0)}, do_compression=True)
    return joints


def test_joints_are_those_of_the_same_names(tmp_path):
    joints = _save(tmp_path / "Skeleton")
    store = bring(tmp_path, tmp_path / "store", format="utd_mhad")
    assert store.clips.name.tolist() == ["S002C001P007R002A003"]
    assert (store.info.layout, store.info.fps) == ("ntu25", 30)
    at = {name: ORDER.index(name) for name in ORDER}
    assert (store.tracked[:] == 2).all()
    for number, name in enumerate(NTU25.joints):
        taken = SAME_PLACE.get(name, name)
        if taken in at:
            np.testing.assert_array_equal(store.joints[:, number], joints[:, at[taken]].astype("f4"), err_msg=name)
    # the places of those that were never measured, by the description of the 27-class set
    wrist, hand = joints[:, at["left wrist"]], joints[:, at["left hand"]]
    np.testing.assert_allclose(store.joints[:, 21], wrist + 1.8 * (hand - wrist), atol=6e-6)
    np.testing.assert_allclose(store.joints[:, 22], wrist + 1.3 * (hand - wrist), atol=6e-6)
    wrist, hand = joints[:, at["right wrist"]], joints[:, at["right hand"]]
    np.testing.assert_allclose(store.joints[:, 23], wrist + 1.8 * (hand - wrist), atol=6e-6)
    np.testing.assert_allclose(store.joints[:, 24], wrist + 1.3 * (hand - wrist), atol=6e-6)
    neck = 0.65 * joints[:, at["centre of shoulders"]] + 0.35 * joints[:, at["head"]]
    np.testing.assert_allclose(store.joints[:, 2], neck, atol=6e-6)


def test_a_folder_is_known_by_its_names_and_sorted_as_clips(tmp_path):
    for name in ("a10_s1_t1", "a2_s1_t2", "a2_s1_t1", "a2_s1_t3"):
        _save(tmp_path / "a", name, frames=1)  # of one frame, MATLAB keeps two axes
    (tmp_path / "a" / "._a2_s1_t4_skeleton.mat").write_bytes(b"left by an archiver")
    store = bring(tmp_path / "a", tmp_path / "store")
    names = ["S001C001P001R001A002", "S001C001P001R001A010", "S001C001P001R002A002", "S002C001P001R001A002"]
    assert store.clips.name.tolist() == names
    refused(tmp_path / "a" / "a2_s1_t1_skeleton.mat", tmp_path / "new", "one file of a set; give the folder")


def test_what_is_not_as_the_data_set_is_told(tmp_path):
    def of(name, message, **wrong):
        _save(tmp_path / message[:4], name, **wrong)
        refused(tmp_path / message[:4], tmp_path / "store", message, format="utd_mhad")

    of("a0_s1_t1", "expected a name such as a1_s1_t1_skeleton.mat")
    of("a28_s1_t1", "28_s1_t1_skeleton.mat: found action 28, expected 1 to 27")
    of("a1_s1_t1", r"is \[19, 3, 5\], expected \[20, 3, frames\]", changed=lambda joints: joints[:, 1:])
    of("a1_s1_t1", "the head, is below joint 4", changed=lambda joints: joints * [1, -1, 1])
    of("a1_s1_t1", "found NaN or infinity", changed=lambda joints: np.where(joints == joints[2, 9, 0], np.nan, joints))
    of("a1_s1_t1", "has 20001 frames", frames=20001, changed=np.zeros_like)  # noise would take long to pack
    _save(tmp_path / "a1_s", "a01_s1_t1")
    _save(tmp_path / "a1_s", "a1_s1_t1")
    refused(tmp_path / "a1_s", tmp_path / "store", "holds two files of clip S001C001P001R001A001", format="utd_mhad")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", tmp_path / "store", "found no file such as", format="utd_mhad")
