"""The kinds of networks that refine: each is one file of this folder that adds itself, `docs/adding.md` shows how."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Protocol, Self, cast

import torch
from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn

from base.registry import Registry
from base.settings import Section
from refine.shipped.registry import SHIPPED, say_not_trained

MOST_FRAMES = 10_000
MOST_UNITS = 65_536
MOST_BLOCKS = 1000
"""Sizes that no refiner comes near: the release has windows of 64 frames, 512 units and 5 blocks."""


class Net(nn.Module):
    """A network over windows of one coordinate: maps [..., W] to [..., W], such as [N, C, W].

    Parameters
    ----------
    kind
        Its name among `NETS`.
    window
        Frames per window, W.
    """

    kind: str
    window: int


class ModelSection(Section):
    """The network and its sizes: a `kind`, one file each in `refine/nets`, and what all kinds may be told."""

    kind: str = "basic"
    """`basic`: as released. `motion_aware`: the paper's, over positions, velocities and accelerations."""
    window: int = Field(32, ge=3, le=MOST_FRAMES)
    """Frames that are refined together."""
    hidden: int = Field(512, ge=1, le=MOST_UNITS)
    """Units of the layers."""
    res_hidden: int = Field(16, ge=1, le=MOST_UNITS)
    """Units within a residual block."""
    blocks: int = Field(1, ge=0, le=MOST_BLOCKS)
    """Residual blocks."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of the activations that is dropped in training."""

    @field_validator("kind")
    @classmethod
    def _known(cls, value: str) -> str:
        return known_kind(value)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        NETS[self.kind].check(self)
        return self


InPlace = Callable[[Tensor, Tensor], None]
"""Reads windows that lie in columns, [W, n], and writes the refined ones into the second, [W, n]."""


class Pass(Protocol):
    """A network on one piece of a batch after the other, and the sum of its gradients."""

    def begin(self) -> None:
        """Start a new batch: take the parameters as they are now, forget the gradients."""

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, W] to [n, W]; the result may be overwritten by the next call."""

    def backward(self, gradient: Tensor) -> None:
        """Add the parameters' gradients, given the output's [n, W], for the piece that went forward last."""

    def gradients(self) -> list[Tensor]:
        """Return the sums, in the order of the net's parameters."""


@dataclass(frozen=True)
class NetKind:
    """One kind of network.

    Parameters
    ----------
    build
        Makes the network of a section `model`; its first weights come from torch's global generator. It maps windows
        [..., W] to windows of the same shape.
    check
        Refuses, with a ValueError, a section `model` that cannot be built.
    sizes
        Returns the section's sizes for a file that says none, by its tensors' names and shapes; None if they are not
        this kind's. Files of our own say which kind they are.
    in_place
        Makes, for a network and the most columns of a call, a quicker way to run it that allocates nothing. None to
        call the network.
    in_half
        As `in_place`, computing in bfloat16. None where there is no such way.
    gradients
        Makes, for a network and the most windows of a piece, a quicker way to its gradients. None for autograd's.
    at_rest
        Returns a network that answers rest with rest, and everything else as the given one but for that difference.
        None to subtract its answer to zeros.
    """

    build: Callable[[ModelSection], nn.Module]
    check: Callable[[ModelSection], None] = lambda section: None
    sizes: Callable[[Mapping[str, tuple[int, ...]]], dict[str, int] | None] = lambda shapes: None
    in_place: Callable[[Any, int], InPlace] | None = None
    in_half: Callable[[Any, int], InPlace] | None = None
    gradients: Callable[[Any, int], Pass] | None = None
    at_rest: Callable[[Any], nn.Module] | None = None


NETS: Registry[NetKind] = Registry(__package__ or "", "kind of refiner", "steady.refiners")
"""All kinds by the names that `model.kind` takes."""


def known_kind(name: str) -> str:
    """Return a kind's name.

    Raises
    ------
    ValueError
        There is none of this name, or it is that of a refiner that is shipped.
    """
    if name in SHIPPED:
        raise ValueError(say_not_trained(name))
    NETS[name]  # says what there is
    return name


def build_net(section: ModelSection) -> Net:
    """Make the network that a configuration names, with fresh weights.

    Parameters
    ----------
    section
        Which kind, and its sizes.
    """
    net = cast(Net, NETS[section.kind].build(section))
    net.kind, net.window = section.kind, section.window
    return net


class _AtRest(Net):
    def __init__(self, net: Net) -> None:
        super().__init__()
        self.kind, self.window, self.net = "", net.window, net
        like = next(net.parameters())
        self.register_buffer("rest", net(like.new_zeros(1, net.window))[0], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.net(x) - self.rest
        return answer


@torch.no_grad()
def at_rest(net: Net) -> Net:
    """Return a network that answers rest with rest, and everything else as this one but for that difference."""
    still = deepcopy(net).eval()
    own = NETS[net.kind].at_rest
    if own is None:
        return _AtRest(still).eval()
    return cast(Net, own(still))
