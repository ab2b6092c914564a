"""Where networks are computed, and what makes that repeatable, fast, and clear when memory is short."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from base.errors import InputError

SMALL = 1 << 19
"""A batch of fewer activations, in a network's widest layers, is trained by one thread."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def pick_device(name: str, key: str = "run.device") -> torch.device:
    """Return the device to compute on: `cpu`, `cuda`, or with `auto` the accelerator if there is one.

    Parameters
    ----------
    name
        Which.
    key
        The key or option by which the user says it, for messages.

    Raises
    ------
    InputError
        `cuda` is asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError(f"{key}: found 'cuda', but this machine has no usable CUDA device; use 'auto' or 'cpu'")
    _keep_freed_memory()
    return torch.device(name)


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on a device, without waiting for it: from the host to an accelerator by way of pinned memory."""
    if tensor.device.type == "cpu" and device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


@contextmanager
def deterministic_algorithms(wanted: bool) -> Iterator[None]:
    """Within the block, take only algorithms that give the same bits every time, if that is wanted.

    Without, an accelerator may add up in any order, and two runs of one seed drift apart by rounding. The CPU is
    deterministic either way, for one number of threads.
    """
    if not wanted:  # asking PyTorch for what is so already would import its compiler, which takes seconds
        yield
        return
    before, benchmark = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when the first product is computed
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        torch.backends.cudnn.benchmark = benchmark


@contextmanager
def one_thread_if_small(values: int) -> Iterator[None]:
    """Within the block, compute with one thread on the CPU, if operations are so small that threads mostly wait.

    Two threads end each operation together. Beside another process one of them waits for its core, each time: a network
    of the studies then takes four times as long, where one thread takes as long as ever; alone, two are 1.5 times as
    fast (`bench/beside_other_work.py`). It goes by the sizes alone, not by what else the machine does, for the number
    of threads decides in which order sums are taken: a small training comes to the same on any number of cores.

    Parameters
    ----------
    values
        Activations of a batch in the layers that have most of them; small are those below `SMALL`.
    """
    before = torch.get_num_threads()
    if values < SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def explain_out_of_memory(advice: str) -> Iterator[None]:
    """Within the block, tell the user what to do when the device or the machine has no more memory.

    Raises
    ------
    InputError
        With `advice`, which says which setting to lower.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise InputError(advice) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error) and "not enough memory" not in str(error):
            raise
        raise InputError(advice) from error


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
