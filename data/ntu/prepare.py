"""Stage 0: from `.skeleton` files to a clip store."""

import os
import signal
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from data.errors import InputError
from data.ntu.actors import choose_actors
from data.ntu.names import ClipName
from data.ntu.simulate import SimulateSection, make_stand_in
from data.ntu.skeleton import read_skeleton
from data.ntu.source import Entry, Source, list_entries
from data.ntu.splits import MISSING
from data.ntu.store import ClipStore, StoreInfo, StoreWriter, Track, open_store
from data.progress import progress
from data.settings import Section

BATCH = 16
"""Clips that one process reads at a time."""
IN_PROCESS = 128
"""Sets of up to so many clips are read without further processes, which take longer to start than to read them."""


class DataSection(Section):
    """What to prepare, and into which store.

    Parameters
    ----------
    raw
        The zip or folder of `.skeleton` files; null stands for the simulated stand-in.
    store
        The clip store to write.
    on_error
        What to do with a file that cannot be read as a clip: stop, or skip it and count it in the store.
    fps
        Frames per second of the recordings.
    workers
        How many processes read; null for one per processor.
    """

    raw: Path | None = None
    store: Path
    on_error: Literal["stop", "skip"] = "stop"
    fps: float = Field(30.0, gt=0)
    workers: int | None = Field(None, ge=1)


class PrepareConfig(Section):
    """The configuration of `python run.py prepare`."""

    simulate: SimulateSection | None = None
    data: DataSection


def prepare(config: PrepareConfig, again: bool = False) -> dict[str, Any]:
    """Turn `.skeleton` files into a clip store and return a summary of it.

    The 302 samples that everybody leaves out are left out; bodies become actors by the rules of `choose_actors`. The
    memory used does not grow with the data set.

    Parameters
    ----------
    config
        What to prepare.
    again
        Replace an existing store.

    Raises
    ------
    InputError
        The source, one of its files, or an existing store of another source stands in the way.
    """
    raw = config.data.raw
    if raw is None:
        if config.simulate is None:
            raise InputError("data.raw: is null and there is no simulate section; give the NTU RGB+D zip or folder")
        raw = stand_in_zip(config.simulate)
        make_stand_in(config.simulate, config.data.workers)
        if not config.simulate.text:
            ready = config.simulate.folder / "raw"
            if config.data.store.resolve() != ready.resolve():
                raise InputError(
                    f"data.store: {config.data.store}, but simulate.text is false and the clips are ready in {ready}; "
                    "give that store, or simulate.text=true"
                )
            again = False  # the store is part of the stand-in
    kept = config.model_dump(mode="json", exclude={"data": {"workers", "store"}})
    if config.data.store.exists() and not again:
        store = open_store(config.data.store)
        if store.info.config != kept:
            raise InputError(
                f"data.store: {config.data.store} is already prepared, from {store.info.source} with other settings; "
                "choose another data.store or pass --again to replace it"
            )
        return summarise(store)
    entries = list_entries(raw)
    info = StoreInfo(fps=config.data.fps, source=str(raw), config=kept)
    _fill_store(raw, entries, config.data, info, replace=again)
    return summarise(open_store(config.data.store))


def stand_in_zip(simulate: SimulateSection) -> Path:
    """Return where the stand-in's zip of `.skeleton` files is or will be."""
    return simulate.folder / "nturgbd_skeletons_simulated.zip"


def ensure_stand_in(simulate: SimulateSection | None, needed: Iterable[Path | None]) -> None:
    """Make and prepare the simulated stand-in if one of the needed paths lies in its folder.

    Parameters
    ----------
    simulate
        The stand-in's settings; null where a configuration does without it.
    needed
        Paths that a stage is about to read.

    Raises
    ------
    InputError
        The folder holds a stand-in of other settings.
    """
    if simulate is None:
        return
    folder = simulate.folder.resolve()
    wanted = [path for path in needed if path is not None and path.resolve().is_relative_to(folder)]
    if not wanted:
        return
    make_stand_in(simulate, None)  # leaves what is there alone, and refuses one of other settings
    if not all(path.exists() for path in wanted):
        prepare(PrepareConfig(simulate=simulate, data=DataSection(store=simulate.folder / "raw")))


