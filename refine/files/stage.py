"""`python run.py smooth`: any number of other tools' files, each refined and written once more."""

import math
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from base.errors import InputError
from base.executors.registry import Pool, known_executor, spread
from base.files import regular_file
from base.shown import one_line
from base.words import plural
from base.workers import WorkLostError
from refine.files.methods import open_method
from refine.files.places import Job, find_jobs
from refine.files.smoothing import Done, Outcome, Smoothing, smooth_one


@dataclass(frozen=True)
class Scale:
    """How to work through many recordings.

    Parameters
    ----------
    workers
        Processes.
    on_error
        What to do with a recording that cannot be used: stop, or tell and go on.
    executor
        `processes` of this machine; `ray`, so many cores of it, or all that is free of the cluster at `RAY_ADDRESS`; or
        another of `base.executors`.
    """

    workers: int = 1
    on_error: Literal["stop", "skip"] = "stop"
    executor: str = "processes"


def smooth(
    inputs: Sequence[Path], output: Path | None = None, smoothing: Smoothing | None = None, scale: Scale | None = None
) -> Iterator[str]:
    """Refine recordings, and yield a line on each when it is done.

    What was refined before, in the same way and from the same bytes, is not done again: an interrupted run goes on
    where it was. Each result is there whole or not at all.

    Parameters
    ----------
    inputs, output
        See `refine.files.places.find_jobs`.
    smoothing
        What to do with each.
    scale
        How to work through them.

    Raises
    ------
    InputError
        A setting makes no sense, a recording cannot be used and `on_error` is stop, or none can.
    """
    smoothing, scale = smoothing or Smoothing(), scale or Scale()
    _check(smoothing, scale)
    open_method(smoothing.model)  # what is wrong with it is wrong for all
    jobs, others = find_jobs(inputs, output, smoothing.format)
    if smoothing.video is not None and len(jobs) > 1:
        raise InputError(f"--video: {smoothing.video} is one recording's, and {len(jobs)} are given; give --fps")
    if smoothing.video is not None:
        regular_file(smoothing.video, "--video")  # with --fps nothing else would open it, and the page link to nothing
    counts: dict[Outcome, int] = {"refined": 0, "already refined": 0, "skipped": 0}
    first = ""
    with closing(_results(jobs, smoothing, scale)) as results:
        for done in results:
            counts[done.outcome] += 1
            if done.outcome == "skipped":
                first = first or done.lines[0]
                if scale.on_error == "stop":
                    advice = "" if len(jobs) == 1 else "; go on without such inputs with --on-error skip"
                    raise InputError(done.lines[0] + advice)
            label = "skipped: " if done.outcome == "skipped" else ""
            yield from (label + line for line in done.lines[: 1 if len(jobs) > 1 else None])
    if counts["skipped"] == len(jobs):
        raise InputError(f"none of {plural(len(jobs), 'input')} can be used; the first: {first}")
    if len(jobs) > 1:
        said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
        yield f"{plural(len(jobs), 'input')}: {said}"
    if others:
        names = ", ".join(path.name for path in others[:3]) + (", ..." if len(others) > 3 else "")
        yield f"left out: {plural(len(others), 'file')} of no known format ({one_line(names, 200)})"


def _check(smoothing: Smoothing, scale: Scale) -> None:
    for name, value, most in (
        ("--strength", smoothing.strength, 1.0),
        ("--fill", smoothing.fill, math.inf),
        ("--min-confidence", smoothing.min_confidence, 1.0),
    ):
        if not 0 <= value <= most or math.isinf(value):
            wanted = "seconds, 0 or more" if math.isinf(most) else "a number from 0 to 1"
            raise InputError(f"{name}: found {value:g}, expected {wanted}")
    if scale.workers < 1:
        raise InputError(f"--workers: found {scale.workers}, expected 1 or more")
    try:
        known_executor(scale.executor)
    except ValueError as error:
        raise InputError(f"--executor: {error}") from None


def _results(jobs: Sequence[Job], smoothing: Smoothing, scale: Scale) -> Generator[Done, None, None]:
    work = partial(attempt, smoothing, scale.on_error == "skip")
    pool = Pool(scale.executor, min(scale.workers, len(jobs)))
    if len(jobs) == 1 and pool.here:
        yield work(jobs[0])
        return
    from base.progress import progress

    # A bar and lines go together only where both go to the terminal.
    with closing(spread(work, jobs, pool)) as results, progress(sys.stdout.isatty()) as bar:
        task = bar.add_task("refining", total=len(jobs))
        for job, done in zip(jobs, results, strict=True):
            yield Done("skipped", (f"{job.source}: failed ({done})",)) if isinstance(done, WorkLostError) else done
            bar.advance(task)


def attempt(smoothing: Smoothing, whatever: bool, job: Job) -> Done:
    """Refine one recording; what is wrong with it is told.

    Parameters
    ----------
    smoothing
        What to do.
    whatever
        Whether faults of ours are told in the same way, so that the others are not stopped by them.
    job
        The recording.
    """
    try:
        return smooth_one(job, smoothing)
    except InputError as error:
        return Done("skipped", (str(error),))
    except Exception as error:
        if not whatever:
            raise
        return Done("skipped", (one_line(f"{job.source}: failed ({type(error).__name__}: {error})"),))
