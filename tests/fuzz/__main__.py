"""Damaged inputs at every door, as many as wanted.

Usage: python -m tests.fuzz [--count 1000] [--seed 0] [--door NAME]

Each is read, or refused by the project's own error in one line; anything else ends this with a traceback that names the
door, the seed and the try. The memory is what the process needed more than before, at most.
"""

import argparse
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch

from tests.fuzz import skeletons
from tests.fuzz.doors import DOORS, attempts
from tests.fuzz.memory import peak_memory


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Damaged inputs at every door.")
    parser.add_argument("--count", type=int, default=1000, help="for each door")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--door")
    given = parser.parse_args()
    torch.set_num_threads(1)
    total: Counter[str] = Counter()
    for door in DOORS:
        if given.door in (None, door.name):
            total += _said(door.name, _at(door, given.count, given.seed))
    if given.door in (None, "skeletons"):
        total += _said("skeletons", _texts(given.count, given.seed))
    if given.door in (None, "zips"):
        total += _said("zips", _zips(given.count, given.seed))
    print(f"{sum(total.values())} damaged inputs: {dict(total)}")


def _said(name, outcomes):
    before, start = peak_memory(), time.perf_counter()
    counts = Counter("refused" if "refused" in outcome else "read" for outcome in outcomes)
    more = (peak_memory() - before) >> 20
    print(f"{name}: {dict(counts)} in {time.perf_counter() - start:.0f} s, {more} MiB more", flush=True)
    return counts


def _at(door, count, seed):
    with tempfile.TemporaryDirectory() as folder:
        yield from attempts(door, Path(folder), count, seed)


def _texts(count, seed):
    for number in range(count):
        r = random.Random(f"text {seed} {number}")
        yield skeletons.check(skeletons.damage(skeletons.a_text(r), r))


def _zips(count, seed):
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            yield skeletons.check_zip(
                skeletons.damaged_zip(random.Random(f"zip {seed} {number}")), Path(folder) / "a.zip"
            )


if __name__ == "__main__":
    main()
