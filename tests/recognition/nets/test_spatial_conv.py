import pytest
import torch
from torch.testing import assert_close
from torch_geometric.nn import RGCNConv

from data.skeletons.layouts import NTU25
from recognition.nets import spatial_conv
from recognition.nets.graph import repeat_edges, skeleton_graph
from recognition.nets.spatial_conv import SpatialGraphConv


def randomise(conv):
    with torch.no_grad():
        (conv.adjacency if conv.learned else conv.importance).uniform_(0.5, 1.5)
        conv.bias.normal_()


@pytest.mark.parametrize("adjacency", ["importance", "learned"])
@pytest.mark.parametrize("path", ["dense", "propagate"])
# the weights of the edges of `spatial_original` are no mean over the neighbours of one relation
@pytest.mark.parametrize("partition", ["spatial", "distance", "uniform"])
def test_equals_relational_graph_convolution(partition, path, adjacency):
    torch.manual_seed(0)
    graph = skeleton_graph(NTU25, partition)
    conv = SpatialGraphConv(5, 7, graph, path, adjacency).double()
    oracle = RGCNConv(5, 7, graph.partitions, root_weight=False, bias=False).double()
    with torch.no_grad():
        oracle.weight.copy_(conv.weight)
    x = torch.randn(2, 4, 25, 5, dtype=torch.float64, requires_grad=True)
    x_oracle = x.detach().clone().requires_grad_()
    y = conv(x)
    edges = repeat_edges(graph.edge_index, 8, 25, 25)
    torch.set_default_dtype(torch.float64)  # RGCNConv adds to zeros of the default type
    try:
        y_oracle = oracle(x_oracle.reshape(-1, 5), edges, graph.partition.repeat(8)).view_as(y)
    finally:
        torch.set_default_dtype(torch.float32)
    weights = torch.randn_like(y)
    (y * weights).sum().backward()
    (y_oracle * weights).sum().backward()
    assert_close(y, y_oracle, rtol=1e-6, atol=1e-6)
    assert_close(x.grad, x_oracle.grad, rtol=1e-6, atol=1e-6)
    assert_close(conv.weight.grad, oracle.weight.grad, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("adjacency", ["importance", "learned"])
@pytest.mark.parametrize("partition", ["spatial", "spatial_original", "distance", "uniform"])
def test_the_two_paths_agree_with_each_other_and_with_einsum(partition, adjacency):
    torch.manual_seed(0)
    graph = skeleton_graph(NTU25, partition)
    dense, sparse = (SpatialGraphConv(4, 6, graph, path, adjacency).double() for path in ("dense", "propagate"))
    randomise(dense)
    sparse.load_state_dict(dense.state_dict())
    x = torch.randn(3, 5, 25, 4, dtype=torch.float64)
    weights = dense.adjacency if adjacency == "learned" else graph.dense() * dense.importance
    expected = torch.einsum("atvc,kco,kvw->atwo", x, dense.weight, weights)
    expected = expected + torch.einsum("ko,kvw->wo", dense.bias, weights)
    y = torch.randn_like(expected)
    outputs, gradients = [], []
    for conv in (dense, sparse):
        given = x.clone().requires_grad_()
        outputs.append(conv(given))
        (outputs[-1] * y).sum().backward()
        gradients.append([given.grad, *(parameter.grad for parameter in conv.parameters())])
    assert_close(outputs[0], expected)
    assert_close(outputs[1], expected)
    assert_close(gradients[0], gradients[1])
    assert all(bool(gradient.abs().sum() > 0) for gradient in gradients[0])


@pytest.mark.parametrize("path", ["dense", "propagate"])
def test_a_learned_adjacency_connects_any_two_joints(path):
    torch.manual_seed(0)
    x = torch.randn(1, 2, 25, 3)
    reach = {}
    for adjacency in ("importance", "learned"):
        conv = SpatialGraphConv(3, 4, skeleton_graph(NTU25), path, adjacency)
        conv(x).square().sum().backward()
        gradient = conv.adjacency.grad if adjacency == "learned" else conv.importance.grad
        reach[adjacency] = int((gradient != 0).sum())
    assert reach == {"importance": 73, "learned": 3 * 25 * 25}


def test_edges_cached_while_scoring_serve_training():
    conv = SpatialGraphConv(2, 2, skeleton_graph(NTU25), "propagate")
    x = torch.randn(1, 3, 25, 2)
    with torch.inference_mode():
        conv(x)
    conv(x).sum().backward()
    assert conv.weight.grad is not None


def test_large_ones_give_the_same_gradients(monkeypatch):
    torch.manual_seed(0)
    conv = SpatialGraphConv(4, 6, skeleton_graph(NTU25)).double()
    randomise(conv)
    x = torch.randn(3, 5, 25, 4, dtype=torch.float64)
    weights = torch.randn(3, 5, 25, 6, dtype=torch.float64)
    small = torch.autograd.grad((conv(x) * weights).sum(), list(conv.parameters()))
    monkeypatch.setattr(spatial_conv, "LARGE", 0)
    assert_close(torch.autograd.grad((conv(x) * weights).sum(), list(conv.parameters())), small)
