"""The clip stores of a study: one per arm and kind of noise, made once and shared by all studies."""

import io
import json
from collections.abc import Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ablation.findings import LABELS
from ablation.study.config import AblateConfig, FilterArm, RefineSection
from ablation.study.grid import Condition
from ablation.study.hashes import content_of, content_of_files, name_of
from base.config import RunSection
from base.errors import InputError
from base.files import atomic_file
from base.progress import console
from data.ntu.prepare import ensure_stand_in
from data.ntu.simulate import SimulateSection
from data.skeletons.store import ClipStore, derive_store, open_store
from refine.apply import apply_filter, apply_refiner
from refine.config import RefineConfig
from refine.evaluate import tune_on
from refine.filters.classical import Parameters
from refine.refiner import Refiner, load_refiner
from refine.stage import refine
from refine.tables import parameters
from training.checkpoints import checkpoint_file
from training.devices import pick_device
from training.runs import Run, read_json


@dataclass(frozen=True)
class Source:
    """The clips of one kind of noise.

    Parameters
    ----------
    severity, setting
        Of the noise; None where the study does not vary it.
    simulate
        The stand-in that the clips come from, if any.
    raw, truth
        Where the measured clips are, and the same clips without noise, if there are any.
    root
        Where the benchmarks are that refiners and filters learn from.
    """

    severity: float | None
    setting: str | None
    simulate: SimulateSection | None
    raw: Path
    truth: Path | None
    root: Path | None = None

    def has(self, condition: Condition) -> bool:
        """Whether a condition is about these clips."""
        return (condition.severity, condition.setting) == (self.severity, self.setting)


@dataclass(frozen=True)
class Made:
    """The stores of the arms of one source, and how they came about.

    Parameters
    ----------
    source
        The source.
    stores
        The clip store of each arm.
    how
        One sentence on each.
    benchmarks
        The results of each refiner's run.
    """

    source: Source
    stores: dict[str, ClipStore]
    how: dict[str, str]
    benchmarks: dict[str, dict[str, Any]]


def list_sources(config: AblateConfig) -> list[Source]:
    """List the kinds of noise that a study names, the one that the report is about first."""
    grid, simulate = config.grid, config.simulate
    if simulate is None or not (grid.severities or grid.settings):
        return [Source(None, None, simulate, config.data.store, config.data.truth)]
    sources = []
    for severity in grid.severities or (None,):
        for setting in grid.settings or (None,):
            changes: dict[str, Any] = {}
            if severity is not None:
                changes["severity"] = severity
            if setting is not None:
                changes["setting"] = setting
            section = simulate.model_copy(update=changes)
            if section != simulate:
                name = f"{simulate.folder.name}-{section.setting}-{section.severity:g}"
                section = section.model_copy(update={"folder": simulate.folder.with_name(name)})

            def moved(path: Path, to: Path = section.folder) -> Path:
                whole, folder = path.resolve(), simulate.folder.resolve()
                return to / whole.relative_to(folder) if whole.is_relative_to(folder) else path

            truth = config.data.truth and moved(config.data.truth)
            root = moved(config.refine.benchmarks.root) if grid.refit else None
            sources.append(Source(severity, setting, section, moved(config.data.store), truth, root))
    return sources


def make_stores(config: AblateConfig, source: Source) -> Made:
    """Train the refiners, tune the filters, and make the clip store of every arm; what is there already is kept.

    Raises
    ------
    InputError
        A benchmark, a checkpoint or a store cannot be used.
    """
    base = open_store(source.raw)
    content = content_of(base)
    stores: dict[str, ClipStore] = {}
    how: dict[str, str] = {}
    results: dict[str, dict[str, Any]] = {}
    for arm in config.arms:
        if arm == "raw":
            stores[arm], how[arm] = base, f"{base.folder} as it is"
        elif arm == "oracle":
            stores[arm], how[arm] = open_truth(source, base), f"{source.truth}: the clips before noise was added"
        elif arm in config.refiner_sections:
            section = config.refiner_sections[arm]
            refiner, results[arm] = _trained(config, section, source, config.label(arm))
            applied = section.apply.model_dump()
            folder = _folder(config, "stores", {"from": content, "refiner": refiner.sha256, **applied})
            if (applied["stride"] or 1) > refiner.window:
                raise InputError(
                    f"refine.apply.stride: found {applied['stride']}, but {config.label(arm)} has windows of "
                    f"{refiner.window} frames; give at most that"
                )
            if not (folder / "store.json").is_file():
                apply_refiner(base, refiner, folder, **applied)
            stores[arm], how[arm] = open_store(folder), _describe(refiner, results[arm])
        else:
            name, found = _tuned(config, arm, source)  # type: ignore[arg-type]
            folder = _folder(config, "stores", {"from": content, "filter": arm, **found})
            if not (folder / "store.json").is_file():
                apply_filter(base, arm, found, folder)  # type: ignore[arg-type]
            how[arm] = f"{parameters(found)}; tuned for the least MPJPE on the training split of {name}"
            stores[arm] = open_store(folder)
    return Made(source, stores, how, results)


