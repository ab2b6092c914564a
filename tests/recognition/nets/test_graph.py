import numpy as np
import pytest
import torch
from torch.testing import assert_close
from torch_geometric.utils import add_self_loops, sort_edge_index, to_undirected

from data.skeletons.layouts import BONES, CENTRE, COCO17, NTU25
from recognition.nets.graph import repeat_edges, skeleton_graph


@pytest.mark.parametrize(
    ("partition", "edges"),
    [("spatial", [25, 24, 24]), ("spatial_original", [25, 40, 8]), ("distance", [25, 48]), ("uniform", [73])],
)
def test_edges_per_partition(partition, edges):
    graph = skeleton_graph(NTU25, partition)
    assert graph.partition.bincount().tolist() == edges
    assert graph.partitions == len(edges)
    dense = graph.dense()
    assert int((dense > 0).sum()) == 73
    sums = dense.sum(1)
    if partition == "spatial_original":
        assert_close(sums.sum(0), torch.ones(25))
    else:
        assert bool(((sums - 1).abs() < 1e-6).logical_or(sums == 0).all())


def test_spatial_is_the_joint_then_its_parent_then_its_children():
    dense = skeleton_graph(NTU25).dense()
    children = {joint: [child for child, parent in BONES if parent == joint] for joint in range(25)}
    parents = dict(BONES)
    for joint in range(25):
        assert dense[0, :, joint].nonzero().flatten().tolist() == [joint]
        assert dense[1, :, joint].nonzero().flatten().tolist() == ([parents[joint]] if joint != CENTRE else [])
        assert dense[2, :, joint].nonzero().flatten().tolist() == sorted(children[joint])


def test_spatial_original_follows_the_first_code():
    adjacency = np.eye(25)
    for child, parent in BONES:
        adjacency[child, parent] = adjacency[parent, child] = 1
    hops = np.where(adjacency > 0, 1.0, np.inf) - np.eye(25)
    normalised = adjacency / adjacency.sum(0)
    expected = np.zeros((3, 25, 25))
    for receiver in range(25):
        for sender in range(25):
            if hops[sender, receiver] == 0:
                expected[0, sender, receiver] = normalised[sender, receiver]
            elif hops[sender, receiver] == 1:
                nearer = hops[sender, CENTRE] < hops[receiver, CENTRE]
                expected[2 if nearer else 1, sender, receiver] = normalised[sender, receiver]
    assert_close(
        skeleton_graph(NTU25, "spatial_original").dense().double(), torch.from_numpy(expected), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("layout", [NTU25, COCO17], ids=lambda layout: layout.name)
def test_edges_are_those_of_pytorch_geometric(layout):
    bones = torch.tensor(layout.bones).T
    edges, _ = add_self_loops(to_undirected(bones, num_nodes=len(layout.joints)), num_nodes=len(layout.joints))
    assert torch.equal(skeleton_graph(layout).edge_index, sort_edge_index(edges))


def test_repeated_edges_stay_within_their_graphs():
    edges = torch.tensor([[0, 5], [1, 2]])
    assert repeat_edges(edges, 3, 6, 4).tolist() == [[0, 5, 6, 11, 12, 17], [1, 2, 5, 6, 9, 10]]
