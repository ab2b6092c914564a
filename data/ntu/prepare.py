"""Stage 0: from `.skeleton` files to a clip store."""

import hashlib
import re
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from base.config import Executor
from base.errors import InputError
from base.executors.registry import Pool
from base.files import NO_ROOM, locked, resumable_folder
from base.journal import JOURNAL
from base.progress import console, progress
from base.replacing import check_replaceable
from base.settings import Fps, Section
from base.words import plural
from data.ntu.archive import Listing, list_entries
from data.ntu.read_clips import read_clips
from data.ntu.simulate import SimulateSection, make_stand_in
from data.ntu.simulate.stand_in import say_waiting
from data.ntu.splits import MISSING, in_training, rules_of
from data.skeletons.resumable import ResumableStore
from data.skeletons.store import ClipStore, StoreInfo, open_store, rename_origin, store_of
from data.skeletons.units import Units

RULES = 2
"""Raised whenever the same text gives another store, so that no store is begun by one version and ended by another."""

REASONS = 10
"""So many kinds of reasons for skipping are shown."""

SKIP = "go on without such files with data.on_error=skip"

INCOMPLETE = "one of the samples that are incomplete by its authors' list"


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
    units
        What the positions in the files are in: NTU RGB+D's are in metres; a store's always.
    executor
        Who reads: `processes` of this machine; `here`, one file after another; or `ray`, a cluster at `RAY_ADDRESS` or
        so many cores of this machine. A store's bytes are the same.
    workers
        How many processes read; null for one per processor. More than eight are never needed.
    """

    raw: Path | None = None
    store: Path
    on_error: Literal["stop", "skip"] = "stop"
    fps: Fps = 30.0
    units: Units = "m"
    executor: Executor = "processes"
    workers: int | None = Field(None, ge=1, le=1024)


class PrepareConfig(Section):
    """The configuration of `python run.py prepare`."""

    simulate: SimulateSection | None = None
    data: DataSection


def prepare(config: PrepareConfig, again: bool = False) -> dict[str, Any]:
    """Turn `.skeleton` files into a clip store and return a summary of it.

    The samples that everybody leaves out, 302 of NTU RGB+D 60 and 535 of 120, are left out; bodies become actors by the
    rules of `choose_actors`. The memory used does not grow with the data set. A run that is ended half-way
    leaves a folder `.NAME.part` beside the store: the same command goes on there and ends in the same bytes.

    Parameters
    ----------
    config
        What to prepare.
    again
        Replace an existing store.

    Raises
    ------
    InputError
        The source, one of its files, an existing store of another source, another run into the same store or a full
        disk stands in the way.
    """
    try:
        return _prepare(config, again)
    except OSError as error:
        advice = "check the path and its permissions"
        if error.errno in NO_ROOM:
            advice = "make room and run the same command again, which goes on where it was"
        raise InputError(f"{config.data.store}: cannot be written ({error.strerror or error}); {advice}") from error


def _prepare(config: PrepareConfig, again: bool) -> dict[str, Any]:
    started = time.perf_counter()
    raw, simulate = config.data.raw, config.simulate
    if raw is None and simulate is None:
        raise InputError("data.raw: is null and there is no simulate section; give the NTU RGB+D zip or folder")
    kept = config.model_dump(mode="json", exclude={"data": {"executor", "workers", "store"}})
    if config.data.units == "m":
        del kept["data"]["units"]  # stores from before the key was there are the same
    if raw is None and simulate is not None and not simulate.text:
        return summarise(_part_of_stand_in(config.data, simulate, kept, again))
    source = raw if raw is not None else stand_in_zip(simulate)  # type: ignore[arg-type]
    if raw is None and source.resolve().is_relative_to(config.data.store.resolve()):
        raise InputError(f"data.store: {config.data.store} would hold the stand-in, {source}; choose another folder")
    if again:  # before anything long
        check_replaceable(config.data.store, store_of("raw"), [source], "data.store")
    elif config.data.store.exists():
        open_store(config.data.store)
    if raw is None and simulate is not None:
        make_stand_in(simulate, config.data.workers)
    if config.data.store.exists() and not again:
        return summarise(_already_prepared(config.data.store, kept))
    try:
        listing = list_entries(source)
    except InputError as error:
        raise InputError(f"data.raw: {error}") from error
    info = StoreInfo(fps=config.data.fps, times=True, source=str(source), config=kept)
    clips = _fill_store(source, listing, config.data, info, again)
    seconds = time.perf_counter() - started
    summary = summarise(open_store(config.data.store))
    return summary | {"seconds": round(seconds, 1), "clips per second": round(clips / seconds, 1)}


def _part_of_stand_in(data: DataSection, simulate: SimulateSection, kept: dict[str, Any], again: bool) -> ClipStore:
    """Return the store that the stand-in has instead of a zip.

    All its clips can be read, so that `on_error` says nothing of it; the rate is a number in `store.json`.
    """
    ready = simulate.folder / "raw"
    if data.store.resolve() != ready.resolve():
        raise InputError(
            f"data.store: {data.store}, but simulate.text is false and the clips are ready in {ready}; "
            "give that store, or simulate.text=true"
        )
    make_stand_in(simulate, data.workers)
    store = open_store(data.store)
    if store.info.fps == data.fps:
        return store
    if not again:
        raise InputError(
            f"data.store: {data.store} is already prepared, at {store.info.fps:g} frames a second; "
            f"give data.fps={store.info.fps:g}, or pass --again to change it to {data.fps:g}"
        )
    rename_origin(store, data.fps, kept)
    return open_store(data.store)


def _already_prepared(folder: Path, kept: dict[str, Any]) -> ClipStore:
    store = open_store(folder)
    if _but_folder(store.info.config) != _but_folder(kept):
        raise InputError(
            f"data.store: {folder} is already prepared, from {store.info.source} with other settings; "
            "choose another data.store or pass --again to replace it"
        )
    with suppress(OSError):  # a run may have been ended just before it did this
        (folder / JOURNAL).unlink(missing_ok=True)
    return store


def _but_folder(kept: dict[str, Any]) -> dict[str, Any]:
    """Leave out where a stand-in lies: it may be moved."""
    simulate = kept.get("simulate")
    return kept | {"simulate": {**simulate, "folder": None}} if isinstance(simulate, dict) else kept


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
    if all(path.exists() for path in wanted):
        return
    with locked(simulate.folder / "raw.prepared", waiting=lambda: say_waiting(simulate.folder)):
        prepare(PrepareConfig(simulate=simulate, data=DataSection(store=simulate.folder / "raw")))


def summarise(store: ClipStore) -> dict[str, Any]:
    """Count a store's clips, frames and actors, and say what was skipped and why."""
    inferred = unseen = 0
    for start in range(0, len(store.tracked), 1 << 16):
        states = np.asarray(store.tracked[start : start + (1 << 16)])
        inferred += int(np.count_nonzero(states == 1))
        unseen += states.size - int(np.count_nonzero(states))
    actors = store.tracks_per_clip
    rules = rules_of(store.clips)
    training = {split: int(np.count_nonzero(in_training(store.clips, rule))) for split, rule in rules.items()}
    return {
        "store": str(store.folder),
        "clips": len(store.clips),
        "frames": int(store.clips.frames.sum()),
        "performers": len(np.unique(store.clips.performer)),
        "actions": len(np.unique(store.clips.action)),
        "clips by actors": {str(number): int(count) for number, count in sorted(Counter(actors.tolist()).items())},
        "clips by split": {
            split: {"train": count, "test": len(store.clips) - count} for split, count in training.items()
        },
        "inferred share": round(inferred / max(store.tracked.size, 1), 4),
        "not seen share": round(unseen / max(store.tracked.size, 1), 4),
        "skipped": store.info.skipped,
        "skipped by reason": dict(Counter(_kind(**skipped) for skipped in store.info.skipped).most_common()),
    }


