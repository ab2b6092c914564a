"""CTR-GCN opens what is written; what is wrong with its arrays is told in one line."""

import zipfile

import numpy as np
import pytest

from data.formats.clips import table_of
from data.formats.ctrgcn import make_up_names
from data.formats.importing import ImportOptions, import_store
from data.ntu.names import parse_name
from data.ntu.splits import TRAIN_PERFORMERS, in_training, rules_of
from data.skeletons.store import open_store
from tests.data.formats import readers
from tests.data.formats.made_files import Evil
from tests.data.formats.steps import NAMES, NAMES_120, XSUB_TRAIN, bring, clips_of, export, refused, same


def test_ctrgcn_opens_the_arrays_in_its_order(store, tmp_path):
    lines = export(store, tmp_path, "ctrgcn", positions="stored")
    assert any("cut at 300 frames: 1 clip lost 10 frames" in line for line in lines)
    with np.load(tmp_path / "NTU60_CS.npz") as npz:
        assert npz.files == ["x_train", "y_train", "x_test", "y_test"]
        assert (npz["x_train"].dtype, npz["x_train"].shape) == (np.float32, (4, 300, 150))
        assert (npz["y_train"].dtype, npz["y_train"].shape) == (np.float64, (4, 60))
    clips = clips_of(store)
    # By performer (X-Sub) or camera (X-View), then by name.
    order = {
        "CS": {"train": [NAMES[0], NAMES[2], NAMES[4], NAMES[5]], "test": [NAMES[3], NAMES[1]]},
        "CV": {"train": NAMES[2:], "test": NAMES[:2]},
    }
    for code, parts in order.items():
        assert (tmp_path / f"NTU60_{code}_names.txt").read_text().split() == parts["train"] + parts["test"]
        for part, names in parts.items():
            data, label = readers.ctrgcn(tmp_path / f"NTU60_{code}.npz", part)
            assert label.tolist() == [int(name[-3:]) - 1 for name in names]
            for joints, name in zip(data, names, strict=True):
                length = min(300, len(clips[name]))
                np.testing.assert_array_equal(joints[:, :length].transpose(1, 3, 2, 0), clips[name][:300])
                assert not joints[:, length:].any()


def test_ctrgcn_gets_its_own_preparation(store, tmp_path):
    export(store, tmp_path, "ctrgcn", split="xsub")
    data, _ = readers.ctrgcn(tmp_path / "NTU60_CS.npz", "train")
    for joints, name in zip(data, XSUB_TRAIN, strict=True):
        clip = clips_of(store)[name]
        first = next(frame for frame in clip[:, 0] if frame.any())
        expected = np.where(clip.any((2, 3), keepdims=True), clip - first[1], 0)
        np.testing.assert_array_equal(joints[:, : len(clip)].transpose(1, 3, 2, 0), expected)


def test_ctrgcn_comes_back_with_the_names_beside_it(store, tmp_path):
    export(store, tmp_path, "ctrgcn", positions="stored")
    for code in ("CS", "CV"):
        same(store, bring(tmp_path / f"NTU60_{code}.npz", tmp_path / code), frames=300)


def test_ctrgcn_without_names_keeps_part_and_label(store, tmp_path):
    export(store, tmp_path, "ctrgcn", positions="stored")
    for split, code in (("xsub", "CS"), ("xview", "CV")):
        (tmp_path / f"NTU60_{code}_names.txt").rename(tmp_path / f"{code}.txt")
        lines = import_store(tmp_path / f"NTU60_{code}.npz", tmp_path / code, ImportOptions())
        assert "names are made up" in " ".join(lines)
        names = [parse_name(name) for name in open_store(tmp_path / code).clips.name.tolist()]
        training = [name.performer in TRAIN_PERFORMERS if split == "xsub" else name.camera > 1 for name in names]
        expected = (
            [NAMES[0], NAMES[2], NAMES[4], NAMES[5], NAMES[3], NAMES[1]] if split == "xsub" else NAMES[2:] + NAMES[:2]
        )
        assert training == [True] * 4 + [False] * 2
        assert [name.action for name in names] == [int(name[-3:]) for name in expected]
        # The other protocol must not look as if it were known.
        assert len({name.camera if split == "xsub" else name.performer for name in names}) == 1
    # A list in any order does, too, as CTR-GCN's own list is by name.
    (tmp_path / "all.txt").write_text("\n".join(sorted(NAMES, reverse=True)))
    same(store, bring(tmp_path / "NTU60_CS.npz", tmp_path / "named", names=tmp_path / "all.txt"), frames=300)


def test_ctrgcn_of_120_has_its_names_classes_and_order(store_120, tmp_path):
    """As CTR-GCN's scripts for NTU RGB+D 120: by performer or by setup, then by name; 120 classes."""
    assert "2 clips for training, 2 for testing" in export(store_120, tmp_path, "ctrgcn", positions="stored")[0]
    first, second, third, fourth = NAMES_120
    orders = {"CSub": ([third, first], [fourth, second]), "CSet": ([second, third], [first, fourth])}
    for code, order in orders.items():
        for part, names in zip(("train", "test"), order, strict=True):
            data, label = readers.ctrgcn(tmp_path / f"NTU120_{code}.npz", part)
            with np.load(tmp_path / f"NTU120_{code}.npz") as npz:
                assert npz[f"y_{part}"].shape == (2, 120)
            assert label.tolist() == [int(name[-3:]) - 1 for name in names]
            for joints, name in zip(data, names, strict=True):
                clip = clips_of(store_120)[name]
                np.testing.assert_array_equal(joints[:, : len(clip)].transpose(1, 3, 2, 0), clip)
        same(store_120, bring(tmp_path / f"NTU120_{code}.npz", tmp_path / code))
    refused(tmp_path / "NTU120_CSub.npz", tmp_path / "store", "120 classes, .* pass --split xsub120", split="xsub")


