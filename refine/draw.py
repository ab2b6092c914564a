"""The pictures of a refining run: one sequence frame by frame, and error against speed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from data.skeletons.metrics import frame_errors
from drawing.animation import animate_skeletons
from drawing.charts import FrameCurves, TradeOff, plot_errors, plot_trade_off
from drawing.skeleton import plot_skeletons
from refine.benchmarks.bodies import body_joints_and_vertex_errors
from refine.benchmarks.pairs import Pair, Pairs, read_image_names
from refine.benchmarks.representations import refine_pairs
from refine.benchmarks.table import Benchmark
from refine.config import RefineConfig
from refine.evaluate import load_body, refuse_rotations, shipped_among
from refine.named import AnyRefiner


def check_figures(config: RefineConfig) -> None:
    """Refuse a sequence or frames that do not exist, before any work is done."""
    if config.figures.benchmark is not None:
        pairs, first, last = _chosen(config)
        refuse_rotations(pairs.benchmark, shipped_among(config), "figures.benchmark")
        if pairs.benchmark.representation == "smpl":
            load_body(config.smpl)
        _images(config, pairs.benchmark, first, last)


def draw_sequence(refiner: AnyRefiner, config: RefineConfig, folder: Path) -> list[Path]:
    """Draw the sequence that `figures` names: errors per frame, skeletons side by side, and an animation.

    Parameters
    ----------
    refiner
        With which network, or shipped refiner.
    config
        The run's configuration.
    folder
        Where the pictures go.

    Returns
    -------
    list of Path
        The files written.
    """
    section = config.figures
    pairs, first, last = _chosen(config)
    row = pairs.benchmark
    stride = config.evaluate.strides[0]
    refined = refine_pairs(
        refiner, pairs, stride=stride, match_rate=config.evaluate.match_rate, merge=config.evaluate.merge
    )
    poses = _positions(config, pairs, refiner.label, refined[0])
    unit, factor = row.reported
    pair = pairs.sequences[0]
    curves = {}
    for label in ("input", refiner.label):
        known = pair.known if row.representation != "smpl" else None
        errors = frame_errors(poses[label], poses["truth"], row.root, known)
        mpjpe, accel = (values.numpy() * factor for values in (errors.mpjpe, errors.accel))
        curves[label] = FrameCurves(mpjpe[first:last], accel[first : last - 2])
    shown = {label: _upright(_around_root(x[first:last], row), row) for label, x in poses.items()}
    if row.representation != "smpl":
        for label, known in (("input", pair.detected_known), ("truth", pair.truth_known)):
            if known is not None:
                shown[label] = np.where(known[first:last, :, None], shown[label], np.nan)
    title = f"{row.name}, {config.evaluate.split} sequence {section.sequence}"
    stem = f"{row.name}_{config.evaluate.split}_{section.sequence}"
    files = [folder / f"{stem}_errors.png", folder / f"{stem}_skeletons.png"]
    plot_errors(files[0], curves, unit, row.fps, title, first)
    images = _images(config, row, first, last)
    still = np.linspace(0, last - first - 1, min(section.still, last - first)).round().astype(int).tolist()
    shape = "px" if row.unit == "px" else "m"
    plot_skeletons(
        files[1],
        shown,
        row.lines,
        still,
        shape,
        curves=curves,
        error_unit=unit,
        ghost="truth",
        images=None if images is None else [images[first + frame] for frame in still],
        title=title,
        first_frame=first,
    )
    if section.animation != "none":
        files.append(folder / f"{stem}.{section.animation}")
        animate_skeletons(
            files[2],
            shown,
            row.lines,
            curves,
            row.fps,
            unit=shape,
            error_unit=unit,
            ghost="truth",
            images=None if images is None else images[first:last],
            title=title,
            first_frame=first,
        )
    return files


def plot_trade_offs(rows: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Draw error against speed, one picture per benchmark; a row without a figure is left out."""
    files = []
    for name in dict.fromkeys(row["benchmark"] for row in rows):
        ours = [row for row in rows if row["benchmark"] == name and None not in _errors(row["output"])]
        points = [
            TradeOff(
                row.get("line", row["kind"]),
                row["window"],
                row["stride"],
                row["frames"] / max(row["seconds"], 1e-3),
                *_errors(row["output"]),
            )
            for row in ours
        ]
        if points:
            files.append(folder / f"trade_off_{name}.png")
            given = _errors(ours[0]["input"])
            plot_trade_off(files[-1], points, ours[0]["unit"], given if None not in given else None, name)
    return files


