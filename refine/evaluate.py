"""Scoring refiners and classical filters on pose benchmarks."""

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import InputError
from data.progress import progress
from refine.benchmarks import Benchmark, Pairs, Split, find_benchmark, read_pairs
from refine.config import BenchmarksSection, EvaluateSection
from refine.filters import Filter, Parameters, smooth, tune_filter
from refine.metrics import score
from refine.refiner import Refiner, refine_poses

FRAMES_TO_TUNE = 30_000
"""Frames of the training split that filters are tuned on, taken from sequences spread over all of it."""

FRAMES_AT_ONCE = 1 << 17
"""Frames that are refined together; it bounds memory on the device."""


def evaluate(
    refiner: Refiner, benchmarks: BenchmarksSection, settings: EvaluateSection
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, list[str]]]:
    """Score a refiner, and filters tuned on training splits, on the benchmarks `settings.on`.

    Returns
    -------
    rows, filters
        One dictionary per benchmark, and one per benchmark and filter; errors in mm (mm/frame^2) or pixels.
    skipped
        Per benchmark, the sequences that were left out, and why.

    Raises
    ------
    InputError
        A benchmark cannot be read.
    """
    rows, filters, skipped = [], [], {}
    tuned: dict[tuple[str, Filter], Parameters] = {}
    with progress() as bar:
        task = bar.add_task("evaluating", total=len(settings.on) * (1 + len(settings.filters)))
        for name in settings.on:
            pairs = read_pairs(find_benchmark(name), benchmarks.root, settings.split, benchmarks.on_error)
            rows.append(score_refiner(refiner, pairs, settings))
            skipped[name] = pairs.skipped
            bar.advance(task)
            for kind in settings.filters:
                source = _tuning_source(pairs.benchmark, refiner, benchmarks.root)
                if (source.name, kind) not in tuned:
                    tuned[source.name, kind] = tune_on(source, kind, benchmarks)
                filters.append(score_filter(kind, tuned[source.name, kind], source, pairs, settings.split))
                bar.advance(task)
    return rows, filters, skipped


def score_refiner(refiner: Refiner, pairs: Pairs, settings: EvaluateSection) -> dict[str, Any]:
    """Score a refiner on one split of a benchmark; return a row of `results.json`."""
    row = pairs.benchmark
    fps = row.fps if settings.match_rate else None
    started = time.perf_counter()
    refined: list[np.ndarray] = []
    for first, last in _blocks([len(x) for x in pairs.detected]):
        block = pairs.detected[first:last]
        refined += refine_poses(refiner, block, root=row.root, stride=settings.stride, fps=fps)
    seconds = time.perf_counter() - started
    return {
        "benchmark": row.name,
        "split": settings.split,
        "window": refiner.window,
        "frames": pairs.frames,
        "input": reported(pairs, pairs.detected),
        "output": reported(pairs, refined),
        "seconds": round(seconds, 3),
    }


def tune_on(source: Benchmark, kind: Filter, benchmarks: BenchmarksSection) -> Parameters:
    """Tune a filter on a part of a benchmark's training split."""
    pairs = read_pairs(source, benchmarks.root, "train", benchmarks.on_error)
    frames = np.cumsum([len(x) for x in pairs.detected])
    every = math.ceil(frames[-1] / FRAMES_TO_TUNE)
    part = pairs.take(range(0, len(frames), every))
    return tune_filter(kind, part.detected, part.truth, source.fps, source.root)


def score_filter(kind: Filter, parameters: Parameters, source: Benchmark, pairs: Pairs, split: Split) -> dict[str, Any]:
    """Score a filter on one split of a benchmark; return a row of `results.json`."""
    return {
        "benchmark": pairs.benchmark.name,
        "split": split,
        "filter": kind,
        "parameters": parameters,
        "tuned_on": source.name,
        "output": reported(pairs, smooth(kind, pairs.detected, parameters, pairs.benchmark.fps)),
    }


def reported(pairs: Pairs, poses: Sequence[np.ndarray]) -> dict[str, float | None]:
    """Score poses against a benchmark's truth, in mm or pixels; a figure that does not exist is None."""
    factor = pairs.benchmark.reported[1]
    figures = score(poses, pairs.truth, pairs.benchmark.root)
    return {name: round(value * factor, 4) if math.isfinite(value) else None for name, value in figures.items()}


def _tuning_source(row: Benchmark, refiner: Refiner, root: Path) -> Benchmark:
    """Return the benchmark to tune filters on: this one, or where it has no training split, the refiner's own."""
    for name in (row.name, *refiner.trained_on):
        source = find_benchmark(name)
        if "train" in source.splits and all(path.is_file() for path in source.files(root, "train")):
            return source
    missing = row.files(root, "train")[0]
    raise InputError(f"evaluate.filters: no training split to tune filters on for {row.name} ({missing}); set it to []")


def _blocks(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Split sequences into blocks of at most `FRAMES_AT_ONCE` frames; a longer sequence is a block of its own."""
    blocks, first, frames = [], 0, 0
    for i, length in enumerate(lengths):
        if i > first and frames + length > FRAMES_AT_ONCE:
            blocks.append((first, i))
            first, frames = i, 0
        frames += length
    return [*blocks, (first, len(lengths))]
