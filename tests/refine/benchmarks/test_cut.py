import numpy as np
import pytest
from pydantic import ValidationError

from base.errors import InputError
from data.skeletons.division import divide
from data.skeletons.store import open_store
from refine.benchmarks.cut import CutConfig, cut_pairs
from tests.refine.conftest import moving_poses, objects

TRAIN = ("S1_Walking_54138969", "S1_Eating_2_54138969", "S7_Walking_1_54138969", "S8_Eating_54138969")
TEST = ("S9_Walking_54138969", "S9_Eating_54138969")


def write(root, rng, names, split, name="h36m_fcn_3D", lengths=None, key="joints_3d", joints=17):
    detected, truth = moving_poses(rng, lengths or [130] * len(names), joints)
    if key == "joints_2d":
        detected, truth = ([x.reshape(len(x), joints, 3)[..., :2].reshape(len(x), -1) * 300 + 500 for x in side]
                           for side in (detected, truth))  # fmt: skip
    images = objects([np.array([f"{one}/{f:06d}" for f in range(len(x))]) for one, x in zip(names, truth, strict=True)])
    for part, kind, sequences in (("detected", name, detected), ("groundtruth", f"h36m_gt_{name[-2:]}", truth)):
        folder = root / name / part
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / f"{kind}_{split}.npz", imgname=images, **{key: objects(sequences)})
    return detected, truth


def config(tmp_path, **cut):
    section = {"benchmark": "h36m_fcn_3D", "folder": tmp_path / "cut", "seconds": 1.0, **cut}
    return CutConfig.model_validate({"benchmarks": {"root": tmp_path}, "cut": section})


@pytest.fixture
def pairs(tmp_path, rng):
    return write(tmp_path, rng, TRAIN, "train"), write(tmp_path, rng, TEST, "test")


def test_clips_are_the_pairs_frames_and_keep_to_their_side(tmp_path, pairs):
    lines = cut_pairs(config(tmp_path))
    raw, truth = (open_store(tmp_path / "cut" / side) for side in ("raw", "truth"))
    assert (raw.info.kind, truth.info.kind, raw.info.fps, raw.layout.name) == ("raw", "truth", 50, "h36m17")
    titles = [truth.title(str(name)) for name in truth.clips.name]
    assert sorted(titles) == sorted(f"{name}/{start:06d}" for name in TRAIN + TEST for start in (0, 50))
    for side, store in enumerate((raw, truth)):  # 0 detected, 1 true
        for row, title in enumerate(titles):
            name, _, start = title.partition("/")
            written = dict(zip(TRAIN + TEST, pairs[0][side] + pairs[1][side], strict=True))[name]
            joints = store.joints[store.rows_of(int(store.tracks_of(row)[0]))]
            poses = written[int(start) : int(start) + 50].reshape(50, 17, 3)
            np.testing.assert_array_equal(joints, poses * np.float32([-1, -1, 1]))  # y was down, and is up in stores
    division = divide(raw, "benchmark")
    assert [titles[row].startswith("S9_") for row in range(12)] == division.test.tolist()
    np.testing.assert_array_equal(division.train, ~division.test)
    assert raw.labels.actions == ("Eating", "Walking")
    assert raw.labels.subjects == ("S1", "S7", "S8", "S9")
    assert "8 for training, 4 for testing" in lines[1]


def test_overlap_and_rate(tmp_path, pairs):
    cut_pairs(config(tmp_path, overlap=0.5, fps=25))
    raw = open_store(tmp_path / "cut" / "raw")
    # 130 frames: from 0, 25, 50 and 75, of 50 frames each, which at half the rate are 25 (and the last one kept)
    assert len(raw.clips) == 4 * 6
    assert raw.info.fps == 25
    assert set(raw.clips.frames.tolist()) == {round(49 * 0.5) + 1}


