"""What `python run.py refine` prints: the tables of a run, as far as they fit a screen, and where things are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table as Screen

from base.progress import PlainConsole
from base.tables import Table
from base.words import plural
from data.skeletons.fidelity import BANDS, band_label, flattened, in_words
from refine.compare import trains_on_several, transfer_table
from refine.config import RefineConfig
from refine.tables import all_tables, method_label

FEW_LINES = 40
"""A table of more lines is not printed but named."""


def print_results(results: Mapping[str, Any], config: RefineConfig) -> None:
    """Print what came out: the tables, as far as they fit a screen, what is absent, what was left out.

    Parameters
    ----------
    results
        What the stage returns.
    config
        Its configuration.
    """
    folder = config.run.dir
    console = wide_console()
    for table in all_tables(results):
        if table.name == "benchmarks" or len(table.rows) <= FEW_LINES:
            print_table(table, console)
        else:
            console.print(f"{table.caption}: {folder / table.name}.md", highlight=False, soft_wrap=True)
    for line in (*absent_lines(results["absent"]), *short_lines(results["rows"]), *flattening_lines(results)):
        console.print(line, highlight=False, soft_wrap=True)
    if "body" in results:
        console.print(f"the 14th joint of SMPL bodies is {results['body']}", highlight=False)
    skipped = sum(map(len, results["skipped"].values()))
    skipped += len((results.get("training") or {}).get("skipped", ()))
    if skipped:
        console.print(f"left out {plural(skipped, 'sequence')} that cannot be used; results.json names them")
    for path in results.get("figures", ()):
        console.print(f"drew {path}", highlight=False, soft_wrap=True)
    if "applied" in results:
        console.print(f"refined {results['applied']['input']} into {results['applied']['output']}", soft_wrap=True)
    cells = {f", {name}": Path(part["run"]) for name, part in results.get("refiners", {}).items() if "run" in part}
    for name, run in {"": folder, **cells}.items():
        if (best := run / "checkpoints" / "best.pt").is_file():  # none where a trained one was given
            print(f"trained refiner{name}: {best}")
    print(f"results: {folder}")
    if trains_on_several(config.compare):
        print_table(transfer_table(results["rows"]), console)


def absent_lines(absent: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say which benchmarks were not evaluated, one line each."""
    return [f"{row['benchmark']}: absent, looked for {row['missing']}" for row in absent]


def short_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say which gains leave sequences out, or are not there, since they last no period of the band; a line each."""
    lines = {}
    for row in rows:
        for band, short in zip(BANDS, row.get("too_short", ()), strict=False):
            if short:
                said = plural(short, "sequence is", "sequences are")
                lines[row["benchmark"], band] = f"{row['benchmark']}: {said} too short for the gain {band_label(band)}"
    return list(lines.values())


def flattening_lines(results: Mapping[str, Any]) -> list[str]:
    """Say which methods are steady because they take the movement away, a line each."""
    lines = []
    given = {row["benchmark"]: row["input"] for row in results["rows"]}
    for row in (*results["rows"], *results["filters"]):
        found, reference = row["output"], given[row["benchmark"]]
        if "gain" not in found or "gain" not in reference:  # results of an earlier version
            continue
        figures = found["gain"], reference["gain"], found["own_acceleration"]
        if flattened(*figures):
            lines.append(
                f"{row['benchmark']}: {method_label(row)} flattens: it {in_words(*figures, 'the true movement')}"
            )
    return lines


def wide_console() -> PlainConsole:
    """Return a console that is wide enough for the tables where the output is no terminal but a file."""
    console = PlainConsole()
    return console if console.is_terminal else PlainConsole(width=170)


def print_table(table: Table, console: PlainConsole) -> None:
    """Print a table, the first columns only where they change."""
    screen = Screen(title=table.caption)
    for column in table.columns:
        screen.add_column(column.label, justify="right" if column.numeric else "left", overflow="fold")
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
