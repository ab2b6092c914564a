"""One refiner: train it or take a trained one, evaluate it on pose benchmarks, draw it, apply it to a clip store."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from base.errors import InputError
from base.executors.registry import Pool
from base.replacing import check_replaceable
from data.ntu.prepare import ensure_stand_in
from data.skeletons.fidelity import BANDS
from data.skeletons.store import ClipStore, open_store, store_of
from refine.apply import apply_refiner, check_precision, check_strides
from refine.benchmarks.table import Split
from refine.config import ApplySection, RefineConfig, TrainSection
from refine.draw import check_figures, draw_sequence, plot_trade_offs
from refine.evaluate import Evaluation, check_body, check_evaluation, evaluate, load_body
from refine.named import AnyRefiner, load_named
from refine.shipped.registry import Shipped
from refine.tables import all_tables, write_tables
from refine.train import Material, as_normalise, read_material, train_refiner
from training.devices import pick_device
from training.runs import Run, check_run, open_run

Check = Callable[[RefineConfig], None]
"""Reads what will be needed; InputError if it is absent or cannot be used."""


def run_refiner(
    config: RefineConfig, again: bool = False, checks: Sequence[Check] = (check_evaluation, check_figures)
) -> dict[str, Any]:
    """Train or load, evaluate, draw and apply one refiner; return the results, which are also kept as `results.json`.

    A finished run is not run again: its results are returned. An interrupted one goes on where it was.

    Parameters
    ----------
    config
        What to do.
    again
        Throw an earlier run in `run.dir` away, and replace `apply.output`.
    checks
        What to make sure of before the run's folder exists.

    Raises
    ------
    InputError
        Something that the configuration names is absent or cannot be used.
    """
    started = time.perf_counter()
    device = pick_device(config.run.device)
    check_run(config, again)
    _check_output(config, again)
    check_body(config)
    ensure_stand_in(config.simulate, needed_files(config))
    store = open_store(config.apply.input) if config.apply.input is not None else None
    for path in _checkpoints(config.train).values():
        _check_refiner(load_named(path), config, store)
    materials = None
    if again or not (config.run.dir / "config.yaml").is_file():
        # Before the run's folder exists: a mistake in the data then leaves nothing behind.
        materials = _read_materials(config, device)
        for check in checks:
            check(config)
    run = open_run(config, again)
    if run.finished and output_exists(config.apply):
        return run.results()
    refiners, training = _trained(config, run, device, materials)
    refiner = next(iter(refiners.values()))
    found = evaluate(refiners if isinstance(config.train.checkpoint, dict) else refiner, config)
    results = {**as_results(found), "refiner": refiner.describe(), "training": training}
    if len(refiners) > 1:
        results["refiners"] = {name: one.describe() for name, one in refiners.items()}
    if any("mpvpe" in row["output"] for row in found.rows):
        results["body"] = load_body(config.smpl).head
    write_tables(all_tables(results), run.dir)
    if config.figures.benchmark is not None:
        results["figures"] = [str(path) for path in draw_sequence(refiner, config, run.dir / "figures")]
    if len(config.evaluate.strides) > 1:
        plot_trade_offs(results["rows"], run.dir)
    if store is not None:
        _apply(config, refiner, store)
        results["applied"] = {"input": str(config.apply.input), "output": str(config.apply.output)}
    results["seconds"] = round(time.perf_counter() - started, 1)
    run.finish(results)
    return results


def as_results(evaluation: Evaluation) -> dict[str, Any]:
    """Turn an evaluation into what `results.json` keeps."""
    return {
        "rows": evaluation.rows,
        "filters": evaluation.filters,
        "skipped": evaluation.skipped,
        "absent": [asdict(row) for row in evaluation.absent],
        "bands": [list(band) for band in BANDS],
    }


def needed_files(config: RefineConfig) -> list[Path]:
    """List the files that the stage will read."""
    splits: list[tuple[str, Split]]
    trained = [config.train.on, *config.compare.train_on]
    names = [name for on in trained for name in on]
    splits = [] if config.train.checkpoint else [(name, "train") for name in names]
    splits += [(name, config.evaluate.split) for name in config.evaluate.on if config.evaluate.on != "all"]
    root = config.benchmarks.root
    files = [path for name, split in splits for path in config.benchmarks.find(name).paths(root, split)]
    return files + ([config.apply.input] if config.apply.input is not None else [])


def output_exists(apply: ApplySection) -> bool:
    """Whether the store to write is there, if there is one to write."""
    return apply.output is None or apply.output.exists()


def _check_output(config: RefineConfig, again: bool) -> None:
    """Refuse, before any work is done, to replace a store that this run did not make, or anything else."""
    output = config.apply.output
    if output is None:
        return
    if config.run.dir.resolve().is_relative_to(output.resolve()):
        raise InputError(f"apply.output: {output} would hold run.dir, {config.run.dir}; choose another folder")
    if not output.exists():
        return
    is_store = (output / "store.json").is_file()
    if not again and not (is_store and (open_store(output).info.refiner or {}).get("run") == str(config.run.dir)):
        raise InputError(f"apply.output: {output} exists already; choose another folder, or pass --again to replace it")
    check_replaceable(
        output, store_of("refined"), [*needed_files(config), *_checkpoints(config.train).values()], "apply.output"
    )


def _check_refiner(refiner: AnyRefiner, config: RefineConfig, store: ClipStore | None) -> None:
    """Refuse, before any work is done, what a trained refiner cannot do."""
    check_strides(refiner, {"evaluate.stride": max(config.evaluate.strides), "apply.stride": config.apply.stride or 1})
    if config.apply.input is not None:
        check_precision(refiner, config.apply.precision)
    if isinstance(refiner, Shipped) and store is not None:
        refiner.check_layout(store.info.layout, str(store.folder))


def _read_materials(config: RefineConfig, device: torch.device) -> list[Material] | None:
    if config.train.checkpoint is not None:
        return None
    normalise = as_normalise(config.normalise)
    return read_material(config.benchmarks, config.train, normalise, config.model.window, device, config.run.seed)


def _checkpoints(train: TrainSection) -> dict[str, Path]:
    """Return the trained refiners to use, by name."""
    if train.checkpoint is None:
        return {}
    return train.checkpoint if isinstance(train.checkpoint, dict) else {"": train.checkpoint}


def _trained(
    config: RefineConfig, run: Run, device: torch.device, materials: list[Material] | None
) -> tuple[dict[str, AnyRefiner], dict[str, Any] | None]:
    if config.train.checkpoint is not None:
        return {name: load_named(path, device) for name, path in _checkpoints(config.train).items()}, None
    normalise = as_normalise(config.normalise)
    seed = config.run.seed
    if materials is None:
        materials = _read_materials(config, device) or []
    refiner, fitted = train_refiner(materials, config.model, normalise, config.train, run=run, device=device, seed=seed)
    return {"": refiner}, {
        "best_epoch": fitted.best_epoch,
        "validation_mpjpe": fitted.best,
        "history": fitted.history,
        "validation_sequences": {material.benchmark.name: material.held_out.number for material in materials},
        "skipped": [line for material in materials for line in material.skipped],
    }


def _apply(config: RefineConfig, refiner: AnyRefiner, store: ClipStore) -> None:
    apply = config.apply
    assert apply.output is not None
    origin = {"run": str(config.run.dir)}
    apply_refiner(
        store,
        refiner,
        apply.output,
        stride=apply.stride,
        merge=apply.merge,
        match_rate=apply.match_rate,
        strength=apply.strength,
        precision=apply.precision,
        replace=True,
        origin=origin,
        pool=Pool(apply.executor, apply.workers),
    )
