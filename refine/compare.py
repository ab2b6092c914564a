"""Several refiners side by side: kinds of network, window sizes, and what they were trained on."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from base.errors import InputError
from base.progress import PlainConsole
from base.tables import Column, Table
from data.ntu.prepare import ensure_stand_in
from drawing.charts import plot_transfer
from refine.config import CompareSection, EvaluateSection, RefineConfig, TrainOn
from refine.draw import plot_trade_offs
from refine.evaluate import check_evaluation
from refine.named import load_named
from refine.nets.registry import ModelSection
from refine.single import needed_files, run_refiner
from refine.tables import all_tables, write_tables
from training.runs import check_run, open_run


def compare_refiners(config: RefineConfig, again: bool = False) -> dict[str, Any]:
    """Train every combination of `compare`, evaluate all on the same benchmarks, and draw what they trade.

    Each refiner is a run of its own in `run.dir/cells`, resumed where it was stopped and not run again when finished.
    `run.dir` gets the tables, one picture of error against speed per benchmark, and where refiners were
    trained on different data a matrix of how each changes the errors of each benchmark.

    Parameters
    ----------
    config
        What to do.
    again
        Throw all of it away and begin anew.

    Raises
    ------
    InputError
        Something that the configuration names is absent or cannot be used.
    """
    check_run(config, again)
    ensure_stand_in(config.simulate, needed_files(config))
    cells = _cells(config)
    if again or not (config.run.dir / "config.yaml").is_file():
        check_evaluation(config)  # before the run's folder exists, once for all
    run = open_run(config, again)
    if run.finished:
        return run.results()
    console = PlainConsole(stderr=True)
    results: dict[str, Any] = {"rows": [], "filters": [], "skipped": {}, "absent": [], "refiners": {}}
    for at, (name, line, cell) in enumerate(cells):
        console.print(f"refiner {at + 1} of {len(cells)}: {name}", highlight=False)
        found = run_refiner(cell, checks=())  # which are made above, once for all
        results["rows"] += [{"cell": name, "line": line, **row} for row in found["rows"]]
        results["refiners"][name] = found["refiner"] | {"run": str(cell.run.dir)}
        for key in ("skipped", "absent"):
            results[key] = found[key]
        results["filters"] += found["filters"]
    tables = all_tables(results)
    figures = plot_trade_offs(results["rows"], run.dir)
    if trains_on_several(config.compare):
        tables.append(transfer_table(results["rows"]))
        figures.append(run.dir / "transfer.png")
        plot_transfer(figures[-1], *_changes(results["rows"]))
    write_tables(tables, run.dir)
    results["figures"] = [str(path) for path in figures]
    run.finish(results)
    return results


def trains_on_several(section: CompareSection) -> bool:
    """Whether refiners that were trained on different data are compared."""
    return len(section.train_on) + len(section.checkpoints) > 1


def transfer_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Tabulate the change of the errors, in percent of the input's: a row per benchmark, a column per refiner."""
    changes, cells, tested = _changes(rows)
    return Table(
        "transfer",
        "Change of the errors in percent of the input's, by what the refiner was trained on",
        (
            *(Column(label, numeric=False) for label in ("tested on", "metric")),
            *(Column(cell, _percent) for cell in cells),
        ),
        [
            (name, metric, *(None if np.isnan(x) else float(x) for x in values[:, at]))
            for at, name in enumerate(tested)
            for metric, values in changes.items()
        ],
    )


def _changes(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, np.ndarray], list[str], list[str]]:
    """Return per metric the percentages [refiners, benchmarks] and the names of both; each at its first stride."""
    cells, tested = (list(dict.fromkeys(row[key] for row in rows)) for key in ("cell", "benchmark"))
    changes = {name: np.full((len(cells), len(tested)), np.nan) for name in ("MPJPE", "Accel")}
    for row in reversed(rows):
        at = cells.index(row["cell"]), tested.index(row["benchmark"])
        for name, values in changes.items():
            given, out = row["input"][name.lower()], row["output"][name.lower()]
            if given and out is not None:
                values[at] = 100 * (out - given) / given
    return changes, cells, tested


def _cells(config: RefineConfig) -> list[tuple[str, str, RefineConfig]]:
    """List the refiners: a name, the line of the trade-off that it is a point of, and its configuration."""
    section = config.compare
    trained: list[TrainOn] = list(section.train_on or ((config.train.on,) if config.train.on else ()))
    windows, kinds = section.window or (config.model.window,), section.kind or (config.model.kind,)
    cells: list[tuple[str, str, RefineConfig]] = []
    for on, kind, window in itertools.product(trained, kinds, windows):
        for name in on:
            missing = config.benchmarks.find(name).missing(config.benchmarks.root, "train")
            if missing is not None:
                raise InputError(f"{missing}: no such file; compare.train_on needs it, see benchmarks.root")
        different = [_written(on)] * (len(trained) > 1) + [kind.replace("_", "-")] * (len(kinds) > 1)
        line = ", ".join(different) or _written(on)
        name = line + (f", window {window}" if len(windows) > 1 else "")
        update = {
            "model": _model(config, window, kind),
            "train": config.train.model_copy(update={"on": on}),
        }
        cells.append((name, line, _single(config, name, window, update, first=not cells)))
    sizes = [load_named(path).window for path in section.checkpoints]
    ours = [size for size in sizes if size is not None]
    for path, name, size in zip(section.checkpoints, _short_names(section.checkpoints), sizes, strict=True):
        line = "checkpoints" if size and len(set(ours)) == len(ours) else name
        update = {"train": config.train.model_copy(update={"on": (), "checkpoint": path})}
        cells.append((name, line, _single(config, name, size, update, first=not cells)))
    return cells


def _model(config: RefineConfig, window: int, kind: str) -> ModelSection:
    try:
        return ModelSection.model_validate({**config.model.model_dump(), "window": window, "kind": kind})
    except ValidationError as error:  # what this kind cannot be
        raise InputError(f"compare: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _short_names(paths: Sequence[Path]) -> list[str]:
    """Write paths by as few of their last parts as tell them apart."""
    longest = max((len(path.parts) for path in paths), default=0)
    tails = (["/".join(path.parts[-count:]) for path in paths] for count in range(1, longest + 1))
    return next((names for names in tails if len(set(names)) == len(names)), list(map(str, paths)))


def _single(config: RefineConfig, name: str, window: int | None, update: dict[str, Any], first: bool) -> RefineConfig:
    """Return the configuration of one refiner; strides beyond its window are left out, filters scored only once."""
    strides = tuple(stride for stride in config.evaluate.strides if stride <= (window or 1)) or (window or 1,)
    more: dict[str, Any] = {"stride": strides} | ({} if first else {"filters": (), "released_filters": False})
    folder = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
    return config.model_copy(
        update={
            **update,
            "run": config.run.model_copy(update={"dir": config.run.dir / "cells" / folder}),
            "evaluate": EvaluateSection.model_validate({**config.evaluate.model_dump(), **more}),
            "compare": CompareSection(),
        }
    )


def _written(on: TrainOn) -> str:
    if isinstance(on, dict):
        return " + ".join(f"{weight:g} {name}" for name, weight in on.items())
    return " + ".join(on)


def _percent(value: float) -> str:
    return f"{value:+.1f}"
