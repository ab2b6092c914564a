"""Whatever is wrong with a file or an option is told in one line, and nothing half-written is left."""

import os
import pickle
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import run
from base.errors import InputError
from data.formats.clips import DenseClips
from data.formats.convert import ExportOptions, ImportOptions, export_store, import_store
from data.ntu.text import Body, Skeleton, write_skeleton

NAME = "S001C001P001R001A001"
NAMES = [NAME, "S001C001P003R001A002"]


class Evil:
    def __reduce__(self):
        return os.system, ("touch owned",)


def keypoint(actors=1, frames=4, joints=25, dims=3, kind=np.float16):
    return np.ones((actors, frames, joints, dims), kind)


def annotation(**changes):
    item = {"frame_dir": NAME, "label": 0, "keypoint": keypoint(), "total_frames": 4, **changes}
    return {key: value for key, value in item.items() if value is not None}


def pyskl(*items, split=None):
    return pickle.dumps({"split": split or {}, "annotations": list(items)})


FLAT = {"keypoint": keypoint(joints=17, dims=2), "img_shape": (1080, 1920), "keypoint_score": np.ones((1, 4, 17))}
PYSKL = {
    "no pickle": (b"hello", "not a pickle, or damaged"),
    "empty": (b"", "not a pickle, or damaged"),
    "truncated": (pyskl(annotation())[:-60], "not a pickle, or damaged"),
    "a call": (pickle.dumps(Evil()), "refused to unpickle posix.system"),
    "a call in a clip": (pyskl(annotation(keypoint=Evil())), "refused to unpickle posix.system"),
    "an array half made": (
        pyskl(annotation(keypoint=None))[:-4] + b"\x8c\x08keypointcnumpy.core.multiarray\n_reconstruct\n(NNNtRsesu.",
        "not a pickle|keypoint is NoneType",
    ),
    "a list": (pickle.dumps([annotation()]), "expected a dict with split and annotations"),
    "no annotations": (pyskl(), "annotations is empty"),
    "text for a clip": (pyskl("clip"), r"annotations\[0\] has no frame_dir"),
    "no name": (pyskl(annotation(frame_dir=None)), r"annotations\[0\] has no frame_dir"),
    "another name": (pyskl(annotation(frame_dir="v_\n_g01")), "expected SsssCcccPpppRrrrAaaa"),
    "no keypoint": (pyskl(annotation(keypoint=None)), r"annotations\[0\] has no keypoint"),
    "no label": (pyskl(annotation(label=None)), r"annotations\[0\] has no label"),
    "another label": (pyskl(annotation(label=60)), "has label 60, expected 0"),
    "a negative label": (pyskl(annotation(label=-1)), "has label -1, expected 0"),
    "text for a label": (pyskl(annotation(label="0")), "has label '0', expected 0"),
    "24 joints": (
        pyskl(annotation(keypoint=keypoint(joints=24))),
        "has 24 joints with 3 coordinates, expected 25 in 3D",
    ),
    "25 joints in 2D": (pyskl(annotation(keypoint=keypoint(dims=2))), "has 25 joints with 2 coordinates"),
    "another layout later": (
        pyskl(annotation(), annotation(frame_dir=NAMES[1], label=1, **FLAT)),
        "17 joints with 2 coordinates, expected 25 with 3",
    ),
    "integers": (
        pyskl(annotation(keypoint=keypoint(kind=np.int16))),
        r"keypoint is int16 \(1, 4, 25, 3\), expected floats",
    ),
    "no actors' axis": (
        pyskl(annotation(keypoint=keypoint()[0])),
        r"keypoint is float16 \(4, 25, 3\), expected floats",
    ),
    "three actors": (pyskl(annotation(keypoint=keypoint(3))), "has 3 actors, a store holds 2"),
    "NaN": (pyskl(annotation(keypoint=keypoint() * np.float16(np.nan))), "found NaN or infinity"),
    "frames that lie": (pyskl(annotation(total_frames=5)), "total_frames is 5 and keypoint has 4 frames"),
    "an array of frames": (pyskl(annotation(total_frames=np.ones(3))), "total_frames is array"),
    "no frames": (pyskl(annotation(keypoint=keypoint(frames=0), total_frames=0)), "keypoint has 0 frames"),
    "a clip twice": (pyskl(annotation(), annotation()), f"clip {NAME} has two annotations"),
    "a split of more": (
        pyskl(annotation(), split={"xsub_train": NAMES}),
        f"split 'xsub_train' names clip {NAMES[1]}, which has no annotation",
    ),
    "a split of numbers": (pyskl(annotation(), split={"xsub_train": [3]}), "found 3 for a clip's name"),
    "a split that is none": (pyskl(annotation(), split={"xsub_train": 3}), "split is no dict of lists"),
    "2D without image": (pyskl(annotation(**FLAT | {"img_shape": None})), r"annotations\[0\] has no img_shape"),
    "2D in no image": (pyskl(annotation(**FLAT | {"img_shape": (0, "a")})), "img_shape is .*, expected .height, width"),
    "2D without scores": (
        pyskl(annotation(**FLAT | {"keypoint_score": None})),
        r"annotations\[0\] has no keypoint_score",
    ),
    "2D with other scores": (
        pyskl(annotation(**FLAT | {"keypoint_score": np.ones((1, 4, 18))})),
        r"keypoint_score is no array of floats \[1, 4, 17\]",
    ),
}


