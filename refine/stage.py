"""Stage 1: train a refiner or take a trained one, evaluate it on pose benchmarks, apply it to a clip store."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from data.errors import InputError
from data.ntu.prepare import ensure_stand_in
from data.ntu.store import ClipStore, open_store
from refine.apply import apply_refiner
from refine.benchmarks import Split, find_benchmark, read_pairs
from refine.config import ApplySection, RefineConfig
from refine.evaluate import evaluate
from refine.refiner import Refiner, load_refiner
from refine.train import Material, as_normalise, read_material, train_refiner
from training.devices import pick_device
from training.runs import Run, open_run


def refine(config: RefineConfig, again: bool = False) -> dict[str, Any]:
    """Run the stage and return its results, which are also kept as `results.json`.

    A finished run is not run again: its results are returned. An interrupted one goes on where it was.

    Parameters
    ----------
    config
        What to do.
    again
        Throw an earlier run in `run.dir` away, and replace `apply.output`.

    Raises
    ------
    InputError
        Something that the configuration names is absent or cannot be used.
    """
    started = time.perf_counter()
    device = pick_device(config.run.device)
    ensure_stand_in(config.simulate, _needed(config))
    store = open_store(config.apply.input) if config.apply.input is not None else None
    _check_output(config, again)
    if config.train.checkpoint is not None:
        _check_strides(load_refiner(config.train.checkpoint), config)
    materials = None
    if again or not (config.run.dir / "config.yaml").is_file():
        # Before the run's folder exists: a mistake in the data then leaves nothing behind.
        materials = _read_materials(config, device)
        for name in config.evaluate.on:
            read_pairs(find_benchmark(name), config.benchmarks.root, config.evaluate.split, config.benchmarks.on_error)
    run = open_run(config, again)
    if run.finished and _output_exists(config.apply):
        results = run.results()
        print_results(results)
        return results
    refiner, training = _trained(config, run, device, materials)
    rows, filters, skipped = evaluate(refiner, config.benchmarks, config.evaluate)
    results = {
        "rows": rows,
        "filters": filters,
        "skipped": skipped,
        "refiner": refiner.describe(),
        "training": training,
    }
    if store is not None:
        _apply(config, refiner, store)
        results["applied"] = {"input": str(config.apply.input), "output": str(config.apply.output)}
    results["seconds"] = round(time.perf_counter() - started, 1)
    run.finish(results)
    print_results(results)
    return results


def print_results(results: Mapping[str, Any]) -> None:
    """Print what came out as a table."""
    table = Table(title="Pose errors (3D: mm and mm/frame², 2D: px and px/frame²)")
    table.add_column("benchmark")
    table.add_column("method")
    for column in ("MPJPE", "PA-MPJPE", "Accel"):
        table.add_column(column, justify="right")
    for row in results["rows"]:
        name = f"{row['benchmark']} {row['split']}"
        table.add_row(name, "input", *_cells(row["input"]))
        table.add_row("", f"SmoothNet, window {row['window']}", *_cells(row["output"]))
        for other in results["filters"]:
            if (other["benchmark"], other["split"]) == (row["benchmark"], row["split"]):
                given = ", ".join(f"{key} {value:g}" for key, value in other["parameters"].items())
                table.add_row("", f"{other['filter'].replace('_', ' ')} ({given})", *_cells(other["output"]))
        table.add_section()
    console = Console()
    if results["rows"]:
        console.print(table)
    skipped = sum(map(len, results["skipped"].values()))
    skipped += len((results.get("training") or {}).get("skipped", ()))
    if skipped:
        console.print(f"left out {skipped} sequences that cannot be used; results.json names them")
    if "applied" in results:
        console.print(f"refined {results['applied']['input']} into {results['applied']['output']}")


def _cells(figures: Mapping[str, float | None]) -> Sequence[str]:
    values = (figures[name] for name in ("mpjpe", "pa_mpjpe", "accel"))
    return ["-" if value is None else f"{value:.2f}" for value in values]


def _needed(config: RefineConfig) -> list[Path]:
    """List the files that the stage will read."""
    splits: list[tuple[str, Split]]
    splits = [] if config.train.checkpoint else [(name, "train") for name in config.train.on]
    splits += [(name, config.evaluate.split) for name in config.evaluate.on]
    files = [path for name, split in splits for path in find_benchmark(name).files(config.benchmarks.root, split)]
    return files + ([config.apply.input] if config.apply.input is not None else [])


def _output_exists(apply: ApplySection) -> bool:
    return apply.output is None or apply.output.exists()


def _check_output(config: RefineConfig, again: bool) -> None:
    """Refuse, before any work is done, to replace a store that this run did not make."""
    output = config.apply.output
    if output is None or not output.exists() or again:
        return
    made_by = (open_store(output).info.refiner or {}).get("run")
    if made_by != str(config.run.dir):
        raise InputError(f"apply.output: {output} exists already; choose another folder, or pass --again to replace it")


def _check_strides(refiner: Refiner, config: RefineConfig) -> None:
    for name, stride in (("evaluate", config.evaluate.stride), ("apply", config.apply.stride)):
        if stride > refiner.window:
            raise InputError(
                f"{name}.stride: found {stride}, expected at most the checkpoint's window, {refiner.window}"
            )


def _read_materials(config: RefineConfig, device: torch.device) -> list[Material] | None:
    if config.train.checkpoint is not None:
        return None
    normalise = as_normalise(config.normalise)
    return read_material(config.benchmarks, config.train, normalise, config.model.window, device, config.run.seed)


def _trained(
    config: RefineConfig, run: Run, device: torch.device, materials: list[Material] | None
) -> tuple[Refiner, dict[str, Any] | None]:
    if config.train.checkpoint is not None:
        return load_refiner(config.train.checkpoint, device), None
    normalise = as_normalise(config.normalise)
    seed = config.run.seed
    if materials is None:
        materials = _read_materials(config, device) or []
    refiner, fitted = train_refiner(materials, config.model, normalise, config.train, run=run, device=device, seed=seed)
    return refiner, {
        "best_epoch": fitted.best_epoch,
        "validation_mpjpe": fitted.best,
        "history": fitted.history,
        "validation_sequences": {material.benchmark.name: material.held_out.number for material in materials},
        "skipped": [line for material in materials for line in material.skipped],
    }


def _apply(config: RefineConfig, refiner: Refiner, store: ClipStore) -> None:
    apply = config.apply
    assert apply.output is not None
    origin = {"run": str(config.run.dir)}
    apply_refiner(
        store, refiner, apply.output, stride=apply.stride, match_rate=apply.match_rate, replace=True, origin=origin
    )
