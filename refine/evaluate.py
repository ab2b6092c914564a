"""Scoring refiners and classical filters on pose benchmarks."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from data.errors import InputError
from data.progress import progress
from refine.benchmarks import Benchmark, Linear, Split
from refine.body_model import BodyModel, body_joints_and_vertex_errors, load_body_model
from refine.config import BenchmarksSection, EvaluateSection, RefineConfig, SmplSection
from refine.filters import Filter, Parameters, released_parameters, smooth, tune_filter
from refine.gaps import fill_gaps
from refine.metrics import FrameErrors, correct_keypoints, errors_among, frame_errors, mean_errors, worst_frames
from refine.normalise import Centre, Normalise, body_size
from refine.pairs import Pair, Pairs
from refine.refiner import Refiner, refine_poses
from refine.rotations import axis_angle_to_six, six_to_axis_angle

FRAMES_TO_TUNE = 30_000
"""Frames of the training split that filters are tuned on, taken from sequences spread over all of it."""

FRAMES_AT_ONCE = 1 << 17
"""Frames that are refined together; it bounds memory on the device."""

WORST = 0.01
"""The share of frames, those with the highest input MPJPE, that is reported apart."""

PCK = {"pck_05": 0.05, "pck_10": 0.1, "pck_20": 0.2}
"""Shares of the person's size, for data sets with a box around the person."""


