"""Time refining as poses come: milliseconds a frame a person, of this process's processor time.

Usage: python bench/stream_speed.py [--frames 600] [--fps 30] [--lag 4]
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import print_table, processor
from bench.steady_speed import walk
from refine import Stream

JOINTS = (17, 25, 33, 133)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--lag", type=int, default=4)
    arguments = parser.parse_args()
    rows = []
    for joints in JOINTS:
        poses, stream = walk(arguments.frames, joints), Stream(arguments.fps, arguments.lag)
        taken = []
        for pose in poses:
            start = time.process_time_ns()
            stream.update(pose)
            taken.append((time.process_time_ns() - start) / 1e6)
        warm = np.array(taken[len(taken) // 4 :])
        shown = [np.mean(warm), np.median(warm), np.percentile(warm, 99)]
        rows.append([joints, *(f"{number:.2f}" for number in shown)])
    print(f"{processor()}; {arguments.fps:g} frames a second, {arguments.lag} frames late, ms a frame a person")
    print_table(["joints x 3", "mean", "median", "99%"], rows)


if __name__ == "__main__":
    main()
