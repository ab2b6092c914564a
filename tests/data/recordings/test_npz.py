import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import InputError
from data.recordings.npz import read
from tests.data.recordings.checks import check_damaged, check_same, rewritten


def poses(*shape, scale=1.0):
    return (scale * np.random.default_rng(0).normal(0, 1, shape)).astype(np.float32)


def saved(folder, *, packed=False, **arrays):
    path = folder / "a.npz"
    (np.savez_compressed if packed else np.savez)(path, **arrays)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_the_poses_are_replaced_and_all_other_members_stay(tmp_path, packed):
    array = poses(1, 9, 5, 2, scale=300)
    path = saved(tmp_path, packed=packed, a=np.arange(300), reconstruction=array, z=np.array(["x"]))
    recording = check_same(path, "npz")
    np.testing.assert_array_equal(recording.joints, array[0])
    output = rewritten(path, recording, lambda joints: joints.__setitem__((3, 2, 1), 12.5))
    with np.load(output) as new:
        assert new.files == ["a", "reconstruction", "z"]
        array[0, 3, 2, 1] = 12.5
        np.testing.assert_array_equal(new["reconstruction"], array)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(output) as file:
        assert file.testzip() is None
        assert [i.date_time for i in file.infolist()] == [i.date_time for i in old.infolist()]
        for name in ("a.npy", "z.npy"):
            assert file.getinfo(name).CRC == old.getinfo(name).CRC
            assert file.getinfo(name).compress_size == old.getinfo(name).compress_size


def test_scores_and_rates_that_stand_beside_are_read(tmp_path):
    score = np.linspace(0, 1.5, 45).reshape(9, 5)
    recording = check_same(saved(tmp_path, keypoints=poses(9, 5, 2), scores=score, fps=np.array(25)), "npz")
    np.testing.assert_allclose(recording.confidence, np.minimum(score, 1), rtol=1e-6)
    assert recording.fps == 25


def test_the_truth_stays(tmp_path):
    path = saved(tmp_path, pred=poses(9, 5, 3), gt=poses(9, 5, 3) + 1, imgs=np.arange(9))
    output = rewritten(path, read(path), lambda joints: joints.__iadd__(1))
    with np.load(output) as new:
        np.testing.assert_array_equal(new["gt"], poses(9, 5, 3) + 1)
        np.testing.assert_allclose(new["pred"], poses(9, 5, 3) + 1, atol=1e-6)


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": poses(9, 5, 3), "y": poses(9, 5, 3)}, "x, y may each be the poses"),
        ({"x": np.arange(3)}, "of which none is"),
        (
            {"imgname": np.array(["a"]), "center": poses(1, 2), "scale": poses(1), "S": poses(1, 17, 4)},
            "images of",
        ),
        ({"x": np.array([{}], object)}, "of which none is"),
    ],
)
def test_what_holds_no_recording_is_refused(tmp_path, arrays, told):
    with pytest.raises(InputError, match=told) as error:
        read(saved(tmp_path, **arrays))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("packed", [False, True])
def test_damaged_files_are_refused_in_one_line(tmp_path, packed):
    check_damaged(saved(tmp_path, packed=packed, keypoints=poses(5, 4, 3)), read)


@settings(max_examples=15, deadline=None)
@given(
    st.tuples(st.integers(2, 5), st.integers(1, 4), st.integers(2, 3)),
    st.booleans(),
    st.sampled_from(["f4", "i4"]),
)
def test_any_arrays_come_back_byte_for_byte(tmp_path_factory, shape, packed, kind):
    array = np.round(poses(*shape, scale=90)).astype(kind)
    path = saved(tmp_path_factory.mktemp("npz"), packed=packed, other=np.arange(3), joints=array, more=np.array("x"))
    assert rewritten(path, read(path)).read_bytes() == path.read_bytes()
