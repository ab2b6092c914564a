"""Skeletons of several versions of one sequence side by side: in space, or over the pixels of an image."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from PIL import Image, UnidentifiedImageError

from base.errors import InputError
from base.files import regular_file
from drawing.charts import PAPER, STYLE, WIDTH, Curves, colours_of, save, unit_of
from drawing.style import GRID, MUTED

Bones = Sequence[Sequence[int]]
"""Pairs of joints."""

MOST_PIXELS = 64_000_000
"""Of an image to draw skeletons on: a small file can claim a size that would fill the memory."""

IMAGE_STRENGTH = 0.7
"""Images are drawn paler than they are, so that skeletons stand out."""

GHOST_ALPHA = 0.4

HALO = [withStroke(linewidth=3.2, foreground=PAPER, alpha=0.8)]
"""Around skeletons on an image."""


@dataclass(frozen=True)
class View:
    """Where skeletons in space are seen from, in parallel projection.

    Parameters
    ----------
    azimuth
        Degrees that the skeleton is turned about the vertical; 0 is the camera's own view.
    elevation
        Degrees that the eye is above the horizontal.
    """

    azimuth: float = 25.0
    elevation: float = 12.0

    def project(self, points: np.ndarray) -> np.ndarray:
        """Map points in the camera's frame (x right, y down, z away) [..., 3] to the page (right, up) [..., 2].

        Points in an image [..., 2] stay as they are.
        """
        if points.shape[-1] == 2:
            return points
        turn, tilt = math.radians(self.azimuth), math.radians(self.elevation)
        x, y, z = np.moveaxis(points, -1, 0)
        across = x * math.cos(turn) - z * math.sin(turn)
        away = x * math.sin(turn) + z * math.cos(turn)
        return np.stack([across, -y * math.cos(tilt) + away * math.sin(tilt)], -1)


def plot_skeletons(
    path: Path,
    poses: Mapping[str, np.ndarray],
    bones: Bones,
    frames: Sequence[int],
    unit: str,
    *,
    curves: Curves | None = None,
    error_unit: str = "mm",
    ghost: str | None = None,
    images: Sequence[Path] | None = None,
    time: Literal["down", "across"] = "down",
    view: View | None = None,
    title: str = "",
    first_frame: int = 0,
) -> None:
    """Draw chosen frames of several versions of one sequence side by side, all on the same scale.

    Parameters
    ----------
    path
        The file to write.
    poses
        Label -> [T, J, D]: in space in the camera's frame (x right, y down, z away), or in an image in pixels. Joints
        that are not finite are left out, with their bones.
    bones
        Pairs of joints; none draws the joints alone.
    frames
        Which frames, counted from the beginning of `poses`.
    unit
        Of `poses`.
    curves
        Errors by the labels of `poses`; a skeleton's MPJPE, in `error_unit`, is written below it.
    ghost
        The label of the version that is drawn faintly behind the others.
    images
        For poses in an image: a file per chosen frame. Where there is none, the skeleton is drawn on white.
    time
        Whether the frames are the rows or the columns.
    view
        For poses in space.
    title
        Above the figure.
    first_frame
        The number of the first frame of `poses`.

    Raises
    ------
    InputError
        A frame or bone does not exist, or an image cannot be read.
    """
    total = check_poses(poses, bones)
    outside = [frame for frame in frames if not 0 <= frame < total]
    if outside or not frames:
        raise InputError(f"frames: {outside or 'none'} chosen of a sequence that has frames 0 to {total - 1}")
    check_curves(curves or {}, total)
    if images is not None and len(images) != len(frames):
        raise InputError(f"images: {len(images)} files for {len(frames)} chosen frames; give one for each")
    stage = Stage.around({label: x[list(frames)] for label, x in poses.items()}, view)
    colours, labels = colours_of(poses), list(poses)
    rows, columns = (len(frames), len(labels)) if time == "down" else (len(labels), len(frames))
    with mpl.rc_context(STYLE):
        panel = min(2.2, (WIDTH - 0.5) / columns)
        height = (panel - 0.1) * min(max(stage.aspect, 0.5), 1.6) + 0.1
        size = (panel * columns + 0.6, rows * height + (0.85 if title else 0.65))
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        panels = grid if time == "down" else grid.T
        for row, frame in enumerate(frames):
            image = read_image(images[row]) if images is not None else None
            halo = HALO if image is not None else None
            for column, label in enumerate(labels):
                axes = panels[row, column]
                stage.prepare(axes, unit)
                if image is not None:
                    stage.show_image(axes, image)
                if ghost is not None and ghost in poses and ghost != label:
                    draw_skeleton(axes, stage.page(poses[ghost][frame]), bones, colours[ghost], halo, ghost=True)
                draw_skeleton(axes, stage.page(poses[label][frame]), bones, colours[label], halo)
                if curves is not None and label in curves:
                    stage.note(axes, error_note(curves[label], frame, error_unit))
                axes.label_outer()
        for column, label in enumerate(labels):
            first = panels[0, column]
            if time == "down":
                first.set_title(label, color=colours[label], fontweight="bold")
            else:
                row_name(first, label, color=colours[label], fontweight="bold")
        for row, frame in enumerate(frames):
            name = f"frame {first_frame + frame}"
            if time == "down":
                row_name(panels[row, 0], name)
            else:
                panels[row, 0].set_title(name)
        if stage.step:
            figure.supxlabel(f"grid: {stage.step:g} {unit}", fontsize=8.5, color=MUTED)
        if title:
            figure.suptitle(title)
        save(figure, path)


def check_poses(poses: Mapping[str, np.ndarray], bones: Bones) -> int:
    """Return how many frames all versions of a sequence have.

    Raises
    ------
    InputError
        Their shapes differ or are not [T, J, 2 or 3], or a bone names a joint that they do not have.
    """
    shapes = {label: x.shape for label, x in poses.items()}
    first = next(iter(shapes.values()), ())
    for label, shape in shapes.items():
        if len(shape) != 3 or shape[2] not in (2, 3) or shape != first:
            raise InputError(
                f"poses {label!r}: shape {shape}; all must be [T, J, 2] or all [T, J, 3], one shape: {first}"
            )
    if not first or 0 in first:
        raise InputError("poses: there is nothing to draw")
    for bone in bones:
        if len(bone) != 2 or not all(0 <= joint < first[1] for joint in bone):
            raise InputError(f"bones: {list(bone)} is not a pair of the joints 0 to {first[1] - 1}")
    return int(first[0])


def check_curves(curves: Curves, total: int) -> None:
    """Check that errors per frame have the length of their sequence.

    Raises
    ------
    InputError
        They have another.
    """
    for label, (mpjpe, _) in curves.items():
        if len(mpjpe) != total:
            raise InputError(f"curves {label!r}: {len(mpjpe)} frames, but the poses have {total}")


def read_image(path: Path) -> np.ndarray | None:
    """Return an image's pixels uint8 [H, W, 3], or None if there is no such file.

    Raises
    ------
    InputError
        The file is no image, or too large.
    """
    if not path.exists():
        return None
    try:
        with Image.open(regular_file(path)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise InputError(f"{path}: {image.width} x {image.height} pixels; at most {MOST_PIXELS} can be drawn")
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
        raise InputError(f"{path}: cannot be read as an image ({error})") from None


def bone_segments(points: np.ndarray, bones: Bones) -> np.ndarray:
    """Return the bones whose two ends are both known, [n, 2, 2].

    Parameters
    ----------
    points
        [J, 2].
    bones
        Pairs of joints.
    """
    return points[np.asarray(bones, np.int64).reshape(-1, 2)][bone_known(points, bones)]


def bone_known(points: np.ndarray, bones: Bones) -> np.ndarray:
    """Say which bones have two known ends, bool [B]."""
    known: np.ndarray = np.isfinite(points[np.asarray(bones, np.int64).reshape(-1, 2)]).all((1, 2))
    return known


def known_joints(points: np.ndarray) -> np.ndarray:
    """Return the joints [J, 2] that are finite, [n, 2]."""
    return points[np.isfinite(points).all(-1)]


def error_note(curve: tuple[np.ndarray, np.ndarray], frame: int, unit: str) -> str:
    """Say what the MPJPE of a frame is."""
    value = float(curve[0][frame])
    return f"{value:.1f} {unit}" if math.isfinite(value) else "not scored"


def note_of(curve: tuple[np.ndarray, np.ndarray], frame: int, unit: str) -> str:
    """Say what a frame's MPJPE is, or where no frame has one, its Accel."""
    if np.isfinite(curve[0]).any():
        return error_note(curve, frame, unit)
    known = 0 < frame <= len(curve[1]) and math.isfinite(curve[1][frame - 1])
    return f"{curve[1][frame - 1]:.1f} {unit_of('Accel', unit)}" if known else ""


