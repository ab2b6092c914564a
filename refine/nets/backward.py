"""Gradients of SmoothNets by hand, for one piece of a batch after the other (`refine.nets.loss.BatchLoss`).

A step of SmoothNet is little else than matrix products, if what lies between them costs little. On a CPU it does not by
itself: for every layer autograd writes several arrays of a whole batch (52,000 windows x 512 units: 107 MB each) to
memory, and draws one random number per unit. Here

- a batch goes through forward and backward in pieces whose layers stay in the processor's cache; as the loss is a sum
  over windows, the pieces' gradients add up to the batch's;
- every layer's result is kept once and changed in place: after dropout and leaky ReLU it still tells the derivative of
  both, which is 0 where it is 0 (dropped), and else depends on the sign;
- a unit is dropped by one random byte, and kept ones are scaled by scaling the weights before them, once per step;
- the weights' gradients are summed by the matrix products themselves, and nobody asks for the input's.

The function is the one that autograd derives from `SmoothNet.forward`, up to rounding.
"""

import itertools
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:  # they name these as their quicker way
    from refine.nets.motion_aware import MotionAwareSmoothNet
    from refine.nets.smoothnet import SmoothNet

ENCODER_SLOPE = 0.1
BLOCK_SLOPE = 0.2
"""Of the leaky ReLUs of SmoothNet."""

_leaky_relu_backward = torch.ops.aten.leaky_relu_backward.grad_input
_zero_where_zero = torch.ops.aten.hardshrink_backward.grad_input


