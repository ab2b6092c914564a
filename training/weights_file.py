"""A network's weights and all that describes it in one file of safetensors, for others to use."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save

from base.safetensors_file import read_tensors

SUFFIX = ".safetensors"

WEIGHTS = f"weights{SUFFIX}"
"""What the file is called in a folder that was published."""

FORMAT = "steady network 1"


def weights_bytes(content: Mapping[str, Any]) -> bytes:
    """Return the bytes of a file of weights; the same content gives the same bytes.

    Parameters
    ----------
    content
        As in a checkpoint: `state_dict`, and plain values that JSON has.
    """
    about = {key: value for key, value in content.items() if key != "state_dict"}
    tensors = {name: value.detach().cpu().clone().contiguous() for name, value in content["state_dict"].items()}
    # One entry only: safetensors writes several in any order.
    return save(tensors, {FORMAT: json.dumps(about, sort_keys=True)})


def read_weights(path: Path) -> dict[str, Any]:
    """Read a file of weights, as if it were a checkpoint.

    Raises
    ------
    InputError
        The file is absent, damaged, or holds something else.
    """
    expected = "expected the weights of a folder that `python run.py publish` wrote"
    about, state = read_tensors(path, FORMAT, "pt", expected)
    return {**about, "state_dict": state}
