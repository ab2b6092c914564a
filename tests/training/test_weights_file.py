"""Weights with their description in one file of safetensors."""

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from base.errors import InputError
from training.checkpoints import load_checkpoint, save_checkpoint
from training.weights_file import FORMAT, WEIGHTS, weights_bytes

CONTENT = {"state_dict": {"b": torch.arange(6.0).reshape(2, 3).T, "a": torch.tensor(4)}, "actions": [1, 23]}


def test_is_read_like_the_checkpoint_that_it_was_made_of(tmp_path):
    (tmp_path / WEIGHTS).write_bytes(weights_bytes(CONTENT))
    save_checkpoint(tmp_path / "other.pt", CONTENT)
    for path in (tmp_path, tmp_path / WEIGHTS):
        found, expected = load_checkpoint(path), load_checkpoint(tmp_path / "other.pt")
        assert found["actions"] == expected["actions"]
        assert found["state_dict"].keys() == expected["state_dict"].keys()
        for name, value in expected["state_dict"].items():
            torch.testing.assert_close(found["state_dict"][name], value, rtol=0, atol=0)
    with safe_open(tmp_path / WEIGHTS, framework="numpy") as file:
        assert file.get_tensor("b").tolist() == [[0, 3], [1, 4], [2, 5]]
    assert weights_bytes(CONTENT) == weights_bytes(dict(reversed(CONTENT.items())))


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({}, "its metadata has nothing; expected the weights of a folder"),
        ({"format": "pt"}, "its metadata has format"),
        ({FORMAT: "{"}, "its description is no JSON"),
        ({FORMAT: "[" * 100_000}, "its description is no JSON"),
        ({FORMAT: "[1]"}, "describes itself by list"),
    ],
)
def test_what_is_no_such_file_is_told(tmp_path, metadata, message):
    save_file({"a": torch.ones(2)}, tmp_path / "other.safetensors", metadata)
    with pytest.raises(InputError, match=message):
        load_checkpoint(tmp_path / "other.safetensors")


def test_a_damaged_file_is_told(tmp_path):
    whole = weights_bytes(CONTENT)
    for number, content in enumerate((whole[:-5], b"", b"\xff" * 40, (1 << 60).to_bytes(8, "little") + b"{}")):
        path = tmp_path / f"{number}.safetensors"
        path.write_bytes(content)
        with pytest.raises(InputError, match="cannot be read as safetensors"):
            load_checkpoint(path)
    with pytest.raises(InputError, match="none"):
        load_checkpoint(tmp_path / "none.safetensors")
