"""Reading files of weights (safetensors) of ours: arrays, and one entry of metadata that says what they are."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from base.errors import InputError
from base.files import regular_file
from base.shown import cut


def read_tensors(path: Path, kind: str, framework: str, expected: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a file of weights.

    Parameters
    ----------
    path
        Which.
    kind
        The name of the entry that describes the arrays, in JSON.
    framework
        Whose arrays: `numpy` or `pt`.
    expected
        What messages end with.

    Returns
    -------
    The description, and the arrays by name.

    Raises
    ------
    InputError
        The file is absent, damaged, or holds something else.
    """
    regular_file(path)
    try:
        with safe_open(path, framework=framework) as file:
            said = file.metadata() or {}
            if kind not in said:
                named = cut(", ".join(said), 100) or "nothing"
                raise InputError(f"{path}: its metadata has {named}; {expected}")
            about = json.loads(said[kind])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
            for tensor in tensors.values():
                # Once `ml_dtypes` is imported (ONNX does it), NumPy has such types, unknown to its own functions.
                if framework == "numpy" and tensor.dtype.isbuiltin != 1:
                    raise TypeError(tensor.dtype.name)
    except InputError:
        raise
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: cannot be read as safetensors ({cut(str(error), 100)}); {expected}") from error
    except (AttributeError, TypeError) as error:  # what NumPy has no type for, such as bfloat16
        raise InputError(f"{path}: has arrays of another type ({cut(str(error), 100)}); {expected}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: its description is no JSON ({cut(str(error), 100)}); {expected}") from error
    if not isinstance(about, dict):
        raise InputError(f"{path}: describes itself by {type(about).__name__}; {expected}")
    return about, tensors