def refused(source, folder, message, **options):
    """Told in one line; no store, and nothing half-written beside it."""
    before = sorted(folder.parent.iterdir())
    with pytest.raises(InputError, match=message) as caught:
        import_store(source, folder, ImportOptions(**options))
    assert "\n" not in str(caught.value)
    assert sorted(folder.parent.iterdir()) == before, "something half-written is left"
    assert not Path("owned").exists()


@pytest.mark.parametrize(("content", "message"), PYSKL.values(), ids=PYSKL.keys())
def test_pyskl(tmp_path, content, message):
    (tmp_path / "a.pkl").write_bytes(content)
    refused(tmp_path / "a.pkl", tmp_path / "store", message)


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
def test_ctrgcn(tmp_path, changes, message):
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
    refused(savez(tmp_path / "a.npz"), tmp_path / "store", "pass --split xsub or xview")
    path, names = savez(tmp_path / "NTU60_CS.npz"), tmp_path / "names.txt"
    for content, message in (
        (NAME, "0 of its names are for test by xsub"),
        (f"{NAME}\nwalking", "found 'walking' for a clip's name"),
        (f"{NAME}\nS001C001P003R001A003", "would be row 0 of test, whose label is action 2"),
    ):
        names.write_text(content)
        refused(path, tmp_path / "store", message, names=names)
    refused(path, tmp_path / "store", "cannot be read", names=tmp_path / "absent.txt")
    refused(tmp_path, tmp_path / "store", "found 2 .npz files, expected one", format="ctrgcn")


def agcn(folder, shape=(1, 3, 6, 25, 2), content=((f"{NAME}.skeleton",), (0,)), kind="f4"):
    folder.mkdir()
    np.save(folder / "train_data_joint.npy", np.ones(shape, kind))
    (folder / "train_label.pkl").write_bytes(pickle.dumps(tuple(map(list, content)), 2))
    return folder


STGCN = {
    "24 joints": ({"shape": (1, 3, 6, 24, 2)}, r"float32 \(1, 3, 6, 24, 2\), expected float32 \[N, 3, 300, 25, 2\]"),
    "three actors": ({"shape": (1, 3, 6, 25, 3)}, r"expected float32 \[N, 3, 300, 25, 2\]"),
    "integers": ({"kind": "i4"}, "is int32, expected float32"),
    "more clips than names": ({"shape": (2, 3, 6, 25, 2)}, "has 2 clips, and the labels beside it name 1"),
    "fewer labels": ({"content": (NAMES, (0,))}, "expected a pair of lists of equal length"),
    "other labels": ({"content": ((NAME,), (4,))}, "has label 4, expected 0"),
    "a clip twice": ({"content": ((NAME, NAME), (0, 0)), "shape": (2, 3, 6, 25, 2)}, "in its files twice"),
    "a call": ({"content": ((Evil(),), (0,))}, "refused to unpickle posix.system"),
}


@pytest.mark.parametrize(("changes", "message"), STGCN.values(), ids=STGCN.keys())
def test_stgcn(tmp_path, changes, message):
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


def authors(folder, content, name=NAME):
    folder.mkdir(exist_ok=True)
    np.save(folder / f"{name}.skeleton.npy", content)
    return folder


NPY = {
    "numbers": (np.ones(3), "expected a dict with file_name"),
    "a call": (np.array(Evil()), "refused to unpickle posix.system"),
    "no body": (np.array({"njoints": 25}), "has no skel_body0"),
    "24 joints": (np.array({"skel_body0": np.ones((3, 24, 3))}), r"a body is float64 \(3, 24, 3\), expected floats"),
    "text": (np.array({"skel_body0": "x"}), "a body is str, expected floats"),
    "other frames": (
        np.array({"skel_body0": np.ones((3, 25, 3)), "skel_body1": np.ones((2, 25, 3))}),
        "its bodies have 3 and 2 frames",
    ),
    "NaN": (np.array({"skel_body0": np.full((3, 25, 3), np.nan)}), "found NaN or infinity"),
}


