"""Which frames of a clip the network sees: a window of time, and so many frames of it; all clips of a batch at once."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Sampling = Literal["uniform", "resize", "pad"]


@dataclass(frozen=True)
class Frames:
    """T frames of each of B clips.

    Parameters
    ----------
    index
        int64 [B, T], frames of the clips.
    after, part
        int64 [B, T] and float32 [B, T]: the skeleton is `1 - part` of the one in `index` and `part` of that in `after`.
        None: that in `index`.
    real
        bool [B, T]: False where the clip is over and zeros shall stand. None: nowhere.
    """

    index: Tensor
    after: Tensor | None = None
    part: Tensor | None = None
    real: Tensor | None = None


def sample_frames(lengths: Tensor, offset: Tensor) -> Tensor:
    """Cut each clip into equal segments and take one frame of each.

    Parameters
    ----------
    lengths
        int64 [B], frames of the clips, at least 1.
    offset
        float64 [B, T] in [0, 1): where in its segment a frame is taken; 0.5 is the middle.

    Returns
    -------
    int64 [B, T], ascending along T. In clips of fewer than T frames some frames come more than once.
    """
    segments = offset.shape[1]
    index = torch.arange(segments, device=offset.device)
    length = lengths.unsqueeze(1)
    last = torch.div((index + 1) * length - 1, segments, rounding_mode="floor")
    # the sum of an index and an offset just below 1 can round up into the next segment
    return torch.minimum(((index + offset) * length / segments).long(), last)


def time_window(lengths: Tensor, share: Tensor, place: Tensor, least: int = 1) -> tuple[Tensor, Tensor]:
    """Choose a window of each clip.

    Parameters
    ----------
    lengths
        int64 [B], frames of the clips.
    share
        float64 [B] in (0, 1]: how much of the clip the window covers.
    place
        float64 [B] in [0, 1): where between the earliest and the latest place it lies; 0.5 is the middle.
    least
        Frames that a window has at least, where the clip has them.

    Returns
    -------
    int64 [B], the windows' first frames; int64 [B], their lengths
    """
    size = torch.maximum((lengths * share).long(), lengths.clamp_max(least))
    return (place * (lengths - size + 1)).long(), size


def resize_frames(lengths: Tensor, frames: int) -> Frames:
    """Stretch each clip to so many frames, equally far apart, the ends half a step inside (as images are resized)."""
    index = torch.arange(frames, device=lengths.device, dtype=torch.float64)
    length = lengths.unsqueeze(1)
    at = torch.minimum(((index + 0.5) * length / frames - 0.5).clamp_min(0), (length - 1).double())
    before = at.long()
    return Frames(before, torch.minimum(before + 1, length - 1), (at - before).float())


def pad_frames(lengths: Tensor, frames: int) -> Frames:
    """Take the first frames as they are; what lies after a clip's end is not real."""
    index = torch.arange(frames, device=lengths.device)
    length = lengths.unsqueeze(1)
    return Frames(torch.minimum(index, length - 1), real=index < length)


def place_frames(
    lengths: Tensor,
    sampling: Sampling,
    frames: int,
    offset: Tensor | None,
    window: tuple[Tensor, Tensor] | None,
) -> Frames:
    """Choose the frames of each clip.

    Parameters
    ----------
    lengths
        int64 [B], frames of the clips.
    sampling
        `uniform`, see `sample_frames`; `resize`, see `resize_frames`; `pad`, see `pad_frames`.
    frames
        Frames per clip T.
    offset
        For `uniform`, see `sample_frames`.
    window
        First frames and lengths of the windows that are sampled instead of whole clips, see `time_window`.
    """
    start, size = (torch.zeros_like(lengths), lengths) if window is None else window
    if sampling == "uniform":
        assert offset is not None
        found = Frames(sample_frames(size, offset))
    else:
        found = (resize_frames if sampling == "resize" else pad_frames)(size, frames)
    start = start.unsqueeze(1)
    after = None if found.after is None else found.after + start
    return Frames(found.index + start, after, found.part, found.real)
