"""One clip as it was, and as it was refined, with its Accel per frame: a picture, or an animation."""

import difflib
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure

from base.errors import InputError
from base.files import regular_file
from base.replacing import check_output
from base.shown import cut
from base.words import listed, plural
from data.ntu.actors import choose_actors
from data.ntu.names import parse_name
from data.ntu.text import MAX_BYTES, read_skeleton
from data.skeletons.fidelity import RAW_BANDS, BandGains, band_label, number
from data.skeletons.metrics import accelerations
from data.skeletons.store import ClipStore, StoreInfo, Track, open_store, track_of
from drawing.animation import GIF_RATE, MOST_FRAMES, animate_skeletons
from drawing.charts import (
    FORMATS,
    STYLE,
    WIDTH,
    Curves,
    FrameCurves,
    Left,
    colours_of,
    draw_curves,
    draw_left,
    frame_points,
    save,
)
from drawing.skeleton import Stage, draw_skeleton, note_of, row_name
from drawing.style import MUTED
from refine.apply import refine_tracks
from refine.named import load_named
from refine.shipped.registry import shipped_name

ANIMATIONS = (".gif", ".mp4")
STILLS = 6
"""Frames of a picture that are drawn as skeletons."""


@dataclass(frozen=True)
class ShownClip:
    """A clip, or a clip before and after.

    Parameters
    ----------
    name
        The clip's name.
    poses
        `raw` and `refined`, or one alone under its kind: [T, A * V, C], all actors beside each other; NaN where a joint
        was not seen.
    bones
        Pairs of joints of all actors.
    curves
        Label -> Accel per frame; there is no truth, and so no MPJPE.
    unit
        Of the poses: m or px.
    error_unit
        Of the curves: mm or px.
    fps
        Frames a second.
    kept
        Which share of the raw movement, noise included, is in the refined one, per band of `RAW_BANDS`; None where the
        clip is too short for one, and empty for a clip alone.
    """

    name: str
    poses: dict[str, np.ndarray]
    bones: tuple[tuple[int, int], ...]
    curves: Curves
    unit: str
    error_unit: str
    fps: float
    kept: tuple[float | None, ...] = ()

    @property
    def title(self) -> str:
        """The clip's name, and what is left of its movement."""
        told = [
            f"{share:z.0%} at {band_label(band)}"
            for share, band in zip(self.kept, RAW_BANDS, strict=False)
            if share is not None
        ]
        return self.name + (f", kept of raw: {listed(told)}" if told else "")


def show(
    clip: str,
    output: Path | None = None,
    *,
    store: Path | None = None,
    refined: Path | None = None,
    checkpoint: Path | None = None,
) -> Path:
    """Draw a clip, raw against refined; or alone, where neither `refined` nor `checkpoint` is given.

    Parameters
    ----------
    clip
        A clip's name in `store`, or the path of a `.skeleton` file.
    output
        What to write: a picture (.png, .pdf, .svg) or an animation (.gif, or .mp4 with the extra `video`); by default
        a PNG of the clip's name in the working folder.
    store
        The raw clip store.
    refined
        The store that was refined from it.
    checkpoint
        Instead of `refined`, a trained refiner to refine the clip with now: a run's folder, a checkpoint, or the name
        of a shipped one, `steady`.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    InputError
        There is no such clip, the stores are not of the same clips, the checkpoint is none, nobody is seen in the
        clip, or the output's ending is unknown.
    """
    is_file = clip.endswith(".skeleton")
    name = Path(clip).stem if is_file else clip
    output = output or Path(f"{name}.png")
    if output.suffix.lower() not in (*FORMATS, *ANIMATIONS):
        endings = ", ".join((*FORMATS, *ANIMATIONS))
        raise InputError(f"{output}: pictures end in {endings}, not {output.suffix or 'nothing'}")
    trained = None if shipped_name(checkpoint) else checkpoint
    check_output(output, [path for path in (store, refined, trained, Path(clip)) if path is not None])
    if refined is not None and checkpoint is not None:
        raise InputError("show: give --refined, a refined store, or --checkpoint, a trained refiner; both were given")
    if is_file and (store is not None or refined is not None):
        raise InputError(f"{clip}: a .skeleton file is refined with --checkpoint; --store and --refined go with a name")
    if not is_file and store is None:
        raise InputError(f"{clip}: give --store, the clip store that it is in, or the path of a .skeleton file")
    if store is not None:
        info, frames, tracks = _clip_of(open_store(store), clip)
    else:
        info, frames, tracks = _clip_of_file(Path(clip))
    after = None
    if refined is not None and store is not None:
        after = _same_clip(open_store(refined), store, clip, info, tracks)
    elif checkpoint is not None:
        after = refine_tracks(load_named(checkpoint), info, tracks, name)
    shown = as_shown(name, info, frames, tracks, after)
    if output.suffix.lower() in ANIMATIONS:
        _animate(shown, output)
    else:
        draw_clip(shown, output)
    return output


