"""The tables of a refining run: every benchmark against the published figures, the worst frames, the filters."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from base.files import atomic_file
from base.tables import Column, Table, to_csv, to_markdown
from base.words import plural
from data.skeletons.fidelity import BANDS, band_label
from refine.filters.registry import filter_label
from refine.known_movements import HEIGHT, SECONDS, LeftOfKnown


def gain_key(band: Sequence[float]) -> str:
    """Return the name under which tables have the gain in a band."""
    return f"gain_{band[0]:g}_{band[1]:g}"


METRICS = {
    "mpjpe": "MPJPE",
    "pa_mpjpe": "PA-MPJPE",
    "accel": "Accel",
    **{gain_key(band): f"gain {band_label(band)}" for band in BANDS},
    "own_acceleration": "own acceleration / truth's",
    "clean_error": "clean error",
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
    if results["filters"]:
        tables.append(filter_table(results["filters"], results["rows"]))
    known = known_table([*results["rows"], *results["filters"]])
    return [*tables, known] if known.rows else tables


def flat(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures by the names of `METRICS`: the list `gain` becomes a figure per band."""
    gains = dict(zip(map(gain_key, BANDS), figures.get("gain", ()), strict=False))
    return {name: value for name, value in figures.items() if name != "gain"} | gains


def benchmark_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Tabulate input and output beside what is published; the difference is our output less the published one."""
    cells = []
    for row in rows:
        published = row["published"] or {"input": {}, "output": {}}
        before, after = flat(row["input"]), flat(row["output"])
        for metric in METRICS:
            if metric not in before:
                continue
            given, out = before[metric], after.get(metric)
            theirs = published["output"].get(metric)
            difference = None if theirs is None or out is None else out - theirs
            model = None if theirs is None else published["model"]
            figures = given, out, published["input"].get(metric), theirs, difference, model
            name = ", ".join(filter(None, (METRICS[metric], unit(metric, row))))
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


def known_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Tabulate what each method leaves of known movements, which are the same whatever the benchmark."""
    lines: dict[tuple[str, str], Mapping[str, float | None]] = {}
    for row in rows:
        if "known" not in row:  # results of an earlier version
            continue
        if "filter" in row:
            lines[filter_label(row["filter"]), parameters(row["parameters"])] = row["known"]
        else:
            lines[_method(row), f"window {row['window']}"] = row["known"]
    return Table(
        "known_movements",
        f"What is left of known movements: the peak of a hand that goes up {HEIGHT:g} m and down within {SECONDS:g} s, "
        "without errors and with a Kinect's, and by how much steady travel is moved",
        (
            *(Column(label, numeric=False) for label in ("method", "details")),
            *(Column(label, _two) for label in ("gesture, m", "gesture among errors, m", "travel, mm")),
        ),
        [(*start, *(known[name] for name in LeftOfKnown._fields)) for start, known in lines.items()],
    )


def _wide_table(name: str, caption: str, lines: Sequence[tuple[Any, ...]]) -> Table:
    """Make a table of one line per benchmark and method, and one column per metric that any of them has."""
    lines = [(*start, flat(figures)) for *start, figures in lines]
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
    if metric.startswith("gain") or metric == "own_acceleration":
        return ""
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


def method_label(row: Mapping[str, Any]) -> str:
    """Return what readers call a row's method, with what tells it from its like."""
    if "filter" in row:
        how = "" if row["tuned_on"] else "as released"
        return f"{filter_label(row['filter'])} ({', '.join(filter(None, (parameters(row['parameters']), how)))})"
    return f"{_method(row)} ({_details(row)})"


def _method(row: Mapping[str, Any]) -> str:
    return str(row.get("cell") or row.get("refiner", "SmoothNet"))


def _details(row: Mapping[str, Any]) -> str:
    if row["window"] is None:
        return "whole sequences"
    return f"window {row['window']}, stride {row['stride']}"


def _two(value: float) -> str:
    return f"{value:z.2f}"


def _signed(value: float) -> str:
    return f"{value:+z.2f}"
