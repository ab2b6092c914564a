"""Which recordings are meant, and where what is made of them goes."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from base.errors import InputError
from data.recordings.guessing import guess_recording
from data.recordings.peek import MOST_FILES
from data.recordings.registry import find_recording
from refine.files.report import REPORT, is_ours, read_report

DEEPEST = 32
"""Folders within folders that are looked into."""


@dataclass(frozen=True)
class Job:
    """One recording, and what is made of it.

    Parameters
    ----------
    source
        A file, or a folder of a file per frame.
    output
        The same, refined.
    report
        What was done, beside it.
    page
        The page that shows it.
    """

    source: Path
    output: Path
    report: Path
    page: Path

    def absolute(self) -> "Job":
        """Return the same for a process that works in another folder."""
        return Job(*(path.absolute() for path in vars(self).values()))


def find_jobs(
    inputs: Sequence[Path], output: Path | None = None, format: str | None = None
) -> tuple[list[Job], list[Path]]:
    """Find all recordings, and say where what is made of them goes.

    Beside a recording goes `NAME_refined.EXT`, or into a folder `output` the same tree with the same names.

    Parameters
    ----------
    inputs
        Recordings, and folders of recordings, to any depth. In folders, hidden files, what was made here, and what is
        of no format are left out.
    output
        Where to write: the path of one recording, or a folder for several.
    format
        Their format; None to guess each.

    Returns
    -------
    jobs : list of Job
    others : list of Path
        Files in the folders that are of no format.

    Raises
    ------
    InputError
        There is nothing at a path, no recording in a folder, or two would be written to one place.
    """
    known = _sort_of(format)
    jobs: list[Job] = []
    others: list[Path] = []
    reports: set[Path] = set()
    for given in inputs:
        if not given.exists():
            raise InputError(f"{given}: is not there; give files, folders of a file per frame, or folders of these")
        alone = not given.is_dir() or known(given)
        found = [given] if alone else list(_inside(given, known, others))
        if not found:
            what = "of this format" if format else "of a format that is read"
            raise InputError(
                f"{given}: holds nothing {what}, but perhaps what was made here; python run.py smooth --help lists them"
            )
        for source in found:
            if output is None:
                target = _refined(source)
            elif len(inputs) == 1 and alone:
                target = output / source.name if source.is_file() and output.is_dir() else output
            else:
                target = output / source.relative_to(given.parent if alone or len(inputs) > 1 else given)
            jobs.append(_job(source, target, reports))
    _check_apart(jobs)
    return jobs, others


def _sort_of(format: str | None) -> Callable[[Path], bool]:
    """Return what tells whether a path is a recording."""
    if format is not None:
        kind = find_recording(format)
        return lambda path: ("folder" if path.is_dir() else "file") in kind.source and kind.guess(path) > 0

    def known(path: Path) -> bool:
        if path.is_dir() and not _is_numbered(path):
            return False
        try:
            return guess_recording(path) is not None
        except InputError:  # it may be of several, which will be told when it is read
            return True

    return known


def _is_numbered(folder: Path) -> bool:
    """Say whether a folder's files differ in nothing but numbers, as those of frames do and those of recordings do not.

    Those of the ending that most of them have count, and half of them may be called otherwise.
    """
    try:
        names = [path.name for path in islice(folder.iterdir(), MOST_FILES) if not path.name.startswith(".")]
    except OSError:
        return False
    ((ending, count),) = Counter(Path(name).suffix for name in names).most_common(1) or [("", 0)]
    alike = Counter(re.sub(r"\d+", "0", name) for name in names if Path(name).suffix == ending)
    return count > 0 and 2 * max(alike.values()) >= count


def _inside(folder: Path, known: Callable[[Path], bool], others: list[Path], depth: int = 0) -> Iterator[Path]:
    try:
        found = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); give a folder that can") from error
    for path in found:
        if path.name.startswith(".") or is_ours(path):
            continue
        if path.is_dir():
            if known(path):
                yield path
            elif depth < DEEPEST and not path.is_symlink():  # a link may lead round in a circle
                yield from _inside(path, known, others, depth + 1)
        elif known(path):
            yield path
        else:
            others.append(path)


def _refined(source: Path) -> Path:
    whole = source if source.name else source.absolute()
    return whole.with_name(f"{whole.name}_refined" if whole.is_dir() else f"{whole.stem}_refined{whole.suffix}")


def _job(source: Path, output: Path, taken: set[Path]) -> Job:
    stem = output.name if source.is_dir() else output.stem
    report = output.with_name(stem + REPORT)
    there = read_report(report)
    if report in taken or (there is not None and there["output"]["name"] != output.name):
        stem = output.name  # of two that differ in their endings
        report = output.with_name(stem + REPORT)
    taken.add(report)
    return Job(source, output, report, output.with_name(f"{stem}.html"))


def _check_apart(jobs: Sequence[Job]) -> None:
    """Refuse to write two results to one place, or one over what is read."""
    sources = {job.source.resolve() for job in jobs}
    written: dict[Path, Path] = {}
    for job in jobs:
        for path in (job.output, job.report, job.page):
            place = path.resolve()
            if place in sources:
                raise InputError(f"--output: {path}: is read from; choose another output")
            holds = next((folder for folder in place.parents if folder in sources), None)
            if holds is not None:
                raise InputError(f"--output: {path}: lies in {holds}, which is read; choose another output")
            if place in written:
                raise InputError(
                    f"--output: {path}: {written[place]} and {job.source} would both be written there; refine them one "
                    "by one"
                )
            written[place] = job.source
