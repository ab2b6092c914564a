"""Scoring refiners and classical filters on pose benchmarks."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from base.errors import InputError
from base.progress import progress
from data.skeletons.fidelity import Fidelity, moved_by, number
from data.skeletons.layouts import NTU25
from data.skeletons.metrics import (
    FrameErrors,
    align_roots,
    correct_keypoints,
    errors_among,
    mean_errors,
    worst_frames,
)
from refine.apply import default_stride
from refine.benchmarks.bodies import BodyModel, load_body_model
from refine.benchmarks.pairs import Pairs
from refine.benchmarks.representations import as_six, complete, refine_pairs, scored, smooth_pairs
from refine.benchmarks.table import Benchmark, Split
from refine.config import BenchmarksSection, EvaluateSection, RefineConfig, SmplSection
from refine.filters.registry import FILTERS, Parameters
from refine.filters.smoothing import smooth_sightings
from refine.filters.tuning import tune_filter
from refine.in_space import Sightings
from refine.known_movements import FPS as KNOWN_FPS
from refine.known_movements import LeftOfKnown, measure_known
from refine.named import AnyRefiner
from refine.refiner import refine_sightings
from refine.shipped.registry import Shipped, shipped_name
from refine.steady import stores as whole_tracks

FRAMES_TO_TUNE = 30_000
"""Frames of the training split that filters are tuned on, taken from sequences spread over all of it."""

CLEAN_FRAMES = 30_000
"""Frames of the truth that methods are given to see how far they move it, from sequences spread over all of it."""

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
        One dictionary per benchmark and stride; errors in mm (mm/frame^2) or pixels, PCK in percent, gains and own
        acceleration as shares of the truth's.
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
        There is no such benchmark, or no benchmark at all has its files; or one is of rotations, which shipped refiners
        do not refine.
    """
    settings, section = config.evaluate, config.benchmarks
    shipped = shipped_among(config)
    if settings.on != "all":
        rows = [section.find(name) for name in settings.on]
        for row in rows:
            refuse_rotations(row, shipped, "evaluate.on")
        return rows, []
    chosen, absent = [], []
    for row in section.every():
        if settings.split not in row.splits:
            continue
        missing = row.missing(section.root, settings.split)
        if missing is not None:
            absent.append(Absent(row.name, settings.split, str(missing)))
        elif row.representation == "smpl" and shipped:
            absent.append(Absent(row.name, settings.split, f"a refiner of rotations, which {shipped[0]} is not"))
        elif row.representation == "smpl" and config.smpl.model is None:
            absent.append(Absent(row.name, settings.split, "smpl.model, the licensed body model"))
        else:
            chosen.append(row)
    if not chosen:
        raise InputError(
            f"evaluate.on: no benchmark has its files below {section.root}; looked for {absent[0].missing}"
        )
    return chosen, absent


def shipped_among(config: RefineConfig) -> tuple[str, ...]:
    """Return the names of the shipped refiners that a configuration takes."""
    compared = (shipped_name(path) for path in config.compare.checkpoints)
    return (*config.train.shipped, *(name for name in compared if name is not None))


def refuse_rotations(row: Benchmark, shipped: Sequence[str], where: str) -> None:
    """Refuse a benchmark of rotations where there is a shipped refiner, which knows positions alone."""
    if row.representation == "smpl" and shipped:
        raise InputError(
            f"{where}: {row.name} is of rotations, and {shipped[0]} refines positions; leave it out, or take a network"
        )


def check_evaluation(config: RefineConfig) -> None:
    """Read everything that an evaluation needs, before any work is done.

    Raises
    ------
    InputError
        Something is absent or cannot be used.
    """
    rows, _ = chosen_benchmarks(config)
    if any(row.representation == "smpl" for row in rows):
        load_body(config.smpl)
    given = config.train.checkpoint is not None or config.compare.checkpoints  # which may say what they were trained on
    if any(_must_tune(config.evaluate, kind) for kind in config.evaluate.filters) and not given:
        trained_on = list(dict.fromkeys(name for on in (config.train.on, *config.compare.train_on) for name in on))
        for row in rows:
            if tuning_source(row, trained_on, config.benchmarks) is None:
                raise _nothing_to_tune_on(row)
    for row in rows:
        config.benchmarks.read(row.name, config.evaluate.split)


