"""Refining clip stores: every actor's track, and nothing else."""

import mmap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace as replace_fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from base.errors import InputError
from base.progress import progress
from base.workers import map_in_threads
from data.skeletons.gaps import fill_gaps
from data.skeletons.store import ClipStore, derive_store
from refine.filters.classical import Filter, smooth
from refine.normalise import body_size
from refine.refiner import Refiner, fingerprint, refine_poses
from refine.windows import Merge

ROWS = 1 << 13
"""Frames of tracks that are refined together; it bounds memory."""

Transform = Callable[[Sequence[np.ndarray], Sequence[float]], list[np.ndarray]]
"""Maps tracks [n, V, C] and their body sizes to refined tracks."""


def default_stride(window: int) -> int:
    """Return the frames between windows with which stores are refined, a quarter of a window.

    Merged smoothly (`refine.windows.refine_windows`), MPJPE and Accel are then no worse than those of windows at
    stride 1 whose mean is taken; `docs/results.md` has the curve.
    """
    return max(1, window // 4)


def apply_refiner(
    store: ClipStore,
    refiner: Refiner,
    output: Path,
    *,
    stride: int | None = None,
    merge: Merge = "smooth",
    match_rate: bool = True,
    replace: bool = False,
    origin: Mapping[str, Any] | None = None,
) -> None:
    """Write a store whose tracks are refined.

    Joints that were not seen in a frame (`tracked` 0, or not finite) stay exactly as they were; for the network alone,
    they are interpolated over time. Clips, tracks, lengths, tracking states and confidences are taken over as they are.
    What is interrupted goes on where it was, and ends in the same bytes.

    Parameters
    ----------
    store
        What to refine.
    refiner
        With which network; it computes where its weights are.
    output
        The new store's folder.
    stride
        Frames between windows; `default_stride` if None.
    merge
        How windows that overlap are merged, see `refine.windows.refine_windows`.
    match_rate
        Resample tracks to the frame rate that the refiner was trained at, and back.
    replace
        Whether an existing store may be replaced.
    origin
        What else the store shall say of its refiner.

    Raises
    ------
    InputError
        `output` exists and may not be replaced, or another run is writing it; or the network takes positions in an
        image by its size, which the store does not say.
    """
    fps = store.info.fps if match_rate else None
    stride = stride or default_stride(refiner.window)
    description = {
        **refiner.describe(), "stride": stride, "merge": merge, "match_rate": match_rate, **(origin or {})
    }  # fmt: skip
    refiner, half = _fitted(refiner, store)

    def transform(tracks: Sequence[np.ndarray], sizes: Sequence[float]) -> list[np.ndarray]:
        # What a network learnt of the distances from the root in space says nothing in an image.
        root = (store.layout.root,) if store.layout.dims == 3 else ()
        sizes = sizes if half is None else [half] * len(tracks)
        return refine_poses(refiner, tracks, root=root, stride=stride, merge=merge, fps=fps, sizes=sizes)

    device = next(refiner.net.parameters()).device.type
    made_by = {"weights": fingerprint(refiner.net), "torch": torch.__version__, "device": device}
    workers = torch.get_num_threads() if device == "cpu" else 1
    _derive(store, output, transform, "refined", description, replace, "refining", made_by, workers)


def _fitted(refiner: Refiner, store: ClipStore) -> tuple[Refiner, float | None]:
    """Fit the normalisation to a store's positions; return a unit to divide them by, if the bodies' is not to be used.

    A network that was trained near the origin would make clips worse that are metres away from it: they are centred.
    One that saw unscaled poses took those in an image in halves of the image's width, as its authors normalised them.
    """
    normalise, half = refiner.normalise, None
    if normalise.centre == "none":
        normalise = replace_fields(normalise, centre="root")
    if normalise.scale == "none" and store.layout.dims == 2:
        if store.info.image is None:
            raise InputError(
                f"{store.folder}: the refiner needs the image's size, and store.json has image null; give it as "
                "[width, height], or take a refiner that scales bodies"
            )
        normalise, half = replace_fields(normalise, scale="body"), store.info.image[0] / 2
    return replace_fields(refiner, normalise=normalise), half


def apply_filter(
    store: ClipStore, name: Filter, parameters: Mapping[str, float], output: Path, *, replace: bool = False
) -> None:
    """Write a store whose tracks went through a classical filter, under the same rules as `apply_refiner`.

    Parameters
    ----------
    store
        What to filter.
    name, parameters
        See `refine.filters.classical.smooth`.
    output
        The new store's folder.
    replace
        Whether an existing store may be replaced.
    """

    def transform(tracks: Sequence[np.ndarray], sizes: Sequence[float]) -> list[np.ndarray]:
        return smooth(name, tracks, parameters, store.info.fps, sizes)

    description = {"filter": name, "parameters": dict(parameters)}
    _derive(store, output, transform, "filtered", description, replace, f"filtering ({name})", {}, 1)


def _derive(
    store: ClipStore,
    output: Path,
    transform: Transform,
    kind: Literal["refined", "filtered"],
    description: dict[str, Any],
    replace: bool,
    verb: str,
    made_by: Mapping[str, Any],
    workers: int,
) -> None:
    info = store.info.model_copy(update={"kind": kind, "source": str(store.folder), "refiner": description})
    with progress() as bar:
        task = bar.add_task(f"{verb} {store.folder.name}", total=len(store.joints))

        def blocks(done: int) -> Iterator[np.ndarray]:
            bar.advance(task, done)
            for block in _transformed(store, transform, done, workers):
                yield block
                bar.advance(task, len(block))

        derive_store(store, output, blocks, info, replace, made_by)


def _transformed(store: ClipStore, transform: Transform, done: int, workers: int) -> Iterator[np.ndarray]:
    """Yield the rows of the store from `done` on in order, the tracks among them transformed.

    Several threads work on a block each: what is not a matrix product, and would leave the others waiting, is shared
    out as well. A few blocks are under way or waiting at any time.
    """
    threads = torch.get_num_threads()

    def work(block: _Block) -> np.ndarray:
        return _transform_block(store, transform, *block)

    each = (max(1, threads // workers),)
    try:
        yield from map_in_threads(work, _blocks(store, done), workers, start=torch.set_num_threads, given=each)
    finally:
        # The setting is each thread's own, but new threads take the one that was set last.
        torch.set_num_threads(threads)


_Block = tuple[int, int, np.ndarray, np.ndarray]
"""First row, the one after the last, and the first and the one after the last of each track."""


def _blocks(store: ClipStore, done: int) -> Iterator[_Block]:
    """Cut the rows of a store from `done` on between tracks, into blocks of about as many."""
    order = np.argsort(store.tracks.first_row, kind="stable")
    first = store.tracks.first_row[order]
    end = first + store.tracks.length[order]
    at, row = int(np.searchsorted(first, done)), done
    while at < len(order):
        # As many tracks as fit, at least one.
        to = max(at + 1, int(np.searchsorted(end, row + ROWS, side="right")))
        last_row = int(end[to - 1])
        yield row, last_row, first[at:to], end[at:to]
        at, row = to, last_row
    if row < len(store.joints):
        yield row, len(store.joints), first[:0], end[:0]


def _transform_block(
    store: ClipStore, transform: Transform, row: int, last_row: int, first: np.ndarray, end: np.ndarray
) -> np.ndarray:
    joints = np.array(store.joints[row:last_row])
    _transform_tracks(joints, np.array(store.tracked[row:last_row]), first - row, end - row, transform)
    _forget(store)
    return joints


def _forget(store: ClipStore) -> None:
    """Let the system take back the pages of a store that were read; they count as this process's memory otherwise."""
    for array in (store.joints, store.tracked):
        pages = getattr(array, "_mmap", None)
        if isinstance(pages, mmap.mmap) and getattr(array, "mode", "") == "r" and hasattr(mmap, "MADV_DONTNEED"):
            pages.madvise(mmap.MADV_DONTNEED)


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
