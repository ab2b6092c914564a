"""2s-AGCN opens what is written; what is wrong with its files, or ST-GCN's, is told in one line."""

import pickle

import numpy as np
import pytest

from tests.data.formats import readers
from tests.data.formats.made_files import Evil
from tests.data.formats.steps import NAMES, NAMES_120, XSUB_TRAIN, XVIEW_VAL, bring, clips_of, export, refused, same


def test_agcn_opens_the_arrays(store, tmp_path):
    export(store, tmp_path / "ntu", "stgcn", positions="stored")
    clips = clips_of(store)
    for split, parts in {"xsub": (XSUB_TRAIN, [NAMES[1], NAMES[3]]), "xview": (NAMES[2:], XVIEW_VAL)}.items():
        for part, expected in zip(("train", "val"), parts, strict=True):
            data, names, labels = readers.agcn(tmp_path / "ntu" / split, part)
            assert isinstance(data, np.memmap)
            assert (data.dtype, data.shape) == (np.float32, (len(expected), 3, 300, 25, 2))
            assert names == [f"{name}.skeleton" for name in expected]
            assert labels == [int(name[-3:]) - 1 for name in expected]
            for joints, name in zip(data, expected, strict=True):
                length = min(300, len(clips[name]))
                np.testing.assert_array_equal(joints[:, :length].transpose(1, 3, 2, 0), clips[name][:300])
                assert not joints[:, length:].any()


def test_agcn_gets_its_own_preparation(store, tmp_path):
    export(store, tmp_path / "ntu", "stgcn", split="xview")
    data, names, _ = readers.agcn(tmp_path / "ntu/xview", "train")
    for joints, name in zip(data, names, strict=True):
        clip = clips_of(store)[name.removesuffix(".skeleton")]
        padded = np.zeros((300, 2, 25, 3), np.float32)
        padded[: len(clip)] = clip
        np.testing.assert_allclose(joints.transpose(1, 3, 2, 0), readers.agcn_preparation(padded), atol=1e-5)


def test_agcn_comes_back(store, tmp_path):
    export(store, tmp_path / "ntu", "stgcn", positions="stored")
    same(store, bring(tmp_path / "ntu", tmp_path / "a"), frames=300)
    same(store, bring(tmp_path / "ntu", tmp_path / "b", split="xview"), frames=300)
    same(store, bring(tmp_path / "ntu/xsub", tmp_path / "c"), frames=300)


def test_agcn_of_120_is_divided_by_subjects_and_setups(store_120, tmp_path):
    """In folders `xsub` and `xset`, as MS-G3D's script for NTU RGB+D 120 makes them."""
    export(store_120, tmp_path / "ntu120", "stgcn", positions="stored")
    first, second, third, fourth = NAMES_120
    orders = {"xsub": ([first, third], [second, fourth]), "xset": ([second, third], [first, fourth])}
    for split, order in orders.items():
        for part, names in zip(("train", "val"), order, strict=True):
            data, found, labels = readers.agcn(tmp_path / "ntu120" / split, part)
            assert sorted(found) == sorted(f"{name}.skeleton" for name in names)
            assert labels == [int(name[17:20]) - 1 for name in found]
            for joints, name in zip(data, found, strict=True):
                clip = clips_of(store_120)[name.removesuffix(".skeleton")]
                np.testing.assert_array_equal(joints[:, : len(clip)].transpose(1, 3, 2, 0), clip)
        same(store_120, bring(tmp_path / "ntu120", tmp_path / split, split=f"{split}120"))
    same(store_120, bring(tmp_path / "ntu120", tmp_path / "whichever"))


def test_stgcns_own_names_are_read(store, tmp_path):
    export(store, tmp_path / "ntu", "stgcn", positions="stored", split="xsub")
    for part in ("train", "val"):
        (tmp_path / f"ntu/xsub/{part}_data_joint.npy").rename(tmp_path / f"ntu/xsub/{part}_data.npy")
        labels = tmp_path / f"ntu/xsub/{part}_label.pkl"
        names, numbers = pickle.loads(labels.read_bytes())
        labels.write_bytes(pickle.dumps((names, np.array(numbers)), 2))
    same(store, bring(tmp_path / "ntu", tmp_path / "store"), frames=300)


def agcn(folder, shape=(1, 3, 6, 25, 2), content=((f"{NAMES[0]}.skeleton",), (0,)), kind="f4"):
    folder.mkdir()
    np.save(folder / "train_data_joint.npy", np.ones(shape, kind))
    (folder / "train_label.pkl").write_bytes(pickle.dumps(tuple(map(list, content)), 2))
    return folder


STGCN = {
    "24 joints": ({"shape": (1, 3, 6, 24, 2)}, r"float32 \(1, 3, 6, 24, 2\), expected float32 \[N, 3, 300, 25, 2\]"),
    "three actors": ({"shape": (1, 3, 6, 25, 3)}, r"expected float32 \[N, 3, 300, 25, 2\]"),
    "integers": ({"kind": "i4"}, "is int32, expected float32"),
    "more clips than names": ({"shape": (2, 3, 6, 25, 2)}, "has 2 clips, and the labels beside it name 1"),
    "fewer labels": ({"content": (NAMES[:2], (0,))}, "expected a pair of lists of equal length"),
    "other labels": ({"content": ((NAMES[0],), (4,))}, "has label 4, expected 0"),
    "a clip twice": ({"content": ((NAMES[0], NAMES[0]), (0, 0)), "shape": (2, 3, 6, 25, 2)}, "in its files twice"),
    "a call": ({"content": ((Evil(),), (0,))}, "refused to unpickle posix.system"),
}


@pytest.mark.parametrize(("changes", "message"), STGCN.values(), ids=STGCN.keys())
def test_bad_files(tmp_path, changes, message):
    refused(agcn(tmp_path / "a", **changes), tmp_path / "store", message)


def test_stgcn_files_that_are_missing_or_truncated(tmp_path):
    folder = agcn(tmp_path / "a")
    data = folder / "train_data_joint.npy"
    data.write_bytes(data.read_bytes()[:-4])
    refused(folder, tmp_path / "store", "the array ends too early")
    data.write_bytes(b"\x93NUMPY\x01\x00\x10\x00{'a': [(, __}    ")
    refused(folder, tmp_path / "store", "not an array as NumPy writes it")
    data.unlink()
    refused(folder, tmp_path / "store", "no such file, though train_label.pkl is there")
    (folder / "train_label.pkl").unlink()
    refused(folder, tmp_path / "store", "found no train_label.pkl", format="stgcn")
