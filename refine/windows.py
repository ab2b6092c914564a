"""Cutting sequences into windows for training, and refining whole sequences by windows that overlap."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from refine.nets.columns import CACHED_COLUMNS, Columns, Precision
from refine.nets.registry import Net

COLUMNS = {"cpu": 8 * CACHED_COLUMNS, "cuda": 1 << 17}
"""Windows x coordinates that are cut, refined and merged at a time; what is longer is always cut at the same places."""

AVERAGED = 1 << 14
"""Frames that are averaged at a time; it bounds memory."""

Merge = Literal["mean", "smooth"]
"""How the windows that cover a frame become one: their `mean`, as in the paper, or `smooth`, see `refine_windows`."""

Offsets = Callable[[Tensor], Tensor | None]
"""Maps windows' means over time, [N, C, 1], to what is subtracted before the network and added after it, [N, C]."""


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


@torch.inference_mode()
def refine_windows(
    net: Net,
    sequences: Sequence[Tensor],
    *,
    stride: int,
    offsets: Offsets,
    merge: Merge = "mean",
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
    whatever has its period; at strides of more than a quarter of the window through one of that quarter, for a longer
    one would take away movement (`docs/results.md`).

    On a CPU the result is the same to the bit whatever other sequences there are: frames are merged in an order that
    depends on their own sequence alone, and matrices have one size.

    Parameters
    ----------
    net
        The network, on the sequences' device.
    sequences
        float32 [C, T] each, T at least the window; C may differ. Quickest where a frame's values lie together.
    stride
        Frames from one window to the next, 1 to W.
    offsets
        What to subtract from each window and add again, see `refine.normalise.window_offsets`.
    merge
        How to merge them.
    precision
        What to compute in, see `refine.nets.columns.Columns`.

    Returns
    -------
    list of Tensor
        float32 [C, T] each; a frame's values lie together.
    """
    if not 1 <= stride <= net.window:
        raise ValueError(f"stride {stride} is outside 1 to {net.window}")
    results: dict[int, Tensor] = {}
    for channels in {len(sequence) for sequence in sequences}:
        alike = [i for i, sequence in enumerate(sequences) if len(sequence) == channels]
        lengths = [sequences[i].shape[1] for i in alike]
        refined = _refine_frames(
            net, torch.cat([sequences[i].t() for i in alike]), lengths, stride, offsets, merge, precision
        )
        if merge == "smooth":
            refined = moving_average(refined, lengths, min(stride, longest_average(net.window)))
        results |= zip(alike, (part.t() for part in refined.split(lengths)), strict=True)
    return [results[i] for i in range(len(sequences))]


def _refine_frames(
    net: Net,
    frames: Tensor,
    lengths: Sequence[int],
    stride: int,
    offsets: Offsets,
    merge: Merge,
    precision: Precision,
) -> Tensor:
    """Refine the frames [R, C] of sequences that lie one after another, by the weighted mean of the windows."""
    window, (rows, channels), device = net.window, frames.shape, frames.device
    most = max(1, COLUMNS[device.type] // channels)
    whole = most
    if device.type == "cpu":
        # So many windows always go through the network together, be it with some that are thrown away.
        whole = max(1, CACHED_COLUMNS // channels)
        whole -= whole % 8 if whole > 8 else 0  # whole vectors
        most = max(1, most // whole) * whole
    starts = [_starts(length, window, stride) for length in lengths]
    start = np.concatenate(starts) + np.repeat(np.cumsum([0, *lengths[:-1]]), [len(one) for one in starts])
    refine = Columns(net, whole * channels, precision)
    weights, place = np.asarray(merging_weights(window, merge)), np.arange(window)
    rooms = [torch.empty(window * channels * most, device=device) for _ in range(2)]
    merged, covered = torch.zeros_like(frames), np.zeros(rows)
    end = 0
    for number in _batches([len(one) for one in starts], most):
        first, end = end, end + number
        here = start[first:end]
        pieces = -(-number // whole)
        whole_here = whole if device.type == "cpu" else number
        padded = np.pad(here, (0, pieces * whole_here - number), mode="edge")
        frame = padded.reshape(pieces, 1, whole_here) + place[:, None]
        cut, refined = (one[: frame.size * channels] for one in rooms)
        torch.index_select(frames, 0, torch.from_numpy(frame.ravel()).to(device), out=cut.view(-1, channels))
        cut, refined = (one.view(pieces, window, -1) for one in (cut, refined))
        mean = _weighted_sums(
            frames, (padded[:, None] + place).ravel(), np.full(len(padded), window), np.full(frame.size, 1 / window)
        )
        offset = offsets(mean[..., None])
        if offset is not None:
            cut -= offset.reshape(pieces, 1, -1)
        for x, out in zip(cut, refined, strict=True):
            refine(x, out)
        if offset is not None:
            refined += offset.reshape(pieces, 1, -1)
        reached = slice(here[0], here[-1] + window)
        at = (here + place[:, None] - reached.start).ravel()
        order = np.argsort(at, kind="stable")
        row = np.arange(frame.size).reshape(frame.shape).swapaxes(0, 1).reshape(window, -1)[:, :number].ravel()
        weight = np.repeat(weights, number)
        merged[reached] += _weighted_sums(refined.view(-1, channels), row[order], np.bincount(at), weight[order])
        covered[reached] += np.bincount(at, weight)
    return merged.div_(torch.from_numpy(covered).to(merged)[:, None])


def _weighted_sums(x: Tensor, rows: np.ndarray, counts: np.ndarray, weights: np.ndarray) -> Tensor:
    """Add up rows of x [n, C] by their weights: so many of those listed for each row of the result, in their order."""
    first = np.cumsum(counts) - counts
    index, at = (torch.from_numpy(one).to(x.device) for one in (rows, first))
    return F.embedding_bag(index, x, at, mode="sum", per_sample_weights=torch.from_numpy(weights).to(x))


@lru_cache
def merging_weights(window: int, merge: Merge) -> tuple[float, ...]:
    """Return how much each place in a window counts where windows overlap."""
    if merge == "mean":
        return (1.0,) * window
    return tuple(np.sin(np.pi * (np.arange(window) + 0.5) / window).tolist())


def longest_average(window: int) -> int:
    """Return over how many frames `smooth` averages at most: a quarter of a window."""
    return max(1, window // 4)


def moving_average(x: Tensor, lengths: Sequence[int], over: int) -> Tensor:
    """Average sequences over as many frames as `over`, the outermost two by half where that is even.

    What repeats after so many frames disappears. Beyond its ends, a sequence goes on by the mirror image through its
    end point: what is straight stays so, and the ends stay where they are.

    Parameters
    ----------
    x
        [R, C]: the frames of all sequences, one after another.
    lengths
        Of each sequence.
    over
        How many frames.
    """
    if over < 2:
        return x
    ends = np.cumsum(lengths)
    firsts, lasts = (np.repeat(one, lengths) for one in (ends - lengths, ends - 1))
    shifts = np.arange(-(over // 2), over // 2 + 1)
    parts = []
    for at in range(0, len(x), AVERAGED):
        first, last = (one[at : at + AVERAGED, None] for one in (firsts, lasts))
        reach = np.minimum(over // 2, last - first)
        edge = np.where(reach < (over + 1) // 2, 1.0, 0.5)
        weight = np.where(np.abs(shifts) < reach, 1.0, np.where(np.abs(shifts) == reach, edge, 0.0))
        weight /= weight.sum(1, keepdims=True)
        here = np.arange(at, at + len(first))[:, None]
        there = here + np.where(weight > 0, shifts, 0)
        inside = there.clip(first, last)
        # Beyond an end stands twice the end less the mirror image.
        beyond = [2 * np.where(out, weight, 0.0).sum(1, keepdims=True) for out in (there < first, there > last)]
        rows = np.concatenate([2 * inside - there, first, last], 1)
        weights = np.concatenate([np.where(there == inside, weight, -weight), *beyond], 1)
        parts.append(_weighted_sums(x, rows.ravel(), np.full(len(rows), rows.shape[1]), weights.ravel()))
    return torch.cat(parts)


def _starts(length: int, window: int, stride: int) -> np.ndarray:
    """List where the windows of a sequence begin: those at the stride, and the last if they do not reach the end."""
    starts = np.arange(0, length - window + 1, stride)
    return np.append(starts, length - window) if (length - window) % stride else starts


def _batches(counts: Sequence[int], most: int) -> Iterator[int]:
    """Join the windows of sequences, so many of each, into batches; a sequence of more than `most` begins one, or more.

    Yields
    ------
    How many windows each batch has.
    """
    batch = 0
    for count in counts:
        if batch and batch + count > most:
            yield batch
            batch = 0
        while count > most:
            yield most
            count -= most
        batch += count
    yield batch
