"""What is random in training: everything that is drawn for a batch, for all of its clips at once."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from recognition.config import InputSection, TrainSection
from training.devices import send


@dataclass(frozen=True)
class Draws:
    """What B clips get; None: nothing of the kind.

    Parameters
    ----------
    offset
        float64 [B, T] in [0, 1): where in its segment a frame is taken, see `sampling.sample_frames`.
    share, place
        float64 [B]: the window of time, see `sampling.time_window`.
    least
        Frames that a window has at least.
    transform
        float32 [B, D, D]: turns and scales the clips about the origin.
    swap
        bool [B]: whether the two actors change places; of more, the order is reversed.
    """

    offset: Tensor | None = None
    share: Tensor | None = None
    place: Tensor | None = None
    least: int = 1
    transform: Tensor | None = None
    swap: Tensor | None = None

    def of(self, rows: slice) -> "Draws":
        """Return what some of the clips get."""
        return self._map(lambda field: field[rows])

    def to(self, device: torch.device) -> "Draws":
        """Return the same on a device."""
        return self._map(lambda field: send(field, device))

    def _map(self, change: Callable[[Tensor], Tensor]) -> "Draws":
        fields = (self.offset, self.share, self.place, self.transform, self.swap)
        offset, share, place, transform, swap = (None if field is None else change(field) for field in fields)
        return Draws(offset, share, place, self.least, transform, swap)


def draw(count: int, dims: int, view: InputSection, recipe: TrainSection, generator: torch.Generator) -> Draws:
    """Draw the augmentation of a training batch of so many clips, on the generator's device.

    Nothing depends on the skeletons, so that two stores of equal clips get the same.
    """
    device = generator.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, device=device, dtype=torch.float64)

    offset = uniform(count, view.frames) if view.sampling == "uniform" else None
    turn = random_rotations(count, recipe.rotation, dims, generator)
    transform = turn if recipe.rotation else None
    share = place = swap = None
    if view.crop != (1.0, 1.0):
        least, most = view.crop
        share, place = least + (most - least) * uniform(count), uniform(count)
    if recipe.scaling:
        scale = random_scales(count, recipe.scaling, generator)[:, None, None]
        transform = scale * (torch.eye(dims, device=device) if transform is None else transform)
    if recipe.swap:
        swap = uniform(count) < recipe.swap
    return Draws(offset, share, place, view.frames, transform, swap)


def still(count: int, view: InputSection, place: float) -> Draws:
    """Return what clips get when they are scored: nothing random, every frame at the same place of its segment."""

    def full(value: float, *shape: int) -> Tensor:
        return torch.full(shape, value, dtype=torch.float64)

    offset = full(place, count, view.frames) if view.sampling == "uniform" else None
    if view.test_crop == 1:
        return Draws(offset)
    return Draws(offset, full(view.test_crop, count), full(place, count))


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


def random_scales(count: int, limit: float, generator: torch.Generator) -> Tensor:
    """Draw factors uniform in [1 - limit, 1 + limit], float32 [count] on the generator's device."""
    return 1 + limit * (2 * torch.rand(count, generator=generator, device=generator.device) - 1)
