"""1 x 1 convolutions with a stride over frames, in a form that no library gets wrong."""

from torch import Tensor, nn
from torch.nn import functional as F


class StridedPointwiseConv(nn.Conv2d):
    """A 1 x 1 convolution with temporal stride, which takes its frames first and convolves them after.

    As `torch.nn.Conv2d(in_channels, out_channels, 1, (stride, 1))` with the same weights, whose gradient on processors
    with AVX-512 writes beyond its memory with fewer than 16 channels (oneDNN, as in PyTorch 2.13: a crash in the
    backward pass of channels-last inputs).

    Shapes
    ------
    x [A, in_channels, T, V] -> [A, out_channels, ceil(T / stride), V]
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__(in_channels, out_channels, 1, (stride, 1))

    def forward(self, input: Tensor) -> Tensor:
        """Convolve; see the class for shapes."""
        if self.stride[0] > 1:
            # sliced as [A, T, V, C], so that its gradient is channels last as the one that it is added to
            input = input.permute(0, 2, 3, 1)[:, :: self.stride[0]].permute(0, 3, 1, 2)
        return F.conv2d(input, self.weight, self.bias)
