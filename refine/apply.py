"""Refining clip stores: every actor's track, and nothing else."""

import mmap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace as replace_fields
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from base.errors import InputError
from base.executors.registry import Pool, none_lost, spread
from base.progress import console, progress
from base.words import plural
from data.recordings.people import BRIDGE_S
from data.skeletons.seen import seen_joints
from data.skeletons.store import ClipStore, StoreInfo, Track, derive_store
from refine.blocks import frame_blocks
from refine.filters.registry import FILTERS
from refine.filters.smoothing import released_parameters, smooth_sightings
from refine.in_space import Sightings, cut_track
from refine.named import AnyRefiner
from refine.nets.columns import Precision
from refine.nets.registry import NETS
from refine.refiner import Refiner, fingerprint, refine_sightings, still
from refine.shipped.registry import Bones, Shipped
from refine.splits import Pieces
from refine.steady import stores as whole_tracks
from refine.trust import INFERRED
from refine.windows import Merge

ROWS = 1 << 13
"""Frames of tracks that are refined together; it bounds memory."""

FARTHEST_OUTSIDE = 100
"""So many times a track's extent is the farthest that a refined position may lie from the middle of what was seen."""

Refined = tuple[list[np.ndarray], list[Pieces]]
Transform = Callable[[Sequence[Sightings]], Refined]
"""Maps tracks to refined tracks, and to how each was cut; can be pickled, for those who work in other processes."""

HERE = Pool("here")
"""As many threads of this process as torch has."""

RULES = 3
"""Raised whenever the same network or filter gives another store, so that none is begun by one version and ended by
another."""


