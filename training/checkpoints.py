"""Checkpoints: written whole or not at all, and read without running what is in them."""

import io
import pickle
import sys
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch

from base.errors import InputError
from base.files import atomic_file


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint of tensors, numbers, text, lists and dictionaries, whole or not at all.

    Equal contents give equal bytes, wherever they are written and however they came about.

    Raises
    ------
    UnwritableError
        The disk is full, or the place cannot be written; an InputError that says so in one line.
    """
    memory = io.BytesIO()  # given a file, torch writes its name into it
    torch.save(_canonical(content), memory)
    with atomic_file(path) as temporary:
        temporary.write_bytes(memory.getbuffer())


def _canonical(value: Any) -> Any:
    """Return a value such that equal ones are pickled alike: nothing is shared in it but text, which always is."""
    if type(value) is str:
        return sys.intern(value)
    if type(value) in (list, tuple):
        return type(value)(map(_canonical, value))
    if type(value) in (dict, OrderedDict):
        copy = type(value)((_canonical(key), _canonical(item)) for key, item in value.items())
        if isinstance(copy, OrderedDict):  # PyTorch keeps the versions of modules in an attribute
            copy.__dict__.update(_canonical(vars(value)))
        return copy
    return value


def checkpoint_file(path: Path) -> Path:
    """Return the checkpoint that a path names: the file itself, or of a run's folder its best epoch.

    Raises
    ------
    InputError
        The folder is not that of a run that has trained something.
    """
    if not path.is_dir():
        return path
    for best in (path / "checkpoints" / "best.pt", path / "best.pt"):
        if best.is_file():
            return best
    inner = sorted(path.glob("*/checkpoints/best.pt")) + sorted(path.glob("cells/*/checkpoints/best.pt"))
    several = f"; those of its parts are in {', '.join(str(one.parents[1]) for one in inner[:3])}" if inner else ""
    raise InputError(
        f"{path}: no trained network (checkpoints/best.pt is missing){several}; give a finished run's folder, or a "
        "checkpoint's file"
    )


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint on the CPU; nothing but tensors and plain values is unpickled.

    Parameters
    ----------
    path
        Its file, or the folder of the run that made it.

    Raises
    ------
    InputError
        The file is absent, no checkpoint, or holds anything but tensors and plain values.
    """
    path = checkpoint_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what is refused below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{path}: cannot read the checkpoint ({error.strerror})") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise InputError(
            f"{path}: not a checkpoint of tensors and plain values, or damaged; expected a file saved by torch.save"
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a dictionary with 'state_dict', found {type(content).__name__}")
    return content
