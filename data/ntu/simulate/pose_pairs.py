"""Writing pairs of measured and clean poses in the layout of SmoothNet's released benchmarks, in bounded memory."""

import pickle
import zipfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.lib import format as npy

from data.ntu.names import ClipName

BENCHMARK = "ntusim_kinect_3D"
VALUES = 75
KINDS = (("detected", "kinect"), ("groundtruth", "gt"))


class PosePairs:
    """Write `detected/` and `groundtruth/` with one object array of sequences per key, as released.

    Such an array is one pickle, which cannot grow: the poses are kept in files beside until all are there. Use it as a
    context manager.

    Parameters
    ----------
    folder
        The benchmark's folder.
    parts
        Names of the splits.
    """

    def __init__(self, folder: Path, parts: Sequence[str]) -> None:
        self._folder = folder
        self._names: dict[str, list[tuple[str, int]]] = {part: [] for part in parts}

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._files = {}
        for kind, _ in KINDS:
            (self._folder / kind).mkdir(parents=True)
            for part in self._names:
                self._files[kind, part] = self._stack.enter_context(self._waiting(kind, part).open("wb"))
        return self

    def add(self, part: str, name: ClipName, measured: np.ndarray, clean: np.ndarray) -> None:
        """Append a sequence, [n, 25, 3] metres both."""
        for (kind, _), joints in zip(KINDS, (measured, clean), strict=True):
            self._files[kind, part].write(np.ascontiguousarray(joints, np.float32).data)
        self._names[part].append((str(name), len(measured)))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()
        if error is not None:
            return
        for which, word in KINDS:
            for part, sequences in self._names.items():
                waiting = self._waiting(which, part)
                _write_archive(self._folder / which / f"ntusim_{word}_3D_{part}.npz", sequences, waiting)
                waiting.unlink()

    def _waiting(self, kind: str, part: str) -> Path:
        return self._folder / kind / f".{part}.float32"


class _Later:
    """An array that is made when it is pickled, so that only one of many is in memory; reads back as the array."""

    def __init__(self, make: Callable[[], np.ndarray]) -> None:
        self.make = make

    def __reduce__(self) -> str | tuple[Any, ...]:
        return self.make().__reduce__()


def _write_archive(path: Path, sequences: Sequence[tuple[str, int]], poses: Path) -> None:
    starts = np.cumsum([0, *(length for _, length in sequences)])
    images, joints = np.empty(len(sequences), object), np.empty(len(sequences), object)
    for row, (name, length) in enumerate(sequences):
        images[row] = _Later(partial(_image_names, name, length))
        joints[row] = _Later(partial(_read_rows, poses, int(starts[row]), length))
    with zipfile.ZipFile(path, "w") as archive:
        for key, array in (("imgname", images), ("joints_3d", joints)):
            with archive.open(zipfile.ZipInfo(f"{key}.npy"), "w", force_zip64=True) as file:
                header = {"descr": "|O", "fortran_order": False, "shape": array.shape}
                npy.write_array_header_1_0(file, header)
                pickler = pickle.Pickler(file, protocol=4)
                pickler.fast = True  # it would keep every array to recognise it, were it to come again
                pickler.dump(array)


def _image_names(name: str, length: int) -> np.ndarray:
    return np.array([f"{name}/{frame:04d}" for frame in range(length)])


def _read_rows(poses: Path, start: int, length: int) -> np.ndarray:
    rows = np.fromfile(poses, np.float32, length * VALUES, offset=start * VALUES * 4)
    return rows.reshape(length, VALUES)
