"""Cutting sequences into windows for training, and refining whole sequences by windows that overlap."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from refine.nets.columns import CACHED_COLUMNS, Columns, Precision
from refine.nets.registry import Net

COLUMNS = {"cpu": 16 * CACHED_COLUMNS, "cuda": 1 << 17}
"""Windows x coordinates that are cut, refined and merged at a time."""

RUN_COLUMNS = 4 * CACHED_COLUMNS
"""Windows x coordinates of one sequence that stay together on a CPU; longer ones are cut at the same places always."""

Merge = Literal["mean", "smooth"]
"""How the windows that cover a frame become one: their `mean`, as in the paper, or `smooth`, see `refine_windows`."""

Offsets = Callable[[Tensor], Tensor | None]
"""Maps windows [N, C, W] to what is subtracted before the network and added after it, [N, C]."""


def mirrored(length: int, window: int) -> np.ndarray:
    """Continue a sequence that is shorter than a window by its mirror images, evenly at both ends.

    A mirror image goes on with the motion's own positions and noise, where zeros would be a jump to the origin and
    repeated end frames a standstill.

    Parameters
    ----------
    length
        Frames of the sequence, at least 1.
    window
        Frames wanted.

    Returns
    -------
    int64 array [max(length, window)]
        Which frame to take; the sequence itself begins at (window - length) // 2.
    """
    if length >= window:
        return np.arange(length)
    turned = (np.arange(window) - (window - length) // 2) % (2 * length)
    return np.minimum(turned, 2 * length - 1 - turned)


@dataclass(frozen=True)
class WindowPool:
    """All windows of many sequences, without copying one of them.

    Parameters
    ----------
    detected, truth
        float32 [F, C]: the frames of all sequences, one after another.
    starts
        int64 [M]: where each window begins. Every window of every sequence is there once, the last one included.
    window
        Frames per window.
    known
        bool [F, C]: which of the true values are known; all of them if None.
    """

    detected: Tensor
    truth: Tensor
    starts: Tensor
    window: int
    known: Tensor | None = None

    def cut(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return the detected and the true windows of these numbers, [B, C, W] each, and what is known of the true."""
        starts = self.starts[index]
        known = None if self.known is None else self._cut(self.known, starts)
        return self._cut(self.detected, starts), self._cut(self.truth, starts), known

    def _cut(self, frames: Tensor, starts: Tensor) -> Tensor:
        # A window's frames lie one after another: it is copied in one run, and turned round where it lies in the cache.
        columns = frames.shape[1]
        runs = frames.as_strided((len(frames) - self.window + 1, self.window * columns), (columns, 1))
        return runs.index_select(0, starts).unflatten(1, (self.window, columns)).transpose(1, 2).contiguous()


def pool_windows(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
    window: int,
    device: torch.device,
    known: Sequence[np.ndarray] | None = None,
) -> WindowPool:
    """Put all sequences on the device and list their windows.

    Parameters
    ----------
    pairs
        (detected, truth) of each sequence, [T, C] each. Sequences shorter than a window are mirrored to one window.
    window
        Frames per window.
    device
        Where to keep them.
    known
        bool [T, C] of each sequence: which of the true values are known. All by default.
    """
    indices = [mirrored(len(detected), window) for detected, _ in pairs]
    first = np.cumsum([0, *map(len, indices)])
    starts = [start + np.arange(len(index) - window + 1) for start, index in zip(first, indices, strict=False)]

    def joined(sequences: Iterable[np.ndarray], dtype: torch.dtype) -> Tensor:
        frames = np.concatenate([x[index] for x, index in zip(sequences, indices, strict=True)])
        return torch.as_tensor(frames, dtype=dtype, device=device)

    return WindowPool(
        joined((detected for detected, _ in pairs), torch.float32),
        joined((truth for _, truth in pairs), torch.float32),
        torch.as_tensor(np.concatenate(starts), device=device),
        window,
        None if known is None else joined(known, torch.bool),
    )


@dataclass(frozen=True)
class _Run:
    """Windows of one sequence at even distances: the first begins at frame `start`."""

    sequence: int
    start: int
    count: int