def default_stride(window: int) -> int:
    """Return the frames between windows with which stores are refined, a quarter of a window.

    Merged smoothly (`refine.windows.refine_windows`), MPJPE and Accel are then no worse than those of windows at
    stride 1 whose mean is taken; `docs/results.md` has the curve.
    """
    return max(1, window // 4)


def apply_refiner(
    store: ClipStore,
    refiner: AnyRefiner,
    output: Path,
    *,
    stride: int | None = None,
    merge: Merge = "smooth",
    match_rate: bool = True,
    strength: float = 1.0,
    precision: Precision = "fp32",
    replace: bool = False,
    origin: Mapping[str, Any] | None = None,
    pool: Pool = HERE,
) -> None:
    """Write a store whose tracks are refined.

    A track that needs no refining comes out as it went in, see `refine.refiner.refine_poses`. Joints that were not
    seen in a frame (`tracked` 0, or no position by the rule of `data.skeletons.seen`) stay exactly as they were; for
    the network alone, they are interpolated over time. Sightings that the store's confidences or the Kinect are unsure
    of are led by surer ones (`refine.trust`). Tracks are cut where they are not one motion (`refine.splits`);
    `store.json` says how often, as `gaps`, `jumps` and frames `astray` of its refiner, where that is not never.

    Clips, tracks, lengths, times, tracking states and confidences are taken over as they are. What is interrupted goes
    on where it was, and ends in the same bytes.

    Parameters
    ----------
    store
        What to refine.
    refiner
        With which network, which computes where its weights are; or with which shipped refiner.
    output
        The new store's folder.
    stride
        Frames between windows; `default_stride` if None. Shipped refiners have no windows.
    merge
        How windows that overlap are merged, see `refine.windows.refine_windows`.
    match_rate
        Resample tracks to the frame rate that the refiner was trained at, and back. Shipped refiners take any.
    strength
        From 0, the input byte for byte, to 1: how much of the change is made.
    precision
        What the network computes in.
    replace
        Whether an existing store may be replaced.
    origin
        What else the store shall say of its refiner.
    pool
        Who refines; what comes out is the same.

    Raises
    ------
    InputError
        `output` exists and may not be replaced, or another run is writing it; or the network takes positions in an
        image by its size, which the store does not say; or a shipped refiner does not know the store's joints, or is
        told of windows or `bf16`.
    """
    check_precision(refiner, precision)
    apart = {} if strength == 1 else {"strength": strength}
    if isinstance(refiner, Shipped):
        check_strides(refiner, {"apply.stride": stride or 1})
        transform = _in_part(_by_shipped(refiner, store.info, str(store.folder)), strength)
        description = {**refiner.describe(), **apart, **(origin or {})}
        with threadpool_limits(1, user_api="blas"):  # blocks of tracks are shared out instead
            weights = {"weights": refiner.sha256}
            _derive(store, output, transform, "refined", description, replace, "refining", weights, pool, True)
        return
    stride = stride or default_stride(refiner.window)
    refiner = replace_fields(refiner, precision=precision)
    description = {
        **refiner.describe(), "stride": stride, "merge": merge, "match_rate": match_rate, **apart, **(origin or {})
    }  # fmt: skip
    if refiner.normalise.centre != "channel":
        # Networks that saw distances from a root, or places, know one kind of skeleton.
        description["centred"] = "channel"
    transform = _in_part(_by_network(refiner, store.info, str(store.folder), stride, merge, match_rate), strength)

    device = next(refiner.net.parameters()).device.type
    made_by = {"weights": fingerprint(refiner.net), "torch": torch.__version__, "device": device}
    if device != "cpu" and pool.here:
        pool = replace_fields(pool, count=pool.count or 1)
    _derive(store, output, transform, "refined", description, replace, "refining", made_by, pool, True)


def check_strides(refiner: AnyRefiner, strides: Mapping[str, int]) -> None:
    """Refuse strides, by the keys that gave them, that a refiner cannot have.

    Raises
    ------
    InputError
        One is more than the network's window, or the refiner has no windows.
    """
    for key, stride in strides.items():
        if stride > (refiner.window or 1):
            raise InputError(
                f"{key}: found {stride}, "
                + (
                    f"expected at most the checkpoint's window, {refiner.window}"
                    if refiner.window
                    else f"but {refiner.describe()['kind']} refines whole tracks, without windows; leave it out"
                )
            )


def check_precision(refiner: AnyRefiner, precision: Precision) -> None:
    """Refuse, with an InputError, a precision that a refiner cannot compute in."""
    if precision == "bf16" and (isinstance(refiner, Shipped) or NETS[refiner.net.kind].in_half is None):
        raise InputError(
            f"apply.precision: found bf16, but {refiner.describe()['kind']} computes in fp32 only; leave it out"
        )


def refine_tracks(refiner: AnyRefiner, info: StoreInfo, tracks: Sequence[Track], where: str) -> list[Track]:
    """Refine tracks that are in no store, as `apply_refiner` does with its default settings.

    Parameters
    ----------
    refiner
        With which network.
    info
        Layout, frame rate and image of the tracks.
    tracks
        What to refine.
    where
        What messages call them.
    """
    if isinstance(refiner, Shipped):
        transform = _by_shipped(refiner, info, where)
    else:
        transform = _by_network(refiner, info, where, default_stride(refiner.window), "smooth", True)
    return _through(transform, info, tracks, where)


def filter_tracks(name: str, info: StoreInfo, tracks: Sequence[Track], where: str) -> list[Track]:
    """As `refine_tracks`, by a classical filter with the parameters that it is released with."""
    parameters = released_parameters(name, info.fps)
    return _through(partial(_filtered, name, parameters, info.fps), info, tracks, where)


def _through(transform: Transform, info: StoreInfo, tracks: Sequence[Track], where: str) -> list[Track]:
    sightings = []
    for track in tracks:
        times = None if track.frames is None else np.asarray(track.frames) / info.fps
        sightings.append(_sightings(track.joints, track.tracked, track.confidence, times, where))
    given = [one for one in sightings if one is not None]
    results = transform(given)[0]
    for one, result in zip(given, results, strict=True):
        _check_sane(one, result, where)
    refined = iter(results)
    return [
        track if one is None else replace_fields(track, joints=next(refined))
        for track, one in zip(tracks, sightings, strict=True)
    ]


def _by_network(
    refiner: Refiner, info: StoreInfo, where: str, stride: int, merge: Merge, match_rate: bool
) -> Transform:
    """Return what refines tracks; they are divided by a unit if the bodies' own size is not to be used.

    A network that saw unscaled poses took those in an image in halves of the image's width, as its authors did.
    """
    half = None
    if refiner.normalise.scale == "none" and info.skeleton.dims == 2:
        if info.image is None:
            raise InputError(
                f"{where}: the refiner needs the image's size, and store.json has image null; give it as "
                "[width, height], or take a refiner that scales bodies"
            )
        refiner = replace_fields(refiner, normalise=replace_fields(refiner.normalise, scale="body"))
        half = info.image[0] / 2

    return partial(_refined_by_network, still(refiner), half, stride, merge, info.fps, match_rate)


def _refined_by_network(
    refiner: Refiner,
    half: float | None,
    stride: int,
    merge: Merge,
    fps: float,
    match_rate: bool,
    tracks: Sequence[Sightings],
) -> Refined:
    if half is not None:
        tracks = [replace_fields(track, size=half) for track in tracks]
    return refine_sightings(refiner, tracks, stride=stride, merge=merge, fps=fps, match_rate=match_rate)


def _by_shipped(refiner: Shipped, info: StoreInfo, where: str) -> Transform:
    refiner.check_layout(info.layout, where)
    return partial(_refined_by_shipped, refiner, info.fps, info.skeleton.bones)


def _refined_by_shipped(refiner: Shipped, fps: float, bones: Bones, tracks: Sequence[Sightings]) -> Refined:
    return whole_tracks.refine_tracks(refiner.method, tracks, fps, bones)


def _in_part(transform: Transform, strength: float) -> Transform:
    """Return what makes only a share of the changes that something else makes."""
    if not 0 <= strength <= 1:
        raise InputError(f"apply.strength: found {strength}, expected a number from 0 (the input) to 1")
    return transform if strength == 1 else partial(_refined_in_part, transform, strength)


def _refined_in_part(transform: Transform, strength: float, tracks: Sequence[Sightings]) -> Refined:
    results, pieces = transform(tracks)
    for track, result in zip(tracks, results, strict=True):
        given = np.asarray(track.joints, np.float32)
        with np.errstate(invalid="ignore"):  # what was not seen may be no number
            moved = given + np.float32(strength) * (result - given)
            np.copyto(result, moved if strength else given, where=result != given)
        np.copyto(result, given, where=np.isnan(given))
    return results, pieces


def apply_filter(
    store: ClipStore,
    name: str,
    parameters: Mapping[str, float],
    output: Path,
    *,
    replace: bool = False,
    pool: Pool = HERE,
) -> None:
    """Write a store whose tracks went through a classical filter, under the same rules as `apply_refiner`.

    Parameters
    ----------
    store
        What to filter.
    name, parameters
        See `refine.filters.smoothing.smooth`.
    output
        The new store's folder.
    replace
        Whether an existing store may be replaced.
    pool
        Who filters; what comes out is the same.
    """
    transform = partial(_filtered, name, dict(parameters), store.info.fps)
    description = {"filter": name, "parameters": dict(parameters)}
    verb, turned = f"filtering ({name})", FILTERS[name].turned
    with threadpool_limits(1, user_api="blas"):  # blocks of tracks are shared out instead
        _derive(store, output, transform, "filtered", description, replace, verb, {}, pool, turned)


def _filtered(name: str, parameters: Mapping[str, float], fps: float, tracks: Sequence[Sightings]) -> Refined:
    return smooth_sightings(name, tracks, parameters, fps)


def _derive(
    store: ClipStore,
    output: Path,
    transform: Transform,
    kind: Literal["refined", "filtered"],
    description: dict[str, Any],
    replace: bool,
    verb: str,
    made_by: Mapping[str, Any],
    pool: Pool,
    turned: bool,
) -> None:
    info = store.info.model_copy(update={"kind": kind, "source": str(store.folder), "refiner": description})
    found: Counter[str] = Counter()

    def finish(info: StoreInfo) -> StoreInfo:
        if not any(found.values()):
            return info
        console.print(
            f"{output}: cut tracks at {plural(found['gaps'], 'gap')} of more than {BRIDGE_S:g} s and at "
            f"{plural(found['jumps'], 'jump')}; in {plural(found['astray'], 'frame')} a body was where it cannot have "
            "been",
            highlight=False,
            soft_wrap=True,
        )
        return info.model_copy(update={"refiner": {**description, **found}})

    with progress() as bar:
        task = bar.add_task(f"{verb} {store.folder.name}", total=len(store.joints))

        def blocks(done: int) -> Iterator[np.ndarray]:
            bar.advance(task, done)
            found.clear()
            found.update(_cuts(_pieces_before(store, done, turned)))
            for block, cuts in _transformed(store, transform, done, pool):
                yield block
                found.update(cuts)
                bar.advance(task, len(block))

        derive_store(store, output, blocks, info, replace, {**made_by, "rules": RULES}, finish)


def _cuts(pieces: Iterable[Pieces]) -> dict[str, int]:
    found = {"gaps": 0, "jumps": 0, "astray": 0}
    for one in pieces:
        found["gaps"] += one.gaps
        found["jumps"] += one.jumps
        found["astray"] += len(one.astray)
    return found


def _pieces_before(store: ClipStore, done: int, turned: bool) -> Iterator[Pieces]:
    """Say how the tracks among the first rows, which an earlier run refined, were cut."""
    for row, last_row, first, end in _blocks(store, 0):
        if row >= done:
            break
        for at, track in _tracks(store, row, last_row, first, end):
            if row + at.stop <= done:
                yield cut_track(track, store.info.fps, turned)


def _transformed(
    store: ClipStore, transform: Transform, done: int, pool: Pool
) -> Iterator[tuple[np.ndarray, dict[str, int]]]:
    """Yield the rows of the store from `done` on in order, the tracks among them transformed, and their cuts.

    Several work on a block each: what is not a matrix product, and would leave the others waiting, is shared out as
    well. A few blocks are under way or waiting at any time.
    """
    threads = torch.get_num_threads()
    if pool.here:
        pool = replace_fields(pool, executor="here", count=pool.count or threads)
    work = partial(_transform_block, store, transform, pool.here)
    try:
        with closing(spread(work, _blocks(store, done), pool)) as results:
            yield from none_lost(results, str(store.folder), "apply.workers")
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
    store: ClipStore, transform: Transform, here: bool, block: _Block
) -> tuple[np.ndarray, dict[str, int]]:
    torch.set_num_threads(1)  # the other cores have blocks of their own
    if not here:
        _limit_blas()
    row, last_row, first, end = block
    tracks = list(_tracks(store, row, last_row, first, end))
    results, pieces = transform([track for _, track in tracks])
    for (_, track), refined in zip(tracks, results, strict=True):
        _check_sane(track, refined, str(store.folder))
    if [at for at, _ in tracks] == [slice(0, last_row - row)]:
        joints = results[0]  # a long track is not copied
    else:
        joints = np.array(store.joints[row:last_row])
        for (at, _), refined in zip(tracks, results, strict=True):
            joints[at] = refined
    _forget(store)
    return joints, _cuts(pieces)


