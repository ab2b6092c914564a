"""Writing pickles in a stream, such that any Python 3 with any NumPy opens them."""

import pickle
import struct
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

APPENDED_AT_ONCE = 256


class PickleWriter:
    """Write plain values and arrays as a pickle, without holding it in memory.

    `pickle.dump` keeps everything it has written until it is done, and names modules of the NumPy that runs it, which
    older ones do not have. Here an iterator is written as a list, item by item, and arrays as NumPy 1 writes them. The
    same object met twice is written twice.

    Parameters
    ----------
    file
        Where to write; a binary file.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._memo: dict[Any, int] = {}

    def dump(self, value: Any) -> None:
        """Write one value: None, bool, int, float, str, bytes, array, or tuples, lists, dicts and iterators of such."""
        self._file.write(pickle.PROTO + b"\x03")
        self._save(value)
        self._file.write(pickle.STOP)

    def _save(self, value: Any) -> None:
        write = self._file.write
        if value is None:
            write(pickle.NONE)
        elif isinstance(value, bool):
            write(pickle.NEWTRUE if value else pickle.NEWFALSE)
        elif isinstance(value, int):
            if -(2**31) <= value < 2**31:
                write(pickle.BININT + struct.pack("<i", value))
            else:
                content = pickle.encode_long(value)
                write(pickle.LONG1 + struct.pack("<B", len(content)) + content)
        elif isinstance(value, float):
            write(pickle.BINFLOAT + struct.pack(">d", value))
        elif isinstance(value, str):
            text = value.encode()
            write(pickle.BINUNICODE + struct.pack("<I", len(text)) + text)
        elif isinstance(value, bytes):
            write(pickle.BINBYTES + struct.pack("<I", len(value)) + value)
        elif isinstance(value, tuple):
            write(pickle.MARK)
            for item in value:
                self._save(item)
            write(pickle.TUPLE)
        elif isinstance(value, dict):
            write(pickle.EMPTY_DICT + pickle.MARK)
            for key, item in value.items():
                self._save(key)
                self._save(item)
            write(pickle.SETITEMS)
        elif isinstance(value, list | Iterator):
            self._save_items(iter(value))
        elif isinstance(value, np.ndarray):
            self._save_array(value)
        else:
            raise TypeError(f"{type(value).__name__} is not written as a pickle")

    def _save_items(self, items: Iterator[Any]) -> None:
        write = self._file.write
        write(pickle.EMPTY_LIST)
        held = 0  # items that wait on the reader's stack to be appended
        for item in items:
            if held == APPENDED_AT_ONCE:
                write(pickle.APPENDS)
                held = 0
            if not held:
                write(pickle.MARK)
            self._save(item)
            held += 1
        if held:
            write(pickle.APPENDS)

    def _save_array(self, array: np.ndarray) -> None:
        self._save_global("numpy.core.multiarray", "_reconstruct")
        self._file.write(pickle.MARK)
        self._save_global("numpy", "ndarray")
        self._save((0,))
        self._save(b"b")
        self._file.write(pickle.TUPLE + pickle.REDUCE + pickle.MARK)
        self._save(1)
        self._save(array.shape)
        self._save_kind(array.dtype)
        self._save(False)
        self._save(array.ravel().tolist() if array.dtype.hasobject else array.tobytes())
        self._file.write(pickle.TUPLE + pickle.BUILD)

    def _save_kind(self, kind: np.dtype) -> None:
        if kind.kind not in "fiubO":
            raise TypeError(f"an array of {kind} is not written as a pickle")
        if self._recall(kind.str):
            return
        self._save_global("numpy", "dtype")
        self._save(("O8" if kind.hasobject else kind.str[1:], False, True))
        self._file.write(pickle.REDUCE)
        order = kind.str[0]
        self._save((3, order, None, None, None, *((-1, -1, 63) if kind.hasobject else (-1, -1, 0))))
        self._file.write(pickle.BUILD)
        self._remember(kind.str)

    def _save_global(self, module: str, name: str) -> None:
        if not self._recall((module, name)):
            self._file.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
            self._remember((module, name))

    def _recall(self, key: Any) -> bool:
        if key in self._memo:
            self._file.write(pickle.BINGET + bytes([self._memo[key]]))
        return key in self._memo

    def _remember(self, key: Any) -> None:
        self._memo[key] = len(self._memo)  # at most a few kinds of array and three names: one byte counts them
        self._file.write(pickle.BINPUT + bytes([self._memo[key]]))
