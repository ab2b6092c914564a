import torch

from data.errors import InputError


def pick_device(name: str) -> torch.device:
    """Return the device to compute on: `cpu`, `cuda`, or with `auto` the accelerator if there is one.

    Raises
    ------
    InputError
        `cuda` is asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("run.device: found 'cuda', but this machine has no usable CUDA device; use 'auto' or 'cpu'")
    return torch.device(name)
