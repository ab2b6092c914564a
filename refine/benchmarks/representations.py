"""Poses in each representation through networks and filters, and their errors: space, image, SMPL rotations."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from data.skeletons.gaps import fill_gaps
from data.skeletons.metrics import FrameErrors, frame_errors
from refine.benchmarks.bodies import BodyModel, body_joints_and_vertex_errors
from refine.benchmarks.pairs import Pair, Pairs
from refine.benchmarks.rotations import axis_angle_to_six, six_to_axis_angle
from refine.benchmarks.table import Benchmark, Linear
from refine.filters.registry import Parameters
from refine.filters.smoothing import smooth_sequences
from refine.named import AnyRefiner
from refine.normalise import Centre, Normalise, body_size
from refine.refiner import Refiner, refine_sequences
from refine.shipped.registry import Shipped
from refine.windows import Merge

FRAMES_AT_ONCE = 1 << 17
"""Frames that are refined together; it bounds memory on the device."""


def refine_pairs(
    refiner: AnyRefiner, pairs: Pairs, *, stride: int, match_rate: bool = False, merge: Merge = "mean"
) -> list[np.ndarray]:
    """Refine the detected poses of a benchmark, in its own representation.

    Positions in space and in an image go through the network as the refiner normalises them; for one that saw them as
    they are (`scale: none`, such as the released ones), poses in an image are first normalised as theirs were.
    Rotations go through as six numbers each and come back by Gram-Schmidt; a body's shape is left alone. Joints that
    are missing are interpolated for the network. Shipped refiners get sequences of positions as they are, at their own
    rate, and the benchmark's bones if it is in space.

    Parameters
    ----------
    refiner
        With which network, or which shipped refiner.
    pairs
        What to refine.
    stride
        Frames between windows.
    match_rate
        Resample to the frame rate that the refiner was trained at, and back.
    merge
        How windows that overlap are merged, see `refine.windows.refine_windows`.

    Returns
    -------
    list of arrays
        float32 [T, J, D] each, as `pairs.detected`.
    """
    row = pairs.benchmark
    if isinstance(refiner, Shipped):
        return [_by_shipped(refiner, pair, row) for pair in pairs.sequences]
    fps = row.fps if match_rate else None
    results: list[np.ndarray] = []
    for first, last in _blocks([len(x) for x in pairs.detected]):
        block = pairs.sequences[first:last]
        if row.representation == "smpl":
            six = [as_six(pair.detected) for pair in block]
            refined = refine_sequences(_for_rotations(refiner), six, root=(), stride=stride, merge=merge, fps=fps)
            results += [six_to_axis_angle(torch.as_tensor(x)).numpy() for x in refined]
            continue
        poses = [complete(pair) for pair in block]
        if refiner.normalise.scale == "none":
            refine = partial(refine_sequences, refiner, root=row.root, stride=stride, merge=merge, fps=fps)
            results += _in_units(row, block, poses, refine)
        else:
            sizes = [body_size(pair.detected, pair.detected_known) for pair in block]
            results += refine_sequences(refiner, poses, root=row.root, stride=stride, merge=merge, fps=fps, sizes=sizes)
    return results


def _by_shipped(refiner: Shipped, pair: Pair, row: Benchmark) -> np.ndarray:
    known = pair.detected_known
    if known is not None and not known.any():
        return np.zeros_like(pair.detected)
    poses = pair.detected if known is None else np.where(known[..., None], pair.detected, np.float32(np.nan))
    return refiner.method(poses, row.fps, None, row.lines if row.representation == "3D" else ()).astype(np.float32)


def smooth_pairs(kind: str, pairs: Pairs, parameters: Parameters, *, released: bool = False) -> list[np.ndarray]:
    """Filter the detected poses of a benchmark; rotations as six numbers each.

    Parameters
    ----------
    kind, parameters
        See `refine.filters.smoothing.smooth_sequences`.
    pairs
        What to filter.
    released
        Whether the parameters are for metres and normalised images, not for body sizes.

    Returns
    -------
    list of arrays
        float32 [T, J, D] each, as `pairs.detected`.
    """
    row = pairs.benchmark
    ones = [1.0] * len(pairs.sequences)
    if row.representation == "smpl":
        smoothed = smooth_sequences(
            kind, [as_six(pair.detected) for pair in pairs.sequences], parameters, row.fps, ones
        )
        return [six_to_axis_angle(torch.as_tensor(x)).numpy() for x in smoothed]
    poses = [complete(pair) for pair in pairs.sequences]
    if not released:
        sizes = [body_size(pair.detected, pair.detected_known) for pair in pairs.sequences]
        return smooth_sequences(kind, poses, parameters, row.fps, sizes)
    smooth = partial(smooth_sequences, kind, parameters=parameters, fps=row.fps, sizes=ones)
    return _in_units(row, pairs.sequences, poses, smooth)


def errors_of(pairs: Pairs, poses: Sequence[np.ndarray], body: BodyModel | None = None) -> list[FrameErrors]:
    """Compute the errors of each frame of poses in a benchmark's representation, in metres or pixels."""
    row = pairs.benchmark
    if row.representation != "smpl":
        return [
            frame_errors(x, pair.truth, row.root, pair.known) for x, pair in zip(poses, pairs.sequences, strict=True)
        ]
    assert body is not None
    errors = []
    for x, pair in zip(poses, pairs.sequences, strict=True):
        # A body's rotations are refined, its shape is not.
        joints, truth, vertices = body_joints_and_vertex_errors(
            body, _flat(x), pair.shape, _flat(pair.truth), pair.true_shape
        )
        errors.append(frame_errors(joints.cpu(), truth.cpu(), row.root, vertices=vertices.cpu()))
    return errors