def test_without_a_training_split_takes_are_the_sides(tmp_path, rng):
    names = ("S9_Eating_1_5413", "S9_Eating_5413", "S9_Walking_5413", "S9_Walking_2_5413", "S9_Posing_5413")
    write(tmp_path, rng, names, "test", "h36m_hourglass_2D", key="joints_2d", joints=16)
    cut_pairs(config(tmp_path, benchmark="h36m_hourglass_2D"))
    store = open_store(tmp_path / "cut" / "truth")
    assert store.layout.name == "h36m16"
    assert min(store.info.image) > 500
    titles = np.array([store.title(str(name)).partition("/")[0] for name in store.clips.name])
    first, second = (divide(store, split) for split in ("first_take", "second_take"))
    assert set(titles[first.train]) == {"S9_Eating_5413", "S9_Walking_5413"}
    assert set(titles[first.test]) == {"S9_Eating_1_5413", "S9_Walking_2_5413"}
    np.testing.assert_array_equal(first.train, second.test)
    np.testing.assert_array_equal(first.test, second.train)


def test_what_several_cameras_saw_at_once_is_on_one_side(tmp_path, rng):
    once = ("S9_Posing_5413", "S9_Posing_5501")
    twice = ("S9_Eating_5413", "S9_Eating_5501", "S9_Eating_1_5413", "S9_Eating_1_5501")
    write(tmp_path, rng, (*once, *twice), "test")
    cut_pairs(config(tmp_path))
    store = open_store(tmp_path / "cut" / "raw")
    titles = np.array([store.title(str(name)).partition("/")[0] for name in store.clips.name])
    first = divide(store, "first_take")
    assert set(titles[first.train]) == set(twice[:2])
    assert set(titles[first.test]) == set(twice[2:])


def test_a_short_sequence_takes_nothing_from_another_of_its_name(tmp_path, rng):
    write(tmp_path, rng, ("S1_Walking_1", "S1_Walking_1"), "train", lengths=[120, 30])
    write(tmp_path, rng, TEST, "test")
    lines = cut_pairs(config(tmp_path))
    assert "raw and truth, 6 clips of 4 sequences" in lines[0]
    assert lines[-1].endswith("left out: 1 sequence shorter than a clip, such as 'S1_Walking_1'")


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        ({"names": r"(?P<subject>P)(?P<action>x)"}, r"cut.names: sequence 'S1_Walking_54138969' of h36m_fcn_3D"),
        ({"seconds": 3.0}, "cut.seconds: no sequence of h36m_fcn_3D lasts 3 s; give less"),
        ({"layout": "ntu25"}, "h36m_fcn_3D: has 17 joints with 3 coordinates, expected 25 with 3"),
        ({"benchmark": "h36m_rle_3D"}, "h36m_rle_3D_train.npz: no such file"),
        ({"benchmark": "aist_spin_smpl"}, "cut.benchmark: aist_spin_smpl has rotations"),
    ],
)  # fmt: skip
def test_what_cannot_be_cut_is_told_and_nothing_is_written(tmp_path, pairs, cut, said):
    with pytest.raises(InputError, match=said) as caught:
        cut_pairs(config(tmp_path, **cut))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cut").exists()


@pytest.mark.parametrize("names", ["(", r"(?P<subject>S\d)", r"(?P<subject>S)(?P<action>A)(?P<camera>C)"])
def test_a_pattern_must_name_subject_and_action(tmp_path, names):
    with pytest.raises(ValidationError, match=r"regular expression|expected the groups"):
        config(tmp_path, names=names)


def test_only_its_own_are_replaced(tmp_path, pairs):
    cut_pairs(config(tmp_path))
    with pytest.raises(InputError, match="is there already"):
        cut_pairs(config(tmp_path))
    cut_pairs(config(tmp_path, seconds=2.0), again=True)
    assert len(open_store(tmp_path / "cut" / "raw").clips) == 6
    (tmp_path / "cut" / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="does not hold raw and truth alone"):
        cut_pairs(config(tmp_path), again=True)
    assert (tmp_path / "cut" / "mine.txt").exists()
