"""How fast the stand-in is made: clips a second, and the memory it takes.

Usage: python bench/simulate_speed.py [--clips 2000] [--workers 2] [--text]

Without --text, as clip stores; with it, as a zip of `.skeleton` files. All 60 actions by 40 performers at severity 1.
Run it on an idle machine; starting the processes is part of the time.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import resource
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.measure import seconds
from data.ntu.simulate import SimulateSection, make_stand_in
from data.ntu.simulate.actions import repertoire
from data.skeletons.store import open_store


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--text", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        section = SimulateSection(
            folder=Path(folder) / "simulated",
            clips=asked.clips,
            performers=40,
            actions=tuple(sorted(repertoire().actions)),
            text=asked.text,
        )
        taken = seconds(lambda: make_stand_in(section, asked.workers))
        size = sum(path.stat().st_size for path in section.folder.rglob("*") if path.is_file())
        frames = open_store(section.folder / "truth").info.frames
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    busy = sum(usage.ru_utime + usage.ru_stime for usage in used)
    memory = [usage.ru_maxrss / 1024 for usage in used]
    print(
        f"{asked.clips} clips, {frames} frames of actors, {size / 2**20:.0f} MiB in {taken:.1f} s with "
        f"{asked.workers} processes: {asked.clips / taken:.0f} clips/s, {asked.clips / busy:.0f} per second of "
        f"processor time; largest process {max(memory):.0f} MiB"
    )


if __name__ == "__main__":
    main()
