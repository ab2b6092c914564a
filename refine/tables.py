"""The tables of a refining run: every benchmark against the published figures, the worst frames, the filters."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from base.files import atomic_file
from base.tables import Column, Table, to_csv, to_markdown
from base.words import plural
from refine.filters.registry import filter_label

METRICS = {
    "mpjpe": "MPJPE",
    "pa_mpjpe": "PA-MPJPE",
    "accel": "Accel",
    "mpvpe": "MPVPE",
    "pck_05": "PCK@0.05",
    "pck_10": "PCK@0.1",
    "pck_20": "PCK@0.2",
}


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
            model = None if theirs is None else published["model"]
            figures = given, out, published["input"].get(metric), theirs, difference, model
            name = f"{METRICS[metric]}, {unit(metric, row)}"
            cells.append((row["benchmark"], _method(row), row["window"], row["stride"], name, *figures))
    return Table(
        "benchmarks",
        "Pose errors of the input and the output, and as published with another network of the same kind; difference: "
        "output less published output; published Accel counts two frames of zero per sequence",
        (
            *(Column(label, numeric=False) for label in ("benchmark", "refiner")),
            *(Column(label) for label in ("window", "stride")),
            Column("metric", numeric=False),
            *(Column(label, _two) for label in ("input", "output", "published input", "published output")),
            Column("difference", _signed),
            Column("published with", numeric=False),
        ),
        cells,
    )


def worst_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Tabulate the errors over the frames whose input is worst."""
    return _wide_table(
        "worst",
        f"The {rows[0]['worst']['share']:.0%} of the frames with the highest input MPJPE",
        [
            line
            for name in dict.fromkeys(row["benchmark"] for row in rows)
            for line in _worst_lines([row for row in rows if row["benchmark"] == name])
        ],
    )


def _worst_lines(rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    given = rows[0]["worst"]
    return [
        (rows[0], "input", plural(given["frames"], "frame"), given["input"]),
        *((row, _method(row), _details(row), row["worst"]["output"]) for row in rows),
    ]


def filter_table(filters: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> Table:
    """Tabulate the classical filters beside the input and the refiner."""
    lines: list[tuple[Any, ...]] = []
    for name in dict.fromkeys(row["benchmark"] for row in filters):
        ours = [row for row in rows if row["benchmark"] == name]
        lines.append((ours[0], "input", None, ours[0]["input"]))
        lines += [(row, _method(row), _details(row), row["output"]) for row in ours]
        for row in filters:
            if row["benchmark"] == name:
                how = f"tuned on {row['tuned_on']}" if row["tuned_on"] else "as released"
                details = f"{parameters(row['parameters'])}; {how}"
                lines.append((row, filter_label(row["filter"]), details, row["output"]))
    return _wide_table("filters", "Classical filters over whole sequences", lines)


def _wide_table(name: str, caption: str, lines: Sequence[tuple[Any, ...]]) -> Table:
    """Make a table of one line per benchmark and method, and one column per metric that any of them has."""
    shown = [metric for metric in METRICS if any(metric in figures for *_, figures in lines)]
    return Table(
        name,
        caption,
        (
            *(Column(label, numeric=False) for label in ("benchmark", "method", "details", "unit")),
            *(Column(METRICS[metric] + (" (per frame²)" if metric == "accel" else ""), _two) for metric in shown),
        ),
        [
            (row["benchmark"], method, details, row["unit"], *(figures.get(metric) for metric in shown))
            for row, method, details, figures in lines
        ],
    )


def write_tables(tables: Sequence[Table], folder: Path) -> None:
    """Write each table as `{name}.csv`, `.md` and `.json`."""
    for table in tables:
        keys = [column.label.replace(" ", "_") for column in table.columns]
        content = json.dumps([dict(zip(keys, row, strict=True)) for row in table.rows], indent=1) + "\n"
        for suffix, text in ((".csv", to_csv(table)), (".md", to_markdown(table)), (".json", content)):
            with atomic_file(folder / (table.name + suffix)) as temporary:
                temporary.write_text(text, encoding="utf-8")


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


def _method(row: Mapping[str, Any]) -> str:
    return str(row.get("cell") or row.get("refiner", "SmoothNet"))


def _details(row: Mapping[str, Any]) -> str:
    if row["window"] is None:
        return "whole sequences"
    return f"window {row['window']}, stride {row['stride']}"


def _two(value: float) -> str:
    return f"{value:.2f}"


def _signed(value: float) -> str:
    return f"{value:+.2f}"
