"""Files that another library wrote."""

import os

import numpy as np
import pytest
import torch
from safetensors import torch as of_torch
from safetensors.numpy import save_file

from base.errors import InputError
from base.safetensors_file import read_tensors


def test_arrays_and_their_description(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"x": np.arange(6.0).reshape(2, 3), "y": np.ones(2, np.float16)}, path, {"ours 1": '{"seed": 3}'})
    about, arrays = read_tensors(path, "ours 1", "numpy", "expected ours")
    assert about == {"seed": 3}
    assert arrays["x"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert arrays["y"].dtype == np.float16
    _, tensors = read_tensors(path, "ours 1", "pt", "expected ours")
    assert tensors["x"].tolist() == arrays["x"].tolist()


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, r"its metadata has nothing; expected ours$"),
        ({"theirs": "{}"}, r"its metadata has theirs; expected ours$"),
        ({"ours 1": "{"}, r"its description is no JSON \(.*\); expected ours$"),
        ({"ours 1": "[" * 100_000}, r"its description is no JSON \(.*\); expected ours$"),
        ({"ours 1": "3"}, r"describes itself by int; expected ours$"),
    ],
)
def test_another_description_is_told(tmp_path, metadata, message):
    path = tmp_path / "a.safetensors"
    save_file({"x": np.zeros(1)}, path, metadata)
    with pytest.raises(InputError, match=message):
        read_tensors(path, "ours 1", "numpy", "expected ours")


def test_a_damaged_file_and_a_pipe_are_told(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"no weights")
    with pytest.raises(InputError, match=r"a\.safetensors: cannot be read as safetensors \(.*\); expected ours$"):
        read_tensors(path, "ours 1", "numpy", "expected ours")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is a pipe, expected a regular file"):
        read_tensors(tmp_path / "pipe", "ours 1", "numpy", "expected ours")


@pytest.mark.parametrize("imported", [False, True])
@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float8_e4m3fn])
def test_numbers_that_numpy_lacks_are_told(tmp_path, kind, imported):
    if imported:  # NumPy knows such types from then on
        pytest.importorskip("ml_dtypes")
    path = tmp_path / "a.safetensors"
    of_torch.save_file({"x": torch.zeros(2).to(kind)}, path, {"ours 1": "{}"})
    with pytest.raises(InputError, match=r"has arrays of another type \(.*\); expected ours$"):
        read_tensors(path, "ours 1", "numpy", "expected ours")