def _in_units(
    row: Benchmark,
    pairs: Sequence[Pair],
    poses: Sequence[np.ndarray],
    method: Callable[[list[np.ndarray]], list[np.ndarray]],
) -> list[np.ndarray]:
    """Take poses to the units that the released networks saw, through a method, and back."""
    units = [image_units(row, pair) for pair in pairs]
    results = method([(x - shift) / scale for x, (shift, scale) in zip(poses, units, strict=True)])
    return [(x * scale + shift).astype(np.float32) for x, (shift, scale) in zip(results, units, strict=True)]


def image_units(row: Benchmark, pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Return what is subtracted, and what is divided by then, to make positions such as the released networks saw.

    Nothing for metres; see `Row.normalise` for pixels. float32 [D] each.
    """
    zero, one = np.zeros(row.dims, np.float32), np.ones(row.dims, np.float32)
    if isinstance(row.normalise, Linear):
        return zero + np.float32(row.normalise.subtract), one * np.float32(row.normalise.divide)
    if row.normalise == "image_size":
        assert pair.image_size is not None
        size = pair.image_size.astype(np.float32)
        return size / 2, size
    return zero, one


def complete(pair: Pair) -> np.ndarray:
    """Return the detected poses [T, J, D], joints that are missing interpolated."""
    if pair.detected_known is None:
        return pair.detected
    if not pair.detected_known.any():
        return np.zeros_like(pair.detected)
    return fill_gaps(pair.detected, pair.detected_known).astype(np.float32)


def as_six(rotations: np.ndarray) -> np.ndarray:
    """Turn rotations [T, 24, 3], an axis times an angle each, into six numbers each, [T, 24, 6]."""
    return axis_angle_to_six(torch.as_tensor(rotations)).numpy()


def _flat(rotations: np.ndarray) -> np.ndarray:
    return rotations.reshape(len(rotations), -1)


def _for_rotations(refiner: Refiner) -> Refiner:
    """Rotations have neither a root nor a size: where a place was taken out, each number's own mean is."""
    centre: Centre = "none" if refiner.normalise.centre == "none" else "channel"
    return replace(refiner, normalise=Normalise(centre, "none"))


def _blocks(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Split sequences into blocks of at most `FRAMES_AT_ONCE` frames; a longer sequence is a block of its own."""
    blocks, first, frames = [], 0, 0
    for i, length in enumerate(lengths):
        if i > first and frames + length > FRAMES_AT_ONCE:
            blocks.append((first, i))
            first, frames = i, 0
        frames += length
    return [*blocks, (first, len(lengths))]