class Masks:
    """Random masks of 0 and 1 for dropout.

    A share that is a multiple of 1/256, such as 0.25 or 0.5, takes a random byte per unit and is exact; any other takes
    two bytes and is met to within 1/131072. `scale` belongs to the share that is really dropped, so that the
    expectation is right in any case.

    Parameters
    ----------
    share
        Of units to drop.
    count
        The most units of one mask.
    like
        A tensor of the masks' type and device.
    """

    def __init__(self, share: float, count: int, like: Tensor) -> None:
        size = 1 if (share * 256).is_integer() else 2
        steps = 256**size
        dropped = min(round(share * steps), steps - 1)
        self.scale = steps / (steps - dropped)
        self._threshold = dropped - steps // 2
        self._words = torch.empty(-(-count * size // 8), dtype=torch.int64, device=like.device)
        self._numbers = self._words.view(torch.int8 if size == 1 else torch.int16)
        self._mask = like.new_empty(count)

    def drop(self, x: Tensor) -> None:
        """Set a random share of a contiguous tensor to 0."""
        count = x.numel()
        numbers = self._numbers[:count]
        self._words[: -(-count * numbers.itemsize // 8)].random_(-(2**63), None)
        x.view(-1).mul_(torch.ge(numbers, self._threshold, out=self._mask[:count]))


class BasicPass:
    """A basic net on one piece of a batch after the other, and the sum of its gradients.

    Parameters
    ----------
    net
        The network.
    columns
        The most windows in a piece.
    """

    def __init__(self, net: "SmoothNet", columns: int) -> None:
        self.net, self.columns = net, columns
        like = net.decoder.weight.detach()
        hidden, widths = net.decoder.in_features, [block.linear1.out_features for block in net.blocks]
        self._hidden = [like.new_empty(columns, hidden) for _ in range(len(widths) + 1)]
        self._narrow = [like.new_empty(columns, width) for width in widths]
        self._wide = [like.new_empty(columns, hidden) for _ in widths]
        self._output = like.new_empty(columns, net.window)
        self._gradient, self._branch = (like.new_empty(columns, hidden) for _ in range(2))
        self._inner = like.new_empty(columns, max(widths, default=0))
        self._ones = like.new_ones(columns)
        layers = [net.input_layer, *(layer for block in net.blocks for layer in (block.linear1, block.linear2))]
        self._sums = [_zero_sums(layer) for layer in (*layers, net.decoder)]
        self._masks: list[Masks | None] = [
            Masks(block.dropout, columns * max(hidden, *widths), like) if block.dropout else None
            for block in net.blocks
        ]
        self._scaled: list[tuple[Tensor, ...]] = []
        self._input = like
        self._dropping = False

    def begin(self) -> None:
        """Start a new batch: take the parameters as they are now, forget the gradients."""
        self._dropping = self.net.training
        for total in itertools.chain(*self._sums):
            total.zero_()
        self._scaled = []
        for block, masks in zip(self.net.blocks, self._masks, strict=True):
            scale = masks.scale if masks is not None and self._dropping else 1.0
            # leaky_relu(s (Wx + b)) = s leaky_relu(Wx + b) for s > 0: scaling the weights scales the kept units.
            self._scaled.append(tuple(parameter.detach() * scale for parameter in block.parameters()))

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, W] to [n, W]; the result is overwritten by the next call."""
        n = len(x)
        self._input = x
        hidden = self._hidden[0][:n]
        _linear(self.net.input_layer, x, hidden)
        F.leaky_relu_(hidden, ENCODER_SLOPE)
        for i, (weight1, bias1, weight2, bias2) in enumerate(self._scaled):
            narrow, wide, following = self._narrow[i][:n], self._wide[i][:n], self._hidden[i + 1][:n]
            torch.addmm(bias1, hidden, weight1.t(), out=narrow)
            self._activate(i, narrow)
            torch.addmm(bias2, narrow, weight2.t(), out=wide)
            self._activate(i, wide)
            hidden = torch.add(hidden, wide, out=following)
        return _linear(self.net.decoder, hidden, self._output[:n])

    def backward(self, gradient: Tensor) -> None:
        """Add the parameters' gradients, given the output's [n, W], for the piece that went forward last."""
        n = len(gradient)
        outer, branch = self._gradient[:n], self._branch[:n]
        self._add(-1, gradient, self._hidden[-1][:n])
        torch.mm(gradient, self.net.decoder.weight.detach(), out=outer)
        for i in reversed(range(len(self._scaled))):
            weight1, _, weight2, _ = self._scaled[i]
            narrow, wide = self._narrow[i][:n], self._wide[i][:n]
            inner = self._inner[:n]
            self._derive(i, outer, wide, branch)
            self._add(2 * i + 2, branch, narrow)
            torch.mm(branch, weight2, out=inner)
            self._derive(i, inner, narrow, inner)
            self._add(2 * i + 1, inner, self._hidden[i][:n])
            outer.addmm_(inner, weight1)
        _leaky_relu_backward(outer, self._hidden[0][:n], ENCODER_SLOPE, True, grad_input=outer)
        self._add(0, outer, self._input)

    def gradients(self) -> list[Tensor]:
        """Return the batch's gradients in the order of the parameters."""
        scales = [1.0]
        for masks in self._masks:
            scales += 2 * [masks.scale if masks is not None and self._dropping else 1.0]
        return [
            (total * scale).contiguous()
            for sums, scale in zip(self._sums, [*scales, 1.0], strict=True)
            for total in sums
        ]

    def _activate(self, block: int, x: Tensor) -> None:
        F.leaky_relu_(x, BLOCK_SLOPE)
        masks = self._masks[block]
        if masks is not None and self._dropping:
            masks.drop(x)

    def _derive(self, block: int, gradient: Tensor, result: Tensor, out: Tensor) -> None:
        """Take a gradient back through `_activate`, whose result tells all that is needed."""
        _leaky_relu_backward(gradient, result, BLOCK_SLOPE, True, grad_input=out)
        if self._masks[block] is not None and self._dropping:
            _zero_where_zero(out, result, 0.0, grad_input=out)

    def _add(self, layer: int, gradient: Tensor, x: Tensor) -> None:
        """Add what a linear layer's weight and bias receive; layers count from the encoder, 0."""
        weight, bias = self._sums[layer]
        # The product is faster the wide way; a transposed sum is turned round once per batch.
        if weight.is_contiguous():
            weight.addmm_(gradient.t(), x)
        else:
            weight.t().addmm_(x.t(), gradient)
        bias.addmv_(gradient.t(), self._ones[: len(gradient)])


class MotionAwarePass:
    """The same of a motion-aware net, see `BasicPass`."""

    def __init__(self, net: "MotionAwareSmoothNet", columns: int) -> None:
        self.net, self.columns = net, columns
        like = net.fusion.weight.detach()
        self._branches = [BasicPass(branch, columns) for branch in net.branches]
        self._joined = like.new_empty(columns, net.fusion.in_features)
        self._output = like.new_empty(columns, net.window)
        self._sums = _zero_sums(net.fusion)

    def begin(self) -> None:
        """Start a new batch, see `BasicPass.begin`."""
        for total in self._sums:
            total.zero_()
        for branch in self._branches:
            branch.begin()

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, W] to [n, W]; the result is overwritten by the next call."""
        velocity = x.diff()
        joined = self._joined[: len(x)]
        parts = joined.split([branch.net.window for branch in self._branches], dim=1)
        for branch, frames, part in zip(self._branches, (x, velocity, velocity.diff()), parts, strict=True):
            part.copy_(branch.forward(frames))
        return _linear(self.net.fusion, joined, self._output[: len(x)])

    def backward(self, gradient: Tensor) -> None:
        """Add the parameters' gradients, given the output's [n, W]."""
        weight, bias = self._sums
        weight.addmm_(gradient.t(), self._joined[: len(gradient)])
        bias += gradient.sum(0)
        joined = gradient @ self.net.fusion.weight.detach()
        parts = joined.split([branch.net.window for branch in self._branches], dim=1)
        for branch, part in zip(self._branches, parts, strict=True):
            branch.backward(part)

    def gradients(self) -> list[Tensor]:
        """Return the sums, in the order of the net's parameters."""
        return [gradient for branch in self._branches for gradient in branch.gradients()] + [
            total.clone() for total in self._sums
        ]


def _zero_sums(layer: nn.Linear) -> tuple[Tensor, Tensor]:
    """Make room for the gradients of a layer's weight and bias; the weight's lies the way its products are fastest."""
    weight, bias = layer.weight.detach(), layer.bias.detach()
    rows, columns = weight.shape
    total = torch.zeros_like(weight) if rows <= columns else torch.zeros_like(weight.t().contiguous()).t()
    return total, torch.zeros_like(bias)


def _linear(layer: nn.Linear, x: Tensor, out: Tensor) -> Tensor:
    return torch.addmm(layer.bias.detach(), x, layer.weight.detach().t(), out=out)