@dataclass(frozen=True)
class Stage:
    """The part of space or of the image that all panels of a figure show.

    Parameters
    ----------
    low, high
        Corners on the page [2].
    view
        Where it is seen from; None for poses in an image.
    grid
        Lines [n, 2, 2] on the ground, on the page.
    step
        The distance of those lines; zero without.
    """

    low: np.ndarray
    high: np.ndarray
    view: View | None
    grid: np.ndarray
    step: float

    @classmethod
    def around(cls, poses: Mapping[str, np.ndarray], view: View | None = None) -> "Stage":
        """Choose what to show so that all of `poses` [T, J, D] is seen, but for joints that lie far off."""
        joints = np.concatenate([x.reshape(-1, x.shape[-1]) for x in poses.values()]).astype(np.float64)
        joints = joints[np.isfinite(joints).all(-1)]
        if not len(joints):
            joints = np.zeros((1, next(iter(poses.values())).shape[-1]))
        if joints.shape[1] == 2:
            return cls(*_padded(*_bounds(joints), 0.15), None, np.empty((0, 2, 2)), 0.0)
        view = view or View()
        low, high = _bounds(joints)
        step = _nice((high - low).max() / 4)
        grid = view.project(_ground(low, high, step))
        shown_low, shown_high = _bounds(view.project(joints))
        corners = np.concatenate([np.stack([shown_low, shown_high]), grid.reshape(-1, 2)])
        shown_low, shown_high = _padded(corners.min(0), corners.max(0), 0.03)
        # Below the ground there is room for a line of text.
        return cls(shown_low - (0, 0.1 * (shown_high[1] - shown_low[1])), shown_high, view, grid, step)

    @property
    def aspect(self) -> float:
        """Height over width."""
        width, height = self.high - self.low
        return float(height / width)

    def page(self, points: np.ndarray) -> np.ndarray:
        """Map joints [..., D] to the page [..., 2]."""
        return self.view.project(points) if self.view is not None else points

    def prepare(self, axes: Axes, unit: str) -> None:
        """Set an empty panel up."""
        axes.set_xlim(self.low[0], self.high[0])
        axes.set_aspect("equal")
        if self.view is None:
            axes.set_ylim(self.high[1], self.low[1])
            axes.set_xlabel(f"x, {unit}")
            axes.set_ylabel(f"y, {unit}")
            axes.locator_params(nbins=4)
            return
        axes.set_ylim(self.low[1], self.high[1])
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.add_collection(LineCollection(list(self.grid), colors=GRID, linewidths=0.7, zorder=0), autolim=False)

    def note(self, axes: Axes, text: str) -> Any:
        """Write a few words where they do not hide the skeleton, and return their artist."""
        low = self.view is not None
        halo = [withStroke(linewidth=2, foreground=PAPER)]
        return axes.text(
            0.98,
            0.0 if low else 0.985,
            text,
            transform=axes.transAxes,
            ha="right",
            va="bottom" if low else "top",
            fontsize=8,
            path_effects=halo,
            zorder=6,
        )

    def crop(self, image: np.ndarray) -> tuple[np.ndarray, tuple[float, float, float, float]]:
        """Return the part of an image [H, W, 3] that is shown, paler, and where it lies: left, right, bottom, top."""
        left, top = np.clip(np.floor(self.low).astype(int), 0, np.array(image.shape[1::-1]) - 1)
        right, bottom = np.clip(np.ceil(self.high).astype(int) + 1, (left + 1, top + 1), image.shape[1::-1])
        # A pixel's coordinates are those of its middle.
        part = 255 - IMAGE_STRENGTH * (255.0 - image[top:bottom, left:right])
        return part.astype(np.uint8), (left - 0.5, right - 0.5, bottom - 0.5, top - 0.5)

    def show_image(self, axes: Axes, image: np.ndarray) -> Any:
        """Draw the part of an image that is shown, behind everything, and return its artist."""
        part, extent = self.crop(image)
        limits = axes.get_xlim(), axes.get_ylim()
        artist = axes.imshow(part, extent=extent, zorder=-1)
        axes.set(xlim=limits[0], ylim=limits[1])
        return artist


