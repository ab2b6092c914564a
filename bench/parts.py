"""A benchmark of several parts: each in a process of its own, with its own time, and written down row by row.

A part that fails, hangs or takes too long leaves the rows that it had, and one line on why it ended; the others go on.
"""

import json
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

from base.files import atomic_file, telling_unwritable

Row = dict[str, object]
Given = TypeVar("Given")

FAILED = "failed"
"""The column of what could not be measured, and why."""


@dataclass(frozen=True)
class Part:
    """What is measured by itself.

    Parameters
    ----------
    name, title
        What it is called on the command line, and in the table's heading.
    seconds
        So long it may take.
    rows
        Measures: yields the rows of a table, each as soon as it has it. A function of a module, for it is called in
        another process.
    """

    name: str
    title: str
    seconds: float
    rows: Callable[[Any], Iterator[Row]]


@dataclass
class Found:
    """What came of a part: its rows, and why there are no more, if it did not end by itself."""

    name: str
    title: str
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)
    failed: str = ""


def run_parts(
    parts: Sequence[Part],
    given: object,
    output: Path,
    about: Mapping[str, object],
    say: Callable[[str], None] = print,
) -> list[Found]:
    """Run parts one after another; after each row `output/results.json` and `output/results.md` have all there is.

    Parameters
    ----------
    parts
        In order of worth.
    given
        What each is called with; can be pickled.
    output
        A folder.
    about
        Written beside the results: the machine, versions.
    say
        Told every row.
    """
    with telling_unwritable(output):
        output.mkdir(parents=True, exist_ok=True)
    found: list[Found] = []
    for part in parts:
        found.append(Found(part.name, part.title))
        say(f"{part.title} (at most {part.seconds:.0f} s)")
        _run(part, given, found[-1], lambda: write(output, about, found), say)
        if found[-1].failed:
            say(f"  {FAILED}: {found[-1].failed}")
        write(output, about, found)
    return found


def tried(what: Row, measure: Callable[[], Row]) -> Row:
    """Return a row, or in place of its figures the reason why there are none."""
    try:
        return {**what, **measure()}
    except Exception as error:
        return {**what, FAILED: in_one_line(error)}


def in_one_line(error: BaseException) -> str:
    """Say what failed, and in which line."""
    text = str(error).strip().partition("\n")[0][:300]
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {text}{where}"


def write(output: Path, about: Mapping[str, object], found: Sequence[Found]) -> None:
    """Write what was found so far, as JSON and as tables in Markdown."""
    content = {"about": dict(about), "parts": [asdict(one) for one in found]}
    for name, text in (("results.json", json.dumps(content, indent=1)), ("results.md", markdown(about, found))):
        with atomic_file(output / name) as temporary:
            temporary.write_text(text + "\n")


def markdown(about: Mapping[str, object], found: Sequence[Found]) -> str:
    """Return the tables."""
    lines = ["; ".join(f"{key} {value}" for key, value in about.items())]
    for one in found:
        lines += ["", f"### {one.title}", ""]
        heads = list(dict.fromkeys(key for row in one.rows for key in row))
        if heads:
            lines += [_line(heads), "|" + "---|" * len(heads)]
            lines += [_line([_cell(row.get(head, "")) for head in heads]) for row in one.rows]
            lines.append("")
        lines.append(f"{one.seconds:.0f} s." + (f" Ended early: {one.failed}." if one.failed else ""))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: object) -> str:
    text = (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}") if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")


def _run(part: Part, given: object, found: Found, save: Callable[[], None], say: Callable[[str], None]) -> None:
    """Run one part in another process, and end that with all that it has started."""
    context = get_context("spawn")
    end, other = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(other, part.rows, given))
    begin = time.monotonic()
    process.start()
    other.close()
    try:
        for row in _received(end, process, part.seconds, found):
            found.rows.append(row)
            found.seconds = time.monotonic() - begin
            say("  " + ", ".join(f"{key} {_cell(value)}" for key, value in row.items()))
            save()
    finally:
        found.seconds = time.monotonic() - begin
        _end(process)


def _received(end: Connection, process: BaseProcess, seconds: float, found: Found) -> Iterator[Row]:
    """Yield rows until the part ends or its time is over."""
    until = time.monotonic() + seconds
    while end.poll(max(0.0, until - time.monotonic())):
        try:
            row = end.recv()
        except EOFError:
            process.join()
            found.failed = f"its process ended with status {process.exitcode}"
            return
        if not isinstance(row, dict):
            found.failed = row or ""
            return
        yield row
    found.failed = f"stopped after {seconds:g} s"


def _measure(end: Connection, rows: Callable[[Any], Iterator[Row]], given: object) -> None:
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # so that whoever ends it ends its own processes as well
    try:
        for row in rows(given):
            end.send(row)
    except Exception as error:
        traceback.print_exc()
        end.send(in_one_line(error))
    else:
        end.send(None)


def _end(process: BaseProcess) -> None:
    if process.is_alive() and hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):  # it may have ended, or not have begun
            os.killpg(process.pid or 0, signal.SIGKILL)
    process.kill()
    process.join()
