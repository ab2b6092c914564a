import pickle
import re
import zipfile

import numpy as np
import pytest

from data.errors import InputError
from refine.benchmarks import benchmarks, find_benchmark, read_pairs
from refine.object_arrays import read_array
from tests.refine.conftest import moving_poses, objects, write_benchmark

ROW = find_benchmark("h36m_fcn_3D")


def refuse(tmp_path, text, row=ROW, split="train", **options):
    with pytest.raises(InputError, match=text) as caught:
        read_pairs(row, tmp_path, split, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_row_is_named_after_its_parts():
    assert len(benchmarks()) == 26
    for name, row in benchmarks().items():
        assert name == f"{row.dataset}_{row.estimator}_{row.representation}"
        assert all(root < min(row.joints) for root in row.root)
        assert (row.unit, bool(row.root)) == (("m", True) if row.dims == 3 else ("px", False))


def test_unknown_name():
    with pytest.raises(InputError, match=r"h36m_fcn_4D: no such benchmark; choose from .*h36m_fcn_3D"):
        find_benchmark("h36m_fcn_4D")


@pytest.mark.parametrize("key", ["joints_3d", "keypoints_3d"])
def test_reads_what_was_written(tmp_path, rng, key):
    detected, truth = moving_poses(rng, (40, 7, 1))
    write_benchmark(tmp_path, detected, truth, key=key)
    pairs = read_pairs(ROW, tmp_path, "train")
    assert [x.shape for x in pairs.detected] == [(40, 17, 3), (7, 17, 3), (1, 17, 3)]
    for read, written in ((pairs.detected, detected), (pairs.truth, truth)):
        for x, y in zip(read, written, strict=True):
            np.testing.assert_array_equal(x.reshape(len(x), -1), y)
    assert pairs.frames == 48
    assert pairs.take([2, 0]).number == [2, 0]


def test_reads_pixels(tmp_path, rng):
    poses = [rng.uniform(0, 1000, (9, 32)) for _ in range(2)]
    write_benchmark(tmp_path, poses, poses, "h36m_hourglass_2D", "test", "keypoints_2d", representation="2D")
    pairs = read_pairs(find_benchmark("h36m_hourglass_2D"), tmp_path, "test")
    assert pairs.detected[1].shape == (9, 16, 2)
    assert pairs.benchmark.reported == ("px", 1.0)


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("kind", ["f8", ">f4", "i4", "objects", "one array", "fortran"])
def test_reads_what_numpy_has_ever_written(tmp_path, protocol, kind):
    x = np.arange(24.0).reshape(4, 6)
    sequences = {"objects": [x.tolist(), x.astype(object)], "fortran": [np.asfortranarray(x), x[:2]]}.get(kind)
    sequences = sequences or [x.astype("f4" if kind == "one array" else kind), x[:3].astype("f4")]
    array = objects(sequences) if kind != "one array" else np.stack([x, x]).astype(object)
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as file, file.open("joints_3d.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "|O", "fortran_order": False, "shape": array.shape})
        pickle.dump(array, member, protocol=protocol)
    read = read_array(path, "joints_3d")
    for got, given in zip(read, array, strict=True):
        np.testing.assert_array_equal(np.asarray(got, float), np.asarray(given, float))


def test_numbers_and_text_in_object_arrays(tmp_path):
    array = objects([np.float32(2.5), "text", np.int64(3), np.array(["a", "bc"])])
    np.savez(tmp_path / "a.npz", x=array)
    read = read_array(tmp_path / "a.npz", "x")
    assert read[:3].tolist() == [2.5, "text", 3]
    assert read[3].tolist() == ["a", "bc"]


class _Harm:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_calls_something_is_refused_and_does_nothing(tmp_path, rng, protocol):
    detected, truth = moving_poses(rng, (10,))
    path, _ = write_benchmark(tmp_path, detected, truth)
    mark = tmp_path / "mark"
    with zipfile.ZipFile(path, "w") as file, file.open("joints_3d.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "|O", "fortran_order": False, "shape": (1,)})
        pickle.dump(objects([_Harm(mark)]), member, protocol=protocol)
    refuse(tmp_path, r"h36m_fcn_3D_train.npz: joints_3d: refused to unpickle (io|builtins|__builtin__|_io)\.open")
    assert not mark.exists()


def test_records_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=objects([np.zeros(2, [("a", "f4"), ("b", "O")])]))
    with pytest.raises(InputError, match="refused to unpickle an array of"):
        read_array(tmp_path / "a.npz", "x")


def test_truncated_and_foreign_files(tmp_path, rng):
    detected, truth = moving_poses(rng, (10,))
    path, _ = write_benchmark(tmp_path, detected, truth)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refuse(tmp_path, "train.npz: not a .npz file, or damaged")
    path.write_bytes(b"nothing of the kind")
    refuse(tmp_path, "train.npz: not a .npz file, or damaged")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("joints_3d.npy", b"\x93NUMPY no header")
    refuse(tmp_path, "joints_3d: not an array as NumPy writes it")


def test_missing_file(tmp_path, rng):
    detected, truth = moving_poses(rng, (10,))
    _, path = write_benchmark(tmp_path, detected, truth)
    path.unlink()
    refuse(tmp_path, r"h36m_gt_3D_train.npz: no such file; h36m_fcn_3D needs it, see benchmarks.root")


def test_other_key(tmp_path, rng):
    detected, truth = moving_poses(rng, (10,))
    write_benchmark(tmp_path, detected, truth, key="poses")
    refuse(tmp_path, "holds imgname, poses; expected joints_3d or keypoints_3d")


def test_split_that_the_benchmark_does_not_have(tmp_path):
    refuse(tmp_path, "has no split 'train'; it has test", find_benchmark("mupots_tposenet_3D"))


def test_unequal_numbers_of_sequences(tmp_path, rng):
    detected, truth = moving_poses(rng, (10, 12))
    write_benchmark(tmp_path, detected, truth[:1])
    refuse(tmp_path, r"detected/h36m_fcn_3D_train.npz: 2 sequences, but .*groundtruth/h36m_gt_3D_train.npz has 1")


def test_unequal_lengths(tmp_path, rng):
    detected, truth = moving_poses(rng, (10, 12, 9))
    write_benchmark(tmp_path, detected, [truth[0], truth[1][:-1], truth[2]])
    refuse(tmp_path, r"sequence 1: 12 frames, but .* has 11; .*benchmarks.on_error=skip")
    pairs = read_pairs(ROW, tmp_path, "train", "skip")
    assert (pairs.number, len(pairs.skipped)) == ([0, 2], 1)


def test_joint_count(tmp_path, rng):
    detected, truth = moving_poses(rng, (10,), joints=16)
    write_benchmark(tmp_path, detected, truth)
    refuse(tmp_path, r"sequence 0: 48 numbers per frame; h36m_fcn_3D has 17 joints of 3 coordinates")


def test_text_instead_of_numbers(tmp_path):
    write_benchmark(tmp_path, [np.full((3, 51), "a")], [np.zeros((3, 51))])
    refuse(tmp_path, "sequence 0: not an array of numbers")


@pytest.mark.parametrize(("value", "text"), [(np.nan, "is not finite"), (np.inf, "is not finite"), (0, "is all zeros")])
def test_missing_joint(tmp_path, rng, value, text):
    detected, truth = moving_poses(rng, (10, 12))
    truth[1].reshape(12, 17, 3)[5, 9] = value
    write_benchmark(tmp_path, detected, truth)
    message = refuse(tmp_path, rf"h36m_gt_3D_train.npz: sequence 1, frame 5, joint 9 {text}; repair it")
    assert re.search(r"benchmarks.on_error=skip$", message)
    assert read_pairs(ROW, tmp_path, "train", "skip").number == [0]


def test_root_may_be_zero_everywhere_but_not_somewhere(tmp_path, rng):
    detected, truth = moving_poses(rng, (10, 12))  # joint 0 is zero in every frame
    write_benchmark(tmp_path, detected, truth)
    read_pairs(ROW, tmp_path, "train")
    moved = [x + 2 for x in truth]
    moved[1][3, :3] = 0
    write_benchmark(tmp_path, detected, moved)
    refuse(tmp_path, "sequence 1, frame 3, joint 0 is all zeros")
