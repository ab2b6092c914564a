"""The graph convolution of ST-GCN and ST-GCN++: what each joint takes from the others, by the kind of their relation.

A frame's joints are the nodes, and every kind of relation (itself, towards the centre, away from it) has weights of its
own. The sum over joints and kinds is done in either of two ways that give the same: as message passing, which is how
one writes it down, or as dense products, which are faster at every width that matters.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recognition.nets.graph import SkeletonGraph, repeat_edges

Path = Literal["dense", "propagate"]
Adjacency = Literal["importance", "learned"]

LARGE = 1 << 20
"""Values from which on the gradient of the joints' biases is a sum over rows: ten times as fast, rounded otherwise."""


class SpatialGraphConv(nn.Module):
    r"""Spatial graph convolution over partitions of the edges.

    .. math::
        y_w = \sum_k \sum_v a_{kvw} \, (x_v W_k + b_k)

    With `adjacency="importance"`, :math:`a` is the normalised adjacency times a learnable importance of each edge (Yan
    et al., AAAI 2018, equation 9 and section 3.3); joints without an edge between them exchange nothing. With all
    importance 1 and no bias it is a relational graph convolution with mean aggregation
    (`torch_geometric.nn.RGCNConv` without root weight). With `adjacency="learned"`, :math:`a` itself is learned between
    all pairs of joints, and begins as the normalised adjacency (ST-GCN++ of Duan et al., "PYSKL", ACM Multimedia 2022).

    Two ways lead to the same result. `propagate` is one message passing from (joint, partition) to joint, after the
    products with all `W_k`. `dense` multiplies each frame's joints by the adjacency first and then takes one 1 x 1
    convolution; it is the default because it is faster on the CPU at every width that matters
    (`bench/recognition_speed.py`), and needs no atomic additions on an accelerator.

    Parameters
    ----------
    in_channels, out_channels
        Channels per joint before and after.
    graph
        The skeleton's edges.
    path
        `dense` or `propagate`.
    adjacency
        `importance` or `learned`.

    Shapes
    ------
    x [A, T, V, in_channels] -> [A, T, V, out_channels]; contiguous in, contiguous out.
    """

    edge_index: Tensor
    partition: Tensor
    normalised: Tensor
    shift: Tensor | None
    """[V, out_channels]: what a folded network adds at each joint instead of `joint_bias`."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        graph: SkeletonGraph,
        path: Path = "dense",
        adjacency: Adjacency = "importance",
    ) -> None:
        super().__init__()
        self.joints, self.partitions, self.path = graph.joints, graph.partitions, path
        self.weight = nn.Parameter(torch.empty(graph.partitions, in_channels, out_channels))
        self.bias = nn.Parameter(torch.zeros(graph.partitions, out_channels))
        normalised = graph.dense()
        edge_index, partition = graph.edge_index, graph.partition
        if adjacency == "importance":
            self.importance = nn.Parameter(torch.ones_like(normalised))
        else:
            self.adjacency = nn.Parameter(normalised.clone())
            partition, *pair = torch.ones_like(normalised).nonzero(as_tuple=True)  # every pair is an edge
            edge_index = torch.stack(pair)
        self.learned = adjacency == "learned"
        self.register_buffer("edge_index", edge_index, persistent=False)
        self.register_buffer("partition", partition, persistent=False)
        self.register_buffer("normalised", normalised, persistent=False)
        self.register_buffer("shift", None, persistent=False)
        self._batched: tuple[int, Tensor] | None = None
        if path == "propagate":
            from recognition.message_passing import WeighedSum

            self.messages = WeighedSum()
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew, set the biases to 0 and the adjacency to what the graph says."""
        partitions, _, out_channels = self.weight.shape
        nn.init.normal_(self.weight, std=(2 / (partitions * out_channels)) ** 0.5)
        nn.init.zeros_(self.bias)
        if self.learned:
            with torch.no_grad():
                self.adjacency.copy_(self.normalised)
        else:
            nn.init.ones_(self.importance)

    def effective_adjacency(self) -> Tensor:
        """Return the weights a of the sum, [K, V (sender), V (receiver)]."""
        return self.adjacency if self.learned else self.normalised * self.importance

    def forward(self, x: Tensor) -> Tensor:
        """Convolve the joints of every frame; see the class for shapes."""
        adjacency = self.effective_adjacency()
        shift = self.joint_bias() if self.shift is None else self.shift
        return self._dense(x, adjacency, shift) if self.path == "dense" else self._propagate(x, adjacency, shift)

    def joint_bias(self) -> Tensor:
        """Return what the partitions' biases come to at each joint, [V, out_channels]; it depends on no input."""
        return self.effective_adjacency().sum(1).T @ self.bias

    def _dense(self, x: Tensor, adjacency: Tensor, shift: Tensor) -> Tensor:
        actors, frames, joints, channels = x.shape
        mix = adjacency.permute(2, 0, 1).reshape(joints * self.partitions, joints)
        mixed = torch.matmul(mix.expand(actors * frames, -1, -1), x.reshape(actors * frames, joints, channels))
        # rows (receiver, partition) of C channels are receivers of K * C channels: a view, and channels last
        image = mixed.view(actors, frames, joints, self.partitions * channels).permute(0, 3, 1, 2)
        kernel = self.weight.flatten(0, 1).T[:, :, None, None]
        y = F.conv2d(image, kernel)
        if y.numel() < LARGE:
            return y.add_(shift.T.unsqueeze(1).to(y.dtype)).permute(0, 2, 3, 1)
        return y.permute(0, 2, 3, 1).add_(shift.to(y.dtype))

    def _propagate(self, x: Tensor, adjacency: Tensor, shift: Tensor) -> Tensor:
        actors, frames, joints, channels = x.shape
        graphs, senders = actors * frames, joints * self.partitions
        out_channels = self.weight.shape[2]
        sent = x.reshape(-1, channels) @ self.weight.transpose(0, 1).reshape(channels, -1)
        weight = adjacency[self.partition, self.edge_index[0], self.edge_index[1]]
        received: Tensor = self.messages(
            sent.view(graphs * senders, out_channels),
            self._edges(graphs),
            weight.to(sent.dtype).repeat(graphs),
            graphs * joints,
        )
        return received.view(actors, frames, joints, out_channels) + shift.to(received.dtype)

    def _edges(self, graphs: int) -> Tensor:
        """Return the edges of so many frames; consecutive calls mostly ask for the same number."""
        if self._batched is None or self._batched[0] != graphs or self._batched[1].device != self.edge_index.device:
            sender = self.edge_index[0] * self.partitions + self.partition
            edges = torch.stack([sender, self.edge_index[1]])
            with torch.inference_mode(False):  # an inference tensor could not be used again in training
                self._batched = graphs, repeat_edges(edges, graphs, self.joints * self.partitions, self.joints)
        return self._batched[1]
