"""A network's weights and all that describes it in one file of safetensors, for others to use."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from base.errors import InputError
from base.files import regular_file
from base.shown import cut

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
    try:
        regular_file(path)
        with safe_open(path, framework="pt") as file:
            said = file.metadata() or {}
            if FORMAT not in said:
                named = cut(", ".join(said), 100) or "nothing"
                raise InputError(f"{path}: its metadata has {named}; {expected}")
            about = json.loads(said[FORMAT])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
    except InputError:
        raise
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: cannot be read as safetensors ({cut(str(error), 100)}); {expected}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: its description is no JSON ({cut(str(error), 100)}); {expected}") from error
    if not isinstance(about, dict):
        raise InputError(f"{path}: describes itself by {type(about).__name__}; {expected}")
    return {**about, "state_dict": state}