@pytest.mark.parametrize(("content", "message"), NPY.values(), ids=NPY.keys())
def test_npy(tmp_path, content, message):
    refused(authors(tmp_path / "a", content), tmp_path / "store", message)


def test_npy_names(tmp_path):
    refused(authors(tmp_path / "a", np.ones(3), "walking"), tmp_path / "store", "found 'walking.skeleton.npy'")
    (tmp_path / "b").mkdir()
    refused(tmp_path / "b", tmp_path / "store", "found no .skeleton.npy file", format="npy")


def test_skeleton_files_of_three_bodies_are_for_prepare(tmp_path):
    bodies = [Body(number, np.arange(3), np.ones((3, 25, 3), "f4"), np.full((3, 25), 2, "u1")) for number in range(3)]
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / f"{NAME}.skeleton").write_bytes(write_skeleton(Skeleton(3, tuple(bodies))))
    refused(tmp_path / "a", tmp_path / "store", "has 3 bodies, expected at most 2 .* prepare")
    (tmp_path / f"a/{NAME}.skeleton").rename(tmp_path / "a/walking.skeleton")
    refused(tmp_path / "a", tmp_path / "store", "walking: not an NTU RGB")


def test_inputs_and_options_that_do_not_fit(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pyskl(annotation()))
    refused(tmp_path / "absent", tmp_path / "store", "no such file or folder")
    (tmp_path / "a.txt").write_text("")
    refused(tmp_path / "a.txt", tmp_path / "store", "found .txt in its name; import reads PYSKL's .pkl, CTR-GCN's .npz")
    refused(tmp_path, tmp_path / "store", "found a.pkl, a.txt; import reads PYSKL's .pkl")
    refused(tmp_path / "a.pkl", tmp_path / "store", "--fps nan: expected a number from 1 to 1000", fps=float("nan"))
    refused(tmp_path / "a.pkl", tmp_path / "store", "--fps 1e-05: expected a number from 1 to 1000", fps=1e-5)
    refused(tmp_path / "a.pkl", tmp_path / "store", "--split xsub: does not go with --format pyskl", split="xsub")
    refused(tmp_path / "a.pkl", tmp_path / "store", "--names x: does not go with --format pyskl", names=Path("x"))
    refused(tmp_path / "a.pkl", tmp_path / "store", "expected a folder for --format npy", format="npy")
    refused(tmp_path, tmp_path / "store", "expected a file for --format pyskl", format="pyskl")


def test_only_a_store_is_replaced_by_a_store(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pyskl(annotation()))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="no clip store"):
        import_store(tmp_path / "a.pkl", tmp_path / "mine", ImportOptions(), again=True)
    assert (tmp_path / "mine/thesis.txt").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes in folders")
def test_pipes_and_devices_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for format in ("pyskl", "ctrgcn", "skeleton"):
        refused(tmp_path / "pipe", tmp_path / "store", "is a pipe, expected a regular file", format=format)
        refused(Path("/dev/zero"), tmp_path / "store", "is a device, expected a regular file", format=format)


def test_clips_in_which_nobody_is_seen_are_left_out_and_counted(tmp_path):
    empty = annotation(frame_dir=NAMES[1], label=1, keypoint=keypoint() * 0)
    (tmp_path / "a.pkl").write_bytes(pyskl(annotation(), empty))
    lines = import_store(tmp_path / "a.pkl", tmp_path / "store", ImportOptions())
    assert f"left out: 1 clip in which nobody is seen, the first {NAMES[1]}" in " ".join(lines)


def test_a_split_that_is_not_the_data_sets_is_told(tmp_path):
    second = annotation(frame_dir=NAMES[1], label=1)
    split = {"xsub_train": [NAMES[1]], "xsub_val": [NAME], "mine": []}
    (tmp_path / "a.pkl").write_bytes(pyskl(annotation(), second, split=split))
    lines = " ".join(import_store(tmp_path / "a.pkl", tmp_path / "store", ImportOptions()))
    assert "xsub_train differs in 2 clips" in lines
    assert "does not keep these splits: mine" in lines


