"""The grid of a study: a clip store per arm, and a recogniser per arm and seed."""

import io
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ablation.config import AblateConfig, Arm
from ablation.findings import LABELS
from data.errors import InputError
from data.ntu.store import ClipStore, open_store
from data.progress import console
from recognition.config import DataSection, RecognizeConfig
from recognition.stage import recognize
from refine.apply import apply_filter, apply_refiner
from refine.config import RefineConfig
from refine.evaluate import tune_on
from refine.filters import Filter, Parameters
from refine.refiner import Refiner, load_refiner
from refine.stage import refine
from refine.tables import parameters
from training.config import RunSection
from training.devices import pick_device


@dataclass(frozen=True)
class Cell:
    """One recogniser to train and test."""

    arm: Arm
    seed: int
    config: RecognizeConfig

    @property
    def finished(self) -> bool:
        """Whether its results are there."""
        return (self.config.run.dir / "results.json").is_file()

    @property
    def scores(self) -> Path:
        """Where its test scores are or will be."""
        return self.config.run.dir / "scores.npz"


@dataclass(frozen=True)
class Made:
    """The stores of a study's arms, and how they came about.

    Parameters
    ----------
    stores
        The clip store of each arm.
    how
        One sentence on each.
    benchmarks
        The results of the refiner's run, if there is one.
    """

    stores: dict[str, ClipStore]
    how: dict[str, str]
    benchmarks: dict[str, Any] | None


def make_stores(config: AblateConfig) -> Made:
    """Train the refiner, tune the filters, and make the clip store of every arm; what is there already is kept.

    Raises
    ------
    InputError
        A benchmark, a checkpoint or a store cannot be used.
    """
    base = open_store(config.data.store)
    benchmarks = refiner = None
    if "refined" in config.arms:
        console.print("refining: SmoothNet", highlight=False)
        benchmarks = _quietly(refine, refiner_config(config))
        refiner = load_refiner(_checkpoint(config), pick_device(config.run.device))
    stores: dict[str, ClipStore] = {}
    how: dict[str, str] = {}
    for arm in config.arms:
        folder = config.run.dir / "stores" / arm
        if arm == "raw":
            stores[arm], how[arm] = base, f"{base.folder} as it is"
            continue
        if arm == "oracle":
            stores[arm], how[arm] = open_truth(config, base), f"{config.data.truth}: the clips before noise was added"
            continue
        if arm == "refined":
            assert refiner is not None
            if not _made_from(folder, base):
                section = config.refine.apply
                apply_refiner(base, refiner, folder, **section.model_dump(), replace=folder.exists())
            how[arm] = _describe_refiner(refiner, benchmarks)
        else:
            source, found = _tuned(config, arm, refiner, benchmarks)
            if not _made_from(folder, base):
                apply_filter(base, arm, found, folder, replace=folder.exists())
            how[arm] = f"{parameters(found)}; tuned for the least MPJPE on the training split of {source}"
        stores[arm] = open_store(folder)
    return Made(stores, how, benchmarks)


def refiner_config(config: AblateConfig) -> RefineConfig:
    """Return the configuration of the refiner's own run."""
    run = RunSection(dir=config.run.dir / "refine", device=config.run.device, seed=config.run.seed)
    return config.refine.config(run, config.simulate)


def open_truth(config: AblateConfig, base: ClipStore) -> ClipStore:
    """Open the noise-free store and make sure that it shows the same clips.

    Raises
    ------
    InputError
        There is none, or its clips are others.
    """
    if config.data.truth is None:
        raise InputError(
            "arms: found 'oracle', but data.truth is null; give the store of noise-free clips, which only simulated "
            "data have, or leave 'oracle' out of arms"
        )
    truth = open_store(config.data.truth)
    odd = np.setxor1d(truth.clips.name, base.clips.name)
    if len(odd):
        raise InputError(
            f"data.truth: {truth.folder} does not hold the clips of {base.folder} ({len(odd)} are in one only, the "
            f"first is {odd[0]}); prepare both from the same data"
        )
    return truth