def _kind(file: str, reason: str) -> str:
    """Take out of a reason what is different in every file."""
    if reason == INCOMPLETE:
        return reason
    what = reason.partition(f"{file}: ")[2] or reason.partition(": ")[2] or reason
    what = re.sub(r"^(line \d+|frame \d+(, joint \d+)?): ", "", what.partition(";")[0])
    return re.sub(r"'[^']*'|\d+", "…", what)


def _fill_store(raw: Path, listing: Listing, data: DataSection, info: StoreInfo, again: bool) -> int:
    """Write the store, or what is left of it to write, and return how many clips were read."""
    wanted = [entry for entry in listing.entries if str(entry.name) not in MISSING]
    left_out = [{"file": entry.path, "reason": INCOMPLETE} for entry in listing.entries if str(entry.name) in MISSING]
    made_of = (RULES, str(raw), listing.identity, *([] if data.units == "m" else [data.units]))
    identity = hashlib.sha256(repr(made_of).encode("utf-8", "surrogatepass")).hexdigest()
    with resumable_folder(data.store, store_of("raw") if again else None, [raw]) as part:
        if data.store.exists() and not again:
            raise InputError(f"{data.store}: another run has just written it; run the same command again to see it")
        pool = Pool(data.executor, data.workers)
        with closing(ResumableStore(part, info, identity)) as unfinished, progress() as bar:
            if unfinished.skipped and data.on_error == "stop":
                raise InputError(f"{unfinished.skipped[0]['reason']}; {SKIP}")
            before = unfinished.files.clips
            if unfinished.entries:
                console.print(f"going on after {unfinished.entries} of {plural(len(wanted), 'clip')}", highlight=False)
            task = bar.add_task("preparing clips", total=len(wanted), completed=unfinished.entries)
            for batch in read_clips(raw, wanted[unfinished.entries :], pool, data.units):
                if batch.faults and data.on_error == "stop":
                    raise InputError(f"{batch.faults[0][1]}; {SKIP}")
                skipped = [{"file": path, "reason": reason} for path, reason in batch.faults]
                unfinished.add(batch.entries, batch.block, skipped)
                bar.advance(task, batch.entries)
            unfinished.finish(info.model_copy(update={"skipped": left_out + unfinished.skipped}))
            clips = unfinished.files.clips - before
    (data.store / JOURNAL).unlink(missing_ok=True)
    return clips


def describe(summary: dict[str, Any]) -> str:
    """Put a summary into a few lines for the terminal."""
    lines = [
        f"{summary['store']}: {plural(summary['clips'], 'clip')}, {plural(summary['frames'], 'frame')}, "
        f"{plural(summary['performers'], 'performer')}, {plural(summary['actions'], 'action')}",
        "clips by number of actors: " + ", ".join(f"{n}: {count}" for n, count in summary["clips by actors"].items()),
        *(
            f"{split}: {plural(count['train'], 'clip')} for training, {count['test']} for testing"
            for split, count in summary["clips by split"].items()
        ),
        f"joints inferred: {summary['inferred share']:.1%}, not seen: {summary['not seen share']:.1%}",
    ]
    for reason, count in list(summary["skipped by reason"].items())[:REASONS]:
        lines.append(f"skipped: {count}: {reason}")
    more = sum(list(summary["skipped by reason"].values())[REASONS:])
    if more:
        lines.append(f"skipped: {more} more, for other reasons; all are in {summary['store']}/store.json")
    if "seconds" in summary:
        lines.append(f"took {summary['seconds']} s, {summary['clips per second']} clips a second")
    return "\n".join(lines)
