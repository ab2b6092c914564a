"""Refining clip stores: every actor's track, and nothing else."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace as replace_fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from data.ntu.store import ClipStore, derive_store
from data.progress import progress
from refine.filters import Filter, smooth
from refine.gaps import fill_gaps
from refine.normalise import body_size
from refine.refiner import Refiner, refine_poses

ROWS = 1 << 14
"""Frames of tracks that are refined together; it bounds memory."""

Transform = Callable[[Sequence[np.ndarray], Sequence[float]], list[np.ndarray]]
"""Maps tracks [n, V, C] and their body sizes to refined tracks."""


def apply_refiner(
    store: ClipStore,
    refiner: Refiner,
    output: Path,
    *,
    stride: int = 1,
    match_rate: bool = True,
    replace: bool = False,
    origin: Mapping[str, Any] | None = None,
) -> None:
    """Write a store whose tracks are refined.

    Joints that were not seen in a frame (`tracked` 0, or not finite) stay exactly as they were; for the network alone,
    they are interpolated over time. Clips, tracks, lengths and tracking states are taken over as they are.

    Parameters
    ----------
    store
        What to refine.
    refiner
        With which network; it computes where its weights are.
    output
        The new store's folder.
    stride
        Frames between windows.
    match_rate
        Resample tracks to the frame rate that the refiner was trained at, and back.
    replace
        Whether an existing store may be replaced.
    origin
        What else the store shall say of its refiner.

    Raises
    ------
    InputError
        `output` exists and may not be replaced.
    """
    fps = store.info.fps if match_rate else None
    if refiner.normalise.centre == "none":
        # It was trained near the origin, and clips are metres away from it: there it would make them worse.
        refiner = replace_fields(refiner, normalise=replace_fields(refiner.normalise, centre="root"))

    def transform(tracks: Sequence[np.ndarray], sizes: Sequence[float]) -> list[np.ndarray]:
        return refine_poses(refiner, tracks, root=(store.layout.root,), stride=stride, fps=fps, sizes=sizes)

    description = {**refiner.describe(), "stride": stride, "match_rate": match_rate, **(origin or {})}
    _derive(store, output, transform, "refined", description, replace, "refining")


def apply_filter(
    store: ClipStore, name: Filter, parameters: Mapping[str, float], output: Path, *, replace: bool = False
) -> None:
    """Write a store whose tracks went through a classical filter, under the same rules as `apply_refiner`.

    Parameters
    ----------
    store
        What to filter.
    name, parameters
        See `refine.filters.smooth`.
    output
        The new store's folder.
    replace
        Whether an existing store may be replaced.
    """

    def transform(tracks: Sequence[np.ndarray], sizes: Sequence[float]) -> list[np.ndarray]:
        return smooth(name, tracks, parameters, store.info.fps, sizes)

    description = {"filter": name, "parameters": dict(parameters)}
    _derive(store, output, transform, "filtered", description, replace, f"filtering ({name})")


def _derive(
    store: ClipStore,
    output: Path,
    transform: Transform,
    kind: Literal["refined", "filtered"],
    description: dict[str, Any],
    replace: bool,
    verb: str,
) -> None:
    info = store.info.model_copy(update={"kind": kind, "source": str(store.folder), "refiner": description})
    with progress() as bar:
        task = bar.add_task(f"{verb} {store.folder.name}", total=len(store.joints))

        def blocks() -> Iterator[np.ndarray]:
            for block in _transformed(store, transform):
                yield block
                bar.advance(task, len(block))

        derive_store(store, output, blocks(), info, replace)


def _transformed(store: ClipStore, transform: Transform) -> Iterator[np.ndarray]:
    """Yield all rows of the store in order, the tracks among them transformed."""
    order = np.argsort(store.tracks.first_row, kind="stable")
    first = store.tracks.first_row[order]
    end = first + store.tracks.length[order]
    at = row = 0
    while at < len(order):
        # As many tracks as fit, at least one.
        to = max(at + 1, int(np.searchsorted(end, row + ROWS, side="right")))
        last_row = int(end[to - 1])
        rows = np.array(store.joints[row:last_row])
        _transform_tracks(rows, store.tracked[row:last_row], first[at:to] - row, end[at:to] - row, transform)
        yield rows
        at, row = to, last_row
    if row < len(store.joints):
        yield np.array(store.joints[row:])


def _transform_tracks(
    joints: np.ndarray, tracked: np.ndarray, first: np.ndarray, end: np.ndarray, transform: Transform
) -> None:
    """Replace, in place, the joints that were seen in the tracks [first, end)."""
    seen = (tracked > 0) & np.isfinite(joints).all(-1)
    slices = [slice(*pair) for pair in zip(first.tolist(), end.tolist(), strict=True)]
    slices = [at for at in slices if seen[at].any()]
    if not slices:
        return
    filled = [fill_gaps(joints[at], seen[at]) for at in slices]
    sizes = [body_size(joints[at], seen[at]) for at in slices]
    for at, refined in zip(slices, transform(filled, sizes), strict=True):
        np.copyto(joints[at], refined, where=seen[at][..., None])
