"""How long recordings of other tools take to read, and to write with every coordinate changed.

    python bench/recordings_speed.py ../shared/data/wild/*/*

Processor time, the best of so many turns; also what that makes for 10,000 rows, a person in a frame each, of files that
are long enough for it to mean something. HDF5 and Parquet are opened by a process of their own, whose time is not in
it. What is no recording is left out.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from base.errors import InputError
from bench.measure import print_table
from data.recordings.guessing import read_recording

TOLD = 50
"""Rows that a file must have, for 10,000 to be told from it."""


def best(work: Callable[[], object], repeats: int) -> float:
    """Return the least seconds of processor time that some work took."""
    taken = []
    for _ in range(repeats):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken)


def timed(path: Path, repeats: int) -> list[str]:
    """Return a row of the table."""
    format, recording = read_recording(path)
    changed = recording.joints + 0.01 * np.random.default_rng(0).standard_normal(recording.joints.shape)
    with tempfile.TemporaryDirectory() as folder:
        places = (Path(folder) / f"{number}{path.suffix}" for number in range(repeats))
        read = best(lambda: read_recording(path), repeats)
        write = best(lambda: recording.write(changed, next(places)), repeats)
    rows, joints = recording.joints.shape[:2]
    whole = " + ".join(f"{seconds * 10_000 / rows:.1f}" for seconds in (read, write)) if rows >= TOLD else "-"
    return [format, path.name, str(rows), str(joints), f"{read:.3f}", f"{write:.3f}", whole]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    rows = []
    for path in given.paths:
        try:
            rows.append(timed(path, given.repeats))
        except InputError as error:
            print(f"left out: {error}", file=sys.stderr)
    print_table(["format", "file", "rows", "joints", "read, s", "write, s", "10,000 rows: read + write, s"], rows)


if __name__ == "__main__":
    main()
