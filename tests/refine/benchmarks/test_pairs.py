import pickle
import re
import zipfile

import numpy as np
import pytest

from base.errors import InputError
from refine.benchmarks.pairs import read_pairs
from refine.benchmarks.table import find_benchmark
from tests.refine.conftest import moving_poses, objects, write_benchmark, write_row

ROW = find_benchmark("h36m_fcn_3D")


def refuse(tmp_path, text, row=ROW, split="train", **options):
    with pytest.raises(InputError, match=text) as caught:
        read_pairs(row, tmp_path, split, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


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
    assert re.search(r"benchmarks.on_error=skip \(or mask, for missing joints\)$", message)
    assert read_pairs(ROW, tmp_path, "train", "skip").number == [0]


def test_root_may_be_zero_everywhere_but_not_somewhere(tmp_path, rng):
    detected, truth = moving_poses(rng, (10, 12))  # joint 0 is zero in every frame
    write_benchmark(tmp_path, detected, truth)
    read_pairs(ROW, tmp_path, "train")
    moved = [x + 2 for x in truth]
    moved[1][3, :3] = 0
    write_benchmark(tmp_path, detected, moved)
    refuse(tmp_path, "sequence 1, frame 3, joint 0 is all zeros")


EXAMPLES = "h36m_tcmr_3D h36m_cpn_2D aist_vibe_3D aist_vibe_smpl pw3d_vibe_3D pw3d_pare_smpl mupots_tposenet_3D"


@pytest.mark.parametrize("name", [*EXAMPLES.split(), "mpiinf3dhp_spin_3D", "jhmdb_simplepose_2D"])
@pytest.mark.parametrize("key", ["joints", "keypoints"])
def test_every_data_set_and_representation(tmp_path, rng, name, key):
    row = find_benchmark(name)
    detected, truth = write_row(tmp_path, row, rng, key=key)
    pairs = read_pairs(row, tmp_path, "test")
    assert [len(x) for x in pairs.detected] == [40, 9, 3]
    written = "pose" if row.representation == "smpl" else f"{key}_{row.dims}d"
    for content, read in ((detected, pairs.detected), (truth, pairs.truth)):
        for x, y in zip(content[written], read, strict=True):
            np.testing.assert_array_equal(np.float32(x), y.reshape(len(y), -1))


def test_fourteen_joints_are_picked_out_of_seventeen(tmp_path, rng):
    """3DPW's files of SPIN, EFT and PARE have Human3.6M's 17 joints; the published figures are of LSP's 14."""
    row = find_benchmark("pw3d_spin_3D")
    noisy, pose = ([x + 0.5 for x in side] for side in moving_poses(rng, (20,), 17))
    write_benchmark(tmp_path, noisy, pose, name=row.name, split="test", dataset="pw3d")
    pairs = read_pairs(row, tmp_path, "test")
    assert (pairs.benchmark.root, pairs.detected[0].shape) == ((2, 3), (20, 14, 3))
    h36m = pose[0].reshape(20, 17, 3)
    right_ankle, right_hip, left_hip, neck, head = 6, 4, 1, 8, 10  # as the release numbers the 17
    for at, joint in ((0, right_ankle), (2, right_hip), (3, left_hip), (12, neck), (13, head)):
        np.testing.assert_array_equal(pairs.truth[0][:, at], h36m[:, joint])
    noisy, pose = ([x + 0.5 for x in side] for side in moving_poses(rng, (20,), 14))
    write_benchmark(tmp_path, noisy, pose, name=row.name, split="test", dataset="pw3d")
    np.testing.assert_array_equal(read_pairs(row, tmp_path, "test").truth[0].reshape(20, -1), pose[0])


@pytest.mark.parametrize(("unit", "factor"), [("m", 1000), ("mm", 0.001)])
def test_a_wrong_unit_is_told(tmp_path, rng, unit, factor):
    noisy, pose = ([x * factor for x in side] for side in moving_poses(rng, (20,)))
    write_benchmark(tmp_path, noisy, pose, split="test")
    refuse(tmp_path, f"the row says unit: {unit}, is that right", ROW.model_copy(update={"unit": unit}), "test")


def test_numbers_too_large_for_anything(tmp_path, rng, recwarn):
    detected, truth = moving_poses(rng, (20,))
    truth = [x.astype(float) for x in truth]
    for value, text in ((1e300, "joint 4 is not finite"), (1e30, "joint 4 is at")):
        truth[0].reshape(20, 17, 3)[3, 4] = value
        write_benchmark(tmp_path, detected, truth, split="test")
        refuse(tmp_path, text, split="test")
    assert not recwarn.list


def test_complex_numbers(tmp_path):
    write_benchmark(tmp_path, [np.zeros((3, 51), complex)], [np.zeros((3, 51))])
    refuse(tmp_path, "sequence 0: not an array of numbers")


def test_millimetres_become_metres(tmp_path, rng):
    row = find_benchmark("h36m_fcn_3D").model_copy(update={"unit": "mm"})
    _, truth = write_row(tmp_path, row, rng)
    np.testing.assert_allclose(
        read_pairs(row, tmp_path, "test").truth[0].reshape(40, -1), truth["joints_3d"][0] / 1000, rtol=1e-6
    )


def test_box_and_image(tmp_path, rng):
    row = find_benchmark("jhmdb_simplepose_2D")
    write_row(tmp_path, row, rng)
    pair = read_pairs(row, tmp_path, "test").sequences[1]
    assert pair.image_size.tolist() == [1000, 800]
    assert pair.box_side.tolist() == [400.0] * 9


def test_shape_and_scale(tmp_path, rng):
    for name, shaped in (("aist_spin_smpl", False), ("pw3d_spin_smpl", True)):
        write_row(tmp_path, find_benchmark(name), rng)
        pair = read_pairs(find_benchmark(name), tmp_path, "test").sequences[0]
        assert pair.shape.shape == (40, 10)
        assert (pair.true_shape is not None) == shaped


def rewrite(path, **changes):
    with np.load(path, allow_pickle=True) as file:
        content = {**file, **changes}
    np.savez(path, **{key: value for key, value in content.items() if value is not None})


@pytest.mark.parametrize(
    ("name", "side", "changes", "text"),
    [
        (
            "aist_vibe_smpl",
            1,
            {"scaling": None},
            "holds neither shape nor, as AIST.. does, scaling",
        ),
        (
            "aist_vibe_smpl",
            0,
            {"shape": [np.zeros((n, 10)) for n in (40, 9, 2)]},
            "shape, sequence 2: 2 frames, but 3 of",
        ),
        (
            "aist_vibe_smpl",
            0,
            {"shape": [np.zeros((n, 9)) for n in (40, 9, 3)]},
            "sequence 0: expected 10 finite numbers",
        ),
        (
            "pw3d_eft_smpl",
            0,
            {"pose": [np.zeros((n, 69)) for n in (40, 9, 3)]},
            "69 numbers per frame; .* has 24 rotations",
        ),
        ("pw3d_eft_smpl", 1, {"pose": [np.full((n, 72), np.nan) for n in (40, 9, 3)]}, "joint 0 is not finite"),
        ("jhmdb_simplepose_2D", 1, {"imgshape": None}, "holds no imgshape"),
        ("jhmdb_simplepose_2D", 1, {"imgshape": [np.zeros(3)] * 3}, "expected 3 sequences of two positive numbers"),
        ("jhmdb_simplepose_2D", 1, {"bbox": [np.zeros((n, 4)) for n in (40, 9)]}, "bbox: 2 sequences, but there are 3"),
        ("jhmdb_simplepose_2D", 1, {"bbox": None}, "expected bbox"),
        ("jhmdb_simplepose_2D", 1, {"bbox": [np.tile([9, 9, 1, 1], (n, 1)) for n in (40, 9, 3)]}, "left, top, right"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(tmp_path, rng, name, side, changes, text):
    row = find_benchmark(name)
    write_row(tmp_path, row, rng)
    given = {key: value if value is None else objects(value) for key, value in changes.items()}
    rewrite(row.paths(tmp_path, "test")[side], **given)
    refuse(tmp_path, text, row, "test")


def test_missing_joints_can_be_left_out_alone(tmp_path, rng):
    detected, truth = moving_poses(rng, (10, 12))
    truth[1].reshape(12, 17, 3)[5, 9] = np.nan
    detected[1].reshape(12, 17, 3)[7, 3] = 0
    write_benchmark(tmp_path, detected, truth)
    pairs = read_pairs(ROW, tmp_path, "train", "mask")
    assert pairs.sequences[0].known is None
    assert np.argwhere(~pairs.sequences[1].truth_known).tolist() == [[5, 9]]
    assert np.argwhere(~pairs.sequences[1].detected_known).tolist() == [[7, 3]]
    assert np.argwhere(~pairs.sequences[1].known).tolist() == [[5, 9], [7, 3]]