def as_shown(
    name: str, info: StoreInfo, frames: int, raw: list[Track], refined: list[Track] | None = None
) -> ShownClip:
    """Lay the actors of a clip out beside each other, with their Accel; before and after, or alone.

    Raises
    ------
    InputError
        Nobody is seen in the clip, or it has fewer than three frames.
    """
    if not raw or not any(track.tracked.any() for track in raw) or frames < 3:
        what = (
            "nobody is seen in it"
            if frames >= 3
            else f"it has {plural(frames, 'frame')}, and an acceleration takes three"
        )
        raise InputError(f"{name}: there is nothing to show: {what}")
    joints, dims = raw[0].joints.shape[1:]
    factor, unit, error_unit = (1000.0, "m", "mm") if dims == 3 else (1.0, "px", "px")
    poses: dict[str, np.ndarray] = {}
    curves: dict[str, FrameCurves] = {}
    for label, tracks in ((info.kind, raw),) if refined is None else (("raw", raw), ("refined", refined)):
        page = np.full((frames, len(tracks), joints, dims), np.nan)
        for place, track in enumerate(tracks):
            seen = (track.tracked > 0) & np.isfinite(track.joints).all(-1)
            rows = slice(track.first_frame, track.first_frame + len(seen))
            page[rows, place] = np.where(seen[..., None], track.joints, np.nan)
        poses[label] = page.reshape(frames, -1, dims)
        curves[label] = FrameCurves(np.full(frames, np.nan), factor * mean_acceleration(poses[label]))
        if dims == 3:
            # Kinect's y points up; the pictures' down.
            poses[label] = poses[label] * (1, -1, 1)
    bones = _bones(info, len(raw))
    kept = () if refined is None else kept_of_raw(raw, refined, info)
    return ShownClip(name, poses, bones, curves, unit, error_unit, info.fps, kept)


def kept_of_raw(raw: list[Track], refined: list[Track], info: StoreInfo) -> tuple[float | None, ...]:
    """Measure which share of the raw movement, noise included, is in the refined tracks, per band of `RAW_BANDS`."""
    layout = info.skeleton
    gains = BandGains(info.fps, (layout.root,) if layout.dims == 3 else (), RAW_BANDS)
    for before, after in zip(raw, refined, strict=True):
        sides = [track.joints.astype(np.float64) for track in (after, before)]
        seen = (before.tracked > 0) & np.isfinite(sides).all((0, -1))
        now, then = (np.where(seen[..., None], side, 0) for side in sides)
        gains.add(now, then, seen)
    return tuple(number(share) for share in gains.gains())


def mean_acceleration(poses: np.ndarray) -> np.ndarray:
    """Return the mean norm of the second differences of the joints that are known in three frames, [T - 2].

    Parameters
    ----------
    poses
        [T, J, D]; NaN where a joint is not known. A frame without any gives NaN.
    """
    joints = torch.from_numpy(poses)
    return accelerations(joints, joints.isfinite().all(-1)).numpy()


def draw_clip(clip: ShownClip, path: Path) -> None:
    """Draw some frames of a clip, raw above refined or alone, and Accel over all of them below.

    Parameters
    ----------
    clip
        What to draw.
    path
        The file to write.
    """
    frames, before, rows = _stills(clip), _first(clip), len(clip.poses)
    stage = Stage.around({label: x[frames] for label, x in clip.poses.items()})
    colours = colours_of(clip.poses)
    points = {label: frame_points(curve, 1) for label, curve in clip.curves.items()}
    with mpl.rc_context(STYLE):
        panel = (WIDTH - 0.5) / len(frames)
        height = panel * min(max(stage.aspect, 0.6), 2.0)
        figure = Figure(figsize=(WIDTH, rows * height + 2.6), layout="constrained")
        upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=[rows * height + 0.5, 2.1])[:, 0]
        panels = upper.subplots(rows, len(frames), squeeze=False, sharex=True, sharey=True)
        for row, label in enumerate(clip.poses):
            for column, frame in enumerate(frames):
                axes = panels[row, column]
                stage.prepare(axes, clip.unit)
                if label != before:
                    draw_skeleton(axes, stage.page(clip.poses[before][frame]), clip.bones, colours[before], ghost=True)
                draw_skeleton(axes, stage.page(clip.poses[label][frame]), clip.bones, colours[label])
                stage.note(axes, note_of(clip.curves[label], frame, clip.error_unit))
                if row == 0:
                    axes.set_title(f"frame {frame}")
                axes.label_outer()
            row_name(panels[row, 0], label, color=colours[label], fontweight="bold")
        if stage.step:
            upper.supxlabel(f"grid: {stage.step:g} {clip.unit}", fontsize=8.5, color=MUTED)
        axes, *beside = lower.subplots(
            1, 2 if clip.kept else 1, squeeze=False, width_ratios=[4, 1] if clip.kept else None
        )[0]
        draw_curves(axes, points)
        for one in beside:
            bands = [band_label(band).removesuffix(" Hz") for band in RAW_BANDS]
            draw_left(one, Left("kept of raw", bands, {"refined": clip.kept}), colours)
            one.set_xlabel("Hz")
        for frame in frames:
            axes.axvline(frame, color=MUTED, linewidth=0.5, alpha=0.5, zorder=0)
        axes.set_ylabel(f"Accel, {clip.error_unit}/frame²")
        axes.set_xlabel(f"frame ({clip.fps:g} a second)")
        figure.suptitle(clip.title)
        save(figure, path)


