"""The convolution over frames of ST-GCN, and how its training is faster on the CPU.

Wide ones over many frames are computed with two fifths of the products, see `recognition.nets.winograd`. In the others
the memory of activations is channels last, which is best for the convolution itself and for the gradient of its input.
For the gradient of the weight, the CPU's library is faster channels first: it is computed by itself, on copies.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from recognition.nets.winograd import TiledConv

TAPS, CHANNELS, FRAMES, ACTORS = 9, 64, 20, 4
"""From where on tiles are faster: so many taps, and at least so many channels, frames of output and actors."""


class TemporalConv(nn.Conv2d):
    """A convolution over frames, [A, C, T, V] whose memory is channels last; on the CPU it is faster in float32.

    It is `nn.Conv2d` in all respects but two. One of nine taps that has channels, frames and actors enough is computed
    in tiles (`recognition.nets.winograd`), as in networks of the published size. For the others, oneDNN (3.12) computes
    the gradient of a float32 weight from tensors that are channels last at 60 percent of the speed of everything else;
    copying both tensors to channels first for this one product pays for 9-frame kernels.
    """

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        direct = (
            input.device.type != "cpu"
            or input.dtype not in (torch.float32, torch.float64)
            or torch.is_autocast_enabled("cpu")
            or torch.compiler.is_compiling()
        )
        if not direct and self._in_tiles(input):
            given = input.permute(0, 2, 3, 1).contiguous()
            tiled: Tensor = TiledConv.apply(given, weight, bias, self.stride[0])
            return tiled.permute(0, 3, 1, 2)
        trained = bias is not None and weight.requires_grad and torch.is_grad_enabled()
        if direct or not trained or input.dtype != torch.float32:
            return super()._conv_forward(input, weight, bias)
        result: Tensor = _ConvChannelsFirstWeightGradient.apply(
            input, weight, bias, (self.stride, self.padding, self.dilation)
        )
        return result

    def _in_tiles(self, x: Tensor) -> bool:
        stride, frames = self.stride[0], x.shape[2]
        return (
            self.kernel_size == (TAPS, 1)
            and self.padding == (TAPS // 2, 0)
            and self.dilation == (1, 1)
            and self.groups == 1
            and min(self.in_channels, self.out_channels) >= CHANNELS
            and frames >= FRAMES * stride
            and frames % stride == 0
            and TAPS // 2 % stride == 0
            and len(x) >= ACTORS
        )


class _ConvChannelsFirstWeightGradient(torch.autograd.Function):
    """A convolution whose weight's gradient is computed channels first."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, shape: tuple[Any, Any, Any]) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.shape = shape
        stride, padding, dilation = shape
        return torch.conv2d(x, weight, bias, stride, padding, dilation)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors

        def parts(given: Tensor, seen: Tensor, mask: list[bool]) -> tuple[Tensor | None, Tensor, Tensor]:
            stride, padding, dilation = ctx.shape
            result: tuple[Tensor | None, Tensor, Tensor] = torch.ops.aten.convolution_backward(
                given, seen, weight, [len(weight)], stride, padding, dilation, False, [0, 0], 1, mask
            )
            return result

        _, for_weight, for_bias = parts(gradient.contiguous(), x.contiguous(), [False, True, True])
        for_x = parts(gradient, x, [True, False, False])[0] if ctx.needs_input_grad[0] else None
        return for_x, for_weight, for_bias, None
