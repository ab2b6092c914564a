"""ST-GCN (Yan, Xiong & Lin, AAAI 2018): blocks of a graph convolution over joints and a convolution over time."""

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from data.skeletons.layouts import Layout
from recognition.nets.graph import SkeletonGraph, skeleton_graph
from recognition.nets.multi_branch import MultiBranchTemporalConv
from recognition.nets.pointwise_conv import StridedPointwiseConv
from recognition.nets.registry import NETS, NetKind
from recognition.nets.spatial_conv import Adjacency, Path, SpatialGraphConv
from recognition.nets.temporal_conv import TemporalConv

if TYPE_CHECKING:
    from recognition.config import ModelSection

Temporal = Literal["single", "multi_branch"]


class Block(nn.Module):
    """Spatial graph convolution, BN, ReLU; temporal convolution, BN, dropout; plus the residual, ReLU.

    Parameters
    ----------
    in_channels, out_channels
        Channels per joint before and after.
    graph
        The skeleton's edges.
    kernel
        Frames that the single temporal convolution covers; odd.
    stride
        Temporal stride.
    dropout
        Share of values dropped at the end of the temporal part.
    residual
        Whether there is a residual connection around the block.
    path, adjacency
        See `SpatialGraphConv`.
    spatial_residual
        Whether there is a residual connection around the spatial part, too; it is added before the ReLU.
    temporal
        One convolution, or the six branches of ST-GCN++.

    Residual connections are the identity, or a 1 x 1 convolution and BN where shapes change.

    Shapes
    ------
    x [A, T, V, in_channels] -> [A, ceil(T / stride), V, out_channels]
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        graph: SkeletonGraph,
        *,
        kernel: int = 9,
        stride: int = 1,
        dropout: float = 0.0,
        residual: bool = True,
        path: Path = "dense",
        adjacency: Adjacency = "importance",
        spatial_residual: bool = False,
        temporal: Temporal = "single",
    ) -> None:
        super().__init__()
        self.spatial = SpatialGraphConv(in_channels, out_channels, graph, path, adjacency)
        self.spatial_norm: nn.Module = nn.BatchNorm2d(out_channels)
        self.spatial_residual = _residual(in_channels, out_channels, 1) if spatial_residual else None
        self.temporal: nn.Module
        if temporal == "single":
            self.temporal = TemporalConv(out_channels, out_channels, (kernel, 1), (stride, 1), (kernel // 2, 0))
        else:
            self.temporal = MultiBranchTemporalConv(out_channels, out_channels, stride)
        self.temporal_norm: nn.Module = nn.BatchNorm2d(out_channels)
        self.dropout = nn.Dropout(dropout)
        self.residual = _residual(in_channels, out_channels, stride) if residual else None

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block; see the class for shapes."""
        image = x.permute(0, 3, 1, 2)  # [A, C, T, V] whose memory stays channels last
        y = self.spatial_norm(self.spatial(x).permute(0, 3, 1, 2))
        if self.spatial_residual is not None:
            y = y.add_(self.spatial_residual(image))  # in place: batch normalisation has no further use for its output
        y = self.dropout(self.temporal_norm(self.temporal(F.relu(y, inplace=True))))
        if self.residual is not None:
            y = y.add_(self.residual(image))
        return F.relu(y, inplace=True).permute(0, 2, 3, 1)


