"""Reading the files of pose benchmarks: detected poses and the truth, sequence by sequence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from base.errors import InputError
from base.unpickling import member_names, read_array
from data.skeletons.seen import seen_joints
from refine.benchmarks.table import SMPL_JOINTS, Benchmark, Split
from refine.normalise import body_size

OnError = Literal["stop", "skip", "mask"]

SIZES = 0.02, 20.0
"""Metres that people's `body_size` lies between, with room to spare; it is about 0.4."""

METRES = {"m": 1.0, "mm": 0.001, "px": 1.0}


@dataclass(frozen=True)
class Pair:
    """One sequence: what was detected and what is true.

    Parameters
    ----------
    number
        Its place in the files.
    detected, truth
        float32 [T, J, D]: metres or pixels; for SMPL an axis times an angle for each of the 24 joints.
    detected_known, truth_known
        bool [T, J]; None where every joint is known.
    image_size
        float [2] px, width and height; of Sub-JHMDB.
    box_side
        float [T] px: the larger side of the box around the person; of Sub-JHMDB.
    shape, true_shape
        float32 [T, 10], of SMPL. The truth of AIST++ has no shape (None) but a `scaling`, which the published figures
        do not apply: the body model that they come from ignores it. So its truth is the mean body here, too.
    """

    number: int
    detected: np.ndarray
    truth: np.ndarray
    detected_known: np.ndarray | None = None
    truth_known: np.ndarray | None = None
    image_size: np.ndarray | None = None
    box_side: np.ndarray | None = None
    shape: np.ndarray | None = None
    true_shape: np.ndarray | None = None

    @property
    def known(self) -> np.ndarray | None:
        """Bool [T, J]: where both are known; None for everywhere."""
        if self.detected_known is None or self.truth_known is None:
            return self.truth_known if self.detected_known is None else self.detected_known
        return self.detected_known & self.truth_known


