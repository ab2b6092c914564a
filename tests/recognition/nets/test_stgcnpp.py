"""What the name `stgcn++` stands for; the blocks that it is made of have tests of their own."""

import pytest
import torch
from torch.testing import assert_close

from data.skeletons.layouts import BONES, NTU25
from recognition.config import ModelSection
from recognition.nets.registry import build_model


def test_as_large_as_published():
    net = build_model(ModelSection(name="stgcn++"), NTU25, 3, 60)
    assert round(sum(parameter.numel() for parameter in net.parameters()) / 1e6, 2) == 1.40  # PYSKL's table


def test_the_adjacency_itself_is_learned_and_begins_at_the_skeleton_s():
    torch.manual_seed(0)
    net = build_model(ModelSection(name="stgcn++", width=6, blocks=3), NTU25, 3, 4)
    linked = torch.eye(25, dtype=torch.bool)
    for child, parent in BONES:
        linked[child, parent] = linked[parent, child] = True
    found = [value for key, value in net.named_parameters() if key.endswith("adjacency")]
    assert len(found) == 3
    for adjacency in found:
        assert torch.equal((adjacency != 0).any(0), linked)
    net(torch.randn(4, 8, 25, 3), torch.arange(4), 4).square().sum().backward()
    for adjacency in found:  # where the skeleton has no bone, there is something to learn, too
        assert (adjacency.grad[:, ~linked] != 0).float().mean() > 0.9


def test_without_its_graph_convolution_the_spatial_module_is_still_a_residual():
    torch.manual_seed(0)
    scores = {}
    for name in ("stgcn", "stgcn++"):
        net = build_model(ModelSection(name=name, width=6, blocks=3), NTU25, 3, 4).eval()
        with torch.no_grad():
            for block in net.blocks:
                block.spatial.weight.zero_()
                block.residual = None  # the one around the whole block, which both have
        one, other = (net(torch.randn(1, 8, 25, 3) * 3, torch.tensor([0]), 1) for _ in range(2))
        scores[name] = (one - other).abs().max()
    assert scores["stgcn"] < 1e-6 < 1e-3 < scores["stgcn++"]


def test_partition_and_width_reach_the_network_and_a_channel_per_branch_is_needed():
    net = build_model(ModelSection(name="stgcn++", width=6, blocks=3, partition="distance"), NTU25, 3, 4)
    adjacencies = [value for key, value in net.named_parameters() if key.endswith("adjacency")]
    assert [value.shape[0] for value in adjacencies] == [2, 2, 2]  # a joint itself, and its neighbours
    assert_close(adjacencies[0][0].detach(), torch.eye(25))
    with pytest.raises(ValueError, match=r"at least 6, a channel for each branch of stgcn\+\+, found 5"):
        ModelSection(name="stgcn++", width=5)
    assert ModelSection(name="stgcn", width=5).width == 5