def _errors(figures: Mapping[str, Any]) -> tuple[Any, Any]:
    return figures["mpjpe"], figures["accel"]


def _chosen(config: RefineConfig) -> tuple[Pairs, int, int]:
    """Read the benchmark and return the one sequence, its first frame and the one after the last."""
    section = config.figures
    assert section.benchmark is not None
    pairs = config.benchmarks.read(section.benchmark, config.evaluate.split)
    if section.sequence not in pairs.number:
        raise InputError(
            f"figures.sequence: {section.benchmark} ({config.evaluate.split}) has no usable sequence "
            f"{section.sequence}; choose one from 0 to {max(pairs.number)}"
        )
    one = pairs.take([pairs.number.index(section.sequence)])
    first, last = section.frames[0], min(section.frames[1], one.frames)
    if last - first < 3:
        raise InputError(
            f"figures.frames: found {list(section.frames)}, but sequence {section.sequence} has {one.frames} frames"
        )
    return one, first, last


def _images(config: RefineConfig, row: Benchmark, first: int, last: int) -> list[Path] | None:
    """List the images of a sequence, of which those to be drawn must be there; none may lie outside the folder."""
    section = config.figures
    if section.images is None:
        return None
    names = read_image_names(row, config.benchmarks.root, config.evaluate.split, section.sequence)
    folder = section.images.resolve()
    paths = [section.images / name for name in names]
    outside = next((path for path in paths if not path.resolve().is_relative_to(folder)), None)
    absent = next((path for path in paths[first:last] if not path.is_file()), None)
    if outside is None and absent is not None:
        raise InputError(
            f"{absent}: no such image; figures.images needs one for each of the frames {first} to {last - 1}"
        )
    if outside is not None or len(paths) < last:
        raise InputError(
            f"figures.images: {row.name}, sequence {section.sequence}: "
            + (
                f"imgname leads out of the folder: {outside}"
                if outside
                else f"{len(paths)} image names for {last} frames"
            )
        )
    return paths


def _positions(config: RefineConfig, pairs: Pairs, method: str, refined: np.ndarray) -> dict[str, np.ndarray]:
    """Return input, refined poses and truth as positions [T, J, D]; of rotations, the joints of the bodies."""
    pair: Pair = pairs.sequences[0]
    if pairs.benchmark.representation != "smpl":
        return {"input": pair.detected, method: refined, "truth": pair.truth}
    body = load_body(config.smpl)
    truth = pair.truth.reshape(len(pair.truth), -1), pair.true_shape
    joints = {}
    for label, rotations in (("input", pair.detected), (method, refined)):
        detected, true, _ = body_joints_and_vertex_errors(
            body, rotations.reshape(len(rotations), -1), pair.shape, *truth
        )
        joints[label], joints["truth"] = detected.cpu().numpy(), true.cpu().numpy()
    return {label: joints[label] for label in ("input", method, "truth")}


def _upright(poses: np.ndarray, row: Benchmark) -> np.ndarray:
    """Turn the second coordinate down, as the pictures expect it."""
    return poses * np.array([1, -1, 1], poses.dtype) if row.y_axis == "up" else poses


def _around_root(poses: np.ndarray, row: Benchmark) -> np.ndarray:
    return poses - poses[:, list(row.root)].mean(1, keepdims=True) if row.root else poses
