"""Draw every action of the stand-in, clean above measured: `python -m drawing.gallery docs/`."""

from io import BytesIO
from pathlib import Path
from typing import Annotated

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import typer
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from PIL import Image

from base.files import atomic_file
from data.ntu.names import ClipName
from data.ntu.simulate.actions import repertoire
from data.ntu.simulate.bodies import make_performer
from data.ntu.simulate.clips import clean_clip
from data.ntu.simulate.config import PERFORMERS, SimulateSection
from data.ntu.simulate.kinect import kinect_noise
from data.skeletons.layouts import BONES
from drawing.skeleton import draw_skeleton

SHEETS = 4
COLUMNS = 3
POSES = 9
"""Moments of a clip, evenly spaced from its beginning to its end."""

WIDTH = 10.0
ROW = 2.1
"""Metres: the width of a strip, and the height of either of its rows."""

_LEFT = {4, 5, 6, 7, 12, 13, 14, 15, 21, 22}
_RIGHT = {8, 9, 10, 11, 16, 17, 18, 19, 23, 24}
_COLOURS = [
    "#2a78d6" if child in _LEFT else "#e07b2a" if child in _RIGHT else "#3a3a3a" for child, _ in BONES
]  # as seen by the performer: left blue, right orange


def draw_strip(axes: Axes, section: SimulateSection, name: ClipName) -> None:
    """Draw moments of one clip, side by side: clean in the upper row, measured in the lower.

    Parameters
    ----------
    axes
        Where to draw, in metres; it is given its limits.
    section
        Seed and severity.
    name
        The clip.
    """
    clean, rng = clean_clip(section, name)
    others = [np.delete(clean, who, axis=0) for who in range(len(clean))]
    noisy = np.stack([kinect_noise(clean[who], rng, section.severity, other)[0] for who, other in enumerate(others)])
    seen = clean[..., :2]
    spans = np.ptp(seen[..., 0], axis=(0, 2))
    apart = max(0.55 + 0.45 * len(clean), float(spans.max()) + 0.2)
    moments = np.linspace(0, clean.shape[1] - 1, min(POSES, int(WIDTH / apart))).astype(int)
    floor = float(np.percentile(seen[..., 1], 0.5))
    for row, people in ((1, clean), (0, noisy)):
        for place, moment in enumerate(moments):
            middle = 0.5 * (seen[:, moment, :, 0].min() + seen[:, moment, :, 0].max())
            for joints in people[:, moment, :, :2]:
                points = joints - [middle, floor] + [apart * (place + 0.5), ROW * row]
                draw_skeleton(axes, points, BONES, _COLOURS, width=0.9)
                axes.add_patch(Circle(tuple(points[3]), 0.10, facecolor="#3a3a3a", edgecolor="none"))
    axes.set(xlim=(0, WIDTH), ylim=(-0.2, 2 * ROW), aspect="equal")
    axes.set_title(f"A{name.action:03d} {repertoire().actions[name.action].name}", fontsize=8, loc="left", pad=0)
    axes.axis("off")


def draw_sheet(path: Path, section: SimulateSection, actions: list[int]) -> None:
    """Draw a sheet of strips, one per action, by a right-handed performer who is turned half aside."""
    performer = next(n for n in range(1, PERFORMERS + 1) if not make_performer(section.seed, n).left_handed)
    rows = -(-len(actions) // COLUMNS)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(5.2 * COLUMNS, 2.25 * rows), squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, action in zip(grid.flat, actions, strict=False):
        draw_strip(axes, section, ClipName(4, 1, performer, 1, action))
    figure.subplots_adjust(left=0.01, right=0.99, top=0.98, bottom=0.01, wspace=0.04, hspace=0.12)
    with atomic_file(path) as temporary:
        drawn = BytesIO()
        figure.savefig(drawn, format="png", dpi=115)
        # Few colours, so that a page of documentation stays small.
        Image.open(drawn).convert("RGB").quantize(24).save(temporary, format="png", optimize=True)
    plt.close(figure)


def main(
    folder: Annotated[Path, typer.Argument(help="Where the sheets are put.")] = Path("docs"),
    severity: Annotated[float, typer.Option(min=0.0, max=5.0)] = 1.0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Draw the sheets `stand_in_1.png` and so on: every action, clean above noisy."""
    mpl.use("agg")
    numbers = sorted(repertoire().actions)
    section = SimulateSection(severity=severity, seed=seed)
    for sheet, actions in enumerate(np.array_split(numbers, SHEETS)):
        path = folder / f"stand_in_{sheet + 1}.png"
        draw_sheet(path, section, actions.tolist())
        typer.echo(path)


if __name__ == "__main__":
    typer.run(main)