def evaluate(refiners: AnyRefiner | Mapping[str, AnyRefiner], config: RefineConfig) -> Evaluation:
    """Score a refiner, and filters, on the benchmarks `evaluate.on`.

    Parameters
    ----------
    refiners
        One, or several by the benchmark that they were trained on: each row is scored with the one that its published
        figures are of, or with the first.
    config
        The run's configuration.

    Raises
    ------
    InputError
        A benchmark or the body model cannot be read.
    """
    settings, section = config.evaluate, config.benchmarks
    chosen, absent = chosen_benchmarks(config)
    body = load_body(config.smpl) if any(row.representation == "smpl" for row in chosen) else None
    found = Evaluation([], [], {}, absent)
    tuned: dict[tuple[str, str], Parameters] = {}
    known: dict[str | None, dict[str, float | None]] = {}
    methods = len(settings.strides) + len(settings.filters)
    with progress() as bar:
        task = bar.add_task("evaluating", total=len(chosen) * methods)
        for row in chosen:
            pairs = section.read(row.name, settings.split)
            judge = _Judge.of(pairs, body, settings)
            found.skipped[row.name] = pairs.skipped
            label, refiner = _refiner_for(row, refiners)
            refine_pairs(refiner, _shortest(pairs), stride=1)  # the first call is slow, and speed is reported
            if label.get("cell") not in known:
                known[label.get("cell")] = _known_of(refiner)
            for stride in settings.strides:
                found.rows.append(label | _score_refiner(refiner, judge, stride, settings, known[label.get("cell")]))
                bar.advance(task)
            for kind in settings.filters:
                source = tuning_source(row, refiner.trained_on, section)
                if source is None and _must_tune(settings, kind):
                    raise _nothing_to_tune_on(row)
                if source is not None:
                    if (source.name, kind) not in tuned:
                        tuned[source.name, kind] = tune_on(source, kind, section)
                    found.filters.append(_score_filter(kind, tuned[source.name, kind], source, judge))
                bar.advance(task)
                released = FILTERS[kind].released
                if settings.released_filters and released is not None:
                    found.filters.append(_score_filter(kind, released(row.fps), None, judge))
    return found


