"""The skeleton as a graph whose edges are sorted into partitions, one kind of relation each.

Yan, Xiong and Lin, "Spatial Temporal Graph Convolutional Networks for Skeleton-Based Action Recognition", AAAI 2018,
section 3.3.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from data.skeletons.layouts import Layout

Partition = Literal["spatial", "spatial_original", "distance", "uniform"]


@dataclass(frozen=True)
class SkeletonGraph:
    """Directed edges between the joints of one skeleton, each in one partition.

    Parameters
    ----------
    edge_index
        int64 [2, E]: the joint that sends and the joint that receives; every joint also sends to itself.
    partition
        int64 [E]: the partition of each edge.
    weight
        float32 [E]: the normalised adjacency.
    joints
        Number of joints V.
    partitions
        Number of partitions K.
    """

    edge_index: Tensor
    partition: Tensor
    weight: Tensor
    joints: int
    partitions: int

    def dense(self) -> Tensor:
        """Return the adjacency as float32 [K, V (sender), V (receiver)]."""
        adjacency = self.weight.new_zeros(self.partitions, self.joints, self.joints)
        return adjacency.index_put((self.partition, *self.edge_index), self.weight)


def skeleton_graph(layout: Layout, partition: Partition = "spatial") -> SkeletonGraph:
    """Build the graph of a joint layout.

    Parameters
    ----------
    layout
        Its bones give the edges, in both directions; each joint also has an edge to itself.
    partition
        `uniform`: one partition. `distance`: the joint itself, its neighbours. `spatial`: the joint itself, inward
        edges (from the neighbour nearer the centre), outward edges (from the neighbours farther from it); 25, 24 and 24
        edges on NTU's 25 joints, as in 2s-AGCN and PYSKL. In these three the weights of the edges of one partition that
        reach one joint sum to 1. `spatial_original`: as the first ST-GCN code computes it, where distances from the
        centre are known up to one hop only, so that all edges between joints farther out count as equally near (25, 40
        and 8 edges), and where the weights of all edges that reach one joint sum to 1.
    """
    with torch.device("cpu"):  # it is looked at while it is made, also where a network is but sketched, on no device
        joints = len(layout.joints)
        bones = torch.tensor(layout.bones, dtype=torch.int64).reshape(-1, 2).T
        connected = torch.eye(joints, dtype=torch.bool)
        connected[bones[0], bones[1]] = connected[bones[1], bones[0]] = True
        edges = connected.nonzero().T.contiguous()
        sender, receiver = edges
        itself = sender == receiver
        if partition == "uniform":
            kind = torch.zeros_like(sender)
        elif partition == "distance":
            kind = (~itself).long()
        elif partition == "spatial":
            parent = torch.full((joints,), -1).scatter(0, bones[0], bones[1])
            kind = torch.where(itself, 0, torch.where(parent[receiver] == sender, 1, 2))
        else:
            hops = torch.full((joints,), 2).scatter(0, sender[receiver == layout.centre], 1)
            hops[layout.centre] = 0
            kind = torch.where(itself, 0, torch.where(hops[sender] >= hops[receiver], 1, 2))
        group = receiver if partition == "spatial_original" else kind * joints + receiver
        weight = 1 / group.bincount()[group]
        return SkeletonGraph(edges, kind, weight, joints, int(kind.max()) + 1)


def repeat_edges(edge_index: Tensor, graphs: int, senders: int, receivers: int) -> Tensor:
    """Repeat the edges of one graph for many equal graphs whose nodes are numbered one graph after another.

    Parameters
    ----------
    edge_index
        int64 [2, E].
    graphs
        Number of graphs G.
    senders, receivers
        Nodes per graph on either side.

    Returns
    -------
    int64 [2, G * E]
    """
    step = torch.tensor([[senders], [receivers]], device=edge_index.device)
    offset = step * torch.arange(graphs, device=edge_index.device)
    return (offset.unsqueeze(2) + edge_index.unsqueeze(1)).flatten(1)
