"""The convolution over frames of ST-GCN, and how its training is faster on the CPU.

The memory of activations is channels last, which is best for the convolution itself and for the gradient of its input.
For the gradient of the weight, the CPU's library is faster channels first: it is computed by itself, on copies.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class TemporalConv(nn.Conv2d):
    """A convolution over frames, [A, C, T, V] whose memory is channels last; on the CPU its training is faster.

    It is `nn.Conv2d` in all respects but one. oneDNN (3.12) computes the gradient of a float32 weight from tensors that
    are channels last at 60 percent of the speed of everything else; copying both tensors to channels first for this one
    product pays for 9-frame kernels.
    """

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        slow = (
            input.device.type == "cpu"
            and input.dtype == torch.float32
            and bias is not None
            and weight.requires_grad
            and torch.is_grad_enabled()
            and not torch.is_autocast_enabled("cpu")
            and not torch.compiler.is_compiling()
        )
        if not slow:
            return super()._conv_forward(input, weight, bias)
        result: Tensor = _ConvChannelsFirstWeightGradient.apply(
            input, weight, bias, (self.stride, self.padding, self.dilation)
        )
        return result


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