@dataclass(frozen=True)
class Pairs:
    """The sequences of one split of a benchmark.

    Parameters
    ----------
    benchmark
        What they are; it has the one number of joints that these files have.
    sequences
        Those that can be used.
    skipped
        One line per sequence that was left out.
    """

    benchmark: Benchmark
    sequences: list[Pair]
    skipped: list[str]

    @property
    def detected(self) -> list[np.ndarray]:
        """The detected poses, [T, J, D] each."""
        return [pair.detected for pair in self.sequences]

    @property
    def truth(self) -> list[np.ndarray]:
        """The true poses, [T, J, D] each."""
        return [pair.truth for pair in self.sequences]

    @property
    def number(self) -> list[int]:
        """The places of the sequences in the files."""
        return [pair.number for pair in self.sequences]

    @property
    def frames(self) -> int:
        """Frames of all sequences."""
        return sum(len(pair.detected) for pair in self.sequences)

    def take(self, index: Sequence[int]) -> "Pairs":
        """Return some of the sequences."""
        return replace(self, sequences=[self.sequences[i] for i in index])


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
        What to do with a sequence whose lengths differ or that misses joints: `stop`, or leave it out (`skip`); or
        leave the missing joints out of training and scores (`mask`; sequences of different length, and of SMPL all
        that miss something, are then left out as with `skip`). A joint is missing where it is not finite or exactly
        at the origin, unless it is a root that always is.

    Raises
    ------
    InputError
        A file is missing or damaged, the numbers of sequences or joints do not fit, or a sequence cannot be used.
    """
    if split not in benchmark.splits:
        raise InputError(f"{benchmark.name}: has no split {split!r}; it has {', '.join(benchmark.splits)}")
    paths = benchmark.paths(root, split)
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: no such file; {benchmark.name} needs it, see benchmarks.root")
    keys = ["pose"] if benchmark.representation == "smpl" else _position_keys(benchmark.dims)
    detected, truth = (_read_sequences(path, keys) for path in paths)
    if len(detected) != len(truth):
        raise InputError(f"{paths[0]}: {len(detected)} sequences, but {paths[1]} has {len(truth)}; they must be pairs")
    if not detected:
        raise InputError(f"{paths[0]}: holds no sequences")
    if benchmark.representation == "smpl":
        joints = _rotation_count(paths, (detected, truth), benchmark)
    else:
        joints = _joint_count(paths, (detected, truth), benchmark)
        if joints in benchmark.pick:
            columns = _columns(benchmark.pick[joints], benchmark.dims)
            detected, truth = ([x[:, columns] for x in side] for side in (detected, truth))
            joints = len(benchmark.pick[joints])
        benchmark = benchmark.of(joints)
    more = _more_of(benchmark, paths, len(detected))
    always_zero = [_zero_roots(sequences, benchmark, joints) for sequences in (detected, truth)]
    factor = 1.0 if benchmark.representation == "smpl" else METRES[benchmark.unit]
    pairs, skipped = [], []
    for i, sides in enumerate(zip(detected, truth, strict=True)):
        poses = [x.reshape(len(x), joints, -1) for x in sides]
        fault = _length_fault(paths, i, poses)
        missing = [_missing(x, zero) for x, zero in zip(poses, always_zero, strict=True)]
        if fault is None and (on_error != "mask" or benchmark.representation == "smpl"):
            fault = next(filter(None, map(_joint_fault, paths, (i, i), poses, missing)), None)
        if fault is None:
            pair = Pair(i, *(x * np.float32(factor) if factor != 1 else x for x in poses))
            masks = [None if not gone.any() else ~gone for gone in missing]
            pairs.append(more(replace(pair, detected_known=masks[0], truth_known=masks[1])))
        elif on_error == "stop":
            raise InputError(f"{fault}; repair it, or choose benchmarks.on_error=skip (or mask, for missing joints)")
        else:
            skipped.append(fault)
    if not pairs:
        raise InputError(f"{paths[0]}: no sequence is left: {skipped[0]}")
    if benchmark.representation == "3D":
        size = float(np.median([body_size(pair.truth, pair.truth_known) for pair in pairs]))
        if not SIZES[0] < size < SIZES[1]:
            raise InputError(
                f"{paths[1]}: bodies are {size:.3g} m in size; the row says unit: {benchmark.unit}, is that right?"
            )
    return Pairs(benchmark, pairs, skipped)


def read_image_names(benchmark: Benchmark, root: Path, split: Split, number: int) -> list[str]:
    """Return the names of the images that a sequence was detected in, one per frame.

    Raises
    ------
    InputError
        The file of the detected poses names none, or something else.
    """
    path, found = _image_names(benchmark, root, split)
    return _names_of(path, found[number], number)


def read_sequence_names(benchmark: Benchmark, root: Path, split: Split) -> list[str]:
    """Return what each sequence of a split is called: the folder of its images.

    Raises
    ------
    InputError
        The file of the detected poses names none, or something else.
    """
    path, found = _image_names(benchmark, root, split)
    firsts = [np.ravel(np.asarray(sequence))[:1] for sequence in found]
    return [_names_of(path, first, i)[0].replace("\\", "/").rpartition("/")[0] for i, first in enumerate(firsts)]


def _image_names(benchmark: Benchmark, root: Path, split: Split) -> tuple[Path, np.ndarray]:
    path = benchmark.paths(root, split)[0]
    if "imgname" not in member_names(path):
        raise InputError(f"{path}: holds no imgname, which names the images")
    return path, read_array(path, "imgname")


def _names_of(path: Path, sequence: object, number: int) -> list[str]:
    names = np.ravel(np.asarray(sequence))
    if not len(names) or not all(isinstance(name, str) for name in names.tolist()):
        raise InputError(f"{path}: imgname, sequence {number}: expected text, found {names.dtype}")
    return [str(name) for name in names]


def _position_keys(dims: int) -> list[str]:
    return [f"{kind}_{dims}d" for kind in ("joints", "keypoints")]


def _read_sequences(path: Path, keys: Sequence[str]) -> list[np.ndarray]:
    """Read one of the arrays `keys` as float32 [T, numbers per frame] for each sequence."""
    names = member_names(path)
    key = next((key for key in keys if key in names), None)
    if key is None:
        raise InputError(f"{path}: holds {', '.join(names) or 'nothing'}; expected {' or '.join(keys)}")
    array = read_array(path, key)
    sequences = []
    for i, content in enumerate(array if array.ndim else array[None]):
        try:
            if np.asarray(content).dtype.kind not in "iufbO":
                raise ValueError("no real numbers")
            with np.errstate(over="ignore"):  # too large a number becomes infinite, and is told as such
                sequence = np.asarray(content, np.float32)
        except (TypeError, ValueError):
            raise InputError(f"{path}: {key}, sequence {i}: not an array of numbers [frames, ...]") from None
        if sequence.ndim == 3:  # [T, J, D]
            sequence = sequence.reshape(len(sequence), -1)
        if sequence.ndim != 2 or not len(sequence):
            raise InputError(
                f"{path}: {key}, sequence {i}: found shape {sequence.shape}, expected [frames, numbers per frame]"
            )
        sequences.append(sequence)
    return sequences


def _joint_count(paths: tuple[Path, Path], sides: tuple[list[np.ndarray], list[np.ndarray]], row: Benchmark) -> int:
    """Return the number of joints, the same in every sequence of both files."""
    allowed = " or ".join(map(str, {**row.joints, **row.pick}))
    count = sides[0][0].shape[1] // row.dims
    for path, sequences in zip(paths, sides, strict=True):
        for i, sequence in enumerate(sequences):
            joints, rest = divmod(sequence.shape[1], row.dims)
            if rest or joints not in {**row.joints, **row.pick}:
                raise InputError(
                    f"{path}: sequence {i}: {sequence.shape[1]} numbers per frame; {row.name} has {allowed} joints of "
                    f"{row.dims} coordinates; correct the file, or the row of the benchmark"
                )
            if joints != count:
                raise InputError(f"{path}: sequence {i}: {joints} joints, but {paths[0]} begins with {count}")
    return count


def _columns(joints: Sequence[int], dims: int) -> list[int]:
    """Return the columns of some joints."""
    return [joint * dims + axis for joint in joints for axis in range(dims)]


def _rotation_count(paths: tuple[Path, Path], sides: tuple[list[np.ndarray], list[np.ndarray]], row: Benchmark) -> int:
    for path, sequences in zip(paths, sides, strict=True):
        for i, sequence in enumerate(sequences):
            if sequence.shape[1] != SMPL_JOINTS * 3:
                raise InputError(
                    f"{path}: sequence {i}: {sequence.shape[1]} numbers per frame; {row.name} has {SMPL_JOINTS} "
                    "rotations of 3 numbers, an axis times an angle"
                )
    return SMPL_JOINTS


def _more_of(row: Benchmark, paths: tuple[Path, Path], count: int) -> Callable[[Pair], Pair]:
    """Return a function that adds what a representation has besides poses: images and boxes, shapes and scales."""

    def column(path: Path, key: str, width: int) -> list[np.ndarray]:
        sequences = _read_sequences(path, [key])
        if len(sequences) != count:
            raise InputError(f"{path}: {key}: {len(sequences)} sequences, but there are {count} of poses")
        for i, sequence in enumerate(sequences):
            if sequence.shape[1] < width or not np.isfinite(sequence).all():
                raise InputError(f"{path}: {key}, sequence {i}: expected {width} finite numbers per frame")
        return sequences

    def fit(path: Path, key: str, pair: Pair, sequence: np.ndarray) -> np.ndarray:
        if len(sequence) != len(pair.detected):
            raise InputError(
                f"{path}: {key}, sequence {pair.number}: {len(sequence)} frames, but {len(pair.detected)} of poses"
            )
        return sequence

    if row.representation == "smpl":
        shape = column(paths[0], "shape", 10)
        if "shape" in member_names(paths[1]):
            true_shape = column(paths[1], "shape", 10)
            return lambda pair: replace(
                pair,
                shape=fit(paths[0], "shape", pair, shape[pair.number]),
                true_shape=fit(paths[1], "shape", pair, true_shape[pair.number]),
            )
        if "scaling" not in member_names(paths[1]):
            raise InputError(f"{paths[1]}: holds neither shape nor, as AIST++ does, scaling; a body needs one of them")
        return lambda pair: replace(pair, shape=fit(paths[0], "shape", pair, shape[pair.number]))
    if row.normalise == "image_size":
        sizes, boxes = _image_sizes(paths[1], count), column(paths[1], "bbox", 4)
        sides = [np.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]) for box in boxes]
        for i, side in enumerate(sides):
            if not (side > 0).all():
                raise InputError(f"{paths[1]}: bbox, sequence {i}: expected left, top, right, bottom of a box")
        return lambda pair: replace(
            pair, image_size=sizes[pair.number], box_side=fit(paths[1], "bbox", pair, sides[pair.number])
        )
    return lambda pair: pair


def _image_sizes(path: Path, count: int) -> np.ndarray:
    """Read the images' sizes, [N, 2] px, width and height: one per sequence, in the file height first."""
    if "imgshape" not in member_names(path):
        raise InputError(f"{path}: holds no imgshape, the size of each sequence's images")
    array = read_array(path, "imgshape")
    try:
        sizes = np.stack([np.ravel(np.asarray(size, np.float64))[[1, 0]] for size in array])
    except (TypeError, ValueError, IndexError):
        sizes = np.zeros((0, 2))
    if sizes.shape != (count, 2) or not (sizes > 0).all():
        raise InputError(f"{path}: imgshape: expected {count} sequences of two positive numbers")
    return sizes


