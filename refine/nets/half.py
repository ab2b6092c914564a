"""SmoothNet's matrix products in bfloat16: faster on processors that multiply it (AVX512-BF16, AMX)."""

from functools import cache
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
        self._encoder = _halved(net.input_layer)
        self._blocks = [(_halved(block.linear1), _halved(block.linear2)) for block in net.blocks]
        self._decoder = net.decoder.weight.detach().bfloat16()
        self._input = self._decoder.new_empty(columns, net.window)
        rest = net.decoder.bias.new_zeros(net.window, columns)
        self._bias = rest[:, :1]
        self(rest, answer := torch.empty_like(rest))
        self._bias = net(rest[:, :1].t()).t() - answer[:, :1]

    def __call__(self, x: Tensor, out: Tensor) -> None:
        """Refine [W, n] into `out`."""
        hidden = _leaky(self._input[: x.shape[1]].copy_(x.t()), self._encoder, ENCODER_SLOPE)
        for first, second in self._blocks:
            hidden += _leaky(_leaky(hidden, first, BLOCK_SLOPE), second, BLOCK_SLOPE)
        torch.add(F.linear(hidden, self._decoder).t(), self._bias, out=out)


_Layer = tuple[Tensor, Tensor]


def _halved(layer: torch.nn.Linear) -> _Layer:
    return layer.weight.detach().bfloat16(), layer.bias.detach().bfloat16()


def _leaky(x: Tensor, layer: _Layer, slope: float) -> Tensor:
    """Apply a layer and its leaky unit to [n, units]; to do so at once spares what the unit alone takes in bfloat16."""
    if x.device.type == "cpu" and _fused():
        fused: Tensor = torch.ops.mkldnn._linear_pointwise(x, *layer, "leaky_relu", [slope], "")
        return fused
    return F.leaky_relu_(F.linear(x, *layer), slope)


@cache
def _fused() -> bool:
    """Say whether PyTorch's oneDNN computes in bfloat16 on this processor."""
    return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
