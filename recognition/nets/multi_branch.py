"""The temporal module of ST-GCN++ (Duan et al., "PYSKL", ACM Multimedia 2022): several views of a course at once."""

import torch
from torch import Tensor, nn

from recognition.nets.pointwise_conv import StridedPointwiseConv

DILATIONS = (1, 2, 3, 4)


class MultiBranchTemporalConv(nn.Module):
    """The temporal module of ST-GCN++: six views of a joint's course, side by side.

    Four 3 x 1 convolutions of dilation 1 to 4 and a 3 x 1 maximum, each after a 1 x 1 convolution, BN and ReLU, and one
    1 x 1 convolution; their outputs side by side go through BN, ReLU and a 1 x 1 convolution (Duan et al., "PYSKL", ACM
    Multimedia 2022, after Liu et al., "MS-G3D", CVPR 2020). The normalisation of the result is left to the caller.

    Parameters
    ----------
    in_channels, out_channels
        Channels before and after. Each branch has a sixth of `out_channels`, the first also what is left over.
    stride
        Temporal stride.

    Shapes
    ------
    x [A, in_channels, T, V] -> [A, out_channels, ceil(T / stride), V]

    Raises
    ------
    ValueError
        Fewer than 6 output channels.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        count = len(DILATIONS) + 2
        share = out_channels // count
        if not share:
            raise ValueError(f"out_channels must be at least {count}, one per branch; found {out_channels}")
        first = out_channels - (count - 1) * share
        branches: list[nn.Module] = []
        for dilation, channels in zip(DILATIONS, (first, *(share for _ in DILATIONS[1:])), strict=True):
            conv = nn.Conv2d(channels, channels, (3, 1), (stride, 1), (dilation, 0), (dilation, 1))
            branches.append(nn.Sequential(*_pointwise(in_channels, channels), conv))
        pool = nn.MaxPool2d((3, 1), (stride, 1), (1, 0))
        branches.append(nn.Sequential(*_pointwise(in_channels, share), pool))
        branches.append(StridedPointwiseConv(in_channels, share, stride))
        self.branches = nn.ModuleList(branches)
        self.norm, self.relu = nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)
        self.merge = nn.Conv2d(out_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve the course of every joint; see the class for shapes."""
        y = torch.cat([branch(x) for branch in self.branches], dim=1)
        return self.merge(self.relu(self.norm(y)))


def _pointwise(in_channels: int, out_channels: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)
