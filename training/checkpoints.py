"""Checkpoints: written whole or not at all, and read without running what is in them."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import torch

from base.errors import InputError
from base.files import atomic_file


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint of tensors, numbers, text, lists and dictionaries, whole or not at all."""
    with atomic_file(path) as temporary:
        torch.save(content, temporary)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint on the CPU; nothing but tensors and plain values is unpickled.

    Raises
    ------
    InputError
        The file is absent, no checkpoint, or holds anything but tensors and plain values.
    """
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
