"""Preparing a data set, zip to store, against one process that reads line by line, and what it takes.

Usage: python bench/prepare_speed.py [--raw ZIP] [--clips N] [--workers N] [--folder FOLDER] [--sample N]

Without --raw, a stand-in of N clips (2,000) is simulated first, in FOLDER. Three things are measured:

- the reference, on every k-th clip: readline, split, and a dictionary of numbers per joint, one process; once with the
  text in memory and once with unpacking it (Python's zipfile);
- where the time goes here: each stage alone on the same clips, in one process, CPU time;
- `python run.py prepare`, as a user starts it, from an empty folder to the finished store: clips per second of wall
  clock, and the largest sum of the memory of all its processes (shared pages counted once: PSS; and RSS).
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import pickle
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.measure import run_family, timed
from bench.parse_speed import with_dictionaries
from data.ntu.actors import choose_actors
from data.ntu.archive import Entry, Source, list_entries, unpacker
from data.ntu.read_clips import BATCH, keep_memory
from data.ntu.simulate import SimulateSection, make_stand_in
from data.ntu.simulate.actions import repertoire
from data.ntu.text import read_skeleton
from data.skeletons.layouts import NTU25
from data.skeletons.store import StoreFiles, StoreInfo, to_block

ROOT = Path(__file__).parents[1]


def simulated(folder: Path, clips: int) -> Path:
    actions = tuple(sorted(repertoire().actions))
    section = SimulateSection(
        folder=folder / f"simulated_{clips}", clips=clips, performers=40, actions=actions, text=True
    )
    return make_stand_in(section) / "nturgbd_skeletons_simulated.zip"


def reference(raw: Path, entries: Sequence[Entry]) -> tuple[float, float, float]:
    """Return wall-clock ms a clip of parsing alone, of unpacking and parsing, and CPU ms of parsing alone."""
    archive = zipfile.ZipFile(raw)
    texts, unpacking = timed(lambda: [archive.read(entry.path) for entry in entries])

    def parse() -> None:
        for text in texts:
            with_dictionaries(text)

    runs = [timed(parse)[1] for _ in range(2)]
    wall, cpu = min(run.wall for run in runs), min(run.processor for run in runs)
    each = 1000 / len(entries)
    return wall * each, (wall + unpacking.wall) * each, cpu * each


class Stopwatch:
    """CPU ms by name."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Add what a block takes."""
        start = time.process_time()
        yield
        self.spent[name] = self.spent.get(name, 0.0) + 1000 * (time.process_time() - start)


def stages(raw: Path, entries: Sequence[Entry]) -> dict[str, float]:
    """Return CPU ms a clip of each stage, best of three."""
    source = Source(raw)
    runs = []
    for _ in range(3):
        stage = Stopwatch()
        with tempfile.TemporaryDirectory() as folder:
            files = StoreFiles(Path(folder), StoreInfo())
            for start in range(0, len(entries), BATCH):
                clips = []
                for entry in entries[start : start + BATCH]:  # as the processes do: what one stage left is in the cache
                    with stage("unpack"):
                        text = source.read(entry)
                    with stage("parse"):
                        skeleton = read_skeleton(text, "clip")
                    with stage("actors"):
                        frames, tracks = choose_actors(skeleton)
                    if entry.name is not None and tracks:
                        clips.append((entry.name, frames, tracks))
                with stage("join"):
                    block = to_block(clips, NTU25)
                with stage("send"):
                    block = pickle.loads(pickle.dumps(block, pickle.HIGHEST_PROTOCOL))
                with stage("write"):
                    files.add(block)
                    files.progress()
            files.close()
        runs.append({name: spent / len(entries) for name, spent in stage.spent.items()})
    return {name: min(run[name] for run in runs) for name in runs[0]}


def prepare(raw: Path, store: Path, workers: int | None) -> tuple[float, str, float, float]:
    """Return the command's seconds, what it printed, and its peak PSS and RSS in MB."""
    command = [sys.executable, str(ROOT / "run.py"), "prepare", f"data.raw={raw}", f"data.store={store}"]
    return run_family(command + ([] if workers is None else [f"data.workers={workers}"]))


def main() -> None:
    parser = argparse.ArgumentParser(description="Preparing a data set: speed and memory.")
    parser.add_argument("--raw", type=Path)
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "prepare_speed")
    parser.add_argument("--sample", type=int, default=200)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    raw = (given.raw or simulated(given.folder, given.clips)).resolve()

    entries = list_entries(raw).entries
    sample = entries[:: max(len(entries) // given.sample, 1)]
    size = np.mean([entry.packed.size for entry in sample if entry.packed])
    packed = np.mean([entry.packed.packed_size for entry in sample if entry.packed])
    print(f"{raw}: {len(entries)} clips, {size / 1000:.0f} kB of text each, {packed / 1000:.0f} kB packed")

    store = given.folder / "store"
    shutil.rmtree(store, ignore_errors=True)
    seconds, output, pss, rss = prepare(raw, store, given.workers)
    rate = len(entries) / seconds
    print(output.rstrip())
    print(
        f"run.py prepare, from start to exit: {seconds:.1f} s, {rate:.0f} clips/s; peak memory of all processes: "
        f"{pss:.0f} MB (pages shared between them once), {rss:.0f} MB (RSS)"
    )
    parsing, with_unpacking, cpu = reference(raw, sample)
    print(
        f"reference: {parsing:.2f} ms a clip for parsing alone ({cpu:.2f} ms CPU), {with_unpacking:.2f} ms with "
        f"unpacking: {1000 / parsing:.0f} and {1000 / with_unpacking:.0f} clips/s"
    )
    print(
        f"ratio, zip to store against the reference: {rate * parsing / 1000:.1f} (reference without unpacking), "
        f"{rate * with_unpacking / 1000:.1f} (with)"
    )
    keep_memory()
    spent = stages(raw, sample)
    total = sum(spent.values())
    print(f"CPU ms a clip by stage, one process ({unpacker.__name__}):")
    print("  " + ", ".join(f"{name} {value:.3f} ({value / total:.0%})" for name, value in spent.items()))
    print(f"  in all {total:.3f}; reference's parsing {cpu:.2f}, ratio of CPU time {cpu / total:.1f}")
    shutil.rmtree(store, ignore_errors=True)


if __name__ == "__main__":
    main()
