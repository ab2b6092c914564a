"""From ragged clips to batches for the network, all clips of a batch at once, on the device."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from recognition.config import InputSection, TrainSection
from recognition.input.augment import Draws, draw, still
from recognition.input.loading import LoadedClips
from recognition.input.sampling import place_frames, time_window
from recognition.input.streams import to_stream
from recognition.small_sets import class_weights
from training.devices import send
from training.distributed import ALONE, Workers
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
    whole
        Clips of the batch in all processes together.
    """

    x: Tensor
    clip: Tensor
    label: Tensor
    whole: int


def gather_batch(clips: LoadedClips, chosen: Tensor, view: InputSection, draws: Draws, whole: int = 0) -> Batch:
    """Make the input of the network for some clips, on their device.

    A track is held at its first and last frame where a sampled frame lies outside it; a confidence is 0 there. Nothing
    here waits for the accelerator: how many actors there are is known on the host. Frames are chosen and read where the
    joints are, and computed with on the clips' device.

    Parameters
    ----------
    clips
        The clips.
    chosen
        int64 [B] on the CPU: which of them.
    view
        How frames are sampled, and which stream.
    draws
        What is random, on the CPU.
    whole
        Clips of the batch in all processes together; B if 0.
    """
    home, device = clips.joints.device, clips.device
    draws = draws.to(home)
    count = clips.track_of[chosen + 1] - clips.track_of[chosen]
    clip = torch.repeat_interleave(torch.arange(len(chosen)), count)
    first = clips.track_of[chosen][clip]
    last = first + count[clip] - 1
    track = first + torch.arange(len(clip)) - (count.cumsum(0) - count)[clip]
    chosen, clip, track, first, last = (send(index, home) for index in (chosen, clip, track, first, last))
    lengths = clips.frames[chosen]
    window = None
    if draws.share is not None and draws.place is not None:
        window = time_window(lengths, draws.share, draws.place, draws.least)
    frames = place_frames(lengths, view.sampling, view.frames, draws.offset, window)
    if draws.swap is not None:
        track = torch.where(draws.swap[clip], first + last - track, track)
    x = send(_skeletons(clips, track, frames.index[clip]), device)
    if frames.after is not None and frames.part is not None:
        after, part = _skeletons(clips, track, frames.after[clip]), frames.part[clip][:, :, None, None]
        x = x.lerp(send(after, device), send(part.to(x.dtype), device))
    if draws.swap is not None and clips.origin is not None:
        # the clip is centred on its first actor; after the exchange that is the other one
        other = clips.joints[clips.first_row[last], clips.origin] * draws.swap[clip].unsqueeze(1)
        x = x - send(other, device)[:, None, None]
    if draws.transform is not None:
        dims = clips.layout.dims
        turned = torch.einsum("atvc,adc->atvd", x[..., :dims], send(draws.transform[clip], device))
        x = torch.cat([turned, x[..., dims:]], dim=-1) if clips.confidence else turned
    x = to_stream(x, view.stream, clips.layout, clips.confidence)
    if frames.real is not None:
        x = x * send(frames.real[clip], device)[:, :, None, None]
    clip, label = send(clip, device), send(clips.label[chosen], device)
    return Batch(x.contiguous(), clip, label, whole or len(chosen))


def training_batches(
    clips: LoadedClips, view: InputSection, recipe: TrainSection, *, seed: int, epoch: int, workers: Workers = ALONE
) -> Iterator[Batch]:
    """Give one epoch of training batches in random order, with all that is random in the recipe.

    All draws come from the seed and the epoch, and from nothing of the skeletons: two stores of equal clips get the
    same frames, rotations and order. They are drawn on the host, the same for all devices. Batches differ by one clip
    at most, so that no small rest upsets batch normalisation. With several processes all draw for the whole batch, and
    each gets its share of it.

    Parameters
    ----------
    clips
        The clips.
    view
        What the network sees of a clip.
    recipe
        `batch`, clips per batch at most; `repeat`, how often every clip comes, or with `balance: sampling` how many are
        drawn for each; the augmentation.
    seed, epoch
        What the draws come from.
    workers
        The processes that share a batch.
    """
    shuffle = epoch_generator(seed, epoch)  # on the host, see gather_batch
    if recipe.balance == "sampling":
        label = clips.label.cpu()
        likely = class_weights(label, int(label.max()) + 1)[label]
        order = likely.multinomial(recipe.repeat * len(clips), replacement=True, generator=shuffle)
    else:
        order = torch.cat([torch.randperm(len(clips), generator=shuffle) for _ in range(recipe.repeat)])
    generator = epoch_generator(seed, epoch)
    for chosen in order.tensor_split(steps_per_epoch(len(clips), recipe)):
        draws = draw(len(chosen), clips.layout.dims, view, recipe, generator)
        mine = workers.share(len(chosen))
        yield gather_batch(clips, chosen[mine], view, draws.of(mine), len(chosen))


def steps_per_epoch(clips: int, recipe: TrainSection) -> int:
    """Return the number of training steps in an epoch over so many clips."""
    return math.ceil(recipe.repeat * clips / recipe.batch)


def scoring_batches(
    clips: LoadedClips, view: InputSection, *, batch: int, place: float = 0.5, rows: slice | None = None
) -> Iterator[Batch]:
    """Give clips in order, with the frame at the same place of each segment; nothing is random.

    Parameters
    ----------
    clips
        The clips.
    view
        What the network sees of a clip.
    batch
        Clips per batch, at most.
    place
        Where in its segment a frame is taken, and a window among its places, in [0, 1); 0.5 is the middle.
    rows
        Which clips; all if None.
    """
    for chosen in torch.arange(len(clips))[rows or slice(None)].split(batch):
        yield gather_batch(clips, chosen, view, still(len(chosen), view, place))


def _skeletons(clips: LoadedClips, track: Tensor, frame: Tensor) -> Tensor:
    """Return the skeletons [A, T, V, C] of these tracks [A] in these frames [A, T] of their clips."""
    within = frame - clips.first_frame[track].unsqueeze(1)
    held = torch.minimum(within.clamp_min(0), clips.length[track].unsqueeze(1) - 1)
    x = clips.joints[clips.first_row[track].unsqueeze(1) + held]
    if clips.confidence:
        x[..., -1] *= (held == within).unsqueeze(2)
    return x