@torch.inference_mode()
def refine_windows(
    net: Net,
    sequences: Sequence[Tensor],
    *,
    stride: int,
    offsets: Offsets,
    merge: Merge = "mean",
    columns: int | None = None,
    precision: Precision = "fp32",
) -> list[Tensor]:
    """Refine sequences by windows that overlap.

    Windows begin every `stride` frames, and one more ends with the sequence, so that no frame is left out. Windows of
    several sequences go through the network together, a bounded number at a time: besides input and output, memory
    does not depend on the sequences' lengths.

    How the windows over a frame are merged shows in the acceleration, because each place in a window has an error of
    its own. With the `mean`, all of these errors average out at stride 1; at larger strides the seams between windows
    and a pattern of the stride's period stay. `smooth` removes both: places count by a half-sine, so that windows come
    and go gently, and the merged frames go through a moving average as long as the stride, which is blind to
    whatever has its period.

    On a CPU the result is the same to the bit whatever other sequences there are and however many columns are treated
    at a time: windows are merged in an order that depends on their own sequence alone, and matrices have one size.

    Parameters
    ----------
    net
        The network, on the sequences' device.
    sequences
        float32 [C, T] each, T at least the window; C may differ.
    stride
        Frames from one window to the next, 1 to W.
    offsets
        What to subtract from each window and add again, see `refine.normalise.window_offsets`.
    merge
        How to merge them.
    columns
        How many windows x coordinates to treat at a time; by default as suits the device.
    precision
        What to compute in, see `refine.nets.columns.Columns`.

    Returns
    -------
    list of Tensor
        float32 [C, T] each.
    """
    if not sequences:
        return []
    window, device = net.window, sequences[0].device
    if not 1 <= stride <= window:
        raise ValueError(f"stride {stride} is outside 1 to {window}")
    weights = merging_weights(window, merge)
    columns = max(columns or COLUMNS[device.type], RUN_COLUMNS, *(len(sequence) for sequence in sequences))
    together = RUN_COLUMNS if device.type == "cpu" else columns
    refine = Columns(net, CACHED_COLUMNS if device.type == "cpu" else columns, precision)
    columns = -(-columns // refine.columns) * refine.columns
    # Whatever a batch does not fill is refined, too, and thrown away: it must be finite, and no more.
    cut, refined = (torch.zeros(window, columns, device=device) for _ in range(2))
    results = [torch.zeros_like(sequence) for sequence in sequences]
    runs = [
        run
        for i, sequence in enumerate(sequences)
        for run in _runs(i, sequence.shape[1], window, stride, max(1, together // len(sequence)))
    ]
    for batch in _batches(runs, [len(sequence) for sequence in sequences], columns):
        added = []
        at = 0
        for run in batch:
            source = sequences[run.sequence]
            piece = _piece(cut, at, len(source), run.count)
            end = run.start + (run.count - 1) * stride + window
            piece.copy_(source[:, run.start : end].unfold(1, window, stride).permute(2, 0, 1))
            offset = offsets(piece.permute(2, 1, 0))
            if offset is not None:
                piece -= offset.t()
            added.append(offset)
            at += piece[0].numel()
        used = -(-at // refine.columns) * refine.columns
        refine(cut[:, :used], refined[:, :used])
        at = 0
        for run, offset in zip(batch, added, strict=True):
            result = results[run.sequence]
            piece = _piece(refined, at, len(result), run.count)
            if offset is not None:
                piece += offset.t()
            for frame, weight in enumerate(weights):
                first = run.start + frame
                result[:, first : first + (run.count - 1) * stride + 1 : stride].add_(piece[frame], alpha=weight)
            at += piece[0].numel()
    for result in results:
        result /= _coverage(result.shape[1], stride, weights).to(device)
    return [moving_average(result, stride) for result in results] if merge == "smooth" else results


@lru_cache
def merging_weights(window: int, merge: Merge) -> tuple[float, ...]:
    """Return how much each place in a window counts where windows overlap."""
    if merge == "mean":
        return (1.0,) * window
    return tuple(np.sin(np.pi * (np.arange(window) + 0.5) / window).tolist())


def moving_average(x: Tensor, length: int) -> Tensor:
    """Average [C, T] over as many frames as `length`, the outermost two by half where that is even.

    What repeats after so many frames disappears. Beyond its ends, a sequence goes on by the mirror image through its
    end point: what is straight stays so, and the ends stay where they are.
    """
    reach = min(length // 2, x.shape[1] - 1)
    if not reach:
        return x
    first, last = x[:, :1], x[:, -1:]
    before, after = x[:, 1 : reach + 1].flip(1), x[:, -reach - 1 : -1].flip(1)
    longer = torch.cat([2 * first - before, x, 2 * last - after], 1)
    frames = x.shape[1]
    edge = 0.5 if length % 2 == 0 and reach == length // 2 else 1.0
    total = longer[:, reach : reach + frames].clone()
    for shift in range(1, reach + 1):
        weight = edge if shift == reach else 1.0
        total.add_(longer[:, reach - shift : reach - shift + frames], alpha=weight)
        total.add_(longer[:, reach + shift : reach + shift + frames], alpha=weight)
    return total.div_(2 * (reach - 1) + 1 + 2 * edge)


def _runs(sequence: int, length: int, window: int, stride: int, most: int) -> Iterator[_Run]:
    """List the windows of a sequence: those at the stride, and the last if they do not reach the end."""
    count = (length - window) // stride + 1
    for first in range(0, count, most):
        yield _Run(sequence, first * stride, min(most, count - first))
    if (length - window) % stride:
        yield _Run(sequence, length - window, 1)


def _batches(runs: Sequence[_Run], channels: Sequence[int], columns: int) -> Iterator[list[_Run]]:
    """Join runs into batches that do not exceed the columns."""
    batch: list[_Run] = []
    free = columns
    for run in runs:
        wanted = run.count * channels[run.sequence]
        if wanted > free:
            yield batch
            batch, free = [], columns
        batch.append(run)
        free -= wanted
    if batch:
        yield batch


def _piece(columns: Tensor, at: int, channels: int, count: int) -> Tensor:
    """View a part of the columns [W, N] as [W, C, count]."""
    return columns[:, at : at + channels * count].unflatten(1, (channels, count))


def _coverage(length: int, stride: int, weights: Sequence[float]) -> Tensor:
    """Add up the weights of the windows over each frame."""
    window = len(weights)
    starts = np.arange(0, length - window + 1, stride)
    if (length - window) % stride:
        starts = np.append(starts, length - window)
    frames = (starts[:, None] + np.arange(window)).ravel()
    return torch.from_numpy(np.bincount(frames, np.tile(weights, len(starts)), length)).float()
