"""Animations of refined sequences: skeletons side by side above their errors per frame, as GIF or MP4."""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from base.errors import InputError
from base.files import atomic_file
from base.progress import progress
from drawing.charts import PAPER, STYLE, Curves, colours_of, draw_curves, frame_points, unit_of
from drawing.skeleton import (
    GHOST_ALPHA,
    HALO,
    Bones,
    Stage,
    View,
    bone_segments,
    check_curves,
    check_poses,
    known_joints,
    note_of,
    read_image,
)
from drawing.style import INK, MUTED

MOST_FRAMES = 400
"""Of one animation; it bounds its time, its memory and the size of its file."""
GIF_RATE = 50.0
"""Frames a second; viewers of GIF files slow down beyond it."""
COLOURS = 128
"""Of a GIF; it can have 256, and one of them says that a pixel stays as it is."""
FRAMES_FOR_COLOURS = 5
"""Frames whose colours are looked at to choose those of a GIF."""
DPI = 110
MOST_HEIGHT = 3.6
"""Inches, of the skeletons."""
WIDTH = 7.4

Update = Callable[[int], None]


def animate_skeletons(
    path: Path,
    poses: Mapping[str, np.ndarray],
    bones: Bones,
    curves: Curves,
    fps: float,
    frames: slice = slice(None),
    *,
    unit: str = "m",
    error_unit: str = "mm",
    speed: float = 1.0,
    ghost: str | None = None,
    images: Sequence[Path] | None = None,
    view: View | None = None,
    title: str = "",
    first_frame: int = 0,
) -> None:
    """Animate versions of one sequence side by side, with their errors per frame below.

    Parameters
    ----------
    path
        The file to write: `.gif`, or `.mp4` with the optional `imageio-ffmpeg`.
    poses
        Label -> [T, J, D]: in space in the camera's frame (x right, y down, z away), or in an image in pixels.
    bones
        Pairs of joints; none draws the joints alone.
    curves
        Label -> errors of all T frames; none leaves the lower panels out, and that of MPJPE is left out where no frame
        has one.
    fps
        Frames a second of the sequence.
    frames
        Which frames, counted from the beginning of `poses`; a step leaves frames out at the same speed.
    unit, error_unit
        Of `poses` and of `curves`.
    speed
        Times the speed of the recording.
    ghost
        The label of the version that is drawn faintly behind the others.
    images
        For poses in an image: a file per frame of `poses`. Where there is none, the skeleton is drawn on white.
    view
        For poses in space.
    title
        Above the skeletons.
    first_frame
        The number of the first frame of `poses`.

    Raises
    ------
    InputError
        The file's ending is another, there are no or too many frames, a bone does not exist, an image cannot be read,
        or `imageio-ffmpeg` is not installed.
    """
    kind = path.suffix.lower()
    if kind not in (".gif", ".mp4"):
        raise InputError(f"{path}: animations end in .gif or .mp4, not {path.suffix or 'nothing'}")
    total = check_poses(poses, bones)
    check_curves(curves, total)
    if images is not None and len(images) != total:
        raise InputError(f"images: {len(images)} files for {total} frames; give one for each")
    shown = drawn_frames(total, frames, fps * speed, GIF_RATE if kind == ".gif" else None)
    rate = fps * speed / shown.step
    encode = _gif if kind == ".gif" else _mp4(_ffmpeg(path))
    with mpl.rc_context(STYLE), progress() as bar, atomic_file(path) as temporary:
        scene = _Scene(poses, bones, curves, fps, shown, unit, error_unit, ghost, images, view, title, first_frame)
        task = bar.add_task(f"drawing {path.name}", total=len(shown))

        def pictures() -> Iterator[np.ndarray]:
            for frame in shown:
                yield scene.draw(frame)
                bar.advance(task)

        encode(temporary, pictures(), scene, shown, rate)