def mixed_store(config: AblateConfig, first: ClipStore, second: ClipStore) -> ClipStore:
    """Return a store of which half the clips, drawn once, are those of one store and the rest those of another.

    The two have the same clips and tracks.
    """
    if first.folder == second.folder:
        return first
    alike = all(
        np.array_equal(getattr(first.tracks, key), getattr(second.tracks, key))
        for key in ("clip", "actor", "first_frame", "length", "first_row")
    )
    if not alike or not np.array_equal(first.clips.name, second.clips.name):
        raise InputError(
            f"grid.pairings: the clips of {first.folder} and {second.folder} have other tracks and cannot be mixed; "
            "leave 'mixed' out"
        )
    folder = _folder(config, "stores", {"mixed": [content_of(first), content_of(second)]})
    if not (folder / "store.json").is_file():
        order = np.random.default_rng(0).permutation(len(first.clips))
        from_second = np.zeros(len(first.clips), bool)
        from_second[order[: len(order) // 2]] = True
        chosen = np.repeat(from_second[first.tracks.clip], first.tracks.length)

        def blocks(done: int) -> Any:
            for start in range(done, len(chosen), 1 << 16):
                rows = slice(start, start + (1 << 16))
                yield np.where(chosen[rows, None, None], second.joints[rows], first.joints[rows])

        derive_store(first, folder, blocks, first.info, made_by={"second": content_of(second)})
    return open_store(folder)


def open_truth(source: Source, base: ClipStore) -> ClipStore:
    """Open the noise-free store and make sure that it shows the same clips.

    Raises
    ------
    InputError
        There is none, or its clips are others.
    """
    if source.truth is None:
        raise InputError(
            "arms: found 'oracle', but data.truth is null; give the store of noise-free clips, which only simulated "
            "data have, or leave 'oracle' out of arms"
        )
    truth = open_store(source.truth)
    odd = np.setxor1d(truth.clips.name, base.clips.name)
    if len(odd):
        raise InputError(
            f"data.truth: {truth.folder} does not hold the clips of {base.folder} ({len(odd)} are in one only, the "
            f"first is {odd[0]}); prepare both from the same data"
        )
    return truth


def needed(config: AblateConfig, source: Source) -> list[Path]:
    """List the files and folders that a study reads of a source."""
    paths = [source.raw, *([source.truth] if source.truth else [])]
    for arm in config.refined_arms:
        paths += _benchmark_files(_refine_config(config, config.refiner_sections[arm], source))
    if config.filters:
        benchmarks = _refine_config(config, config.refine, source).benchmarks
        for name in config.refine.train.names[:1]:
            paths += benchmarks.find(name).paths(benchmarks.root, "train")
    return paths


def ensure_source(config: AblateConfig, source: Source) -> None:
    """Make the simulated clips of a source where they are needed and not there.

    Raises
    ------
    InputError
        The folder holds a stand-in of other settings.
    """
    ensure_stand_in(source.simulate, needed(config, source))
    if config.simulate is not None and source.simulate != config.simulate and not config.grid.refit:
        ensure_stand_in(config.simulate, needed(config, source))  # its benchmarks are learnt from


def quietly(stage: Any, config: Any) -> dict[str, Any]:
    """Run a stage without its closing table; its progress bars, on standard error, stay."""
    with redirect_stdout(io.StringIO()):
        results: dict[str, Any] = stage(config)
    return results


def _folder(config: AblateConfig, kind: str, what: Mapping[str, Any]) -> Path:
    return config.shared_folder / kind / name_of(kind, what)


def _refine_config(config: AblateConfig, section: RefineSection, source: Source, folder: Path = Path()) -> RefineConfig:
    """Return the configuration of a refiner's own run."""
    run = RunSection(dir=folder, device=config.run.device, seed=config.run.seed)
    own = section.config(run)
    if source.root is None or section.benchmarks.root != config.refine.benchmarks.root:
        return own
    return own.model_copy(update={"benchmarks": own.benchmarks.model_copy(update={"root": source.root})})


def _benchmark_files(refiner: RefineConfig) -> list[Path]:
    """List the files that a refiner's run reads."""
    benchmarks = refiner.benchmarks
    paths: list[Path] = []
    for name in refiner.train.on if refiner.train.checkpoint is None else ():
        paths += benchmarks.find(name).paths(benchmarks.root, "train")
    for name in refiner.evaluate.on if refiner.evaluate.on != "all" else ():
        paths += benchmarks.find(name).paths(benchmarks.root, refiner.evaluate.split)
    return paths


def _trained(
    config: AblateConfig, section: RefineSection, source: Source, label: str
) -> tuple[Refiner, dict[str, Any]]:
    """Train and evaluate a refiner, or evaluate the one that is given, in a folder named by what determines it."""
    plan = _refine_config(config, section, source)
    what = plan.model_dump(mode="json", exclude={"run": {"dir", "device"}, "simulate": True, "benchmarks": {"root"}})
    files = _benchmark_files(plan)
    given = checkpoint_file(plan.train.checkpoint) if isinstance(plan.train.checkpoint, Path) else None
    what["files"] = content_of_files([*files, *([given] if given else [])])
    folder = _folder(config, "refiners", what)
    run = plan.run.model_copy(update={"dir": folder})
    if (folder / "results.json").is_file():
        results = Run(folder, finished=True).results()
    else:
        console.print(f"refining: {label}", highlight=False)
        results = quietly(refine, plan.model_copy(update={"run": run}))
    return load_refiner(given or folder / "checkpoints" / "best.pt", pick_device(config.run.device)), results


def _tuned(config: AblateConfig, name: FilterArm, source: Source) -> tuple[str, Parameters]:
    """Return the benchmark that a filter is tuned on, the main refiner's own, and the parameters found there."""
    section = config.refine
    names = section.train.names
    if not names and section.train.checkpoint is not None:
        refiner = load_refiner(section.train.checkpoint, pick_device(config.run.device))  # type: ignore[arg-type]
        names = tuple(refiner.trained_on)
    if not names:
        raise InputError(
            f"arms: {name} has nothing to be tuned on; name a benchmark with a training split in refine.train.on (it "
            "is used for that even if refine.train.checkpoint is given), or leave the filters out of arms"
        )
    benchmarks = _refine_config(config, section, source).benchmarks
    files = content_of_files(benchmarks.find(names[0]).paths(benchmarks.root, "train"))
    kept = _folder(config, "filters", {"filter": name, "files": files}).with_suffix(".json")
    with suppress(InputError):  # what is not there, or damaged, is made anew
        return names[0], read_json(kept, "")
    console.print(f"tuning {LABELS[name]} on {names[0]}", highlight=False)
    found = tune_on(benchmarks.find(names[0]), name, benchmarks)
    with atomic_file(kept) as temporary:
        temporary.write_text(json.dumps(found))
    return names[0], found


def _describe(refiner: Refiner, results: dict[str, Any] | None) -> str:
    trained = " and ".join(refiner.trained_on) or "data that its checkpoint does not name"
    parts = [f"SmoothNet, window {refiner.window}, trained on {trained}"]
    if refiner.fps:
        parts.append(f"{refiner.fps:g} frames a second")
    if results and (training := results.get("training")):
        parts.append(f"epoch {training['best_epoch']}, the best on training sequences that were held out")
    return "; ".join(parts) + f"; checkpoint {refiner.sha256[:12]}"
