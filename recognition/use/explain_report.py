"""`python run.py explain`: one clip's explanation as a table and a figure."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from base.errors import InputError
from base.files import atomic_file
from base.replacing import check_output
from base.tables import write_csv
from data.skeletons.layouts import Layout
from data.skeletons.store import ClipStore
from drawing.skeleton import draw_skeleton
from drawing.style import GRID, INK, STYLE
from recognition.use.clip_files import Fitting, each_once, read_chunks
from recognition.use.explain import Explained, explain_clip
from recognition.use.predict import action_names
from recognition.use.recognizer import load_recognizer
from training.devices import pick_device

POSES = 5
"""Frames that are drawn as skeletons: the most important of so many equal parts of the clip."""

COLOURS = "YlOrRd"


@dataclass(frozen=True)
class Explanation:
    """What a decision about one clip rests on, what its action is called, and the joints."""

    found: Explained
    name: str
    layout: Layout


def explain(
    clips: Path,
    model: Path,
    *,
    name: str | None = None,
    action: int | None = None,
    names: str | None = None,
    output: Path,
    device: str = "auto",
) -> Explanation:
    """Explain one clip, and write the figure and beside it the table.

    Parameters
    ----------
    clips
        A `.skeleton` file, a recording of another tool, or a store, folder or zip in which `name` says which clip.
    model
        The recogniser's run or checkpoint.
    name
        The clip's name; not needed where there is one clip only.
    action
        The action to explain; the likeliest if None.
    names
        See `predict.action_names`.
    output
        The figure, a `.png` or `.svg`; the table has the same name and ends in `.csv`.
    device
        `auto`, `cpu` or `cuda`.

    Raises
    ------
    InputError
        There is no such clip, or the model or the output cannot be used.
    """
    if output.suffix not in (".png", ".svg"):
        raise InputError(f"--output: found {output}, expected a name that ends in .png or .svg")
    for path in (output, output.with_suffix(".csv")):
        check_output(path, [clips, model, *([Path(names)] if names and Path(names).exists() else [])])
    recognizer = load_recognizer(model, pick_device(device, "--device"))
    called = action_names(recognizer.actions, names, recognizer.names)
    fitting = Fitting(
        recognizer.layout,
        recognizer.confidence,
        recognizer.image,
        recognizer.fps,
        people=recognizer.view.people,
        tell=each_once(),
    )
    store, row = _find(clips, name, fitting)
    found = explain_clip(recognizer, store, row, action)
    figure = draw(found, store, row, f"{found.clip}: {called[found.action]}, {100 * found.probability:.0f}%")
    try:
        with atomic_file(output) as temporary, mpl.rc_context(STYLE):
            figure.savefig(temporary, format=output.suffix[1:], dpi=130)
        write_table(output.with_suffix(".csv"), found, store.layout)
    except OSError as error:
        raise InputError(f"--output: {output} cannot be written ({error.strerror})") from error
    return Explanation(found, called[found.action], store.layout)


def write_table(path: Path, found: Explained, layout: Layout) -> None:
    """Write the importance of each joint as CSV: frame (from 0), actor (from 1), joint, importance."""
    with atomic_file(path) as temporary, temporary.open("w", newline="") as file:
        write_csv(file, [["frame", "actor", "joint", "importance"]])
        for actor, frames in enumerate(found.importance, 1):
            for frame, joints in zip(found.frame.tolist(), frames.tolist(), strict=True):
                write_csv(file, [[frame, actor, *pair] for pair in zip(layout.joints, joints, strict=True)])


def draw(found: Explained, store: ClipStore, row: int, title: str) -> Figure:
    """Draw skeletons at important frames, coloured by importance, over a map of joints and frames for each actor."""
    actors, frames, joints = found.importance.shape
    top = max(float(np.quantile(found.importance, 0.999)), 1e-12)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 3.0 + 0.165 * joints * actors), layout="constrained")
        rows = figure.add_gridspec(1 + actors, 1, height_ratios=[2.6, *[0.165 * joints] * actors])
        poses = rows[0].subgridspec(1, POSES)
        for place, part in enumerate(np.array_split(np.arange(frames), min(POSES, frames))):
            chosen = part[found.importance[:, part].sum((0, 2)).argmax()]
            axes = figure.add_subplot(poses[place])
            _draw_pose(axes, store, row, int(found.frame[chosen]), found.importance[:, chosen], top)
            axes.set_title(f"frame {found.frame[chosen]}", color=INK)
        for actor in range(actors):
            axes = figure.add_subplot(rows[1 + actor])
            image = axes.imshow(
                found.importance[actor].T, aspect="auto", cmap=COLOURS, vmin=0, vmax=top, interpolation="nearest"
            )
            axes.set_yticks(range(joints), store.layout.joints, fontsize=7)
            ticks = np.linspace(0, frames - 1, min(9, frames)).round().astype(int)
            axes.set_xticks(ticks, [str(found.frame[tick]) for tick in ticks])
            if actors > 1:
                axes.set_title(f"actor {actor + 1}", loc="left")
        axes.set_xlabel("frame of the clip")
        figure.colorbar(image, ax=figure.axes[-actors:], label="part in the score (absolute)", shrink=0.8, pad=0.01)
        figure.suptitle(title, fontsize=11, color=INK)
    return figure


def _draw_pose(axes: Axes, store: ClipStore, row: int, frame: int, importance: np.ndarray, top: float) -> None:
    """Draw the actors of one frame from the front, as stored; importance [A, V]."""
    tracks = store.tracks
    for actor, track in enumerate(store.tracks_of(row)[: len(importance)]):
        at = int(np.clip(frame - tracks.first_frame[track], 0, tracks.length[track] - 1))
        joints = np.asarray(store.joints[tracks.first_row[track] + at])
        shown = np.asarray(store.tracked[tracks.first_row[track] + at]) > 0
        x, y = joints[:, 0], joints[:, 1] if store.layout.dims == 3 else -joints[:, 1]
        points = np.where(shown[:, None], np.stack([x, y], -1), np.nan)
        draw_skeleton(axes, points, store.layout.bones, GRID, width=2.2, joint_size=0)
        axes.scatter(
            x[shown], y[shown], c=importance[actor][shown], s=26, cmap=COLOURS, vmin=0, vmax=top,
            edgecolors=INK, linewidths=0.4, zorder=2,
        )  # fmt: skip
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_axis_off()


def _find(clips: Path, name: str | None, fitting: Fitting) -> tuple[ClipStore, int]:
    def unusable(line: str) -> None:
        if name is None or name in line:
            raise InputError(line)

    only: tuple[ClipStore, int] | None = None
    for chunk in read_chunks([clips], unusable, fitting):
        names = chunk.store.clips.name[chunk.rows]
        if name is not None:
            if len(found := np.intersect1d(chunk.store.called(name), chunk.rows)):
                return chunk.store, int(found[0])
        elif only is None and len(names) == 1:
            only = chunk.store, int(chunk.rows[0])
        else:
            such = chunk.store.title(names[0])
            raise InputError(f"{clips}: holds more than one clip; say which one with --clip, such as {such}")
    if only is None:
        raise InputError(f"{clips}: has no clip {name}; give the name of one that is there with --clip")
    return only