def _residual(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    if in_channels == out_channels and stride == 1:
        return nn.Identity()
    return nn.Sequential(StridedPointwiseConv(in_channels, out_channels, stride), nn.BatchNorm2d(out_channels))


class STGCN(nn.Module):
    """The spatial temporal graph convolutional network of Yan, Xiong and Lin, AAAI 2018, and its successor ST-GCN++.

    As it is by default, it is ST-GCN with 3.10 million parameters at 60 classes. With `adjacency="learned",
    spatial_residual=True, temporal="multi_branch"` it is ST-GCN++ with 1.40 million (Duan et al., "PYSKL: Towards Good
    Practices for Skeleton Action Recognition", ACM Multimedia 2022).

    Only actors that are present are given, one per row: those who are not cost nothing and change nothing, neither the
    statistics of batch normalisation nor the mean over a clip's actors.

    Parameters
    ----------
    graph
        The skeleton's edges.
    channels
        Coordinates per joint C.
    classes
        Number of actions.
    width
        Channels of the first stage; the second has twice, the third four times as many.
    blocks
        Number of blocks, at least 3, in three stages of 40, 30 and 30 percent (of 10: 4, 3, 3). The second and third
        stage begin with temporal stride 2.
    temporal_kernel
        Frames that a temporal convolution covers; odd.
    dropout
        Share of values dropped in each block.
    path
        How the spatial convolution is computed.
    adjacency
        `importance`: the skeleton's edges, weighed by their learned importance; `learned`: all pairs of joints.
    spatial_residual
        Whether there is a residual connection around the spatial part of each block.
    temporal
        `single`: one convolution over `temporal_kernel` frames; `multi_branch`: six branches of fewer channels.

    Shapes
    ------
    x [A, T, V, C], clip int64 [A] -> scores before the softmax [N, classes]
    """

    folded = False
    """Whether its convolutions have taken over the batch normalisations, see `recognition.nets.folding`."""

    def __init__(
        self,
        graph: SkeletonGraph,
        *,
        channels: int = 3,
        classes: int = 60,
        width: int = 64,
        blocks: int = 10,
        temporal_kernel: int = 9,
        dropout: float = 0.0,
        path: Path = "dense",
        adjacency: Adjacency = "importance",
        spatial_residual: bool = False,
        temporal: Temporal = "single",
    ) -> None:
        super().__init__()
        self.input_norm = nn.BatchNorm1d(graph.joints * channels)
        starts = (round(0.4 * blocks), round(0.7 * blocks))
        self.blocks = nn.Sequential()
        before = channels
        for index in range(blocks):
            after = width * 2 ** sum(index >= start for start in starts)
            self.blocks.append(
                Block(
                    before,
                    after,
                    graph,
                    kernel=temporal_kernel,
                    stride=2 if index in starts else 1,
                    dropout=dropout,
                    residual=index > 0,
                    path=path,
                    adjacency=adjacency,
                    spatial_residual=spatial_residual,
                    temporal=temporal,
                )
            )
            before = after
        self.classifier = nn.Linear(before, classes)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights of the convolutions by He's rule over outputs and those of the classifier small."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, SpatialGraphConv):
                module.reset_parameters()
        nn.init.normal_(self.classifier.weight, std=(2 / self.classifier.out_features) ** 0.5)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x: Tensor, clip: Tensor, clips: int) -> Tensor:
        """Score the clips.

        Parameters
        ----------
        x
            float [A, T, V, C], one row per actor that is present.
        clip
            int64 [A]: the clip of each row, from 0.
        clips
            Number of clips N; one without actors gets the classifier's bias.

        Returns
        -------
        float [N, classes], before the softmax
        """
        actors, frames, joints, channels = x.shape
        x = self.input_norm(x.reshape(actors * frames, joints * channels)).view(x.shape)
        features = self.blocks(x)
        # bfloat16 is too coarse for a mean
        features = features.mean(dim=(1, 2), dtype=torch.promote_types(features.dtype, torch.float32))
        return self.classifier(_mean_per_clip(features, clip, clips))


def _mean_per_clip(features: Tensor, clip: Tensor, clips: int) -> Tensor:
    """Average the actors [A, C] of each clip, [N, C]; a clip without actors gets 0."""
    # a shape's size, for `len` would fix it when the network is exported
    actors = features.new_zeros(clips).scatter_add_(0, clip, features.new_ones(clip.shape[0])).clamp(min=1)
    index = clip.unsqueeze(1).expand_as(features)
    total = features.new_zeros(clips, features.shape[1]).scatter_add_(0, index, features)
    return total / actors.unsqueeze(1)


def _build(section: "ModelSection", layout: Layout, channels: int, classes: int) -> STGCN:
    return STGCN(
        skeleton_graph(layout, section.partition),
        channels=channels,
        classes=classes,
        width=section.width,
        blocks=section.blocks,
        temporal_kernel=section.temporal_kernel,
        dropout=section.dropout,
    )


NETS.add("stgcn", NetKind(_build))