@pytest.mark.parametrize(("split", "code"), [("xsub", "CS"), ("xview", "CV"), ("xsub120", "CSub"), ("xset120", "CSet")])
def test_made_up_names_stay_in_their_part_by_the_protocol_of_the_file(tmp_path, split, code):
    """Also where there are more clips than 17 setups and 999 replications have names for, which NTU RGB+D 60 has."""
    training, testing = (make_up_names(np.zeros(17 * 999 + 2, int), split, part) for part in ("train", "test"))
    assert len(set(training)) == len(training)
    clips = table_of(training[::999] + testing[::999])
    rule = {"CS": "xsub", "CV": "xview", "CSub": "xsub120", "CSet": "xset120"}[code]
    other = {"xsub": "xview", "xview": "xsub", "xsub120": "xset120", "xset120": "xsub120"}[rule]
    assert in_training(clips, rule).tolist() == [True] * 18 + [False] * 18
    assert not in_training(clips, other).any()  # so that nobody takes it for known
    assert rule in rules_of(clips).values()


X, Y = np.ones((1, 6, 150), np.float32), np.eye(60)[:1]


ARRAYS = {"x_train": X, "y_train": Y, "x_test": X, "y_test": np.eye(60)[1:2]}


NAN = X * np.float32(np.nan)


CTRGCN = {
    "an array missing": (
        {"y_test": None},
        "found x_train, y_train, x_test, expected x_train, y_train, x_test and y_test",
    ),
    "another width": ({"x_train": X[..., :144]}, r"x_train is float32 \(1, 6, 144\), expected float32 \[1, 300, 150\]"),
    "other numbers of clips": ({"x_test": np.ones((2, 6, 150), "f4")}, r"x_test is float32 \(2, 6, 150\), expected"),
    "integers": ({"x_train": X.astype(int)}, "x_train is int64, expected float32"),
    "Fortran order": ({"x_train": np.asfortranarray(np.ones((1, 6, 150), "f4"))}, "in Fortran order"),
    "two classes": ({"y_train": np.eye(60)[:1] + np.eye(60)[1:2]}, "y_train: row 0 has 2 classes, expected one"),
    "no class": ({"y_train": np.zeros((1, 60))}, "y_train: row 0 has 0 classes, expected one"),
    "labels not one-hot": ({"y_train": np.zeros(1)}, r"y_train is float64 \(1,\), expected one-hot labels"),
    "objects": ({"y_train": np.array([[Evil()]], object)}, "refused to unpickle posix.system"),
    "NaN": ({"x_test": NAN}, r"x_test\[0\] .* found NaN or infinity"),
}


def savez(path, **changes):
    np.savez(path, **{key: value for key, value in {**ARRAYS, **changes}.items() if value is not None})
    return path


@pytest.mark.parametrize(("changes", "message"), CTRGCN.values(), ids=CTRGCN.keys())
def test_bad_arrays(tmp_path, changes, message):
    refused(savez(tmp_path / "NTU60_CS.npz", **changes), tmp_path / "store", message)


def test_ctrgcn_files_that_are_none_or_damaged(tmp_path):
    path = tmp_path / "NTU60_CS.npz"
    path.write_bytes(b"hello")
    refused(path, tmp_path / "store", "not a .npz file, or damaged")
    content = savez(path).read_bytes()
    path.write_bytes(content[:-100])
    refused(path, tmp_path / "store", "not a .npz file, or damaged")
    at = content.index(X[0, 0].tobytes()) + 40
    path.write_bytes(content[:at] + b"\x01" + content[at + 1 :])
    refused(path, tmp_path / "store", "Bad CRC-32")
    with zipfile.ZipFile(path, "w") as packed, zipfile.ZipFile(savez(tmp_path / "b.npz")) as whole:
        for name in whole.namelist():
            packed.writestr(name, whole.read(name)[: -8 if name == "x_test.npy" else None])
    (tmp_path / "b.npz").unlink()
    refused(path, tmp_path / "store", "the array ends too early")


def test_ctrgcn_split_and_names(tmp_path):
    refused(
        savez(tmp_path / "a.npz"),
        tmp_path / "store",
        "does not tell the split by CS or CV or CSub or CSet; pass --split",
    )
    path, names = savez(tmp_path / "NTU60_CS.npz"), tmp_path / "names.txt"
    for content, message in (
        (NAMES[0], "0 of its names are for test by xsub"),
        (f"{NAMES[0]}\nwalking", "found 'walking' for a clip's name"),
        (f"{NAMES[0]}\nS001C001P003R001A003", "would be row 0 of test, whose label is action 2"),
    ):
        names.write_text(content)
        refused(path, tmp_path / "store", message, names=names)
    refused(path, tmp_path / "store", "cannot be read", names=tmp_path / "absent.txt")
    refused(tmp_path, tmp_path / "store", "found 2 .npz files, expected one", format="ctrgcn")
