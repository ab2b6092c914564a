"""Draw how high a hand is in a quick gesture: as it is, as a Kinect sees it, and refined.

Usage: python bench/gesture.py NAME=REFINER ... --output docs/gesture.png

A refiner is shipped weights by their name (`steady`) or a finished training's folder. The gesture is that of
`refine.known_movements`, half a metre up and down within 0.3 s, with a Kinect's errors (severity 1). Drawn is the one
of its draws whose raw peak is in the middle; printed are medians over all draws.
"""

import argparse
import sys
from itertools import chain, cycle
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data.skeletons.store import StoreInfo, Track
from drawing.style import GRID, METHODS, STYLE
from refine.apply import refine_tracks
from refine.known_movements import DRAWS, FPS, HAND, PEAK, gesture, known_tracks, left_of
from refine.named import load_named

SHOWN = range(PEAK - 18, PEAK + 19)
"""Frames: 0.6 s on either side of the peak."""
LOOKS = (("#c2410c", "-", "o"), ("#1f62c9", "--", "s"), ("#5b5bd6", "-.", "^"), ("#00796b", ":", "D"))


def height(track: Track) -> np.ndarray:
    """Return how far the hand is above where it rests, [T], metres."""
    joint = track.joints[:, HAND[0], 1].astype(np.float64)
    rest = np.r_[PEAK - 35 : PEAK - 7, PEAK + 7 : PEAK + 35]
    lifted: np.ndarray = joint - np.median(joint[rest])
    return lifted


def main() -> None:
    """Refine the known movements by each refiner, print what is left and draw one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("refiners", nargs="+")
    parser.add_argument("--output", type=Path, default=Path("docs/gesture.png"))
    options = parser.parse_args()
    seen = list(known_tracks())
    found = {"as a Kinect sees it": seen}
    for given in options.refiners:
        name, _, where = given.partition("=")
        found[name] = refine_tracks(load_named(Path(where)), StoreInfo(layout="ntu25", fps=FPS), seen, name)
    for name, tracks in found.items():
        print(f"{name}: {left_of([track.joints for track in tracks]).noisy_gesture_peak:.2f} m of the gesture is left")
    raw = seen[-len(DRAWS) :]
    drawn = int(np.argsort([height(track)[PEAK - 5 : PEAK + 6].max() for track in raw])[len(raw) // 2])
    at = len(seen) - len(DRAWS) + drawn

    with mpl.rc_context(STYLE | {"xtick.labelsize": 9, "ytick.labelsize": 9, "legend.fontsize": 9}):
        figure = Figure(figsize=(4.4, 3.0), dpi=220, layout="constrained", facecolor="white")
        axes = figure.add_subplot()
        seconds = (np.array(SHOWN) - PEAK) / FPS
        axes.plot(seconds, gesture()[SHOWN], color=METHODS["truth"], linewidth=4, alpha=0.45, label="as it is")
        looks = chain([("#6d7888", ":", "x")], cycle(LOOKS))
        for (name, tracks), (colour, dash, marker) in zip(found.items(), looks, strict=False):
            (line,) = axes.plot(seconds, height(tracks[at])[SHOWN], dash, color=colour, marker=marker, label=name)
            line.set(markersize=3, linewidth=1.3)
        axes.set_xlabel("time, s")
        axes.set_ylabel("height of the hand, m")
        axes.grid(axis="y", color=GRID)
        axes.legend(loc="upper left", bbox_to_anchor=(0.0, 0.97), borderpad=0)
        figure.savefig(options.output)


if __name__ == "__main__":
    main()
