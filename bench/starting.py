"""How long commands take that do little: the help, a recording of 300 frames refined, one clip recognised.

Usage: python bench/starting.py [--repeats 5]

Medians, of seconds of the clock and of the processor, from the start of Python to its end, each in turn.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import Taken, print_table, processor, take_turns
from data.ntu.text import Body, Skeleton, write_skeleton

ROOT = Path(__file__).resolve().parents[1]
FRAMES = 300


def record(folder: Path) -> tuple[Path, Path]:
    """Write one movement as a table and as a `.skeleton` file."""
    random = np.random.default_rng(0)
    time = np.arange(FRAMES)[:, None, None] / 30
    rest = random.normal((0, 0, 3), 0.3, (25, 3))
    joints = rest + 0.1 * np.sin(2 * np.pi * time * 0.7 + rest) + random.normal(0, 0.01, (FRAMES, 25, 3))
    table = folder / "walk.csv"
    head = ",".join(f"joint{joint}_{axis}" for joint in range(25) for axis in "xyz")
    np.savetxt(table, joints.reshape(FRAMES, -1), "%.6f", ",", header=head, comments="")
    body = Body(1, np.arange(FRAMES), joints.astype(np.float32), np.full((FRAMES, 25), 2, np.uint8))
    clip = folder / "S001C001P001R001A009.skeleton"
    clip.write_bytes(write_skeleton(Skeleton(FRAMES, (body,))))
    return table, clip


def run(folder: Path, words: list[str]) -> Taken:
    start, before = time.perf_counter(), os.times()
    done = subprocess.run([sys.executable, str(ROOT / "run.py"), *words], cwd=folder, capture_output=True, text=True)
    wall, after = time.perf_counter() - start, os.times()
    if done.returncode:
        sys.exit(f"{' '.join(words)}: {done.stderr}")
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return Taken(wall, spent)


def main() -> None:
    parser = argparse.ArgumentParser(description="How long commands take that do little.")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    print(processor())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table, clip = record(folder)
        commands = {
            "--help": ["--help"],
            "smooth, 300 frames": ["smooth", str(table), "--fps", "30", "--output", "refined.csv", "--again"],
            "predict, one clip": ["predict", str(clip)],
        }
        found = take_turns({name: partial(run, folder, words) for name, words in commands.items()}, given.repeats)
    rows = [
        (name, f"{median(one.wall for one in taken):.2f}", f"{median(one.processor for one in taken):.2f}")
        for name, taken in found.items()
    ]
    print_table(["command", "s", "processor s"], rows)


if __name__ == "__main__":
    main()
