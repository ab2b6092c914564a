"""The refiner `steady`: chooses, for every joint and moment, how much to smooth."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from base.cores import cores
from data.skeletons.gaps import fill_gaps
from refine.steady.bank import SMALLEST, Clock, blend, parts, timewise
from refine.steady.bones import Tree, bone_weights, hold_lengths, lengths_of, usual_lengths
from refine.steady.features import Features
from refine.steady.net import Networks, load_networks, softmax
from refine.steady.partners import FRAMES, Partners, find_partners
from refine.steady.room import keep

T = TypeVar("T")

WEIGHTS = Path(__file__).with_name("steady.safetensors")
"""The weights that are shipped."""

FINEST_ERROR = 1e-3
"""Body sizes: observations that are better than this count alike."""

SHARPNESS = 3.0
"""The power of the judged error by which observations count less; more than 2, as judgements are never bold enough."""

BLOCK = 16384
"""Frames that are refined together at most, and a third of it at least if there are; it bounds memory."""

KEPT = 31 << 20
"""Bytes; glibc takes no notice of more than 32 MiB."""

MEASURED_BLOCKS = 4
"""In so many blocks at most are the bones' lengths measured."""


@dataclass(frozen=True)
class Prepared:
    """A sequence as the networks take it.

    Parameters
    ----------
    x
        float32 [T, D, J], in body sizes, near the origin, gaps filled.
    confidence
        float32 [T, J].
    centre
        float64 [D]: where the origin is, in the poses' unit.
    """

    x: np.ndarray
    confidence: np.ndarray
    centre: np.ndarray


@dataclass(frozen=True)
class Smoothed:
    """What a sequence became on the way.

    Parameters
    ----------
    levels
        float32 [T, D, J] each: the observation, then the bank's smoothers from coarse to fine.
    seen
        What `refine.steady.features.Features.mixer` takes.
    trust
        float32 [T, J]: one over the squared error that each observation is judged to have; 0 where there is none.
    """

    levels: list[np.ndarray]
    seen: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[np.ndarray]]
    trust: np.ndarray


@lru_cache(maxsize=4)
def _features(fps: float) -> Features:
    """Return the numbers at a frame rate; kept, since clips are short, many, and of one rate."""
    return Features(Clock(fps))


