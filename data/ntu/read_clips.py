"""Clips from a zip or folder, read by several processes, a batch at a time and in order."""

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from base.errors import InputError
from base.workers import WorkerEndedError, map_in_processes
from data.ntu.actors import choose_actors
from data.ntu.archive import Entry, Source
from data.ntu.text import read_skeleton
from data.skeletons.layouts import NTU25
from data.skeletons.store import Block, to_block
from data.skeletons.units import Units

BATCH = 32
"""Clips that one process reads at a time."""
IN_PROCESS = 128
"""Sets of up to so many clips are read without further processes, which take longer to start than to read them."""
MOST_WORKERS = 8
"""More would wait for the one process that writes, and take memory for nothing."""
LARGE = 4 << 20
"""Texts of more bytes, which the data set does not have, are read by one process at a time: reading takes twenty times
their size."""
_WAITING = 3
"""Batches per process that are being read or wait to be written."""


@dataclass(frozen=True)
class Batch:
    """What a number of successive entries gave: a block of clips, and the (path, reason) of those that are none."""

    entries: int
    block: Block
    faults: list[tuple[str, str]]


def read_clips(raw: Path, entries: Sequence[Entry], workers: int | None = None, units: Units = "m") -> Iterator[Batch]:
    """Read clips in order; only a few batches are under way or waiting at any time.

    Parameters
    ----------
    raw
        The zip or folder.
    entries
        Which of its files.
    workers
        Processes; None for one per processor, at most `MOST_WORKERS` in any case.
    units
        What positions are in.

    Raises
    ------
    InputError
        A process was ended from outside.
    """
    workers = min(workers or os.cpu_count() or 1, MOST_WORKERS)
    batches = (entries[start : start + BATCH] for start in range(0, len(entries), BATCH))
    if workers == 1 or len(entries) <= IN_PROCESS:
        source = Source(raw)
        try:
            for batch in batches:
                yield read_batch(source, batch, units=units)
        finally:
            source.close()
        return
    given = (raw, get_context("spawn").Lock(), units)
    try:
        yield from map_in_processes(_read_batch, batches, workers, ahead=_WAITING, start=_start_worker, given=given)
    except WorkerEndedError as error:
        raise InputError(
            f"{raw}: a process that was reading it has been ended from outside (for want of memory?); "
            "run the same command again, with a smaller data.workers if need be"
        ) from error


def read_batch(
    source: Source,
    entries: Sequence[Entry],
    alone: AbstractContextManager[Any] | None = None,
    units: Units = "m",
) -> Batch:
    """Read some clips of an open zip or folder.

    Parameters
    ----------
    source
        The zip or folder.
    entries
        Which of its files.
    alone
        What to hold while a large one is read.
    units
        What positions are in.
    """
    alone = alone or nullcontext()
    clips = []
    faults = []
    for entry in entries:
        try:
            if entry.name is None:
                raise InputError(entry.fault)
            where = source.place(entry)
            with alone if entry.size > LARGE else nullcontext():
                frames, tracks = choose_actors(read_skeleton(source.read(entry), where, units, "data.units="))
            if not tracks:
                raise InputError(f"{where}: nobody is seen in any frame")
            clips.append((entry.name, frames, tracks))
        except InputError as error:
            faults.append((entry.path, str(error)))
    return Batch(len(entries), to_block(clips, NTU25), faults)


_source: Source | None = None
_alone: AbstractContextManager[Any] | None = None
_units: Units = "m"


def _start_worker(raw: Path, alone: AbstractContextManager[Any], units: Units) -> None:
    global _source, _alone, _units
    keep_memory()
    _source, _alone, _units = Source(raw), alone, units


def _read_batch(entries: Sequence[Entry]) -> Batch:
    assert _source is not None
    return read_batch(_source, entries, _alone, _units)


def keep_memory() -> None:
    """Have the C library keep freed memory for the next clip: to fetch it anew takes as long as the parsing itself."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return  # glibc alone needs it
    trim_threshold, mmap_threshold = -1, -3
    mallopt(mmap_threshold, 4 << 20)
    mallopt(trim_threshold, 16 << 20)
