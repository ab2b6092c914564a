"""The pose-estimation benchmarks: a table of what they are, and the reader of their files."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import yaml
from pydantic import Field

from data.errors import InputError
from data.settings import Section
from refine.object_arrays import member_names, read_array

Split = Literal["train", "test"]
OnError = Literal["stop", "skip"]


class Benchmark(Section):
    """A row of `benchmarks.yaml`.

    Parameters
    ----------
    name
        `{dataset}_{estimator}_{representation}`, also the name of its folder.
    representation
        `3D` in space, `2D` in an image.
    fps
        Frames a second.
    joints
        The numbers of joints that its files may have.
    root
        The joints whose mean is the root; none for poses in an image.
    unit
        The unit of its files.
    splits
        The splits that it has.
    """

    name: str
    dataset: str
    estimator: str
    representation: Literal["2D", "3D"]
    fps: float = Field(gt=0)
    joints: tuple[int, ...]
    root: tuple[int, ...]
    unit: Literal["m", "px"]
    splits: tuple[Split, ...] = ("train", "test")

    @property
    def dims(self) -> int:
        """Coordinates per joint."""
        return int(self.representation[0])

    @property
    def reported(self) -> tuple[str, float]:
        """The unit in which errors are reported, and how many of it make one unit of the files."""
        return ("mm", 1000.0) if self.unit == "m" else ("px", 1.0)

    def files(self, root: Path, split: Split) -> tuple[Path, Path]:
        """Return where the detected and the true poses of a split lie below `root`."""
        folder = root / self.name
        return (
            folder / "detected" / f"{self.name}_{split}.npz",
            folder / "groundtruth" / f"{self.dataset}_gt_{self.representation}_{split}.npz",
        )


@dataclass(frozen=True)
class Pairs:
    """The sequences of one split of a benchmark.

    Parameters
    ----------
    benchmark
        What they are.
    detected, truth
        float32 [T, J, D] per sequence.
    number
        int64 per sequence: its place in the files.
    skipped
        One line per sequence that was left out.
    """

    benchmark: Benchmark
    detected: list[np.ndarray]
    truth: list[np.ndarray]
    number: list[int]
    skipped: list[str]

    @property
    def frames(self) -> int:
        """Frames of all sequences."""
        return sum(map(len, self.detected))

    def take(self, index: Sequence[int]) -> "Pairs":
        """Return some of the sequences."""
        lists = ([values[i] for i in index] for values in (self.detected, self.truth))
        detected, truth = lists
        return Pairs(self.benchmark, detected, truth, [self.number[i] for i in index], self.skipped)


@cache
def benchmarks() -> dict[str, Benchmark]:
    """Return all rows of the table, by name."""
    rows = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return {name: Benchmark(name=name, **row) for name, row in rows.items()}


def find_benchmark(name: str) -> Benchmark:
    """Return a row of the table.

    Raises
    ------
    InputError
        There is no such row.
    """
    try:
        return benchmarks()[name]
    except KeyError:
        raise InputError(
            f"{name}: no such benchmark; choose from {', '.join(benchmarks())}, or add a row to refine/benchmarks.yaml"
        ) from None


def read_pairs(benchmark: Benchmark, root: Path, split: Split, on_error: OnError = "stop") -> Pairs:
    """Read one split of a benchmark and check that its files can be used.

    Parameters
    ----------
    benchmark
        Which.
    root
        The folder that holds a folder per benchmark.
    split
        `train` or `test`.
    on_error
        What to do with a sequence whose lengths differ or that holds missing joints: `stop`, or leave it out (`skip`).

    Raises
    ------
    InputError
        A file is missing or damaged, the numbers of sequences or joints do not fit, or a sequence cannot be used.
    """
    if split not in benchmark.splits:
        raise InputError(f"{benchmark.name}: has no split {split!r}; it has {', '.join(benchmark.splits)}")
    paths = benchmark.files(root, split)
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: no such file; {benchmark.name} needs it, see benchmarks.root")
    detected, truth = (_read_sequences(path, benchmark.dims) for path in paths)
    if len(detected) != len(truth):
        raise InputError(f"{paths[0]}: {len(detected)} sequences, but {paths[1]} has {len(truth)}; they must be pairs")
    if not detected:
        raise InputError(f"{paths[0]}: holds no sequences")
    joints = _joint_count(paths, (detected, truth), benchmark)
    kept: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    number, skipped = [], []
    always_zero = [_zero_roots(sequences, benchmark, joints) for sequences in (detected, truth)]
    for i, pair in enumerate(zip(detected, truth, strict=True)):
        poses = [x.reshape(len(x), joints, benchmark.dims) for x in pair]
        fault = _length_fault(paths, i, poses) or next(
            filter(None, map(_joint_fault, paths, (i, i), poses, always_zero)), None
        )
        if fault is None:
            for sequences, x in zip(kept, poses, strict=True):
                sequences.append(x)
            number.append(i)
        elif on_error == "stop":
            raise InputError(f"{fault}; repair it, or leave such sequences out with benchmarks.on_error=skip")
        else:
            skipped.append(fault)
    if not number:
        raise InputError(f"{paths[0]}: no sequence is left: {skipped[0]}")
    return Pairs(benchmark, *kept, number, skipped)


def _read_sequences(path: Path, dims: int) -> list[np.ndarray]:
    names = member_names(path)
    keys = [f"{kind}_{dims}d" for kind in ("joints", "keypoints")]
    key = next((key for key in keys if key in names), None)
    if key is None:
        raise InputError(f"{path}: holds {', '.join(names) or 'nothing'}; expected {' or '.join(keys)}")
    array = read_array(path, key)
    sequences = []
    for i, content in enumerate(array if array.ndim else array[None]):
        try:
            if np.asarray(content).dtype.kind in "SU":
                raise ValueError("text")
            sequence = np.asarray(content, np.float32)
        except (TypeError, ValueError):
            raise InputError(f"{path}: {key}, sequence {i}: not an array of numbers [frames, joints]") from None
        if sequence.ndim == 3:  # [T, J, D]
            sequence = sequence.reshape(len(sequence), -1)
        if sequence.ndim != 2 or not len(sequence):
            raise InputError(
                f"{path}: {key}, sequence {i}: found shape {sequence.shape}, expected [frames, joints x {dims}]"
            )
        sequences.append(sequence)
    return sequences


def _joint_count(paths: tuple[Path, Path], sides: tuple[list[np.ndarray], list[np.ndarray]], row: Benchmark) -> int:
    """Return the number of joints, the same in every sequence of both files."""
    allowed = " or ".join(map(str, row.joints))
    count = sides[0][0].shape[1] // row.dims
    for path, sequences in zip(paths, sides, strict=True):
        for i, sequence in enumerate(sequences):
            joints, rest = divmod(sequence.shape[1], row.dims)
            if rest or joints not in row.joints:
                raise InputError(
                    f"{path}: sequence {i}: {sequence.shape[1]} numbers per frame; {row.name} has {allowed} joints of "
                    f"{row.dims} coordinates; correct the file, or the row in refine/benchmarks.yaml"
                )
            if joints != count:
                raise InputError(f"{path}: sequence {i}: {joints} joints, but {paths[0]} begins with {count}")
    return count


def _zero_roots(sequences: list[np.ndarray], row: Benchmark, joints: int) -> frozenset[int]:
    """Return the root joints that are zero wherever they are known: the poses are relative to them."""
    roots = (root for root in row.root if root < joints)
    columns = ((root, slice(root * row.dims, (root + 1) * row.dims)) for root in roots)
    return frozenset(root for root, at in columns if not any(np.nan_to_num(x[:, at]).any() for x in sequences))


def _length_fault(paths: tuple[Path, Path], number: int, poses: list[np.ndarray]) -> str | None:
    if len(poses[0]) == len(poses[1]):
        return None
    return f"{paths[0]}: sequence {number}: {len(poses[0])} frames, but {paths[1]} has {len(poses[1])}"


def _joint_fault(path: Path, number: int, poses: np.ndarray, always_zero: frozenset[int]) -> str | None:
    """Describe the first joint that is not there: not finite, or exactly at the origin."""
    unknown = ~np.isfinite(poses).all(-1)
    absent = (poses == 0).all(-1)
    absent[:, list(always_zero)] = False
    if not (unknown | absent).any():
        return None
    frame, joint = np.argwhere(unknown | absent)[0]
    what = "is not finite" if unknown[frame, joint] else "is all zeros"
    more = int((unknown | absent).sum()) - 1
    return f"{path}: sequence {number}, frame {frame}, joint {joint} {what}" + (f" (and {more} more)" if more else "")
