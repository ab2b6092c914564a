import ctypes

import torch

from data.errors import InputError

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


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
    _keep_freed_memory()
    return torch.device(name)


def _keep_freed_memory() -> None:
    """Ask the C library to keep freed blocks for the next step, where it is one that can be asked (glibc).

    By default it gives every large tensor back to the system when it is freed and takes new pages for the next one,
    thousands of page faults in each training step: a step of SmoothNet takes 3 to 6 times the processor time.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    mallopt(_M_MMAP_THRESHOLD, 1 << 30)
    mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)