def drawn_frames(total: int, frames: slice, rate: float, most_rate: float | None = None) -> range:
    """Return which frames of a sequence to draw.

    Parameters
    ----------
    total
        Frames of the sequence.
    frames
        Those chosen.
    rate
        Frames of the sequence that pass in a second.
    most_rate
        The most that can be shown in a second; every second or third is drawn to keep to it.

    Raises
    ------
    InputError
        There are none, they run backwards, or there are more than `MOST_FRAMES`.
    """
    if not rate > 0:
        raise InputError(f"fps x speed: {rate:g}; must be above zero")
    if frames.step is not None and frames.step < 1:
        raise InputError(f"frames: step {frames.step}; must be at least 1")
    chosen = range(*frames.indices(total))
    if most_rate is not None and rate / chosen.step > most_rate:
        chosen = chosen[:: int(np.ceil(rate / chosen.step / most_rate))]
    if not chosen:
        raise InputError(f"frames: none between {frames.start} and {frames.stop} in a sequence of {total}")
    if len(chosen) > MOST_FRAMES:
        step = chosen.step * -(-len(chosen) // MOST_FRAMES)
        raise InputError(
            f"frames: {len(chosen)} frames to draw, at most {MOST_FRAMES}; choose a shorter range or a step of {step}"
        )
    return chosen


def frame_durations(count: int, rate: float) -> list[int]:
    """Return how long each frame of a GIF is shown, ms: whole hundredths of a second that do not drift from `rate`."""
    ends = np.round(np.arange(count + 1) * 100 / rate).astype(int)
    return (10 * np.maximum(np.diff(ends), 1)).tolist()


class _Scene:
    """What is drawn once, and what is drawn anew for every frame.

    Drawing axes and their texts takes most of the time of a figure. They are drawn once, kept as pixels, and only the
    artists that change are drawn over a copy of them.
    """

    def __init__(
        self,
        poses: Mapping[str, np.ndarray],
        bones: Bones,
        curves: Curves,
        fps: float,
        shown: range,
        unit: str,
        error_unit: str,
        ghost: str | None,
        images: Sequence[Path] | None,
        view: View | None,
        title: str,
        first_frame: int,
    ) -> None:
        used = slice(shown[0], shown[-1] + 1)
        self.stage = Stage.around({label: x[used] for label, x in poses.items()}, view)
        self.colours, self.bones, self.images = colours_of(poses), bones, images
        self.fps, self.first_frame, self.error_unit = fps, first_frame, error_unit
        self.image: np.ndarray | None = None
        self.artists: list[Any] = []
        self.updates: list[Update] = []
        height = min(WIDTH / len(poses) * max(self.stage.aspect, 0.5), MOST_HEIGHT)
        # The codec wants even numbers of pixels.
        self.panels = [
            (index, name)
            for index, name in enumerate(("MPJPE", "Accel"))
            if curves and (index or any(np.isfinite(curve[0]).any() for curve in curves.values()))
        ]
        size = [2 * round(inches * DPI / 2) / DPI for inches in (WIDTH, height + 0.75 + 1.25 * len(self.panels))]
        self.figure = Figure(figsize=(size[0], size[1]), dpi=DPI, layout="constrained")
        self.canvas = FigureCanvasAgg(self.figure)
        mosaic: list[Any] = [list(map(str, range(len(poses))))]
        mosaic += [[name.lower()] * len(poses) for _, name in self.panels]
        panels: dict[str, Any] = self.figure.subplot_mosaic(mosaic, height_ratios=[height, *[1.05] * len(self.panels)])
        for number, label in enumerate(poses):
            self._add_skeleton(panels[str(number)], label, poses, ghost, curves, unit)
            if number:
                panels[str(number)].set_ylabel("")
                panels[str(number)].tick_params(labelleft=False)
        if curves:
            self._add_curves(panels, curves, used)
        if self.stage.step:
            panels["0"].text(
                0.02,
                0.0,
                f"grid: {self.stage.step:g} {unit}",
                transform=panels["0"].transAxes,
                fontsize=8,
                color=MUTED,
            )
        self.clock = self.figure.suptitle(self._time(title, shown[-1]))
        self.title = title
        self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")
        self._add(self.clock, lambda frame: self.clock.set_text(self._time(self.title, frame)))
        self.canvas.draw()
        self.background = self.canvas.copy_from_bbox(self.figure.bbox)

    def draw(self, frame: int) -> np.ndarray:
        """Return the picture of a frame, uint8 [height, width, 3]."""
        self.canvas.restore_region(self.background)
        self.image = read_image(self.images[frame]) if self.images is not None else None
        for update in self.updates:
            update(frame)
        renderer = self.canvas.get_renderer()
        for artist in self.artists:
            artist.draw(renderer)
        return np.asarray(self.canvas.buffer_rgba())[..., :3].copy()

    def _add(self, artist: Any, update: Update) -> None:
        artist.set_animated(True)
        self.artists.append(artist)
        self.updates.append(update)

    def _time(self, title: str, frame: int) -> str:
        number = self.first_frame + frame
        return f"{title + ' · ' if title else ''}frame {number} · {number / self.fps:.2f} s"

    def _add_skeleton(
        self, axes: Any, label: str, poses: Mapping[str, np.ndarray], ghost: str | None, curves: Curves, unit: str
    ) -> None:
        self.stage.prepare(axes, unit)
        axes.set_title(label, color=self.colours[label], fontweight="bold")
        if self.images is not None:
            self._add_image(axes)
        if ghost is not None and ghost in poses and ghost != label:
            self._add_bones(axes, poses[ghost], self.colours[ghost], GHOST_ALPHA)
        self._add_bones(axes, poses[label], self.colours[label], 1.0)
        if label in curves:
            errors = curves[label]
            note = self.stage.note(axes, "")
            self._add(note, lambda frame: note.set_text(note_of(errors, frame, self.error_unit)))

    def _add_image(self, axes: Any) -> None:
        artist = self.stage.show_image(axes, np.full((1, 1, 3), 255, np.uint8))

        def update(frame: int) -> None:
            artist.set_visible(self.image is not None)
            if self.image is not None:
                part, extent = self.stage.crop(self.image)
                artist.set_data(part)
                artist.set_extent(extent)

        self._add(artist, update)

    def _add_bones(self, axes: Any, sequence: np.ndarray, colour: str, alpha: float) -> None:
        halo = HALO if self.images is not None else None
        lines = LineCollection([], colors=colour, linewidths=1.8, alpha=alpha, path_effects=halo)
        axes.add_collection(lines, autolim=False)
        size = 3.0 if len(self.bones) else 4.5
        (dots,) = axes.plot([], [], "o", color=colour, markersize=size, markeredgewidth=0, alpha=alpha)
        self._add(
            lines, lambda frame: lines.set_segments([*bone_segments(self.stage.page(sequence[frame]), self.bones)])
        )
        self._add(dots, lambda frame: dots.set_data(*known_joints(self.stage.page(sequence[frame])).T))

    def _add_curves(self, panels: Mapping[str, Any], curves: Curves, used: slice) -> None:
        colours = {**colours_of(curves), **self.colours}
        for index, name in self.panels:
            axes = panels[name.lower()]
            points = {}
            for label, curve in curves.items():
                frames, values = frame_points(curve, index)
                inside = (frames >= used.start) & (frames < used.stop)
                points[label] = np.stack([frames[inside] + self.first_frame, values[inside]])
            draw_curves(axes, points, means=False)
            axes.set_xlim(self.first_frame + used.start - 0.5, self.first_frame + used.stop - 0.5)
            axes.set_ylabel(f"{name},\n{unit_of(name, self.error_unit)}")
            for label, drawn in points.items():
                self._add_growing(axes, drawn, colours[label], label)
            cursor = axes.axvline(self.first_frame, color=INK, linewidth=0.8)
            self._add(cursor, lambda frame, cursor=cursor: cursor.set_xdata([self.first_frame + frame] * 2))  # type: ignore[misc]
        if "mpjpe" in panels:
            panels["mpjpe"].tick_params(labelbottom=False)
        panels["accel"].set_xlabel("frame")

    def _add_growing(self, axes: Any, points: np.ndarray, colour: str, label: str) -> None:
        (line,) = axes.plot([], [], color=colour, linewidth=1.3, label=label)

        def update(frame: int) -> None:
            line.set_data(*points[:, points[0] <= self.first_frame + frame])

        self._add(line, update)


def _palette(scene: _Scene, shown: range) -> Image.Image:
    """Return a palette of the colours of some frames, in which those of the paper and the skeletons are exact."""
    some = np.linspace(0, len(shown) - 1, min(len(shown), FRAMES_FOR_COLOURS)).round().astype(int)
    sample = Image.fromarray(np.concatenate([scene.draw(shown[i]) for i in some]))
    palette = sample.quantize(COLOURS, dither=Image.Dither.NONE)
    exact = np.array([to_rgb(colour) for colour in (*scene.colours.values(), INK, PAPER)])
    swatches = Image.fromarray((255 * exact[None]).round().astype(np.uint8))
    nearest = np.asarray(swatches.quantize(palette=palette, dither=Image.Dither.NONE))[0]
    colours = np.array(palette.getpalette() or [], np.uint8).reshape(-1, 3)
    for index, colour in zip(nearest, np.asarray(swatches)[0], strict=True):
        # Pillow looks colours up in steps of four: of two entries this close, the wrong one may be found.
        close = np.abs(colours.astype(int) - colour).max(1) <= 9
        colours[close] = colour
        colours[index] = colour
    palette.putpalette(colours.ravel().tolist())
    return palette


def _gif(path: Path, pictures: Iterator[np.ndarray], scene: _Scene, shown: range, rate: float) -> None:
    """Write a GIF whose frames share one palette: small, and without flicker."""
    palette = _palette(scene, shown)

    def quantised() -> Iterator[Image.Image]:
        for picture in pictures:
            yield Image.fromarray(picture).quantize(palette=palette, dither=Image.Dither.NONE)

    frames = list(quantised())
    frames[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=frame_durations(len(frames), rate),
        loop=0,
        optimize=True,
    )


def _ffmpeg(path: Path) -> Any:
    try:
        ffmpeg = importlib.import_module("imageio_ffmpeg")
        ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        raise InputError(f"{path}: MP4 needs ffmpeg; pip install 'steady-skeletons[video]', or write a .gif") from None
    return ffmpeg


def _mp4(ffmpeg: Any) -> Callable[[Path, Iterator[np.ndarray], _Scene, range, float], None]:
    def encode(path: Path, pictures: Iterator[np.ndarray], scene: _Scene, shown: range, rate: float) -> None:
        # The temporary file's name does not tell the format.
        writer = ffmpeg.write_frames(
            str(path),
            scene.canvas.get_width_height(),
            fps=rate,
            codec="libx264",
            quality=7,
            macro_block_size=2,
            ffmpeg_log_level="error",
            output_params=["-f", "mp4", "-movflags", "+faststart"],
        )
        try:
            for picture in chain((None,), pictures):
                writer.send(None if picture is None else np.ascontiguousarray(picture))
        finally:
            writer.close()
        # The package does not tell how ffmpeg ended.
        if not path.is_file() or not path.stat().st_size:
            raise InputError("ffmpeg wrote nothing (its own message is above); write a .gif instead")

    return encode