@dataclass(frozen=True)
class Absent:
    """A benchmark that was not evaluated: the file that it lacks."""

    benchmark: str
    split: Split
    missing: str


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Parameters
    ----------
    rows
        One dictionary per benchmark and stride; errors in mm (mm/frame^2) or pixels, PCK in percent.
    filters
        One per benchmark and filter.
    skipped
        Per benchmark, the sequences that were left out, and why.
    absent
        The benchmarks that `evaluate.on: all` did not find.
    """

    rows: list[dict[str, Any]]
    filters: list[dict[str, Any]]
    skipped: dict[str, list[str]]
    absent: list[Absent]


def chosen_benchmarks(config: RefineConfig) -> tuple[list[Benchmark], list[Absent]]:
    """List the benchmarks to evaluate on, and with `evaluate.on: all` those that cannot be, and why.

    Raises
    ------
    InputError
        There is no such benchmark, or no benchmark at all has its files.
    """
    settings, section = config.evaluate, config.benchmarks
    if settings.on != "all":
        rows = [section.find(name) for name in settings.on]
        if any(row.representation == "smpl" for row in rows):
            load_body(config.smpl)
        return rows, []
    chosen, absent = [], []
    for row in section.every():
        if settings.split not in row.splits:
            continue
        missing = row.missing(section.root, settings.split)
        if missing is not None:
            absent.append(Absent(row.name, settings.split, str(missing)))
        elif row.representation == "smpl" and config.smpl.model is None:
            absent.append(Absent(row.name, settings.split, "smpl.model, the licensed body model"))
        else:
            chosen.append(row)
    if not chosen:
        raise InputError(
            f"evaluate.on: no benchmark has its files below {section.root}; looked for {absent[0].missing}"
        )
    return chosen, absent


def evaluate(refiner: Refiner, config: RefineConfig) -> Evaluation:
    """Score a refiner, and filters, on the benchmarks `evaluate.on`.

    Raises
    ------
    InputError
        A benchmark or the body model cannot be read.
    """
    settings, section = config.evaluate, config.benchmarks
    chosen, absent = chosen_benchmarks(config)
    body = load_body(config.smpl) if any(row.representation == "smpl" for row in chosen) else None
    found = Evaluation([], [], {}, absent)
    tuned: dict[tuple[str, Filter], Parameters] = {}
    methods = len(settings.strides) + len(settings.filters) * (1 + settings.released_filters)
    with progress() as bar:
        task = bar.add_task("evaluating", total=len(chosen) * methods)
        for row in chosen:
            pairs = section.read(row.name, settings.split)
            judge = _Judge.of(pairs, body, settings)
            found.skipped[row.name] = pairs.skipped
            for stride in settings.strides:
                found.rows.append(_score_refiner(refiner, judge, stride, settings))
                bar.advance(task)
            for kind in settings.filters:
                source = tuning_source(row, refiner, section)
                if source is None and settings.on != "all":
                    raise InputError(
                        f"evaluate.filters: no training split to tune filters on for {row.name}; set it to []"
                    )
                if source is not None:
                    if (source.name, kind) not in tuned:
                        tuned[source.name, kind] = tune_on(source, kind, section)
                    found.filters.append(_score_filter(kind, tuned[source.name, kind], source, judge))
                bar.advance(task)
                if settings.released_filters:
                    parameters = released_parameters(kind, row.fps)
                    found.filters.append(_score_filter(kind, parameters, None, judge))
                    bar.advance(task)
    return found


@dataclass(frozen=True)
class _Judge:
    """A benchmark's truth, and what its input scores, so that every method is compared with that."""

    pairs: Pairs
    body: BodyModel | None
    settings: EvaluateSection
    errors: list[FrameErrors]
    worst: list[torch.Tensor]

    @classmethod
    def of(cls, pairs: Pairs, body: BodyModel | None, settings: EvaluateSection) -> "_Judge":
        errors = errors_of(pairs, pairs.detected, body)
        return cls(pairs, body, settings, errors, worst_frames(errors, WORST))

    def score(self, poses: Sequence[np.ndarray] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Score poses, or the input: means over all frames, and over the worst frames of the input."""
        pairs = self.pairs
        errors = self.errors if poses is None else errors_of(pairs, poses, self.body)
        figures = _reported(mean_errors(errors, self.settings.padded_accel), pairs)
        if all(pair.box_side is not None for pair in pairs.sequences):
            figures |= keypoint_figures(pairs, pairs.detected if poses is None else poses)
        return figures, _reported(errors_among(errors, self.worst), pairs)

    def worst_row(self, given: dict[str, Any], refined: dict[str, Any]) -> dict[str, Any]:
        return {
            "share": WORST,
            "frames": int(sum(frames.sum() for frames in self.worst)),
            "input": given,
            "output": refined,
        }


def _score_refiner(refiner: Refiner, judge: _Judge, stride: int, settings: EvaluateSection) -> dict[str, Any]:
    """Score a refiner on one split of a benchmark; return a row of `results.json`."""
    pairs = judge.pairs
    started = time.perf_counter()
    refined = refine_pairs(refiner, pairs, stride=stride, match_rate=settings.match_rate)
    seconds = time.perf_counter() - started
    (given, given_worst), (figures, worst) = judge.score(), judge.score(refined)
    published = pairs.benchmark.published
    return {
        "benchmark": pairs.benchmark.name,
        "split": settings.split,
        "unit": pairs.benchmark.reported[0],
        "kind": refiner.describe()["kind"],
        "window": refiner.window,
        "stride": stride,
        "frames": pairs.frames,
        "input": given,
        "output": figures,
        "worst": judge.worst_row(given_worst, worst),
        "published": None if published is None else published.model_dump(),
        "seconds": round(seconds, 3),
    }


def _score_filter(kind: Filter, parameters: Parameters, source: Benchmark | None, judge: _Judge) -> dict[str, Any]:
    """Score a filter, tuned on `source` or as released, on one split of a benchmark; return a row of `results.json`."""
    smoothed = smooth_pairs(kind, judge.pairs, parameters, released=source is None)
    figures, worst = judge.score(smoothed)
    return {
        "benchmark": judge.pairs.benchmark.name,
        "split": judge.settings.split,
        "unit": judge.pairs.benchmark.reported[0],
        "filter": kind,
        "parameters": parameters,
        "tuned_on": None if source is None else source.name,
        "output": figures,
        "worst": judge.worst_row(judge.score()[1], worst),
    }


def refine_pairs(refiner: Refiner, pairs: Pairs, *, stride: int, match_rate: bool = False) -> list[np.ndarray]:
    """Refine the detected poses of a benchmark, in its own representation.

    Positions in space and in an image go through the network as the refiner normalises them; for one that saw them as
    they are (`scale: none`, such as the released ones), poses in an image are first normalised as theirs were.
    Rotations go through as six numbers each and come back by Gram-Schmidt; a body's shape is left alone. Joints that
    are missing are interpolated for the network.

    Parameters
    ----------
    refiner
        With which network.
    pairs
        What to refine.
    stride
        Frames between windows.
    match_rate
        Resample to the frame rate that the refiner was trained at, and back.

    Returns
    -------
    list of arrays
        float32 [T, J, D] each, as `pairs.detected`.
    """
    row = pairs.benchmark
    fps = row.fps if match_rate else None
    results: list[np.ndarray] = []
    for first, last in _blocks([len(x) for x in pairs.detected]):
        block = pairs.sequences[first:last]
        if row.representation == "smpl":
            six = [_six(pair.detected) for pair in block]
            refined = refine_poses(_for_rotations(refiner), six, root=(), stride=stride, fps=fps)
            results += [six_to_axis_angle(torch.as_tensor(x)).numpy() for x in refined]
            continue
        poses = [complete(pair) for pair in block]
        if refiner.normalise.scale == "none":
            units = [image_units(row, pair) for pair in block]
            scaled = [(x - shift) / scale for x, (shift, scale) in zip(poses, units, strict=True)]
            refined = refine_poses(refiner, scaled, root=row.root, stride=stride, fps=fps)
            results += [
                (x * scale + shift).astype(np.float32) for x, (shift, scale) in zip(refined, units, strict=True)
            ]
        else:
            sizes = [body_size(pair.detected, pair.detected_known) for pair in block]
            results += refine_poses(refiner, poses, root=row.root, stride=stride, fps=fps, sizes=sizes)
    return results


def smooth_pairs(kind: Filter, pairs: Pairs, parameters: Parameters, *, released: bool = False) -> list[np.ndarray]:
    """Filter the detected poses of a benchmark; rotations as six numbers each.

    Parameters
    ----------
    kind, parameters
        See `refine.filters.smooth`.
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
        smoothed = smooth(kind, [_six(pair.detected) for pair in pairs.sequences], parameters, row.fps, ones)
        return [six_to_axis_angle(torch.as_tensor(x)).numpy() for x in smoothed]
    poses = [complete(pair) for pair in pairs.sequences]
    if not released:
        sizes = [body_size(pair.detected, pair.detected_known) for pair in pairs.sequences]
        return smooth(kind, poses, parameters, row.fps, sizes)
    units = [image_units(row, pair) for pair in pairs.sequences]
    scaled = [(x - shift) / scale for x, (shift, scale) in zip(poses, units, strict=True)]
    smoothed = smooth(kind, scaled, parameters, row.fps, ones)
    return [(x * scale + shift).astype(np.float32) for x, (shift, scale) in zip(smoothed, units, strict=True)]


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


def keypoint_figures(pairs: Pairs, poses: Sequence[np.ndarray]) -> dict[str, float | None]:
    """Compute PCK at each of the shares `PCK`, in percent."""
    boxes = [pair.box_side for pair in pairs.sequences if pair.box_side is not None]
    known = [pair.known for pair in pairs.sequences]
    figures = {name: correct_keypoints(poses, pairs.truth, boxes, share, known) for name, share in PCK.items()}
    return {name: round(value, 4) if math.isfinite(value) else None for name, value in figures.items()}


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


def tune_on(source: Benchmark, kind: Filter, benchmarks: BenchmarksSection) -> Parameters:
    """Tune a filter on a part of a benchmark's training split."""
    pairs = benchmarks.read(source.name, "train")
    frames = np.cumsum([len(x) for x in pairs.detected])
    every = math.ceil(frames[-1] / FRAMES_TO_TUNE)
    part = pairs.take(range(0, len(frames), every))
    poses = [complete(pair) for pair in part.sequences]
    known = [pair.known for pair in part.sequences]
    return tune_filter(kind, poses, part.truth, source.fps, part.benchmark.root, known)


def tuning_source(row: Benchmark, refiner: Refiner, benchmarks: BenchmarksSection) -> Benchmark | None:
    """Return the benchmark to tune filters on: this one, for rotations that of the same estimator's positions; where it
    has no training split, the refiner's own; None if that is not there either.
    """
    own = row.name if row.representation != "smpl" else f"{row.dataset}_{row.estimator}_3D"
    for name in (own, *refiner.trained_on):
        try:
            source = benchmarks.find(name)
        except InputError:  # a checkpoint may come from a benchmark that is not known here
            continue
        if "train" in source.splits and source.missing(benchmarks.root, "train") is None:
            return source
    return None


def _reported(figures: dict[str, float], pairs: Pairs) -> dict[str, Any]:
    """Turn metres and pixels into what is reported; a figure that does not exist is None."""
    factor = pairs.benchmark.reported[1]
    return {name: round(value * factor, 4) if math.isfinite(value) else None for name, value in figures.items()}


def complete(pair: Pair) -> np.ndarray:
    """Return the detected poses [T, J, D], joints that are missing interpolated."""
    if pair.detected_known is None:
        return pair.detected
    if not pair.detected_known.any():
        return np.zeros_like(pair.detected)
    return fill_gaps(pair.detected, pair.detected_known).astype(np.float32)


def _six(rotations: np.ndarray) -> np.ndarray:
    return axis_angle_to_six(torch.as_tensor(rotations)).numpy()


def _flat(rotations: np.ndarray) -> np.ndarray:
    return rotations.reshape(len(rotations), -1)


def _for_rotations(refiner: Refiner) -> Refiner:
    """Rotations have neither a root nor a size: where a place was taken out, each number's own mean is."""
    centre: Centre = "none" if refiner.normalise.centre == "none" else "channel"
    return replace(refiner, normalise=Normalise(centre, "none"))


def load_body(section: SmplSection) -> BodyModel:
    """Read the body model; InputError, with how to get it, if it is not given or not there."""
    if section.model is None:
        raise InputError(
            "smpl.model: found null, but benchmarks of rotations are scored on SMPL bodies: register at "
            "https://smpl.is.tue.mpg.de, download SMPL_python_v.1.1.0 and give the path of its neutral model"
        )
    return load_body_model(section.model, section.regressor)


def _blocks(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Split sequences into blocks of at most `FRAMES_AT_ONCE` frames; a longer sequence is a block of its own."""
    blocks, first, frames = [], 0, 0
    for i, length in enumerate(lengths):
        if i > first and frames + length > FRAMES_AT_ONCE:
            blocks.append((first, i))
            first, frames = i, 0
        frames += length
    return [*blocks, (first, len(lengths))]
