"""Checkpoints: written whole or not at all, and read without running what is in them."""

import io
import re
import sys
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from base.errors import InputError
from base.files import atomic_file, regular_file
from base.pickle_scan import UnsafeError, scan_pickle
from base.shown import cut, shown
from training.weights_file import SUFFIX, WEIGHTS, read_weights

LARGEST_TABLE = 64 << 20
"""Bytes of all but the numbers in a checkpoint: names, shapes, settings."""

MOST_TIMES = 4
"""Tensors may share their numbers, so that in all they have more than the file; so much more, ..."""

ANY_SIZE = 64 << 20
"""... or so many bytes."""

_NAMES = re.compile(
    r"torch._utils (_rebuild_tensor|_rebuild_tensor_v2|_rebuild_parameter)"
    r"|torch (\w+Storage|Size|device|b?float\d+|u?int\d+|bool)|torch.storage (Untyped|Typed)Storage"
    r"|collections (OrderedDict|Counter|defaultdict)|torch.serialization _get_layout|(__builtin__|builtins) set"
)
"""What a checkpoint of tensors and plain values is made of. PyTorch would allow more, such as any number of zeros."""

_PICKLES = 5
"""So many pickles stand in front of the numbers in files of PyTorch before 1.6."""


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
    """Return the checkpoint that a path names: the file itself, a run's best epoch, or what was published.

    Raises
    ------
    InputError
        The folder is not that of a run that has trained something.
    """
    if not path.is_dir():
        return path
    for best in (path / "checkpoints" / "best.pt", path / "best.pt", path / WEIGHTS):
        if best.is_file():
            return best
    inner = [one.parents[1] for of in ("*", "cells/*") for one in sorted(path.glob(f"{of}/checkpoints/best.pt"))]
    inner += [one.parent for one in sorted(path.glob(f"*/{WEIGHTS}"))]
    several = f"; those of its parts are in {', '.join(map(str, inner[:3]))}" if inner else ""
    raise InputError(
        f"{path}: no trained network (checkpoints/best.pt is missing){several}; give a finished run's folder, or a "
        "checkpoint's file"
    )


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint on the CPU; nothing but tensors and plain values is unpickled.

    Parameters
    ----------
    path
        Its file, the folder of the run that made it, or one that was published.

    Raises
    ------
    InputError
        The file is absent, no checkpoint, holds anything but tensors and plain values, or tensors of more numbers than
        it has bytes for.
    """
    path = checkpoint_file(path)
    if path.suffix == SUFFIX:
        return read_weights(path)
    expected = "not a checkpoint of tensors and plain values, or damaged"
    advice = "expected a file saved by torch.save"
    try:
        size = regular_file(path).stat().st_size
        _look_through(path, size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what is refused below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except InputError:
        raise
    except UnsafeError as error:
        raise InputError(f"{path}: {expected} ({error}); {advice}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot read the checkpoint ({error.strerror or cut(str(error))})") from error
    except Exception as error:  # PyTorch's readers fail in any way at what is no checkpoint
        raise InputError(f"{path}: {expected}; {advice}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a dictionary with 'state_dict', found {type(content).__name__}")
    _check_tensors(path, content, size)
    return content


def weights_of(path: Path, content: dict[str, Any]) -> dict[str, Tensor]:
    """Return a checkpoint's weights by their names, all of them finite; they may be all that it holds.

    Raises
    ------
    InputError
        There are none, or one has a number that is NaN or infinite: whatever is computed with it is NaN, too.
    """
    bare = bool(content) and all(isinstance(value, Tensor) for value in content.values())
    state = content if bare else content.get("state_dict")
    if not isinstance(state, dict):
        there = (
            cut(", ".join(cut(key) if isinstance(key, str) else shown(key) for key in list(content)[:10]), 200)
            or "nothing"
        )
        raise InputError(f"{path}: no 'state_dict', only {there}; expected a trained network")
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise InputError(f"{path}: 'state_dict' has {shown(name)}, which is no tensor; expected a trained network")
        if tensor.is_complex():
            raise InputError(f"{path}: {cut(name, 100)} has complex numbers; expected a trained network")
        # Converted as networks take it: a large number of double precision is infinite then.
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.float()).all()):
            bad = int((~torch.isfinite(tensor.float())).sum())
            raise InputError(
                f"{path}: {cut(name, 100)}: {bad} of {tensor.numel()} numbers are NaN or infinite; its training "
                "failed, take another checkpoint"
            )
    return state


def _look_through(path: Path, size: int) -> None:
    """Refuse a file that would take more memory than its size warrants, before PyTorch reads it."""
    names: set[bytes] = set()
    with path.open("rb") as file:
        zipped = file.read(4) == b"PK\3\4"
        file.seek(0)
        if zipped:
            with zipfile.ZipFile(file) as archive:
                for name in _check_members(path, archive, size):
                    with archive.open(name) as member:
                        scan_pickle(member, name.file_size, names=names)
        else:
            for _ in range(_PICKLES):
                scan_pickle(file, size - file.tell(), names=names)
    for found in sorted(names):
        text = found.decode("latin1").replace("\n", " ").strip()
        if not _NAMES.fullmatch(text):
            raise UnsafeError(f"it names {cut(text, 100)}")


def _check_members(path: Path, archive: zipfile.ZipFile, size: int) -> list[zipfile.ZipInfo]:
    """Return the pickles in a checkpoint that is a zip."""
    members = archive.infolist()
    if any(one.compress_type != zipfile.ZIP_STORED for one in members) or sum(one.file_size for one in members) > size:
        raise InputError(f"{path}: its parts are compressed, which torch.save does not do; save the checkpoint again")
    tables = [one for one in members if one.filename.endswith(".pkl")]
    if sum(one.file_size for one in tables) > LARGEST_TABLE:
        raise InputError(f"{path}: more than {LARGEST_TABLE >> 20} MiB besides the numbers; no checkpoint of a network")
    return tables


def _check_tensors(path: Path, content: Any, size: int) -> None:
    """Refuse tensors that have more numbers than there are in the file, and those that have none."""
    total, waiting = 0, [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple | set):
            waiting += value
        elif isinstance(value, Tensor):
            if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized:
                raise InputError(f"{path}: has a tensor that is sparse, quantised or empty; expected plain ones")
            taken = value.numel() * value.element_size()
            if taken > value.untyped_storage().nbytes():
                raise InputError(
                    f"{path}: has a tensor of shape {shown(tuple(value.shape))}, but only "
                    f"{value.untyped_storage().nbytes()} bytes of it; save it whole, with .contiguous()"
                )
            total += taken
            if value.numel() == 0 and any(length > size for length in value.shape):
                raise InputError(f"{path}: has a tensor of shape {shown(tuple(value.shape))} without a number")
    if total > ANY_SIZE + MOST_TIMES * size:
        raise InputError(f"{path}: its tensors have {total} bytes in all, the file {size}; save each of them whole")