def summarise(store: ClipStore) -> dict[str, Any]:
    """Count a store's clips, frames and actors, and say what was skipped and why."""
    states = np.zeros(3, np.int64)
    for start in range(0, len(store.tracked), 1 << 16):
        states += np.bincount(np.asarray(store.tracked[start : start + (1 << 16)]).ravel(), minlength=3)[:3]
    actors = np.bincount(store.tracks.clip, minlength=len(store.clips))
    return {
        "store": str(store.folder),
        "clips": len(store.clips),
        "frames": int(store.clips.frames.sum()),
        "performers": len(np.unique(store.clips.performer)),
        "actions": len(np.unique(store.clips.action)),
        "clips by actors": {str(number): int(count) for number, count in sorted(Counter(actors.tolist()).items())},
        "inferred share": round(float(states[1] / max(states.sum(), 1)), 4),
        "not seen share": round(float(states[0] / max(states.sum(), 1)), 4),
        "skipped": store.info.skipped,
    }


_Clip = tuple[ClipName, int, list[Track]] | tuple[str, str]
"""A clip's name, length and tracks; or a file's path and why it cannot be used."""


def _fill_store(raw: Path, entries: Sequence[Entry], data: DataSection, info: StoreInfo, replace: bool) -> None:
    skipped = [{"file": entry.path, "reason": "one of the 302 incomplete samples"} for entry in _left_out(entries)]
    wanted = [entry for entry in entries if str(entry.name) not in MISSING]
    with StoreWriter(data.store, info, replace) as writer, progress() as bar:
        task = bar.add_task("preparing clips", total=len(wanted))
        for clip in _read_clips(raw, wanted, data):
            if len(clip) == 3:
                writer.add(*clip)
            elif data.on_error == "stop":
                raise InputError(clip[1])
            else:
                skipped.append({"file": clip[0], "reason": clip[1]})
            bar.advance(task)
        writer.info = info.model_copy(update={"skipped": skipped})


def _left_out(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if str(entry.name) in MISSING]


def _read_clips(raw: Path, entries: Sequence[Entry], data: DataSection) -> Iterator[_Clip]:
    """Read clips in order, in several processes; only a few batches are under way or waiting at any time."""
    workers = data.workers or os.cpu_count() or 1
    batches = (entries[start : start + BATCH] for start in range(0, len(entries), BATCH))
    if workers == 1 or len(entries) <= IN_PROCESS:
        _open_source(raw)
        for batch in batches:
            yield from _read_batch(batch)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (raw,))
    try:
        waiting: deque[Future[list[_Clip]]] = deque()
        for batch in batches:
            waiting.append(pool.submit(_read_batch, batch))
            if len(waiting) > 4 * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


_source: Source | None = None


def _start_worker(raw: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _open_source(raw)


def _open_source(raw: Path) -> None:
    global _source
    _source = Source(raw)


def _read_batch(entries: Sequence[Entry]) -> list[_Clip]:
    return [_read_clip(entry) for entry in entries]


def _read_clip(entry: Entry) -> _Clip:
    assert _source is not None
    if entry.name is None:
        return entry.path, entry.fault
    where = f"{_source.path}: {entry.path}" if not _source.path.is_dir() else str(_source.path / entry.path)
    try:
        frames, tracks = choose_actors(read_skeleton(_source.read(entry.path), where))
    except InputError as error:
        return entry.path, str(error)
    if not tracks:
        return entry.path, f"{where}: nobody is seen in any frame; leave it out with data.on_error=skip"
    return entry.name, frames, tracks


def describe(summary: dict[str, Any]) -> str:
    """Put a summary into a few lines for the terminal."""
    lines = [
        f"{summary['store']}: {summary['clips']} clips, {summary['frames']} frames, "
        f"{summary['performers']} performers, {summary['actions']} actions",
        "clips by number of actors: " + ", ".join(f"{n}: {count}" for n, count in summary["clips by actors"].items()),
        f"joints inferred: {summary['inferred share']:.1%}, not seen: {summary['not seen share']:.1%}",
    ]
    if summary["skipped"]:
        lines.append(f"skipped: {len(summary['skipped'])}, the first: {summary['skipped'][0]['reason']}")
    return "\n".join(lines)
