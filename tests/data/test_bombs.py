"""Small files that ask for much: each is refused in one line, and little is allocated for it."""

import io
import os
import pickle
import sys
import tracemalloc
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from base.config import load_config
from base.errors import InputError
from base.unpickling import member_names, read_array, read_npy, read_pickle
from data.formats.ctrgcn import read_ctrgcn
from data.formats.importing import ImportOptions, import_store
from data.skeletons.store import open_store
from drawing.skeleton import read_image
from recognition.scores import read_scores
from recognition.use.clip_files import read_chunks
from recognition.use.predict import action_names
from recognition.use.recognizer import load_recognizer
from refine.benchmarks.smpl_files import read_smpl_file
from refine.config import RefineConfig
from refine.refiner import load_refiner
from refine.show import show

MEBIBYTE = 1 << 20


@contextmanager
def refused(match, most=20 * MEBIBYTE):
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=match) as caught:
            yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


def shared(levels, kind=list):
    value = kind([1])
    for _ in range(levels):
        value = kind([value] * 10)
    return value


def recursive():
    loop = []
    loop.append(loop)
    return loop


PICKLES = {
    "a value filed under 268 million": b"Nr\xff\xff\xff\x0f.",
    "a value filed under text": b"Np268435455\n.",
    "a deep tuple": b")" + b"\x85" * 300_000 + b".",
    "a deep tuple as a key": b"})" + b"\x85" * 300_000 + b"Ns.",
    "a deep list": b"]" * 5_000 + b"a" * 4_999 + b".",
    "lists of lists that are the same": pickle.dumps(shared(60)),
    "tuples of tuples that are the same, as a key": b"}" + pickle.dumps(shared(60, tuple))[11:-1] + b"Ns.",
    "a list that holds itself": pickle.dumps(recursive()),
    "a length of 2^62": b"\x8e" + (2**62).to_bytes(8, "little") + b".",
    "a frame of 2^62": b"\x80\x04\x95" + (2**62).to_bytes(8, "little") + b"N.",
    "a number of a million digits": b"L" + b"1" * 1_000_000 + b"L\n.",
    "a number of a million bytes": b"\x8b" + (10**6).to_bytes(4, "little") + b"\1" * 10**6 + b".",
    "sets": b"(" + b"\x8f" * 11_000 + b"l.",
    "a reference to nothing": b"h\x07.",
    "an empty stack": b"0.",
    "no end": b"N",
    "something kept elsewhere": b"NQ.",
}


@pytest.mark.parametrize("content", PICKLES.values(), ids=PICKLES.keys())
def test_pickles(tmp_path, content):
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    with refused("not a pickle, or damaged"):
        read_pickle(path)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    (tmp_path / "a.npy").write_bytes(header.getvalue() + content)
    with refused("not an array as NumPy writes it"):
        read_npy(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", header.getvalue() + content)
    with refused("not an array as NumPy writes it"):
        read_array(tmp_path / "a.npz", "x")
    with refused("not an SMPL model"):
        read_smpl_file(path, ["f"])


NAME = "S001C001P001R001A001"
SOUND = {"frame_dir": NAME, "label": 0, "keypoint": np.ones((1, 4, 25, 3), np.float32), "total_frames": 4}


@pytest.mark.parametrize("value", [shared(5), 10**600, "\x1b[2J" * 1000], ids=["lists", "digits", "control"])
@pytest.mark.parametrize("key", ["frame_dir", "label", "total_frames", "keypoint", "split"])
def test_values_of_a_pickle_that_are_shown(tmp_path, key, value):
    split = {"a": [value]} if key == "split" else {}
    content = {"split": split, "annotations": [{**SOUND, key: value} if key != "split" else SOUND]}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content))
    with refused("a.pkl: (annotations|split)"):
        import_store(tmp_path / "a.pkl", tmp_path / "store", ImportOptions())


def npy(shape, content=b"", kind="<f4", order=False):
    with io.BytesIO() as file:
        np.lib.format.write_array_header_1_0(file, {"descr": kind, "fortran_order": order, "shape": shape})
        return file.getvalue() + content


HEADERS = {
    "a billion rows of nothing": npy((10**9, 1, 0)),
    "a billion rows of no class": npy((10**9, 0)),
    "a billion texts without letters": npy((10**9,), kind="<U0"),
    "more numbers than bytes": npy((10**9,)),
    "records": npy((1,), bytes(4), [("a", "<f4")]),
    "fewer than none": npy((-1, 2)),
    "a shape of a thousand": npy((1,) * 1000, bytes(4)),
}


@pytest.mark.parametrize("content", HEADERS.values(), ids=HEADERS.keys())
def test_headers_of_arrays(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    with refused("not an array as NumPy writes it|bytes for an array"):
        read_npy(tmp_path / "a.npy")
    path = tmp_path / "NTU60_CS.npz"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            file.writestr(f"{name}.npy", content)
    with refused("not an array as NumPy writes it|bytes for an array|expected one-hot labels"):
        read_ctrgcn(path, "xsub", None)


@pytest.mark.parametrize("shape", [(2**27, 1), (2, 2**26)])
def test_labels_that_are_packed_a_thousandfold(tmp_path, shape):
    path = tmp_path / "NTU60_CS.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("x_train", "x_test", "y_test"):
            file.writestr(f"{name}.npy", b"")
        with file.open("y_train.npy", "w") as member:
            member.write(npy(shape, kind="|b1"))
            for _ in range(2**27 // 2**22):
                member.write(bytes(2**22))
    with refused("as a zip bomb does|rows, expected one for each clip|bytes unpacked, more than"):
        read_ctrgcn(path, "xsub", None)


def doors(path):
    return {
        "pickle": lambda: read_pickle(path),
        "npy": lambda: read_npy(path),
        "npz": lambda: member_names(path),
        "labels": lambda: read_ctrgcn(path, "xsub", None),
        "body model": lambda: read_smpl_file(path, ["f"]),
        "scores": lambda: read_scores(path),
        "configuration": lambda: load_config(RefineConfig, path),
        "names": lambda: action_names(np.array([1]), str(path)),
        "refiner": lambda: load_refiner(path),
        "recogniser": lambda: load_recognizer(path),
        "clips": lambda: list(read_chunks([path], lambda line: None)),
        "import": lambda: import_store(path, path.parent / "store", ImportOptions("pyskl")),
        "image": lambda: read_image(path),
        "show": lambda: show(str(path), Path("a.png"), checkpoint=path),
    }


@pytest.mark.skipif(sys.platform == "win32", reason="has neither pipes nor devices in its folders")
@pytest.mark.parametrize("kind", ["pipe", "zero", "full"])
@pytest.mark.parametrize("door", doors(Path()).keys())
def test_only_regular_files_are_read(tmp_path, door, kind):
    path = tmp_path / f"{NAME}.skeleton"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(f"/dev/{kind}")
    with refused("expected a regular file|is no regular file, expected a configuration|no such file"):
        doors(path)[door]()


@pytest.mark.parametrize("name", ["joints.npy", "tracks.csv", "store.json"])
@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes in its folders")
def test_only_regular_files_are_a_store(tmp_path, name):
    (tmp_path / "store.json").write_text('{"frames": 1}')
    for other in ("joints.npy", "tracked.npy", "tracks.csv", "clips.csv"):
        (tmp_path / other).write_bytes(npy((1, 25, 3), bytes(300)) if other == "joints.npy" else b"")
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with refused("clip store"):
        open_store(tmp_path)