def test_exports_that_do_not_fit(store, make_store, tmp_path):
    def refused(message, folder=store.folder, output="out", **options):
        with pytest.raises(InputError, match=message) as caught:
            export_store(folder, tmp_path / output, ExportOptions(**options))
        assert "\n" not in str(caught.value)
        assert not list(tmp_path.iterdir()), "something half-written is left"

    refused("no clip store", tmp_path, format="pyskl", output="a.pkl")
    refused("PYSKL opens .pkl files only", format="pyskl")
    refused("--dtype float16: does not go with --format npy", format="npy", precision="float16")
    refused("--split xsub: does not go with --format pyskl", format="pyskl", output="a.pkl", split="xsub")
    refused("--positions stored: does not go with --format skeleton", format="skeleton", positions="stored")
    flat = make_store("coco17").folder
    for format in ("ctrgcn", "stgcn", "skeleton", "npy"):
        refused("has the joints of coco17, and --format .* use --format pyskl", flat, format=format)
    ntu120 = make_store(clips=(((1, 1, 61), 9, [(0, 0, 9)]), ((3, 2, 61), 9, [(0, 0, 9)]))).folder
    for format in ("ctrgcn", "stgcn", "npy"):
        refused("has action 61, and --format .* needs one of NTU RGB", ntu120, format=format)
    empty = make_store(clips=()).folder
    for format in ("ctrgcn", "skeleton"):
        refused("holds no clip", empty, format=format)


def test_a_folder_with_other_files_is_not_replaced(store, tmp_path):
    folder = tmp_path / "mine"
    export_store(store.folder, folder, ExportOptions("npy"))
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match=r"holds thesis.txt, which is no .skeleton.npy file"):
        export_store(store.folder, folder, ExportOptions("npy"), again=True)
    assert (folder / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("format", "output"), [("pyskl", "a.pkl"), ("ctrgcn", "a"), ("skeleton", "a.zip"), ("npy", "a")]
)
def test_a_full_disk_leaves_nothing(store, tmp_path, monkeypatch, format, output):
    def full(self, row):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DenseClips, "__getitem__", full)
    with pytest.raises(InputError, match=r"cannot be written .No space left on device.; nothing was kept"):
        export_store(store.folder, tmp_path / output, ExportOptions(format))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("format", ["pyskl", "ctrgcn", "stgcn", "npy", "skeleton"])
def test_random_damage_gives_one_line_or_a_store(store, tmp_path, format):
    output = tmp_path / ("whole.pkl" if format == "pyskl" else "whole.zip" if format == "skeleton" else "whole")
    export_store(store.folder, output, ExportOptions(format, split="xsub" if format in ("ctrgcn", "stgcn") else None))
    rng = np.random.default_rng(0)
    files = [output] if output.is_file() else [path for path in sorted(output.rglob("*")) if path.is_file()]
    tries = int(os.environ.get("DAMAGES", "12"))
    for _ in range(tries):
        file = files[rng.integers(len(files))]
        whole = file.read_bytes()
        content = bytearray(whole)
        span = len(content) if rng.random() < 0.3 else min(len(content), 400)  # most of what matters stands in front
        for at in rng.integers(0, span, rng.integers(1, 5)):
            content[at] = rng.integers(256)
        if rng.random() < 0.2:
            del content[rng.integers(len(content)) :]
        file.write_bytes(content)
        source = output / "NTU60_CS.npz" if format == "ctrgcn" else output
        said = ""
        try:
            import_store(source, tmp_path / "store", ImportOptions(format))
            shutil.rmtree(tmp_path / "store")
        except InputError as error:
            said = str(error)
        assert said.isprintable()
        assert sorted(path.name for path in tmp_path.iterdir()) == [output.name]
        file.write_bytes(whole)


def test_the_commands(store, tmp_path, monkeypatch, capsys):
    def command(*words):
        monkeypatch.setattr(sys, "argv", ["run.py", *map(str, words)])
        return run.main(), capsys.readouterr()

    status, said = command("export", store.folder, tmp_path / "a.pkl", "--format", "pyskl", "--dtype", "float32")
    assert (status, said.err) == (0, "")
    assert "6 clips for PYSKL" in said.out
    status, said = command("import", tmp_path / "a.pkl", tmp_path / "store")
    assert status == 0
    assert "6 clips from pyskl files, joints of ntu25" in said.out
    for words in (
        ("export", store.folder, tmp_path / "b.pkl", "--format", "mat"),
        ("export", store.folder, tmp_path / "b.pkl"),
        ("import", tmp_path / "a.pkl", tmp_path / "store"),
        ("import", tmp_path / "absent", tmp_path / "other"),
    ):
        status, said = command(*words)
        assert status == 2
        assert said.err.startswith("error: ")
        assert said.err.count("\n") == 1
