"""SmoothNet's matrix products in bfloat16: faster on processors that multiply it (AVX512-BF16, AMX)."""

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from refine.nets.backward import BLOCK_SLOPE, ENCODER_SLOPE

if TYPE_CHECKING:  # it names this as its quicker way
    from refine.nets.smoothnet import SmoothNet


class HalfInPlace:
    """A basic net on windows in columns, see `refine.nets.smoothnet.InPlace`, in bfloat16 between input and output.

    Rounding moves what it answers by up to 1 part in 256 of the windows' own movement, but not what it answers to rest.

    Parameters
    ----------
    net
        The network, in float32.
    columns
        The most windows of a call.
    """

    def __init__(self, net: "SmoothNet", columns: int) -> None:
        like = net.decoder.weight.detach().bfloat16()
        self._encoder = _halved(net.input_layer)
        self._blocks = [(_halved(block.linear1), _halved(block.linear2)) for block in net.blocks]
        self._decoder = like
        self._input = like.new_empty(columns, net.window)
        self._hidden = like.new_empty(columns, net.decoder.in_features)
        self._wide = like.new_empty(columns, net.decoder.in_features if self._blocks else 0)
        self._narrow = like.new_empty(columns, max((len(first[1]) for first, _ in self._blocks), default=0))
        self._output = like.new_empty(net.window, columns)
        rest = like.new_zeros(net.window, columns, dtype=torch.float32)
        self._bias = net.decoder.bias.new_zeros(net.window, 1)
        self(rest, answer := torch.empty_like(rest))
        self._bias = net(rest[:, :1].t()).t() - answer[:, :1]

    def __call__(self, x: Tensor, out: Tensor) -> None:
        """Refine [W, n] into `out`."""
        count = x.shape[1]
        hidden, wide, narrow = self._hidden[:count], self._wide[:count], self._narrow[:count]
        weight, bias = self._encoder
        torch.addmm(bias, self._input[:count].copy_(x.t()), weight, out=hidden)
        F.leaky_relu_(hidden, ENCODER_SLOPE)
        for first, second in self._blocks:
            torch.addmm(first[1], hidden, first[0], out=narrow)
            F.leaky_relu_(narrow, BLOCK_SLOPE)
            torch.addmm(second[1], narrow, second[0], out=wide)
            hidden += F.leaky_relu_(wide, BLOCK_SLOPE)
        output = self._output[:, :count]
        torch.mm(self._decoder, hidden.t(), out=output)
        torch.add(output, self._bias, out=out)


def _halved(layer: torch.nn.Linear) -> tuple[Tensor, Tensor]:
    return layer.weight.detach().bfloat16().t(), layer.bias.detach().bfloat16()
