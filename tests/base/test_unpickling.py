import pickle
import zipfile

import numpy as np
import pytest

from base.errors import InputError
from base.unpickling import read_array


def objects(items):
    array = np.empty(len(items), object)
    array[:] = items
    return array


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
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


def test_records_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=objects([np.zeros(2, [("a", "f4"), ("b", "O")])]))
    with pytest.raises(InputError, match="refused to unpickle an array of"):
        read_array(tmp_path / "a.npz", "x")
