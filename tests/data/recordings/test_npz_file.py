import numpy as np
import pytest

from base.errors import InputError
from data.recordings.npz_file import NpzFile
from data.recordings.pickled import array_of, objects_of


@pytest.fixture
def file(tmp_path):
    cells = np.empty(2, object)
    cells[:] = [np.arange(3), np.arange(4.0)]
    np.savez(tmp_path / "a.npz", x=np.arange(6.0), text=np.array(["a"]), cells=cells, fps=np.array([25]))
    return NpzFile(tmp_path / "a.npz")


def test_numbers_objects_and_rates_are_found(file):
    assert file.names == {"x", "text", "cells", "fps"}
    assert file.numbers("x").value.tolist() == [0, 1, 2, 3, 4, 5]
    assert file.numbers("x").member == "x"
    assert file.numbers("text") is None
    assert file.numbers("cells") is None
    assert [array_of(cell).value.tolist() for cell in objects_of(file.objects("cells"))] == [[0, 1, 2], [0, 1, 2, 3]]
    assert file.objects("x") is None
    assert file.rate("rate", "fps") == 25
    assert file.rate("rate", "x") is None


def test_an_array_that_is_not_there_is_told(file):
    with pytest.raises(InputError, match=r"holds no y\.npy"):
        file.numbers("y")