def _zero_roots(sequences: list[np.ndarray], row: Benchmark, joints: int) -> frozenset[int]:
    """Return the joints that may be exactly zero: roots that are so wherever they are known, and any rotation."""
    if row.representation == "smpl":
        return frozenset(range(joints))
    columns = ((root, _columns([root], row.dims)) for root in row.root)
    return frozenset(root for root, at in columns if not any(np.nan_to_num(x[:, at]).any() for x in sequences))


def _missing(poses: np.ndarray, always_zero: frozenset[int]) -> np.ndarray:
    """Say which joints are not there, bool [T, J], see `data.skeletons.seen`."""
    return ~seen_joints(poses, origin=always_zero)


def _length_fault(paths: tuple[Path, Path], number: int, poses: list[np.ndarray]) -> str | None:
    if len(poses[0]) == len(poses[1]):
        return None
    return f"{paths[0]}: sequence {number}: {len(poses[0])} frames, but {paths[1]} has {len(poses[1])}"


def _joint_fault(path: Path, number: int, poses: np.ndarray, missing: np.ndarray) -> str | None:
    """Describe the first joint that is missing."""
    if not missing.any():
        return None
    frame, joint = np.argwhere(missing)[0]
    found = poses[frame, joint]
    what = "is all zeros" if not found.any() else "is not finite" if not np.isfinite(found).all() else f"is at {found}"
    more = int(missing.sum()) - 1
    return f"{path}: sequence {number}, frame {frame}, joint {joint} {what}" + (f" (and {more} more)" if more else "")
