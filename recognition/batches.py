"""From ragged clips to batches for the network, all clips of a batch at once, on the device."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from recognition.ragged import RaggedClips
from recognition.streams import Stream, to_stream
from training.fit import epoch_generator


@dataclass(frozen=True)
class Batch:
    """Input of the network for B clips with A actors in all.

    Parameters
    ----------
    x
        float32 [A, T, V, C].
    clip
        int64 [A], the place in the batch of the clip of each row, ascending.
    label
        int64 [B].
    """

    x: Tensor
    clip: Tensor
    label: Tensor


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


def random_rotations(count: int, limit: float, dims: int, generator: torch.Generator) -> Tensor:
    """Draw rotations about each axis by angles uniform in [-limit, limit] radians.

    Returns
    -------
    float32 [count, dims, dims] on the generator's device: about z after y after x in space, in the plane about z only.
    """
    angles = limit * (2 * torch.rand(count, 3, generator=generator, device=generator.device) - 1)
    cos, sin = angles.cos().unbind(1), angles.sin().unbind(1)

    def about(axis: int) -> Tensor:
        first, second = (axis + 1) % 3, (axis + 2) % 3
        matrix = torch.eye(3, device=angles.device).repeat(count, 1, 1)
        matrix[:, first, first] = matrix[:, second, second] = cos[axis]
        matrix[:, first, second], matrix[:, second, first] = -sin[axis], sin[axis]
        return matrix

    return about(2) @ about(1) @ about(0) if dims == 3 else about(2)[:, :2, :2]


def gather_batch(
    clips: RaggedClips, chosen: Tensor, offset: Tensor, stream: Stream = "joint", rotation: Tensor | None = None
) -> Batch:
    """Make the input of the network for some clips.

    A track is held at its first and last frame where a sampled frame lies outside it.

    Parameters
    ----------
    clips
        The clips.
    chosen
        int64 [B] on the CPU: which of them.
    offset
        float64 [B, T] on the device, see `sample_frames`.
    stream
        Joints, bones, or the motion of either.
    rotation
        float32 [B, C, C] on the device: turns the clips about the origin.
    """
    device = clips.joints.device
    # how many actors there are is known on the host, so that no step waits for the accelerator
    tracks = clips.track_of[chosen + 1] - clips.track_of[chosen]
    clip = torch.repeat_interleave(torch.arange(len(chosen)), tracks)
    track = clips.track_of[chosen][clip] + torch.arange(len(clip)) - (tracks.cumsum(0) - tracks)[clip]
    chosen, clip, track = (index.to(device, non_blocking=True) for index in (chosen, clip, track))
    frame = sample_frames(clips.frames[chosen], offset)[clip]
    within = (frame - clips.first_frame[track].unsqueeze(1)).clamp_min(0)
    within = torch.minimum(within, clips.length[track].unsqueeze(1) - 1)
    x = clips.joints[clips.first_row[track].unsqueeze(1) + within]
    if rotation is not None:
        x = torch.einsum("atvc,adc->atvd", x, rotation[clip])
    return Batch(to_stream(x, stream, clips.layout).contiguous(), clip, clips.label[chosen])


def training_batches(
    clips: RaggedClips, *, frames: int, stream: Stream, batch: int, rotation: float, seed: int, epoch: int
) -> Iterator[Batch]:
    """Give one epoch of training batches in random order, random frames of each segment, randomly turned.

    All draws come from the seed and the epoch, and from nothing of the skeletons: two stores of equal clips get the
    same frames, rotations and order. Batches differ by one clip at most, so that no small rest upsets batch
    normalisation.

    Parameters
    ----------
    clips
        The clips.
    frames
        Frames per clip T.
    stream
        Joints, bones, or the motion of either.
    batch
        Clips per batch, at most.
    rotation
        Largest angle about each axis, radians.
    seed, epoch
        What the draws come from.
    """
    device = clips.joints.device
    order = torch.randperm(len(clips), generator=epoch_generator(seed, epoch))  # on the host, see gather_batch
    generator = epoch_generator(seed, epoch, device)
    for chosen in order.tensor_split(math.ceil(len(clips) / batch)):
        offset = torch.rand(len(chosen), frames, generator=generator, device=device, dtype=torch.float64)
        turn = random_rotations(len(chosen), rotation, clips.layout.dims, generator)
        yield gather_batch(clips, chosen, offset, stream, turn if rotation else None)


def scoring_batches(
    clips: RaggedClips, *, frames: int, stream: Stream, batch: int, place: float = 0.5
) -> Iterator[Batch]:
    """Give all clips in order, with the frame at the same place of each segment; nothing is random.

    Parameters
    ----------
    clips
        The clips.
    frames
        Frames per clip T.
    stream
        Joints, bones, or the motion of either.
    batch
        Clips per batch, at most.
    place
        Where in its segment a frame is taken, in [0, 1); 0.5 is the middle.
    """
    for chosen in torch.arange(len(clips)).split(batch):
        offset = torch.full((len(chosen), frames), place, dtype=torch.float64, device=clips.joints.device)
        yield gather_batch(clips, chosen, offset, stream)