class Steady:
    """The networks at one frame rate.

    Parameters
    ----------
    networks
        Their weights.
    fps
        Frames a second.
    """

    def __init__(self, networks: Networks, fps: float) -> None:
        self.networks, self.clock = networks, Clock(fps)
        self.features = _features(fps)

    @cached_property
    def overlap(self) -> int:
        """Frames to either side that a block needs, a multiple of the clock's stride."""
        return -(-self.features.radius // self.clock.stride) * self.clock.stride

    def smooth(self, x: np.ndarray, confidence: np.ndarray, partners: Partners) -> Smoothed:
        """Judge the observations, and smooth them in every way."""
        x, confidence = (np.moveaxis(np.ascontiguousarray(np.moveaxis(part, 0, -1)), -1, 0) for part in (x, confidence))
        strain = partners.strain(x)
        error = timewise(*confidence.shape)
        for rows, numbers in self.features.judge_parts(x, confidence, strain):
            error[rows] = self.networks.judge(numbers)[0]
        trust = np.exp(-SHARPNESS * np.maximum(error, np.float32(np.log(FINEST_ERROR))))
        trust = np.where(confidence > 0, trust, np.float32(0))
        weight = np.maximum(self.features.bank.relative(trust), np.float32(SMALLEST))
        smoothed = self.features.bank(x, weight)
        raw = x if (confidence > 0).all() else np.where(confidence[:, None] > 0, x, smoothed[-1])
        return Smoothed([raw, *smoothed], (x, confidence, strain, weight, error, smoothed), trust)

    def refine(self, x: np.ndarray, confidence: np.ndarray, partners: Partners) -> tuple[np.ndarray, np.ndarray]:
        """Refine a whole sequence at once.

        Parameters
        ----------
        x
            float32 [T, D, J], in body sizes, near the origin, finite.
        confidence
            float32 [T, J]: 0 to 1; 0 for what is missing and was filled.
        partners
            Who keeps a distance from whom, in body sizes.

        Returns
        -------
        refined : float32 array [T, D, J]
        trust : float32 array [T, J]
            See `Smoothed`.
        """
        found = self.smooth(x, confidence, partners)
        return self.mix(found), found.trust

    def mix(self, found: Smoothed) -> np.ndarray:
        """Weigh the observation and the smoothers against each other, float32 [T, D, J]."""
        frames, _, joints = found.levels[0].shape
        step = self.clock.step
        weights = timewise(-(-frames // step) + 3, len(found.levels), joints)
        inner = weights[1:-2].transpose(1, 0, 2)
        for places, numbers in self.features.mixer_parts(*found.seen):
            inner[:, places] = softmax(self.networks.mixer(numbers))
        weights[:1], weights[-2:] = weights[1], weights[-3]  # beyond the ends it is as at the ends
        out = timewise(*found.levels[0].shape)
        for rows in parts(frames, step):
            shares = blend(weights[rows.start // step :], rows.stop - rows.start, step)
            np.multiply(found.levels[0][rows], shares[:, :1], out=out[rows])
            for number, level in enumerate(found.levels[1:], start=1):
                out[rows] += level[rows] * shares[:, number, None]
        return out

    def blocks(self, frames: int) -> Iterator[tuple[slice, slice]]:
        """Cut a sequence into blocks: the frames to read, and which of the result are good."""
        return cut(frames, self.overlap, self.clock.stride)


def cut(frames: int, overlap: int, unit: int) -> Iterator[tuple[slice, slice]]:
    """Cut a sequence into blocks of one length, an even number of them, so that two processors end together.

    Parameters
    ----------
    frames
        Of the sequence.
    overlap
        Frames to either side that a block needs.
    unit
        Blocks begin at multiples of so many frames.

    Yields
    ------
    tuple of slices
        The frames to read, and which of those the block is for.
    """
    most = max(BLOCK, 2 * overlap)
    count = 2 * -(-frames // (2 * most)) if 3 * frames > 2 * most else 1
    size = max(1, -(-frames // (count * unit))) * unit
    for start in range(0, max(frames, 1), size):
        stop = min(start + size, frames)
        low, high = max(0, start - overlap), min(frames, stop + overlap)
        yield slice(low, high), slice(start - low, stop - low)


def prepare(poses: np.ndarray, confidence: np.ndarray | None, size: float) -> Prepared:
    """Fill gaps, and bring a sequence near the origin and into body sizes.

    Parameters
    ----------
    poses
        [T, J, D]; NaN where nothing is known.
    confidence
        [T, J], 0 to 1; None where all is as good.
    size
        Of the body.
    """
    frames, joints, dims = poses.shape
    x, trust = timewise(frames, dims, joints), timewise(frames, joints)
    trust[:] = 1 if confidence is None else confidence
    with np.errstate(invalid="ignore", over="ignore"):
        total = poses.sum(dtype=np.float64)
    if not np.isfinite(total):  # where it is, so is everything; to look at every joint takes long
        trust[~np.isfinite(poses).all(axis=-1)] = 0
    seen = trust > 0
    if seen.all():
        filled = poses
    elif seen.any():
        filled = fill_gaps(poses, seen)
    else:
        filled = np.zeros(poses.shape)
    centre = filled.reshape(frames, -1).mean(axis=0, dtype=np.float64).reshape(joints, dims).mean(axis=0)
    if filled.dtype == np.float32:  # what is lost is less than a position of 32 bits can tell
        x[:] = filled.transpose(0, 2, 1)
        centre = centre.astype(np.float32).astype(np.float64)
        x -= centre.astype(np.float32)[:, None]
    else:
        np.subtract(filled.transpose(0, 2, 1), centre[:, None], out=x, casting="same_kind")
    x /= np.float32(size)
    return Prepared(x, trust, centre)


def measure(poses: np.ndarray, confidence: np.ndarray | None) -> Partners:
    """Find who keeps a distance from whom, and the body's size, on frames spread evenly over a sequence."""
    every = max(1, -(-len(poses) // FRAMES))
    part = prepare(poses[::every], None if confidence is None else confidence[::every], 1.0)
    return find_partners(part.x, part.confidence > 0)


@cache
def shipped() -> Networks:
    """Return the networks that are shipped."""
    return load_networks(WEIGHTS)


def refine_sequence(
    networks: Networks,
    poses: np.ndarray,
    fps: float,
    confidence: np.ndarray | None = None,
    strength: float = 1.0,
    tree: Tree | None = None,
    workers: int | None = None,
) -> np.ndarray:
    """Refine one sequence, block by block.

    Parameters
    ----------
    networks
        With which weights.
    poses
        [T, J, D], any unit; NaN where nothing is known.
    fps
        Frames a second.
    confidence
        [T, J], 0 to 1; 0 counts as missing.
    strength
        0 for the input, 1 for all that the networks do.
    tree
        Bones that keep their lengths, of poses in space; None if they are not known.
    workers
        Blocks that are worked on at once; None for one per processor. The result does not depend on it.

    Returns
    -------
    float64 or float32 array [T, J, D]
        As `poses`; values where something was missing, too.
    """
    # Who has freed a block of this size is one for whom the C library (glibc) keeps up to two of it, instead of giving
    # them back and asking for new pages, which took a third of the time.
    np.empty(KEPT, np.uint8)
    steady = Steady(networks, fps)
    partners = measure(poses, confidence)
    size, partners = partners.size, partners.scaled()
    kind = poses.dtype if poses.dtype in (np.float32, np.float64) else np.float64
    out = np.empty(poses.shape, kind)
    blocks = list(steady.blocks(len(poses)))

    def work(number: int) -> tuple[Prepared, np.ndarray, np.ndarray]:
        read = blocks[number][0]
        given = prepare(poses[read], None if confidence is None else confidence[read], size)
        return given, *steady.refine(given.x, given.confidence, partners)

    with Pool(workers, len(blocks)) as pool:
        # What is refined before the bones are measured is not refined once more, if it fits into memory.
        done: dict[int, tuple[Prepared, np.ndarray, np.ndarray]] = {}
        usual = None
        if tree is not None:
            chosen = np.linspace(0, len(blocks) - 1, min(MEASURED_BLOCKS, len(blocks))).round().astype(int).tolist()
            done = dict(zip(chosen, pool.map(work, chosen), strict=True))
            measured = []
            for number, (_, refined, trust) in done.items():
                good = blocks[number][1]  # each frame once, however the sequence is cut
                measured.append((lengths_of(refined[good].transpose(0, 2, 1), tree), bone_weights(trust[good], tree)))
            usual = usual_lengths(*(np.concatenate(side) for side in zip(*measured, strict=True)))

        def finish(number: int) -> None:
            read, good = blocks[number]
            given, refined, _ = done.pop(number) if number in done else work(number)
            if tree is not None and usual is not None:
                held = hold_lengths(np.ascontiguousarray(refined.transpose(0, 2, 1)), tree, usual)
                refined = held.transpose(0, 2, 1)
            # What is added is small, and adding it loses nothing of a position far away.
            change = refined[good] - given.x[good]
            change *= np.float32(size * strength)
            into = out[read.start + good.start : read.start + good.stop]
            for axis in range(into.shape[2]):
                into[:, :, axis] = change[:, axis]
            into += filled(poses[read], given)[good]

        pool.map(finish, range(len(blocks)))
    return out


@cache
def _libraries() -> ThreadpoolController:
    """Return the libraries of linear algebra; to look for them takes as long as to refine a clip."""
    return ThreadpoolController()


class Pool:
    """Threads that share the blocks; products of matrices, which are small, use one thread each meanwhile."""

    def __init__(self, workers: int | None, blocks: int) -> None:
        self.workers, self.blocks = min(workers or cores(), blocks), blocks

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._threads = None
        self._stack.enter_context(_libraries().limit(limits=1, user_api="blas"))
        if self.blocks > 1:
            self._threads = self._stack.enter_context(ThreadPoolExecutor(self.workers, initializer=keep))
        return self

    def map(self, work: Callable[[int], T], numbers: Iterable[int]) -> list[T]:
        """Return `work` of each number, in order."""
        return list(self._threads.map(work, numbers) if self._threads is not None else map(work, numbers))

    def __exit__(self, *error: object) -> None:
        self._stack.close()


def filled(part: np.ndarray, given: Prepared) -> np.ndarray:
    """Return poses with their gaps filled as in what was prepared of them; NaN if nothing is known."""
    missing = given.confidence <= 0
    if not missing.any():
        return part
    return fill_gaps(part, ~missing) if not missing.all() else np.full(part.shape, np.nan)
