"""The loss that refiners learn by: errors of position and of acceleration (SmoothNet, section 3.4 of the paper).

It is a mean over what is known: joints that nobody saw, and accelerations of which one of three frames is unknown,
weigh nothing. A batch may be gone through in parts whose losses and gradients add up to those of the whole.
"""

import itertools
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn


def smoothing_loss(
    refined: Tensor,
    truth: Tensor,
    position_weight: float,
    acceleration_weight: float,
    known: Tensor | None = None,
) -> Tensor:
    """Weigh errors of position against errors of acceleration, the loss of SmoothNet (section 3.4 of the paper).

    Parameters
    ----------
    refined, truth
        [..., C, W].
    position_weight, acceleration_weight
        1 and 1 in the paper, 1 and 0.1 in its released configurations.
    known
        bool, of the same shape: which of the true values are known; all of them if None. The others may be anything,
        NaN too: the mean over positions leaves them out, and the mean over accelerations every three frames in a row
        of which one is not known.
    """
    factors = smoothing_factors(truth, position_weight, acceleration_weight, known)
    return smoothing_sum(refined, truth, factors, known)


Factor = float | Tensor


def smoothing_factors(
    truth: Tensor, position_weight: float, acceleration_weight: float, known: Tensor | None = None
) -> tuple[Factor, Factor]:
    """Say by what the sums of a batch's absolute errors are multiplied to be its weighted means.

    They let `smoothing_sum` go through a batch in pieces.
    """
    if known is None:
        *others, frames = truth.shape
        windows = math.prod(others)
        return position_weight / max(windows * frames, 1), acceleration_weight / max(windows * (frames - 2), 1)
    counts = (mask.sum().clamp(min=1).to(truth.dtype) for mask in (known, _triples(known)))
    position, acceleration = (w / n for w, n in zip((position_weight, acceleration_weight), counts, strict=True))
    return position, acceleration


def smoothing_sum(
    refined: Tensor, truth: Tensor, factors: tuple[Factor, Factor], known: Tensor | None = None
) -> Tensor:
    """Sum the absolute errors of a batch, or of a part of it, each kind times its factor; see `smoothing_loss`."""
    error = refined - truth
    if known is not None:
        # Chosen, not multiplied: what is not known may be NaN, and NaN times 0 is NaN.
        error = torch.where(known, error, 0.0)
    bend = error.diff(2)
    if known is not None:
        bend = torch.where(_triples(known), bend, 0.0)
    return factors[0] * error.abs().sum() + factors[1] * bend.abs().sum()


def _triples(known: Tensor) -> Tensor:
    """Tell which three frames in a row are all known, [..., W - 2]."""
    return known[..., 2:] & known[..., 1:-1] & known[..., :-2]


COLUMNS = {"cpu": 1024, "cuda": 1 << 16}
"""Windows that go through forward and backward at a time. On a GPU, more than a usual batch has."""


class BatchLoss:
    """The smoothing loss of a net on a batch, a piece at a time.

    The same as `smoothing_loss(net(detected), truth, position_weight, acceleration_weight, known)`. But on a CPU, of a
    whole batch (52,000 windows x 512 units: 107 MB for each layer) autograd would write every layer to memory; the
    layers of a piece stay in the processor's cache. As the loss is a sum over windows, the pieces' gradients add up to
    the batch's.

    Parameters
    ----------
    net
        The network; while it is in training mode, dropout draws from the device's global generator.
    position_weight, acceleration_weight
        See `smoothing_loss`.
    columns
        How many windows to treat at a time; by default as suits the device.
    """

    def __init__(
        self, net: nn.Module, position_weight: float, acceleration_weight: float, columns: int | None = None
    ) -> None:
        self.net = net
        self.weights = (position_weight, acceleration_weight)
        self.columns = columns or COLUMNS.get(next(net.parameters()).device.type, COLUMNS["cuda"])

    def __call__(self, detected: Tensor, truth: Tensor, known: Tensor | None = None) -> Tensor:
        """Return the loss, a scalar whose `backward` gives the parameters their gradients.

        Parameters
        ----------
        detected, truth
            [..., W].
        known
            bool [..., W]; which of the true values are known. All by default.
        """
        factors = smoothing_factors(truth, *self.weights, known)
        x, y = detected.flatten(0, -2), truth.flatten(0, -2)
        mask = None if known is None else known.flatten(0, -2)
        parameters = list(self.net.parameters())
        sums = [torch.zeros_like(parameter) for parameter in parameters]
        total = x.new_zeros(())
        for rows in even_pieces(len(x), self.columns):
            part = smoothing_sum(self.net(x[rows]), y[rows], factors, None if mask is None else mask[rows])
            gradients = torch.autograd.grad(part, parameters, allow_unused=True)
            for whole, gradient in zip(sums, gradients, strict=True):
                if gradient is not None:
                    whole += gradient
            total += part.detach()
        # A scalar of this value and these gradients.
        products = [(parameter * whole).sum() for parameter, whole in zip(parameters, sums, strict=True)]
        linear = torch.stack(products).sum()
        return linear - linear.detach() + total


def even_pieces(count: int, most: int) -> Iterator[slice]:
    """Split `count` rows into the fewest pieces of at most `most`, none much smaller than the others."""
    pieces = -(-count // most)
    ends = [count * piece // pieces for piece in range(pieces + 1)] if pieces else []
    return (slice(*ends) for ends in itertools.pairwise(ends))
