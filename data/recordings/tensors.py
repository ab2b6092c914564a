"""PyTorch's files of tensors, `.pt`: a zip with a pickle and the numbers of each tensor, read without PyTorch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from base.errors import InputError
from base.unpickling import Refused
from data.recordings.pickled import PlacedUnpickler, load_placed
from data.recordings.stored import Changes, Stored, read_content
from data.recordings.zipped import Zipped

_KINDS = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2"}
"""Storages whose numbers may be changed."""

_OTHERS = ("LongStorage", "IntStorage", "ShortStorage", "CharStorage", "ByteStorage", "BoolStorage", "BFloat16Storage")


@dataclass(frozen=True)
class Tensor:
    """A tensor: a part of a storage.

    Parameters
    ----------
    storage
        The storage's name.
    kind
        Of its numbers; empty if they are not to be changed.
    offset, shape, strides
        In numbers.
    """

    storage: str
    kind: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def view(self, storage: np.ndarray) -> np.ndarray:
        """Return the tensor as a view of its storage [n]."""
        size = storage.itemsize
        return np.lib.stride_tricks.as_strided(
            storage[self.offset :],
            self.shape,
            [step * size for step in self.strides],
            writeable=storage.flags.writeable,
        )

    def fits(self, numbers: int) -> bool:
        """Say whether it lies within a storage of so many numbers, each at a place of its own."""
        if min(self.shape, default=1) <= 0 or min(self.strides, default=1) <= 0 or self.offset < 0:
            return False
        last = sum((length - 1) * step for length, step in zip(self.shape, self.strides, strict=True))
        reach = 1
        for step, length in sorted(zip(self.strides, self.shape, strict=True)):
            if length > 1 and step < reach:
                return False  # the same number twice
            reach = step * length if length > 1 else reach
        return self.offset + last < numbers


def _rebuild(storage: Any, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> Tensor:
    whole = all(isinstance(part, int) for part in (offset, *shape, *strides))
    if not isinstance(storage, tuple) or len(shape) != len(strides) or not whole or len(shape) > 8:
        raise Refused("a tensor of something else")
    return Tensor(storage[0], storage[1], offset, tuple(shape), tuple(strides))


class _Kind(str):
    """The name of a storage's kind."""


class _TorchUnpickler(PlacedUnpickler):
    allowed: ClassVar[Mapping[tuple[str, str], Any]] = {
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
        ("collections", "OrderedDict"): dict,
        **{("torch", name): _Kind(kind) for name, kind in _KINDS.items()},
        **{("torch", name): _Kind("") for name in _OTHERS},
    }

    @staticmethod
    def names() -> set[bytes] | None:
        return set()

    def persistent_load(self, said: Any) -> Any:
        """Return a storage: its name and its kind."""
        if not isinstance(said, tuple) or len(said) != 5 or said[0] != "storage" or not isinstance(said[1], _Kind):
            raise Refused("something that is kept elsewhere")
        return str(said[2]), str(said[1])


class TensorFile:
    """A `.pt` file of tensors.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        It cannot be read, or holds more than tensors, numbers and text.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zipped = Zipped(read_content(path), path)
        name = next((name for name in self._zipped.members if name.endswith("/data.pkl")), None)
        if name is None:
            raise InputError(f"{path}: holds no data.pkl, expected a file that torch.save has written")
        self._folder = name.removesuffix("data.pkl")
        if self._zipped.members.get(f"{self._folder}byteorder") and self._member("byteorder") != b"little":
            raise InputError(f"{path}: its numbers are big-endian; write it again on another machine")
        self.root: Any = load_placed(_TorchUnpickler, self._member("data.pkl"), str(path))

    def _member(self, name: str) -> bytes:
        return self._zipped.read(self._folder + name)

    def stored(self, tensor: Tensor, where: str) -> Stored:
        """Return a tensor's whole storage as an array [n].

        Raises
        ------
        InputError
            It is not there, not all of it, or not of floating-point numbers.
        """
        if not tensor.kind:
            raise InputError(f"{where}: expected a tensor of floating-point numbers")
        content = self._member(f"data/{tensor.storage}")
        array = np.frombuffer(
            content[: len(content) // np.dtype(tensor.kind).itemsize * np.dtype(tensor.kind).itemsize], tensor.kind
        )
        if not tensor.fits(len(array)):
            raise InputError(f"{where}: its storage has {len(array)} numbers, fewer than the tensor needs")
        return Stored(array, 0, array.nbytes, member=f"data/{tensor.storage}")

    def replaced(self, changes: Changes) -> bytes:
        """Return the whole file with other numbers in some storages."""
        return self._zipped.replaced({self._folder + stored.member: stored.encoded(array) for stored, array in changes})