def _animate(clip: ShownClip, path: Path) -> None:
    # Long clips, and fast ones, leave frames out rather than refuse.
    total = len(clip.poses[_first(clip)])
    step = -(-total // MOST_FRAMES)
    if path.suffix.lower() == ".gif":
        step = max(step, -(-int(clip.fps) // int(GIF_RATE)))
    animate_skeletons(
        path,
        clip.poses,
        clip.bones,
        clip.curves,
        clip.fps,
        slice(None, None, step),
        unit=clip.unit,
        error_unit=clip.error_unit,
        ghost=_first(clip),
        title=clip.title,
    )


def _first(clip: ShownClip) -> str:
    """Return the label of the clip as it was."""
    return next(iter(clip.poses))


def _stills(clip: ShownClip) -> list[int]:
    """Choose frames spread over those in which somebody is seen."""
    seen = np.flatnonzero(np.isfinite(clip.poses[_first(clip)]).any((1, 2)))
    places = np.linspace(0, len(seen) - 1, min(STILLS, len(seen)) + 2)[1:-1] if len(seen) > STILLS else range(len(seen))
    return seen[np.round(places).astype(int)].tolist()


def _bones(info: StoreInfo, actors: int) -> tuple[tuple[int, int], ...]:
    layout = info.skeleton
    joints = len(layout.joints)
    return tuple((a + joints * actor, b + joints * actor) for actor in range(actors) for a, b in layout.bones)


def _clip_of(store: ClipStore, name: str) -> tuple[StoreInfo, int, list[Track]]:
    """Read a clip's tracks; InputError, with the names that are nearest, if the store has no such clip."""
    found = store.called(name)
    if not len(found):
        names = [store.title(code) for code in store.clips.name.tolist()]
        near = difflib.get_close_matches(name, names[:100_000], 3, 0.0) if len(names) <= 2000 else names[:1]
        hint = f"; it has {plural(len(names), 'clip')}" + (f", such as {', '.join(near)}" if near else "")
        raise InputError(f"{store.folder}: no clip {cut(repr(name))} in this store{hint}")
    row = int(found[0])
    return store.info, int(store.clips.frames[row]), [track_of(store, track) for track in store.tracks_of(row)]


def _clip_of_file(path: Path) -> tuple[StoreInfo, int, list[Track]]:
    parse_name(path.stem)
    try:
        with regular_file(path).open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot read the clip ({error.strerror})") from error
    if len(text) > MAX_BYTES:
        raise InputError(f"{path}: more than {MAX_BYTES} bytes; no clip of NTU RGB+D is so large")
    frames, tracks = choose_actors(read_skeleton(text, str(path)))
    return StoreInfo(source=str(path), times=True), frames, tracks


def _same_clip(store: ClipStore, raw: Path, name: str, info: StoreInfo, tracks: list[Track]) -> list[Track]:
    """Read the same clip of the refined store; InputError if its tracks are others."""
    if store.info.skeleton != info.skeleton:
        raise InputError(f"{store.folder}: its joints are {store.info.layout}, those of {raw} are {info.layout}")
    _, _, after = _clip_of(store, name)
    places, others = ([(t.actor, t.first_frame, len(t.joints)) for t in side] for side in (tracks, after))
    if places != others or any(not np.array_equal(a.tracked, b.tracked) for a, b in zip(tracks, after, strict=True)):
        raise InputError(
            f"{store.folder}: was not refined from {raw}: {name} has other tracks there ({len(others)} of "
            f"{sum(n for *_, n in others)} frames, expected {len(places)} of {sum(n for *_, n in places)})"
        )
    return after
