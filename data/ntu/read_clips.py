"""Clips from a zip or folder, read by several processes or machines, a batch at a time and in order."""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import groupby
from pathlib import Path

from base.cores import cores
from base.errors import InputError
from base.executors.registry import Pool, none_lost, spread
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
"""Texts of more bytes, which the data set does not have, are read one at a time, by this process: reading takes twenty
times their size."""
_WAITING = 3
"""Batches per process that are being read or wait to be written."""


@dataclass(frozen=True)
class Batch:
    """What a number of successive entries gave: a block of clips, and the (path, reason) of those that are none."""

    entries: int
    block: Block
    faults: list[tuple[str, str]]


def read_clips(raw: Path, entries: Sequence[Entry], pool: Pool, units: Units = "m") -> Iterator[Batch]:
    """Read clips in order; only a few batches are under way or waiting at any time.

    Parameters
    ----------
    raw
        The zip or folder.
    entries
        Which of its files.
    pool
        Who reads; processes are at most `MOST_WORKERS`, and few clips are read here instead.
    units
        What positions are in.

    Raises
    ------
    InputError
        Processes were ended from outside, or a cluster cannot be reached.
    """
    pool = replace(pool, ahead=_WAITING)
    if pool.executor == "processes":
        count = 1 if len(entries) <= IN_PROCESS else pool.count or cores()
        pool = replace(pool, count=min(count, MOST_WORKERS))
    work = partial(read_batch, raw, units=units)
    for large, some in groupby(entries, lambda entry: entry.size > LARGE):
        found = list(some)
        batches = (found[start : start + BATCH] for start in range(0, len(found), BATCH))
        with closing(spread(work, batches, Pool() if large else pool)) as results:
            yield from none_lost(results, str(raw), "data.workers")


def read_batch(raw: Path, entries: Sequence[Entry], units: Units = "m") -> Batch:
    """Read some clips of a zip or folder.

    Parameters
    ----------
    raw
        The zip or folder.
    entries
        Which of its files.
    units
        What positions are in.
    """
    keep_memory()
    clips = []
    faults = []
    with closing(Source(raw)) as source:
        for entry in entries:
            try:
                if entry.name is None:
                    raise InputError(entry.fault)
                where = source.place(entry)
                frames, tracks = choose_actors(read_skeleton(source.read(entry), where, units, "data.units="))
                if not tracks:
                    raise InputError(f"{where}: nobody is seen in any frame")
                clips.append((entry.name, frames, tracks))
            except InputError as error:
                faults.append((entry.path, str(error)))
    return Batch(len(entries), to_block(clips, NTU25), faults)


@cache
def keep_memory() -> None:
    """Have the C library keep freed memory for the next clip: to fetch it anew takes as long as the parsing itself."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return  # glibc alone needs it
    trim_threshold, mmap_threshold = -1, -3
    mallopt(mmap_threshold, 4 << 20)
    mallopt(trim_threshold, 16 << 20)