def _bounds(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners around points [n, D]; the few that lie far from all others do not count."""
    low, high = np.quantile(points, [0.02, 0.98], axis=0)
    reach = 0.35 * float((high - low).max())
    return np.maximum(points.min(0), low - reach), np.minimum(points.max(0), high + reach)


def _padded(low: np.ndarray, high: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    size = float((high - low).max()) or 1.0
    # A body that stands narrow still gets a panel that is not a slit.
    pad = np.maximum(share * size, (0.4 * size - (high - low)) / 2)
    return low - pad, high + pad


def _ground(low: np.ndarray, high: np.ndarray, step: float) -> np.ndarray:
    """Return the lines [n, 2, 3] of a grid below a box in the camera's frame, where y points down."""
    first, last = np.floor(low / step) * step, np.ceil(high / step) * step
    xs, zs = (np.arange(first[i], last[i] + step / 2, step) for i in (0, 2))
    lines = [[(x, high[1], zs[0]), (x, high[1], zs[-1])] for x in xs]
    lines += [[(xs[0], high[1], z), (xs[-1], high[1], z)] for z in zs]
    return np.array(lines)


def _nice(value: float) -> float:
    """Return 1, 2 or 5 times a power of ten, the nearest that is not less than `value`."""
    if not value > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return power * next((factor for factor in (1, 2, 5) if factor * power >= value), 10)


def draw_skeleton(
    axes: Axes,
    points: np.ndarray,
    bones: Bones,
    colour: str | Sequence[str],
    halo: Sequence[Any] | None = None,
    ghost: bool = False,
    *,
    width: float = 1.6,
    joint_size: float | None = None,
) -> None:
    """Draw a skeleton on the page: its joints, and the bones whose two ends are known.

    Parameters
    ----------
    axes
        Where to draw; their limits stay as they are.
    points
        [J, 2], across and up; joints that are not known are not finite.
    bones
        Pairs of joints.
    colour
        Of all, or one per bone.
    halo
        What is drawn around the bones.
    ghost
        Whether to draw faintly, behind another skeleton.
    width, joint_size
        Points; joints are a little larger where there is no bone between two of them, and not drawn at size 0.
    """
    known = bone_known(points, bones)
    segments, alpha = list(bone_segments(points, bones)), GHOST_ALPHA if ghost else 1.0
    colours = (
        colour if isinstance(colour, str) else [one for one, is_known in zip(colour, known, strict=True) if is_known]
    )
    axes.add_collection(
        LineCollection(segments, colors=colours, linewidths=width, alpha=alpha, path_effects=halo),
        autolim=False,
    )
    size = joint_size if joint_size is not None else 2.2 if segments else 3.5
    if size and isinstance(colour, str):
        axes.plot(*known_joints(points).T, "o", color=colour, markersize=size, markeredgewidth=0, alpha=alpha)


def row_name(axes: Axes, name: str, **font: Any) -> None:
    """Write a row's name left of its first panel, and of that panel's axis if it has one."""
    axes.annotate(
        name,
        (0, 0.5),
        (-48 if axes.get_ylabel() else -8, 0),
        xycoords="axes fraction",
        textcoords="offset points",
        rotation=90,
        ha="center",
        va="center",
        **font,
    )