@cache
def _limit_blas() -> None:
    threadpool_limits(1, user_api="blas")


def _tracks(
    store: ClipStore, row: int, last_row: int, first: np.ndarray, end: np.ndarray
) -> Iterator[tuple[slice, Sightings]]:
    """Yield where the tracks [first, end) of a block lie in it, and what was seen of them; none of whom nothing was."""
    rows = slice(row, last_row)
    joints, tracked = np.asarray(store.joints[rows]), np.asarray(store.tracked[rows])
    confidence = None if store.confidence is None else np.asarray(store.confidence[rows])
    times = None if store.times is None else np.asarray(store.times[rows])
    for start, stop in zip((first - row).tolist(), (end - row).tolist(), strict=True):
        at = slice(start, stop)
        sure, clock = (None if part is None else part[at] for part in (confidence, times))
        found = _sightings(joints[at], tracked[at], sure, clock, str(store.folder))
        if found is not None:
            yield at, found


def _sightings(
    joints: np.ndarray, tracked: np.ndarray, confidence: np.ndarray | None, times: np.ndarray | None, where: str
) -> Sightings | None:
    """Return what was seen of a track, and how surely; None if nothing was."""
    seen = (tracked > 0) & seen_joints(joints)
    if not seen.any():
        return None
    sure = None if confidence is None else np.nan_to_num(confidence).clip(min=0)
    inferred: np.ndarray | None = tracked == 1
    if inferred is not None and inferred.any():
        sure = np.where(inferred, INFERRED, 1.0) * (1.0 if sure is None else sure)
    else:
        inferred = None
    if times is not None and not (np.diff(times) > 0).all():
        raise InputError(f"{where}: times.npy: the times of a track do not rise; prepare the store again")
    return Sightings(joints, None if seen.all() else seen, sure, times, inferred=inferred)


