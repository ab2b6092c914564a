"""Memory for large arrays that is kept from one to the next, in huge pages where the system has them.

New memory costs more than what is computed in it; and the rows of a block, one for each coordinate of each joint, lie
in a page of their own each, thousands of pages at a time, which takes long to look up if they are small.
"""

import mmap
import threading
from contextlib import suppress
from math import prod
from weakref import finalize

import numpy as np

SIZE = 512 << 20
"""Bytes that a thread's arrays may have together; only what is used is taken from the system."""

LEAST = 256 << 10
"""Bytes: smaller arrays are NumPy's own affair."""


LINE = 64
"""Bytes of a line of the processor's cache, with which arrays begin."""


class Room:
    """A stretch of memory in which arrays lie as near the beginning as there is room when they are made."""

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with suppress(OSError):  # a kernel without huge pages
            self.memory.madvise(mmap.MADV_HUGEPAGE)
        self.taken: list[tuple[int, int]] = []

    def empty(self, size: int) -> np.ndarray | None:
        """Return uint8 [size] of any values, or None if it is full; room is free again where nothing refers to it."""
        start, space = 0, -(-size // LINE) * LINE
        for low, high in sorted(self.taken):  # a copy, for arrays come to their end at any time, in any thread
            if low - start >= space:
                break
            start = high
        if start + space > SIZE:
            return None
        self.taken.append((start, start + space))
        array = np.frombuffer(self.memory, np.uint8, size, start)
        # Views refer to the array, as it does not own its memory; it comes to its end with the last of them.
        finalize(array, self.taken.remove, (start, start + space)).atexit = False
        return array


_thread = threading.local()


def keep() -> None:
    """Keep the memory of large arrays of this thread until its end, where the system can."""
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # so much may not be had
            _thread.room = Room()


def empty(shape: tuple[int, ...], dtype: type | np.dtype = np.float32) -> np.ndarray:
    """Return an array of any values, as `numpy.empty` does."""
    room = getattr(_thread, "room", None)
    size = prod(shape) * np.dtype(dtype).itemsize if room is not None else 0
    found = room.empty(size) if room is not None and size >= LEAST else None
    return np.empty(shape, dtype) if found is None else found.view(dtype).reshape(shape)