def plan_cells(config: AblateConfig, stores: dict[str, ClipStore]) -> list[Cell]:
    """List the recognisers to train: all arms with one seed, then with the next, so that a study can be judged early.

    Within a seed the configurations differ in the store only.
    """
    section = config.recognize
    return [
        Cell(
            arm,
            seed,
            RecognizeConfig(
                run=RunSection(dir=config.run.dir / "cells" / arm / f"seed{seed}", device=config.run.device, seed=seed),
                data=DataSection(store=stores[arm].folder, split=config.data.split, validation=config.data.validation),
                input=section.input,
                model=section.model,
                train=section.train,
                test=section.test,
            ),
        )
        for seed in config.seeds
        for arm in config.arms
    ]


def run_cells(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """Train and test every recogniser that is not finished, and say after each how long the rest will take.

    An interrupted one goes on from its last epoch. Returns the results in the order of the cells.
    """
    waiting = sum(not cell.finished for cell in cells)
    if waiting < len(cells):
        console.print(f"{len(cells) - waiting} of {len(cells)} recognisers are finished already", highlight=False)
    results, spent, ran = [], 0.0, 0
    for number, cell in enumerate(cells, 1):
        fresh = not cell.finished
        begin = time.perf_counter()
        if fresh:
            console.print(f"recogniser {number} of {len(cells)}: {_name(cell)}", highlight=False)
        found = _quietly(recognize, cell.config)
        results.append(found)
        if fresh:
            spent += time.perf_counter() - begin
            ran += 1
            left = spent / ran * (waiting - ran)
            rest = f"; about {duration(left)} left" if waiting > ran else ""
            console.print(
                f"  top-1 {found['top1']:.1f}% after {duration(time.perf_counter() - begin)}{rest}", highlight=False
            )
    return results


def duration(seconds: float) -> str:
    """Write a time the way people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _name(cell: Cell) -> str:
    return f"{LABELS[cell.arm]}, seed {cell.seed}"


def _quietly(stage: Any, config: Any) -> dict[str, Any]:
    """Run a stage without its closing table; its progress bars, on standard error, stay."""
    with redirect_stdout(io.StringIO()):
        results: dict[str, Any] = stage(config)
    return results


def _checkpoint(config: AblateConfig) -> Path:
    own = config.run.dir / "refine" / "checkpoints" / "best.pt"
    given = config.refine.train.checkpoint
    return given if isinstance(given, Path) else own


def _made_from(folder: Path, base: ClipStore) -> bool:
    """Say whether an earlier attempt left the store of this arm: with the clips of `base`, and not older than that."""
    if not (folder / "store.json").is_file():
        return False
    made = open_store(folder)
    same = made.joints.shape == base.joints.shape and np.array_equal(made.clips.name, base.clips.name)
    return same and (folder / "store.json").stat().st_mtime >= (base.folder / "store.json").stat().st_mtime


def _tuned(
    config: AblateConfig, name: Filter, refiner: Refiner | None, benchmarks: dict[str, Any] | None
) -> tuple[str, Parameters]:
    """Return the benchmark that a filter is tuned on, the refiner's own, and the parameters found there."""
    names = (*config.refine.train.on, *(refiner.trained_on if refiner else ()))
    if not names:
        raise InputError(
            f"arms: {name} has nothing to be tuned on; name a benchmark with a training split in refine.train.on (it "
            "is used for that even if refine.train.checkpoint is given), or leave the filters out of arms"
        )
    for row in (benchmarks or {}).get("filters", ()):
        if row["filter"] == name and row.get("tuned_on") == names[0]:
            return names[0], dict(row["parameters"])
    console.print(f"tuning {LABELS[name]} on {names[0]}", highlight=False)
    return names[0], tune_on(config.refine.benchmarks.find(names[0]), name, config.refine.benchmarks)


def _describe_refiner(refiner: Refiner, results: dict[str, Any] | None) -> str:
    trained = " and ".join(refiner.trained_on) or "data that its checkpoint does not name"
    parts = [f"SmoothNet, window {refiner.window}, trained on {trained}"]
    if refiner.fps:
        parts.append(f"{refiner.fps:g} frames a second")
    if results and (training := results.get("training")):
        parts.append(f"epoch {training['best_epoch']}, the best on training sequences that were held out")
    return "; ".join(parts) + f"; checkpoint {refiner.sha256[:12]}"
