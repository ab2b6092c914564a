import os
import pickle
import pickletools
import sys

import numpy as np
import pytest
from scipy import sparse

from refine.benchmarks.smpl_files import read_smpl_file
from tests.refine.benchmarks.test_bodies import close, load, refuse
from tests.refine.smpl_model import PARENTS, make_arrays, write_smpl


@pytest.fixture
def arrays(rng):
    return make_arrays(rng)


@pytest.mark.parametrize("ending", ["pkl", "npz"])
def test_the_arrays_asked_for_are_read_dense_and_the_others_passed_over(tmp_path, arrays, ending):
    path = tmp_path / f"model.{ending}"
    if ending == "npz":
        np.savez(path, **arrays)
    else:
        write_smpl(path, arrays)
    found = read_smpl_file(path, ("J_regressor", "shapedirs", "kintree_table"))
    assert list(found) == ["J_regressor", "shapedirs", "kintree_table"]
    for key, array in found.items():
        assert type(array) is np.ndarray
        np.testing.assert_array_equal(array, arrays[key])


@pytest.mark.parametrize(("python", "protocol"), [(2, 0), (2, 2), (3, 0), (3, 2), (3, 4)])
@pytest.mark.parametrize("shapes", [10, 300])
def test_reads_what_any_python_wrote(tmp_path, rng, python, protocol, shapes):
    arrays = make_arrays(rng, shapes=shapes)
    model = load(tmp_path, arrays, python=python, protocol=protocol)
    assert "chumpy" not in sys.modules
    close(model.template, arrays["v_template"], 0)
    close(model.shapes, arrays["shapedirs"][..., :10], 0)
    close(model.pose_shapes, arrays["posedirs"].reshape(180, 207).T, 0)
    close(model.regressor, arrays["J_regressor"], 0)
    close(model.weights, arrays["weights"], 0)
    assert model.parents.tolist() == PARENTS.tolist()


def test_the_files_of_python_2_hold_what_its_pickler_wrote(tmp_path, arrays):
    """Else the test above would prove nothing about the authors' files."""
    path = write_smpl(tmp_path / "a.pkl", arrays)
    operations = {(operation.name, argument) for operation, argument, _ in pickletools.genops(path.read_bytes())}
    names = {name for name, _ in operations}
    assert "BINSTRING" in names
    assert not names & {"BINUNICODE", "BINBYTES", "SHORT_BINBYTES", "SHORT_BINUNICODE"}
    for name in ("numpy.core.multiarray _reconstruct", "scipy.sparse.csc csc_matrix", "chumpy.ch Ch", "numpy ndarray"):
        assert ("GLOBAL", name) in operations


class _Call:
    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("function", [os.system, eval, getattr, __import__])
def test_a_pickle_that_calls_something_is_refused_and_does_nothing(tmp_path, arrays, protocol, function):
    path, mark = tmp_path / "SMPL_NEUTRAL.pkl", tmp_path / "mark"
    path.write_bytes(pickle.dumps({**arrays, "J": _Call(function, f"touch {mark}")}, protocol))
    refuse(
        path, r"SMPL_NEUTRAL.pkl: refused to unpickle (posix|builtins|__builtin__)\.\w+; an SMPL model holds nothing"
    )
    assert not mark.exists()


def test_a_name_with_a_line_break_is_told_in_one_line(tmp_path):
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(pickle.PROTO + b"\x04" + b"\x8c\x03o\ns\x8c\x07sys\x1btem\x93.")
    refuse(path, r"refused to unpickle o\\ns\.sys\\x1btem; ")


def test_older_protocols_make_no_other_objects(tmp_path):
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(b"ccopy_reg\n_reconstructor\n(c__builtin__\nobject\nc__builtin__\nobject\nNtR.")
    refuse(path, "refused to unpickle an object of _Object")


@pytest.mark.parametrize(
    ("parts", "shape"),
    [
        ({"indices": np.array([5000, 1])}, (24, 60)),
        ({"indices": np.array([-1, 1])}, (24, 60)),
        ({"indptr": np.array([0, 2, 1, *[2] * 58])}, (24, 60)),
        ({}, (1 << 20, 1 << 20)),
    ],
    ids=["beyond", "negative", "unsorted", "huge"],
)
def test_a_sparse_matrix_that_lies_is_refused(tmp_path, arrays, parts, shape):
    matrix = sparse.csc_matrix((24, 60))
    fine = {"data": np.ones(2), "indices": np.array([0, 1]), "indptr": np.array([0, *[2] * 60])}
    matrix.__dict__.update(fine, _shape=shape, **{k: v.astype(np.int32) for k, v in parts.items()})
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(pickle.dumps({**arrays, "J_regressor": matrix}))
    refuse(path, "SMPL_NEUTRAL.pkl: J_regressor is damaged, or no array")


def test_files_that_are_no_model(tmp_path, arrays):
    path = write_smpl(tmp_path / "SMPL_NEUTRAL.pkl", arrays)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"\nnothing of the kind", b"\x00" * 100):
        path.write_bytes(content)
        refuse(path, "SMPL_NEUTRAL.pkl: not an SMPL model as its authors give it out, or damaged")
    path.write_bytes(pickle.dumps([1, 2]))
    refuse(path, "not an SMPL model: it holds no table of arrays")
    path.write_bytes(pickle.dumps({key: arrays[key] for key in ("f", "v_template", "J_regressor", "shapedirs")}, 2))
    refuse(path, "not an SMPL model, it has no posedirs, weights, kintree_table")
    np.savez(tmp_path / "pose.npz", pose=np.zeros((3, 72)))
    refuse(tmp_path / "pose.npz", "pose.npz: not an SMPL model, it has no v_template")
    (tmp_path / "text.npz").write_text("text")
    refuse(tmp_path / "text.npz", "not a .npz file, or damaged")
    with path.open("wb") as file:
        file.truncate((1 << 30) + 1)
    refuse(path, "1073741825 bytes; an SMPL model has no more than")