@dataclass(frozen=True)
class _Judge:
    """A benchmark's truth, and what its input scores, so that every method is compared with that."""

    pairs: Pairs
    body: BodyModel | None
    settings: EvaluateSection
    errors: list[FrameErrors]
    worst: list[torch.Tensor]
    left: dict[str, Any]
    too_short: list[int]
    clean: Pairs

    @classmethod
    def of(cls, pairs: Pairs, body: BodyModel | None, settings: EvaluateSection) -> "_Judge":
        errors, fidelity = _measure(pairs, pairs.detected, body)
        left = fidelity.figures() | {"clean_error": 0.0}
        too_short = fidelity.bands.short.tolist()
        return cls(pairs, body, settings, errors, worst_frames(errors, WORST), left, too_short, _clean(pairs))

    def score(
        self, poses: Sequence[np.ndarray] | None = None, clean: Sequence[np.ndarray] = ()
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Score poses, or the input: means over all frames, and over the worst frames of the input.

        `clean` is what the method of the poses made of the truth.
        """
        pairs = self.pairs
        errors, left = self.errors, self.left
        if poses is not None:
            errors, fidelity = _measure(pairs, poses, self.body)
            left = fidelity.figures() | {"clean_error": self._clean_error(clean)}
        figures = _reported(mean_errors(errors, self.settings.padded_accel), pairs) | left
        if all(pair.box_side is not None for pair in pairs.sequences):
            figures |= keypoint_figures(pairs, pairs.detected if poses is None else poses)
        return figures, _reported(errors_among(errors, self.worst), pairs)

    def _clean_error(self, clean: Sequence[np.ndarray]) -> float | None:
        made = list(scored(self.clean, clean, self.body))
        moved = moved_by([one.joints for one in made], [one.truth for one in made], (), [one.known for one in made])
        return number(moved * self.pairs.benchmark.reported[1])

    def worst_row(self, given: dict[str, Any], refined: dict[str, Any]) -> dict[str, Any]:
        return {
            "share": WORST,
            "frames": int(sum(frames.sum() for frames in self.worst)),
            "input": given,
            "output": refined,
        }


def _measure(pairs: Pairs, poses: Sequence[np.ndarray], body: BodyModel | None) -> tuple[list[FrameErrors], Fidelity]:
    """Score poses frame by frame, and add up what is left of the movement, about the root as Accel is."""
    errors, fidelity = [], Fidelity(pairs.benchmark.fps)
    for one in scored(pairs, poses, body):
        errors.append(one.errors)
        joints, truth, known = align_roots(one.joints, one.truth, pairs.benchmark.root, one.known)
        fidelity.add(joints.numpy(), truth.numpy(), None if known is None else known.numpy())
    return errors, fidelity


def _clean(pairs: Pairs) -> Pairs:
    """Put the truth in the place of what was detected, in sequences of about `CLEAN_FRAMES` frames."""
    part = pairs.take(range(0, len(pairs.sequences), math.ceil(pairs.frames / CLEAN_FRAMES)))
    clean = [
        replace(pair, detected=pair.truth, detected_known=pair.truth_known, shape=pair.true_shape)
        for pair in part.sequences
    ]
    return replace(part, sequences=clean)


def _score_refiner(
    refiner: AnyRefiner, judge: _Judge, stride: int, settings: EvaluateSection, known: dict[str, Any]
) -> dict[str, Any]:
    """Score a refiner on one split of a benchmark; return a row of `results.json`."""
    pairs = judge.pairs

    def method(pairs: Pairs) -> list[np.ndarray]:
        return refine_pairs(refiner, pairs, stride=stride, match_rate=settings.match_rate, merge=settings.merge)

    started = time.perf_counter()
    refined = method(pairs)
    seconds = time.perf_counter() - started
    (given, given_worst), (figures, worst) = judge.score(), judge.score(refined, method(judge.clean))
    published = pairs.benchmark.published
    return {
        "benchmark": pairs.benchmark.name,
        "split": settings.split,
        "unit": pairs.benchmark.reported[0],
        "refiner": refiner.label,
        "kind": refiner.describe()["kind"],
        "window": refiner.window,
        "stride": stride,
        "merge": settings.merge,
        "frames": pairs.frames,
        "input": given,
        "output": figures,
        "known": known,
        "too_short": judge.too_short,
        "worst": judge.worst_row(given_worst, worst),
        "published": None if published is None else published.model_dump(),
        "seconds": round(seconds, 6),
    }


def _score_filter(kind: str, parameters: Parameters, source: Benchmark | None, judge: _Judge) -> dict[str, Any]:
    """Score a filter, tuned on `source` or as released, on one split of a benchmark; return a row of `results.json`."""

    def method(pairs: Pairs) -> list[np.ndarray]:
        return smooth_pairs(kind, pairs, parameters, released=source is None)

    figures, worst = judge.score(method(judge.pairs), method(judge.clean))
    return {
        "benchmark": judge.pairs.benchmark.name,
        "split": judge.settings.split,
        "unit": judge.pairs.benchmark.reported[0],
        "filter": kind,
        "parameters": parameters,
        "tuned_on": None if source is None else source.name,
        "output": figures,
        "known": _known_of_filter(kind, tuple(parameters.items()), released=source is None),
        "worst": judge.worst_row(judge.score()[1], worst),
    }


def _known_of(refiner: AnyRefiner) -> dict[str, float | None]:
    """Let a refiner refine known movements as it refines stores."""

    def method(given: Sequence[Sightings]) -> list[np.ndarray]:
        if isinstance(refiner, Shipped):
            return whole_tracks.refine_tracks(refiner.method, given, KNOWN_FPS, NTU25.bones)[0]
        stride = default_stride(refiner.window)
        return refine_sightings(refiner, given, stride=stride, merge="smooth", fps=KNOWN_FPS)[0]

    return _rounded(measure_known(method))


@lru_cache(maxsize=64)
def _known_of_filter(kind: str, parameters: tuple[tuple[str, float], ...], released: bool) -> dict[str, float | None]:
    def method(given: Sequence[Sightings]) -> list[np.ndarray]:
        return smooth_sightings(kind, given, dict(parameters), KNOWN_FPS)[0]

    # The release's parameters are for metres, ours for body sizes.
    return _rounded(measure_known(method, 1.0 if released else None))


def _rounded(left: LeftOfKnown) -> dict[str, float | None]:
    return {name: number(value) for name, value in left._asdict().items()}


def keypoint_figures(pairs: Pairs, poses: Sequence[np.ndarray]) -> dict[str, float | None]:
    """Compute PCK at each of the shares `PCK`, in percent."""
    boxes = [pair.box_side for pair in pairs.sequences if pair.box_side is not None]
    known = [pair.known for pair in pairs.sequences]
    figures = {name: correct_keypoints(poses, pairs.truth, boxes, share, known) for name, share in PCK.items()}
    return {name: number(value) for name, value in figures.items()}


def tune_on(source: Benchmark, kind: str, benchmarks: BenchmarksSection) -> Parameters:
    """Tune a filter on a part of a benchmark's training split."""
    pairs = benchmarks.read(source.name, "train")
    frames = np.cumsum([len(x) for x in pairs.detected])
    every = math.ceil(frames[-1] / FRAMES_TO_TUNE)
    part = pairs.take(range(0, len(frames), every))
    if source.representation == "smpl":  # on what is filtered: six numbers, without a root or a size
        detected, truth = ([as_six(x) for x in side] for side in (part.detected, part.truth))
        return tune_filter(kind, detected, truth, source.fps, (), sizes=[1.0] * len(detected))
    poses = [complete(pair) for pair in part.sequences]
    known = [pair.known for pair in part.sequences]
    return tune_filter(kind, poses, part.truth, source.fps, part.benchmark.root, known)


def tuning_source(row: Benchmark, trained_on: Sequence[str], benchmarks: BenchmarksSection) -> Benchmark | None:
    """Return the benchmark to tune filters on: this one; where it has no training split, the refiner's own, but for
    rotations, whose numbers are of another kind; None if there is none.
    """
    for name in (row.name, *(trained_on if row.representation != "smpl" else ())):
        try:
            source = benchmarks.find(name)
        except InputError:  # a checkpoint may come from a benchmark that is not known here
            continue
        if "train" in source.splits and source.missing(benchmarks.root, "train") is None:
            return source
    return None


def _must_tune(settings: EvaluateSection, kind: str) -> bool:
    """Whether a filter that cannot be tuned is a mistake; with the release's parameters it needs no training split."""
    released = settings.released_filters and FILTERS[kind].released is not None
    return settings.on != "all" and not released


def _nothing_to_tune_on(row: Benchmark) -> InputError:
    return InputError(
        f"evaluate.filters: no training split to tune filters on for {row.name}; set 'evaluate.filters=[]', or "
        "evaluate.released_filters=true to take the release's parameters"
    )


def _reported(figures: dict[str, float], pairs: Pairs) -> dict[str, Any]:
    """Turn metres and pixels into what is reported; a figure that does not exist is None."""
    factor = pairs.benchmark.reported[1]
    return {name: number(value * factor) for name, value in figures.items()}


def _refiner_for(row: Benchmark, refiners: AnyRefiner | Mapping[str, AnyRefiner]) -> tuple[dict[str, str], AnyRefiner]:
    """Choose the refiner for a row, and say which it is where there are several."""
    if not isinstance(refiners, Mapping):
        return {}, refiners
    name = row.published.model if row.published is not None else ""
    name = name if name in refiners else next(iter(refiners))
    return {"cell": name}, refiners[name]


def _shortest(pairs: Pairs) -> Pairs:
    return pairs.take([int(np.argmin([len(x) for x in pairs.detected]))])


def check_body(config: RefineConfig) -> None:
    """Refuse benchmarks of rotations without a body model, before anything is made; see `load_body`."""
    named = () if config.evaluate.on == "all" else config.evaluate.on
    given = config.train.checkpoint
    if isinstance(given, Path) and shipped_name(given) is not None:
        return  # it refines none, which is told elsewhere
    if config.smpl.model is None and any(config.benchmarks.find(name).representation == "smpl" for name in named):
        load_body(config.smpl)


def load_body(section: SmplSection) -> BodyModel:
    """Read the body model; InputError, with how to get it, if it is not given or not there."""
    if section.model is None:
        raise InputError(
            "smpl.model: found null, but benchmarks of rotations are scored on SMPL bodies: register at "
            "https://smpl.is.tue.mpg.de, download SMPL_python_v.1.1.0 and give the path of its neutral model"
        )
    return load_body_model(section.model, section.regressor)
