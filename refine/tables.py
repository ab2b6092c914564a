"""The tables of a refining run: every benchmark against the published figures, the worst frames, the filters."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Screen

from data.files import atomic_file
from data.tables import Column, Table, to_csv, to_markdown

METRICS = {
    "mpjpe": "MPJPE",
    "pa_mpjpe": "PA-MPJPE",
    "accel": "Accel",
    "mpvpe": "MPVPE",
    "pck_05": "PCK@0.05",
    "pck_10": "PCK@0.1",
    "pck_20": "PCK@0.2",
}

NAMES = {"one_euro": "One-Euro", "savitzky_golay": "Savitzky-Golay", "gaussian": "Gaussian"}


def all_tables(results: Mapping[str, Any]) -> list[Table]:
    """Make the tables that the results of `refine.stage.refine`, as kept in `results.json`, allow."""
    if not results["rows"]:
        return []
    tables = [benchmark_table(results["rows"]), worst_table(results["rows"])]
    return [*tables, filter_table(results["filters"], results["rows"])] if results["filters"] else tables


def benchmark_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Tabulate input and output beside what is published; the difference is our output less the published one."""
    cells = []
    for row in rows:
        published = row["published"] or {"input": {}, "output": {}}
        for metric in METRICS:
            if metric not in row["input"]:
                continue
            given, out = row["input"][metric], row["output"][metric]
            theirs = published["output"].get(metric)
            difference = None if theirs is None or out is None else out - theirs
            figures = given, out, published["input"].get(metric), theirs, difference
            cells.append((row["benchmark"], _method(row, rows), METRICS[metric], unit(metric, row), *figures))
    return Table(
        "benchmarks",
        "Pose errors of the input and the output, and as published; difference: output less published output",
        (
            Column("benchmark", numeric=False),
            Column("refiner", numeric=False),
            Column("metric", numeric=False),
            Column("unit", numeric=False),
            *(Column(name, _two) for name in ("input", "output", "published input", "published output")),
            Column("difference", _signed),
        ),
        cells,
    )


def worst_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Tabulate the errors over the frames whose input is worst."""
    share = rows[0]["worst"]["share"]
    return Table(
        "worst",
        f"The {share:.0%} of the frames with the highest input MPJPE",
        (
            Column("benchmark", numeric=False),
            Column("refiner", numeric=False),
            Column("frames"),
            Column("metric", numeric=False),
            Column("unit", numeric=False),
            Column("input", _two),
            Column("output", _two),
        ),
        [
            (row["benchmark"], _method(row, rows), row["worst"]["frames"], METRICS[metric], unit(metric, row), *figures)
            for row in rows
            for metric in METRICS
            if metric in row["worst"]["input"]
            for figures in [(row["worst"]["input"][metric], row["worst"]["output"][metric])]
        ],
    )


def filter_table(filters: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> Table:
    """Tabulate the classical filters beside the input and the refiner."""
    cells: list[tuple[Any, ...]] = []
    for name in dict.fromkeys(row["benchmark"] for row in filters):
        ours = [row for row in rows if row["benchmark"] == name]
        figures: list[tuple[str, str | None, Mapping[str, Any]]] = [("input", None, ours[0]["input"])]
        figures += [("SmoothNet" + _detail(row, rows), None, row["output"]) for row in ours]
        for row in filters:
            if row["benchmark"] == name:
                how = f"tuned on {row['tuned_on']}" if row["tuned_on"] else "as released"
                figures.append((f"{NAMES[row['filter']]} ({parameters(row['parameters'])})", how, row["output"]))
        shown = [metric for metric in METRICS if metric in ours[0]["input"]]
        cells += [
            (name, method, how, METRICS[metric], unit(metric, ours[0]), values[metric])
            for method, how, values in figures
            for metric in shown
        ]
    return Table(
        "filters",
        "Classical filters over whole sequences",
        (
            Column("benchmark", numeric=False),
            Column("method", numeric=False),
            Column("parameters", numeric=False),
            Column("metric", numeric=False),
            Column("unit", numeric=False),
            Column("value", _two),
        ),
        cells,
    )


def absent_lines(absent: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say which benchmarks were not evaluated, one line each."""
    return [f"{row['benchmark']}: absent, looked for {row['missing']}" for row in absent]


def write_tables(tables: Sequence[Table], folder: Path) -> None:
    """Write each table as `{name}.csv`, `.md` and `.json`."""
    for table in tables:
        keys = [column.label.replace(" ", "_") for column in table.columns]
        content = json.dumps([dict(zip(keys, row, strict=True)) for row in table.rows], indent=1) + "\n"
        for suffix, text in ((".csv", to_csv(table)), (".md", to_markdown(table)), (".json", content)):
            with atomic_file(folder / (table.name + suffix)) as temporary:
                temporary.write_text(text, encoding="utf-8")


def print_table(table: Table, console: Console) -> None:
    """Print a table, the first columns only where they change."""
    screen = Screen(title=table.caption)
    for column in table.columns:
        screen.add_column(column.label, justify="right" if column.numeric else "left")
    last: list[str] | None = None
    for row in table.text():
        if last is not None and row[0] != last[0]:
            screen.add_section()
        same = 0
        while last is not None and same < 2 and row[same] == last[same]:
            same += 1
        screen.add_row(*[""] * same, *row[same:])
        last = row
    console.print(screen)


def unit(metric: str, row: Mapping[str, Any]) -> str:
    """Return the unit of a metric in a row of results."""
    if metric.startswith("pck"):
        return "%"
    return str(row["unit"]) + ("/frame²" if metric == "accel" else "")


def parameters(values: Mapping[str, float]) -> str:
    """Write a filter's parameters: sigma 0.05 s, order 2, min cutoff 1.2 Hz."""
    units = {"s": " s", "hz": " Hz"}
    parts = []
    for key, value in values.items():
        name, _, suffix = key.rpartition("_")
        known = suffix in units
        parts.append(f"{(name if known else key).replace('_', ' ')} {value:.3g}{units[suffix] if known else ''}")
    return ", ".join(parts)


def _method(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    return str(row.get("cell", "SmoothNet")) + _detail(row, rows)


def _detail(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """Say the window, and the stride where several were tried."""
    several = len({other["stride"] for other in rows}) > 1
    return f", window {row['window']}" * ("cell" not in row) + f", stride {row['stride']}" * several


def _two(value: float) -> str:
    return f"{value:.2f}"


def _signed(value: float) -> str:
    return f"{value:+.2f}"
