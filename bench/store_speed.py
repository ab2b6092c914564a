"""Opening a prepared store, and drawing batches of random clips from it.

Usage: python bench/store_speed.py STORE [--batch 64] [--batches 200]

- open: `open_store`, its tables read and checked, the frames not touched; best and median of ten.
- slice: all frames of all tracks of the batch's clips, copied from the memory map into one array.
- gather: the network's input, 64 frames a clip (`recognition.input.batches.gather_batch`), from clips that
  `load_clips` has
  put into memory, as training does; up to 5,000 of them.

Slicing is measured once as the store is found, where the disk may be waited for, and once after all of it has been
read, so that it is in the system's cache.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.measure import seconds
from data.skeletons.store import ClipStore, open_store
from recognition.config import InputSection
from recognition.input.augment import still
from recognition.input.batches import gather_batch
from recognition.input.loading import load_clips


def milliseconds(function: Callable[[], object], runs: int) -> list[float]:
    return [1000 * seconds(function) for _ in range(runs)]


def draw(store: ClipStore, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    spans = [store.rows_of(track) for track in store.tracks_of(rows)]
    return np.concatenate([store.joints[span] for span in spans]), np.concatenate(
        [store.tracked[span] for span in spans]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Opening a store and drawing batches.")
    parser.add_argument("store", type=Path)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--batches", type=int, default=200)
    given = parser.parse_args()
    torch.set_num_threads(1)
    times = milliseconds(lambda: open_store(given.store), 10)
    store = open_store(given.store)
    print(f"{given.store}: {len(store.clips)} clips, {len(store.tracks)} tracks, {len(store.joints)} rows")
    print(f"open: first {times[0]:.1f} ms, median {np.median(times):.1f}, best {min(times):.1f}")
    random = np.random.default_rng(0)
    count = min(given.batch, len(store.clips))
    for state in ("as found", "in the cache"):
        times = milliseconds(lambda: draw(store, random.choice(len(store.clips), count, replace=False)), given.batches)
        print(f"slice {count} random clips, {state}: median {np.median(times):.2f} ms, 95% {_95(times):.2f}")
        for path in given.store.iterdir():
            with path.open("rb") as file:
                while file.read(1 << 24):
                    pass
    kept = np.sort(random.choice(len(store.clips), min(len(store.clips), 5000), replace=False))
    clips = load_clips(store, kept, np.unique(store.clips.action), "cpu")
    seen = InputSection(frames=64)
    draws = still(count, seen, 0.5)
    times = milliseconds(lambda: gather_batch(clips, torch.randperm(len(clips))[:count], seen, draws), given.batches)
    print(f"gather {count} x 64 frames: median {np.median(times):.2f} ms, 95% {_95(times):.2f}")


def _95(times: list[float]) -> float:
    return float(np.quantile(times, 0.95))


if __name__ == "__main__":
    main()
