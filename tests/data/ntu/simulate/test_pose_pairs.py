import zipfile

import numpy as np
import pytest

from data.ntu.names import ClipName
from data.ntu.simulate.pose_pairs import PosePairs

ONE, OTHER = ClipName(1, 2, 3, 1, 6), ClipName(2, 1, 5, 2, 23)


def test_numpy_reads_back_the_sequences_in_the_releases_layout(tmp_path, rng):
    """An object array of sequences [n, 75] and one of names per frame, in the order in which they were added."""
    pairs = {name: rng.normal(size=(2, length, 25, 3)) for name, length in ((ONE, 4), (OTHER, 7))}
    with PosePairs(tmp_path / "made", ("train", "test")) as writer:
        for name, (measured, clean) in pairs.items():
            writer.add("train", name, measured, clean)
        writer.add("test", ONE, *pairs[ONE])
    for row, (kind, word) in enumerate((("detected", "kinect"), ("groundtruth", "gt"))):
        for part, names in (("train", (ONE, OTHER)), ("test", (ONE,))):
            path = tmp_path / "made" / kind / f"ntusim_{word}_3D_{part}.npz"
            with np.load(path, allow_pickle=True) as found:
                assert sorted(found) == ["imgname", "joints_3d"]
                assert found["joints_3d"].shape == found["imgname"].shape == (len(names),)
                for name, joints, images in zip(names, found["joints_3d"], found["imgname"], strict=True):
                    expected = pairs[name][row].astype(np.float32)
                    np.testing.assert_array_equal(joints, expected.reshape(len(expected), 75))
                    assert images.tolist() == [f"{name}/{frame:04d}" for frame in range(len(expected))]
    assert len([path for path in (tmp_path / "made").rglob("*") if path.is_file()]) == 4


def test_a_part_without_sequences_is_empty(tmp_path):
    with PosePairs(tmp_path / "made", ("train",)):
        pass
    with np.load(tmp_path / "made/detected/ntusim_kinect_3D_train.npz", allow_pickle=True) as found:
        assert found["joints_3d"].shape == found["imgname"].shape == (0,)


def test_the_bytes_do_not_depend_on_the_clock(tmp_path, rng):
    joints = rng.normal(size=(2, 4, 25, 3))
    with PosePairs(tmp_path / "made", ("test",)) as writer:
        writer.add("test", ONE, *joints)
    with zipfile.ZipFile(tmp_path / "made/groundtruth/ntusim_gt_3D_test.npz") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def write_and_fail(folder):
    with PosePairs(folder, ("train",)) as writer:
        writer.add("train", ONE, *np.zeros((2, 4, 25, 3)))
        raise RuntimeError


def test_of_a_run_that_fails_there_is_no_archive(tmp_path):
    with pytest.raises(RuntimeError):
        write_and_fail(tmp_path / "made")
    assert not list(tmp_path.rglob("*.npz"))
