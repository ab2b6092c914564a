"""How steady, and how near the truth, the skeletons of each arm are on the test clips."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablation.fidelity import ArmFidelity, find_fidelity, notes_of
from ablation.sections.registry import SECTIONS, SKELETONS, Section
from ablation.skeletons import clip_tracks, match_track, unit
from ablation.study.study import Study
from ablation.words import two_decimals
from base.tables import Column, Table
from data.skeletons.fidelity import band_label
from data.skeletons.metrics import acceleration_distances, align_roots, joint_distances, three_in_a_row
from data.skeletons.store import ClipStore

ROWS = 1 << 15
"""Frames looked at together; it bounds memory."""
LEAD = """
{{ table(tables["poses"]) }}
"""


@dataclass(frozen=True)
class PoseFigures:
    """Figures of one arm's skeletons on the test clips.

    Parameters
    ----------
    arm
        Its name.
    acceleration
        Mean norm of the second differences of joint positions, mm/frame^2 (of joints in an image px/frame^2, and so
        below): steadiness, no truth needed.
    mpjpe
        Mean joint error, mm, in space after root alignment; None without truth.
    accel
        Mean norm of the difference of second differences from the truth's, mm/frame^2; None without truth.
    """

    arm: str
    acceleration: float
    mpjpe: float | None = None
    accel: float | None = None


def find_poses(study: Study) -> list[PoseFigures]:
    """Measure the skeletons of every arm on the test clips."""
    return [pose_figures(arm, store, study.names, study.truth) for arm, store in study.stores.items()]


def pose_figures(arm: str, store: ClipStore, names: np.ndarray, truth: ClipStore | None = None) -> PoseFigures:
    """Measure the skeletons of some clips.

    The errors are those of `data.skeletons.metrics`, with the mean over all joints that were seen: a joint counts in a
    frame in which it was seen, and its acceleration where it was seen in three frames in a row. As on the benchmarks,
    roots are aligned in space and not in an image. Accelerations are those of the joints where they are, the root's
    included.

    Parameters
    ----------
    arm
        The name for the result.
    store
        The skeletons.
    names
        Which clips.
    truth
        The same clips without noise.
    """
    sums, scale = np.zeros((3, 2)), unit(store.layout.dims)[1]
    root = (store.layout.root,) if store.layout.dims == 3 else ()
    for joints, seen, target, known in _blocks(store, names, truth):
        # _blocks puts an unseen frame after every track, so no triple of frames spans two tracks.
        sums[0] += _total(acceleration_distances(joints), three_in_a_row(seen))
        if target is None or known is None:
            continue
        both = seen & known
        first, second, scored = align_roots(joints, target, root, both.numpy())
        sums[1] += _total(joint_distances(first, second), scored)
        sums[2] += _total(acceleration_distances(joints, target), three_in_a_row(both))
    mean = [scale * total / count if count else None for total, count in sums.tolist()]
    return PoseFigures(arm, mean[0] if mean[0] is not None else float("nan"), mean[1], mean[2])


def _blocks(
    store: ClipStore, names: np.ndarray, truth: ClipStore | None
) -> Iterator[tuple[Tensor, Tensor, Tensor | None, Tensor | None]]:
    """Yield joints [n, V, C], seen [n, V], truth and whether it is known, of whole tracks with gaps between them."""
    parts: list[tuple[np.ndarray, ...]] = []
    rows = 0

    def joined() -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        columns = [torch.from_numpy(np.concatenate(column)) for column in zip(*parts, strict=True)]
        return columns[0], columns[1], *(columns[2:] if truth is not None else (None, None))

    for track, joints, seen in clip_tracks(store, names):
        part: tuple[np.ndarray, ...] = (joints, seen)
        if truth is not None:
            name = str(store.clips.name[store.tracks.clip[track]])
            matched = match_track(truth, name, int(store.tracks.first_frame[track]), joints, seen)
            part += matched if matched is not None else (np.zeros_like(joints), np.zeros_like(seen))
        parts.append(tuple(np.concatenate([x, np.zeros_like(x[:1])]) for x in part))
        rows += len(joints) + 1
        if rows >= ROWS:
            yield joined()
            parts, rows = [], 0
    if parts:
        yield joined()


def _total(values: Tensor, mask: Tensor | None) -> tuple[float, int]:
    assert mask is not None
    chosen = values[mask]
    return float(chosen.sum()), chosen.numel()


def _table(study: Study, found: list[PoseFigures]) -> Table:
    truth = any(row.mpjpe is not None for row in found)
    left = study.get(find_fidelity)
    columns: tuple[Column, ...] = (
        Column("skeletons", numeric=False),
        Column(f"acceleration, {study.unit}/frame²", two_decimals),
    )
    if truth:
        columns += (
            Column(f"MPJPE, {study.unit}", two_decimals),
            Column(f"Accel, {study.unit}/frame²", two_decimals),
        )
    if left.arms:
        kind = "gain" if left.truth else "kept of raw"
        columns += tuple(Column(f"{kind} {band_label(band)}", two_decimals) for band in left.bands)
    if left.truth:
        columns += (
            Column("acceleration / truth's", two_decimals),
            Column(f"clean error, {study.unit}", two_decimals),
        )
    aligned = " (MPJPE after root alignment)" if study.clips.layout.dims == 3 else ""
    caption = "The skeletons of the test clips: mean norm of the joints' second differences"
    if truth:
        caption += f", and the errors against the noise-free skeletons{aligned}"
    if left.truth:
        caption += (
            "; gain: which share of the true movement is left; clean error: how far joints without any errors are moved"
        )
    elif left.arms:
        caption += "; kept of raw: which share of the raw skeletons' movement, noise included, is left"

    def cells(arm: str) -> tuple[float | None, ...]:
        one = left.arms.get(arm, ArmFidelity())
        shares = one.shares or (None,) * len(left.bands) if left.arms else ()
        return (*shares, *((one.own_acceleration, one.clean_error) if left.truth else ()))

    return Table(
        "poses",
        caption,
        columns,
        [
            (study.label(row.arm), row.acceleration, *((row.mpjpe, row.accel) if truth else ()), *cells(row.arm))
            for row in found
        ],
    )


def _notes(study: Study, found: list[PoseFigures] | None) -> dict[str, Any]:
    arms = study.get(find_fidelity).arms
    return {"poses": [{**vars(row), **notes_of(arms.get(row.arm, ArmFidelity()))} for row in found or ()]}


SECTIONS.add(
    "poses",
    Section(
        SKELETONS,
        20,
        lambda study: study.get(find_poses) or None,
        {"lead": LEAD},
        tables=lambda study, found: [_table(study, found)],
        notes=_notes,
    ),
)
