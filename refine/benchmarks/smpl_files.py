"""Reading SMPL model files, which are pickles of Python 2, without running what a pickle may tell Python to run.

The files hold NumPy arrays, a sparse matrix of SciPy's, and arrays wrapped by chumpy, a library that Python 3.11 no
longer runs. Stand-ins take the place of all three, so that neither chumpy nor the SciPy of 2015 is needed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from base.errors import InputError
from base.files import regular_file
from base.unpickling import ARRAYS, ArrayUnpickler, PickledArray, Refused, load_scanned, member_names, read_array

LARGEST = 1 << 30
"""Bytes of the largest file, or array of one, that is read; SMPL 1.1.0 with its 300 shapes takes a quarter of it."""

_LARGEST_DENSE = 1 << 26
"""Bytes of a sparse matrix when it is unpacked; the joints' regressor takes 1.3 MB."""

_LATE = 100
"""chumpy's objects may refer to what refers to them."""


def read_smpl_file(path: Path, keys: Sequence[str]) -> dict[str, np.ndarray]:
    """Read arrays of an SMPL model, `.npz` or else the pickle that its authors give out.

    Parameters
    ----------
    path
        The file.
    keys
        The arrays to read; whatever else the file holds is passed over.

    Returns
    -------
    dict
        Dense arrays of numbers by key.

    Raises
    ------
    InputError
        The file is absent, too large, damaged, lacks a key, or holds what an SMPL model does not.
    """
    try:
        size = regular_file(path).stat().st_size
        if size > LARGEST:
            raise InputError(f"{path}: {size} bytes; an SMPL model has no more than {LARGEST}")
        content = _read_npz(path, keys) if path.suffix == ".npz" else _read_pickle(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    missing = [key for key in keys if key not in content]
    if missing:
        raise InputError(f"{path}: not an SMPL model, it has no {', '.join(missing)}")
    return {key: _numbers(content[key], f"{path}: {key}") for key in keys}


def _read_npz(path: Path, keys: Sequence[str]) -> dict[str, Any]:
    names = set(member_names(path))
    return {key: read_array(path, key, LARGEST) for key in keys if key in names}


def _read_pickle(path: Path) -> dict[str, Any]:
    damaged = f"{path}: not an SMPL model as its authors give it out, or damaged"
    with path.open("rb") as file:
        content = load_scanned(_SmplUnpickler, file, path.stat().st_size, str(path), damaged, _LATE)
    if not isinstance(content, dict):
        raise InputError(f"{path}: not an SMPL model: it holds no table of arrays")
    return content


def _numbers(value: Any, where: str) -> np.ndarray:
    """Take the array out of its stand-in."""
    try:
        if isinstance(value, _Chumpy):
            value = value.state["x"]
        if isinstance(value, _Sparse):
            value = value.dense()
        array = value.value if isinstance(value, PickledArray) else value
    except Exception as error:  # what a stand-in was given may be anything
        raise InputError(f"{where} is damaged, or no array that an SMPL model holds") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        raise InputError(f"{where} holds no numbers; this is not an SMPL model")
    return array


class _State:
    """Keeps what an object of another library was made of; nothing of it is run."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = state


class _Chumpy(_State):
    """Stands for `chumpy.ch.Ch`, whose array is `x`."""


class _Sparse(_State):
    """Stands for one of SciPy's sparse matrices."""

    kind: ClassVar[Any]

    def dense(self) -> np.ndarray:
        data, indices, starts = (self.state[name].value for name in ("data", "indices", "indptr"))
        rows, columns = (int(n) for n in self.state["_shape"])
        if rows < 0 or columns < 0 or rows * columns * data.itemsize > _LARGEST_DENSE:
            raise ValueError("too large a matrix")
        matrix = self.kind((data, indices, starts), shape=(rows, columns))
        # SciPy's compiled code trusts the indices, and by default nobody checks them.
        matrix.check_format(full_check=True)
        return matrix.toarray()


class _Columns(_Sparse):
    kind = sparse.csc_matrix


class _Rows(_Sparse):
    kind = sparse.csr_matrix


class _Object:
    """Stands for `object` in a pickle, where it is an argument and never called."""


def _new(kind: type, base: type, state: None) -> _State:
    """Give the empty object that older protocols start from."""
    if not issubclass(kind, _State):
        raise Refused(f"an object of {kind.__name__}")
    return kind()


def _set(items: Sequence[Any] = ()) -> None:
    """Pass over the sets in chumpy's objects, which are its bookkeeping."""


class _SmplUnpickler(ArrayUnpickler):
    content: ClassVar[str] = "an SMPL model holds nothing but arrays, numbers and text"
    allowed: ClassVar[Mapping[tuple[str, str], Any]] = {
        **ARRAYS,
        ("chumpy.ch", "Ch"): _Chumpy,
        **{
            (f"scipy.sparse.{module}", f"{letters}_{what}"): kind
            for letters, kind in (("csc", _Columns), ("csr", _Rows))
            for module in (letters, f"_{letters}")
            for what in ("matrix", "array")
        },
        **{(module, "_reconstructor"): _new for module in ("copy_reg", "copyreg")},
        **{(module, "object"): _Object for module in ("__builtin__", "builtins")},
        **{(module, "set"): _set for module in ("__builtin__", "builtins")},
    }
