"""The refiner `steady_ntu25`: what `steady` makes of a Kinect's skeleton, corrected by what is known of bodies."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from refine.steady.net import Networks
from refine.steady.ntu25.net import Network, apply, load_network
from refine.steady.ntu25.view import FPS, JOINTS, SAME_RATE, Body, Viewer, interpolate, measure_body, tells
from refine.steady.smoother import Pool, Prepared, cut, filled, prepare
from refine.steady.smoother import shipped as steady_shipped

WEIGHTS = Path(__file__).parent.with_name("steady_ntu25.safetensors")
"""The weights that are shipped."""


@cache
def shipped() -> Network:
    """Return the network that is shipped."""
    return load_network(WEIGHTS)


class Corrector:
    """Both refiners at one frame rate.

    Parameters
    ----------
    network
        The weights of this one.
    networks
        Those of `steady`.
    fps
        Frames a second.
    """

    def __init__(self, network: Network, networks: Networks, fps: float) -> None:
        self.network, self.viewer = network, Viewer(networks, fps)
        self.rate = 1.0 if abs(fps / FPS - 1) < SAME_RATE else fps / FPS
        reach = self.viewer.reach + int(np.ceil((network.reach + 4) * self.rate))
        # Blocks begin with a place of two frames at the network's rate where that is the sequence's own.
        self.unit = 2 * self.viewer.clock.stride
        self.overlap = -(-reach // self.unit) * self.unit

    def blocks(self, frames: int) -> Iterator[tuple[slice, slice]]:
        """Cut a sequence into blocks: the frames to read, and which of the result are good."""
        return cut(frames, self.overlap, self.unit)

    def __call__(self, given: Prepared, body: Body, told: bool, first: int = 0) -> np.ndarray:
        """Refine a block that begins with a sequence's frame `first`; float32 [T, 3, 25], in body sizes."""
        view = self.viewer(given, body, told)
        if self.rate == 1:
            return view.base + view.axes.back(apply(self.network, view.numbers, view.choices, view.gate))
        # Places of the network's frames lie where they lie in the whole sequence, whatever the block.
        start = int(np.ceil(first / self.rate / 2)) * 2 if first else 0
        at = np.arange(start, int(np.floor((first + len(view.base) - 1) / self.rate)) + 2) * self.rate - first
        at = np.minimum(at, len(view.base) - 1)
        numbers, choices = interpolate(view.numbers, at), interpolate(view.choices, at)
        change = apply(self.network, numbers, choices, np.ones(len(at), np.float32))
        back = (np.arange(len(view.base)) + first) / self.rate - start
        change = interpolate(change, np.clip(back, 0, len(at) - 1))
        return view.base + view.axes.back(change * view.gate[:, None, None])


def refine_sequence(
    network: Network,
    poses: np.ndarray,
    fps: float,
    confidence: np.ndarray | None = None,
    strength: float = 1.0,
    workers: int | None = None,
) -> np.ndarray:
    """Refine one sequence, block by block.

    Parameters
    ----------
    network
        With which weights.
    poses
        [T, 25, 3], NTU's joints, any unit; NaN where nothing is known.
    fps
        Frames a second.
    confidence
        [T, 25], 0 to 1: 0 for joints that are not tracked, 0.5 for inferred and 1 for tracked ones; None if the states
        are not known.
    strength
        0 for the input, 1 for all that the network does.
    workers
        Blocks that are worked on at once; None for one per processor. The result does not depend on it.

    Returns
    -------
    float64 or float32 array [T, 25, 3]
        As `poses`; values where something was missing, too.
    """
    if poses.shape[1:] != (JOINTS, 3):
        raise ValueError(f"poses of shape {poses.shape}, expected [frames, {JOINTS}, 3]")
    corrector = Corrector(network, steady_shipped(), fps)
    body = measure_body(poses, confidence)
    kind = poses.dtype if poses.dtype in (np.float32, np.float64) else np.float64
    out = np.empty(poses.shape, kind)
    blocks = list(corrector.blocks(len(poses)))
    told = tells(confidence)

    def work(number: int) -> None:
        read, good = blocks[number]
        given = prepare(poses[read], None if confidence is None else confidence[read], body.size)
        refined = corrector(given, body, told, read.start)
        # What is added is small, and adding it loses nothing of a position far away.
        change = (refined[good] - given.x[good]) * np.float32(body.size * strength)
        into = out[read.start + good.start : read.start + good.stop]
        np.add(filled(poses[read], given)[good], change.transpose(0, 2, 1), out=into, casting="same_kind")

    with Pool(workers, len(blocks)) as pool:
        pool.map(work, range(len(blocks)))
    return out
