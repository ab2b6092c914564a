"""The loss that refiners learn by: errors of position and of acceleration (SmoothNet, section 3.4 of the paper).

It is a mean over what is known: joints that nobody saw, and accelerations of which one of three frames is unknown,
weigh nothing. A batch may be gone through in parts whose losses and gradients add up to those of the whole.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from refine.nets.registry import NETS, Net, Pass


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
    """The smoothing loss of a net on a batch, differentiable in its parameters, a piece at a time.

    The same as `smoothing_loss(net(detected), truth, position_weight, acceleration_weight, known)`, but the gradients
    are computed with the loss: of a whole batch (52,000 windows x 512 units: 107 MB for each layer) autograd would
    write every layer to memory, and the layers of a piece stay in a CPU's cache. As the loss is a sum over windows, the
    pieces' gradients add up to the batch's. Buffers are kept from one batch to the next.

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
        self, net: Net, position_weight: float, acceleration_weight: float, columns: int | None = None
    ) -> None:
        self.net = net
        self.weights = (position_weight, acceleration_weight)
        self.columns = columns or COLUMNS.get(next(net.parameters()).device.type, COLUMNS["cuda"])
        self._way: Callable[[Net, int], Pass] = NETS[net.kind].gradients or ByAutograd
        self._pass: Pass | None = None
        self._room = 0

    def __call__(self, detected: Tensor, truth: Tensor, known: Tensor | None = None) -> Tensor:
        """Return the loss, a scalar whose `backward` gives the parameters their gradients.

        Parameters
        ----------
        detected, truth
            [..., W].
        known
            bool [..., W]; which of the true values are known. All by default.
        """
        loss: Tensor = _Differentiated.apply(lambda: self._compute(detected, truth, known), *self.net.parameters())
        return loss

    def _compute(self, detected: Tensor, truth: Tensor, known: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        factors = smoothing_factors(truth, *self.weights, known)
        x, y = detected.flatten(0, -2), truth.flatten(0, -2)
        mask = None if known is None else known.flatten(0, -2)
        through = self._begin(len(x))
        total = x.new_zeros(())
        for rows in even_pieces(len(x), self.columns):
            refined = through.forward(x[rows])
            with torch.enable_grad():
                leaf = refined.detach().requires_grad_()
                loss = smoothing_sum(leaf, y[rows], factors, None if mask is None else mask[rows])
            [gradient] = torch.autograd.grad(loss, leaf)
            through.backward(gradient)
            total += loss.detach()
        return total, through.gradients()

    def _begin(self, count: int) -> Pass:
        columns = min(count, self.columns)
        if self._pass is None or self._room < columns:
            self._pass, self._room = self._way(self.net, columns), columns
        self._pass.begin()
        return self._pass


class ByAutograd:
    """Any net on one piece of a batch after the other, see `refine.nets.registry.Pass`."""

    def __init__(self, net: Net, columns: int) -> None:
        self.net = net

    def begin(self) -> None:
        """Start a new batch."""
        self._parameters = list(self.net.parameters())
        self._sums = [torch.zeros_like(parameter) for parameter in self._parameters]

    @torch.enable_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Map [n, W] to [n, W]."""
        self._output: Tensor = self.net(x)
        return self._output

    def backward(self, gradient: Tensor) -> None:
        """Add the parameters' gradients; what the output does not depend on has none."""
        parts = torch.autograd.grad(self._output, self._parameters, gradient, allow_unused=True)
        for total, part in zip(self._sums, parts, strict=True):
            if part is not None:
                total += part

    def gradients(self) -> list[Tensor]:
        """Return the sums."""
        return self._sums


class _Differentiated(torch.autograd.Function):
    """A scalar that comes with its gradients."""

    @staticmethod
    def forward(ctx: Any, compute: Callable[[], tuple[Tensor, Sequence[Tensor]]], *_parameters: Tensor) -> Tensor:
        value, gradients = compute()
        ctx.save_for_backward(*gradients)
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return None, *(gradient * saved for saved in ctx.saved_tensors)  # type: ignore[attr-defined]


def even_pieces(count: int, most: int) -> Iterator[slice]:
    """Split `count` rows into the fewest pieces of at most `most`, none much smaller than the others."""
    pieces = -(-count // most)
    ends = [count * piece // pieces for piece in range(pieces + 1)] if pieces else []
    return (slice(*ends) for ends in itertools.pairwise(ends))
