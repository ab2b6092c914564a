"""Parsing `.skeleton` text: this project's reader against a readline-and-split parser, on one core.

Usage: python bench/parse_speed.py [FILE.skeleton ...]   (by default a clip of the stand-in is written and read)

The baseline does what the parsers in circulation do: readline, split, and a dictionary of numbers per joint. The leaner
one keeps lists instead of dictionaries. All read the same bytes from memory; the figures are CPU time, best of 50.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import io
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.measure import print_table, take_turns, timed
from data.ntu.text import Body, Skeleton, read_skeleton, write_skeleton

FIELDS = (
    "x", "y", "z", "depthX", "depthY", "colorX", "colorY",
    "orientationW", "orientationX", "orientationY", "orientationZ", "trackingState",
)  # fmt: skip


def read_line_by_line(text: str, keep: Callable[[list[str]], object]) -> list[list[list[object]]]:
    file = io.StringIO(text)
    frames = []
    for _ in range(int(file.readline())):
        bodies = []
        for _ in range(int(file.readline())):
            file.readline().split()
            bodies.append([keep(file.readline().split()) for _ in range(int(file.readline()))])
        frames.append(bodies)
    return frames


def with_dictionaries(text: bytes) -> object:
    return read_line_by_line(text.decode(), lambda words: {k: float(v) for k, v in zip(FIELDS, words, strict=True)})


def with_lists(text: bytes) -> object:
    return read_line_by_line(text.decode(), lambda words: [float(word) for word in words])


def a_clip() -> bytes:
    rng = np.random.default_rng(0)
    joints = rng.normal((0, 0, 3), 0.5, (100, 25, 3))
    body = Body(72057594037931101, np.arange(100), joints.astype(np.float32), rng.integers(1, 3, (100, 25), np.uint8))
    return write_skeleton(Skeleton(100, (body,)))


def main() -> None:
    runs = 50
    clips = {path: Path(path).read_bytes() for path in sys.argv[1:]} or {"generated, 100 frames": a_clip()}
    rows = []
    for name, text in clips.items():
        works: dict[str, Callable[[], object]] = {
            "ours": partial(read_skeleton, text, name),
            "dictionaries": partial(with_dictionaries, text),
            "lists": partial(with_lists, text),
        }
        turns = take_turns({label: partial(timed, work) for label, work in works.items()}, runs)
        best = {label: 1000 * min(taken.processor for _, taken in found) for label, found in turns.items()}
        rows += [
            (name, f"{len(text) / 1000:.0f}", label, f"{took:.2f}", f"{took / best['ours']:.1f}")
            for label, took in best.items()
        ]
    print(f"CPU milliseconds a file, best of {runs}; ours against readline-and-split that keeps dictionaries, or lists")
    print_table(("file", "kB", "reader", "ms", "times ours"), rows)


if __name__ == "__main__":
    main()
