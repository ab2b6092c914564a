"""Cutting sequences into windows for training, and refining whole sequences by windows that overlap."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from refine.smoothnet import Net, Scratch, refine_columns

COLUMNS = {"cpu": 8192, "cuda": 1 << 17}
"""Windows x coordinates that are cut, refined and merged at a time."""

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
    net: Net, sequences: Sequence[Tensor], *, stride: int, offsets: Offsets, columns: int | None = None
) -> list[Tensor]:
    """Refine sequences by windows that overlap; each frame is the mean of the windows that cover it.

    Windows begin every `stride` frames, and one more ends with the sequence, so that no frame is left out. Windows of
    several sequences go through the network together, a bounded number at a time: besides input and output, memory
    does not depend on the sequences' lengths.

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
    columns
        How many windows x coordinates to treat at a time; by default as suits the device.

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
    columns = max(columns or COLUMNS[device.type], *(len(sequence) for sequence in sequences))
    cut, refined = (torch.empty(window * columns, device=device) for _ in range(2))
    scratch = Scratch(net, columns)
    results = [torch.zeros_like(sequence) for sequence in sequences]
    runs = [run for i, sequence in enumerate(sequences) for run in _runs(i, sequence.shape[1], window, stride)]
    for batch in _batches(runs, [len(sequence) for sequence in sequences], stride, columns):
        used = sum(run.count * len(sequences[run.sequence]) for run in batch)
        x, y = (buffer[: window * used].view(window, used) for buffer in (cut, refined))
        added = []
        at = 0
        for run in batch:
            source = sequences[run.sequence]
            piece = _piece(x, at, len(source), run.count)
            end = run.start + (run.count - 1) * stride + window
            piece.copy_(source[:, run.start : end].unfold(1, window, stride).permute(2, 0, 1))
            offset = offsets(piece.permute(2, 1, 0))
            if offset is not None:
                piece -= offset.t()
            added.append(offset)
            at += piece[0].numel()
        refine_columns(net, x, y, scratch)
        at = 0
        for run, offset in zip(batch, added, strict=True):
            result = results[run.sequence]
            piece = _piece(y, at, len(result), run.count)
            if offset is not None:
                piece += offset.t()
            for frame in range(window):
                first = run.start + frame
                result[:, first : first + (run.count - 1) * stride + 1 : stride] += piece[frame]
            at += piece[0].numel()
    for result in results:
        result /= _coverage(result.shape[1], window, stride, device)
    return results


def _runs(sequence: int, length: int, window: int, stride: int) -> Iterator[_Run]:
    """List the windows of a sequence: those at the stride, and the last if they do not reach the end."""
    yield _Run(sequence, 0, (length - window) // stride + 1)
    if (length - window) % stride:
        yield _Run(sequence, length - window, 1)


def _batches(runs: Sequence[_Run], channels: Sequence[int], stride: int, columns: int) -> Iterator[list[_Run]]:
    """Split and join runs into batches that fill the columns but do not exceed them."""
    batch: list[_Run] = []
    free = columns
    for run in runs:
        done = 0
        while done < run.count:
            count = min(run.count - done, free // channels[run.sequence])
            if not count:
                yield batch
                batch, free = [], columns
                continue
            batch.append(_Run(run.sequence, run.start + done * stride, count))
            done, free = done + count, free - count * channels[run.sequence]
    if batch:
        yield batch


def _piece(columns: Tensor, at: int, channels: int, count: int) -> Tensor:
    """View a part of the columns [W, N] as [W, C, count]."""
    return columns[:, at : at + channels * count].unflatten(1, (channels, count))


def _coverage(length: int, window: int, stride: int, device: torch.device) -> Tensor:
    """Count the windows over each frame."""
    count = torch.zeros(length, device=device)
    for run in _runs(0, length, window, stride):
        for frame in range(window):
            first = run.start + frame
            count[first : first + (run.count - 1) * stride + 1 : stride] += 1
    return count
