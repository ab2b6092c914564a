"""One of other tools' files: refined, and written once more with a report on it, and a page that plays both."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from base.errors import InputError
from base.files import atomic_file, atomic_files, atomic_folder
from base.replacing import Kind, check_file_replaceable, check_replaceable
from data.recordings.guessing import read_recording
from data.recordings.people import tracks_of
from data.recordings.rates import clock_of
from data.recordings.registry import RECORDINGS
from refine.files.methods import open_method
from refine.files.places import Job
from refine.files.plot import link_to, plot_page
from refine.files.refining import Options, check_moving, refine_recording
from refine.files.report import MADE_BY, hash_of, read_report, recap, report_on

Outcome = Literal["refined", "already refined", "skipped"]

CHANGED = "has been changed"


@dataclass(frozen=True)
class Smoothing:
    """What to do with each recording.

    Parameters
    ----------
    fps, video
        See `data.recordings.rates.clock_of`.
    format
        Whose files; None to guess each.
    model
        See `refine.files.methods.open_method`.
    strength, fill, min_confidence
        See `refine.files.refining.Options`.
    plot
        Whether to write a page that shows it.
    again
        Whether to replace what was made here before.
    version
        Ours, for reports.
    """

    fps: float | None = None
    video: Path | None = None
    format: str | None = None
    model: str = "steady"
    strength: float = 1.0
    fill: float = 0.0
    min_confidence: float = 0.0
    plot: bool = False
    again: bool = False
    version: str = ""

    @property
    def options(self) -> Options:
        """Return how to refine."""
        return Options(self.strength, self.fill, self.min_confidence)


@dataclass(frozen=True)
class Done:
    """What became of one recording, and one line or more on it."""

    outcome: Outcome
    lines: tuple[str, ...]


def smooth_one(job: Job, smoothing: Smoothing) -> Done:
    """Refine one recording, and write what was made of it with a report.

    Raises
    ------
    InputError
        It cannot be used, or something is where its results shall be.
    """
    begin = time.perf_counter()
    method = open_method(smoothing.model)
    settings = {
        "model": method.about,
        "strength": smoothing.strength,
        "fill": smoothing.fill,
        "min_confidence": smoothing.min_confidence,
        "fps": smoothing.fps,
        "video": None if smoothing.video is None else smoothing.video.name,
    }
    given = hash_of(job.source)
    before = _already(job, settings, given, smoothing.again)
    if before is not None and (not smoothing.plot or before["page"]):
        return Done("already refined", (f"{job.output}: already refined, nothing was done",))
    where = str(job.source)
    name, recording = read_recording(job.source, smoothing.format, timed=smoothing.fps is None)
    check_moving(recording, where)
    method.check(recording, where)
    clock = clock_of(recording, where, smoothing.fps, smoothing.video)
    link = link_to(smoothing.video, job.page) if smoothing.video is not None else ""
    replaces = hash_of(job.output) if job.output.exists() else None
    plot = smoothing.plot or job.page.exists()
    if before is not None:
        before |= {"page": job.page.name}
        after = RECORDINGS[name].read(job.output).joints
        page = plot_page(recording, after, tracks_of(recording, clock.seconds), clock, before, link)
        _write_beside(job, before, page)
        return Done("already refined", (f"{job.output}: already refined; {job.page.name} shows it",))
    try:
        with threadpool_limits(1, user_api="blas"):  # its products are small
            refined = refine_recording(recording, clock, method, smoothing.options)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None

    def made(output: Path) -> tuple[dict[str, Any], str]:
        recording.write(refined.joints, output)
        written = 0
        if refined.filled.any():  # the file may have no place for a position that was missing
            back = RECORDINGS[name].read(output).joints
            written = int((refined.filled & np.isfinite(back).all(axis=-1)).sum())
        report = {
            "made_by": MADE_BY,
            "made_with": smoothing.version,
            "input": {"name": job.source.name, "sha256": given},
            "output": {"name": job.output.name, "sha256": hash_of(output)},
            "page": job.page.name if plot else None,
            "replaces": replaces,
            "format": name,
            "settings": settings,
            **report_on(recording, clock, refined, written),
            "seconds": round(time.perf_counter() - begin, 3),
        }
        if not plot:
            return report, ""
        return report, plot_page(recording, refined.joints, refined.track, clock, report, link)

    report = _write(job, smoothing.again, made)
    return Done("refined", (f"{job.output}: {recap(report)}", *(f"  {note}" for note in recording.notes)))


def _already(job: Job, settings: dict[str, Any], given: str, again: bool) -> dict[str, Any] | None:
    """Return the report on a recording that was refined before in the same way; refuse what may not be replaced."""
    report = read_report(job.report)
    if os.path.lexists(job.report) and report is None:
        raise InputError(f"{job.report}: was not made here, and a report would be written there; choose another output")
    if os.path.lexists(job.page) and (report is None or report["page"] != job.page.name):
        raise InputError(f"{job.page}: was not made here, and a page would be written there; choose another output")
    if not os.path.lexists(job.output):
        return None
    fault = _fault(job.output, report)
    if again:
        if fault.startswith(CHANGED):
            raise InputError(f"{job.output}: {fault}; choose another output, or remove it")
        if job.source.is_dir():
            check_replaceable(job.output, _kind(report), [job.source])
        else:
            check_file_replaceable(job.output, again, [job.source], lambda path: not fault)
        return None
    if not fault and report is not None and report["output"]["sha256"] == hash_of(job.output):
        if (report["settings"], report["input"]["sha256"]) == (settings, given):
            return report
        fault = "refined with other settings or from another file"
    how = f", {fault}" if fault.startswith("refined") else ""
    raise InputError(f"{job.output}: already exists{how}; choose another output or pass --again to replace it")


def _kind(report: dict[str, Any] | None) -> Kind:
    return Kind("refined folder", lambda path: _fault(path, report))


def _fault(output: Path, report: dict[str, Any] | None) -> str:
    """Say why an output is not as it was made here; empty if it is."""
    if report is None or report["output"]["name"] != output.name:
        return "was not made here"
    # It may be what the report's own output was about to replace when that was interrupted.
    as_made = (report["output"]["sha256"], report.get("replaces"))
    return "" if hash_of(output) in as_made else f"{CHANGED} since it was made"


def _write(job: Job, again: bool, made: Callable[[Path], tuple[dict[str, Any], str]]) -> dict[str, Any]:
    """Write a recording, and its report and page, which go first into their places: they are nothing without it.

    Parameters
    ----------
    job
        What goes where.
    again
        Whether to replace a folder.
    made
        Writes the recording to a path, and returns the report and the page, empty if there is none.
    """
    replacing = _kind(read_report(job.report)) if again else None
    folder = job.source.is_dir()
    with atomic_folder(job.output, replacing, [job.source]) if folder else atomic_file(job.output) as new:
        if folder:
            new.rmdir()  # which formats make themselves
        report, page = made(new)
        _write_beside(job, report, page)
    return report


def _write_beside(job: Job, report: dict[str, Any], page: str) -> None:
    texts = {job.report: json.dumps(report, indent=1, ensure_ascii=False) + "\n"} | ({job.page: page} if page else {})
    with atomic_files(list(texts)) as temporaries:
        for temporary, text in zip(temporaries, texts.values(), strict=True):
            temporary.write_text(text, "utf-8")