def _check_sane(track: Sightings, refined: np.ndarray, where: str) -> None:
    """Refuse what no refiner means: positions that are no numbers, or far outside everything that was seen."""
    here = track.joints[0] if track.seen is None else track.joints[0][track.seen[0]]
    with np.errstate(invalid="ignore", over="ignore"):
        # What has moved no farther is within the room of the first pose alone; all the room takes long to find.
        near = (FARTHEST_OUTSIDE - 1) * np.ptp(here, axis=0).max() if len(here) else -1.0
        if all(np.abs(refined[at] - track.joints[at]).max() <= near for at, _ in frame_blocks(len(refined))):
            return
    seen = np.isfinite(track.joints).all(-1) if track.seen is None else track.seen
    (low, high), (lowest, highest) = _limits(track.joints, seen), _limits(refined, seen)
    room = FARTHEST_OUTSIDE * float((high - low).max()) + 1e-6 * float(np.abs([low, high]).max())
    with np.errstate(invalid="ignore", over="ignore"):
        middle = (low + high) / 2
        sane = np.abs([lowest - middle, highest - middle]).max() <= room  # which NaN is not
    if not sane:
        raise InputError(
            f"{where}: the refiner gives positions that are far from all that was seen, or no numbers; its weights "
            "make no sense: train it again"
        )


def _limits(joints: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest of each coordinate of what was seen, [C] each."""
    parts = (joints[at][seen[at]] for at, _ in frame_blocks(len(joints)))
    limits = np.array([(part.min(0), part.max(0)) for part in parts if len(part)])
    return limits[:, 0].min(0), limits[:, 1].max(0)


def _forget(store: ClipStore) -> None:
    """Let the system take back the pages of a store that were read; they count as this process's memory otherwise."""
    for array in (store.joints, store.tracked):
        pages = getattr(array, "_mmap", None)
        if isinstance(pages, mmap.mmap) and getattr(array, "mode", "") == "r" and hasattr(mmap, "MADV_DONTNEED"):
            pages.madvise(mmap.MADV_DONTNEED)
