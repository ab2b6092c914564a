import pytest
import torch
from torch import nn

from refine.nets.smoothnet import MotionAwareSmoothNet, Scratch, SmoothNet, kind_of, new_net, refine_columns
from tests.refine.conftest import make_net


def make_motion_aware(window=8, blocks=2):
    torch.manual_seed(0)
    return MotionAwareSmoothNet(window, 16, 4, blocks, dropout=0.5).eval()


def reference(net, x):
    """The released network, written out."""
    state = net.state_dict()
    x = nn.functional.leaky_relu(x @ state["encoder.0.weight"].T + state["encoder.0.bias"], 0.1)
    for i in range(len(net.res_blocks)):
        block = {name: state[f"res_blocks.{i}.{name}"] for name in ("linear1.weight", "linear1.bias")}
        y = nn.functional.leaky_relu(x @ block["linear1.weight"].T + block["linear1.bias"], 0.2)
        y = y @ state[f"res_blocks.{i}.linear2.weight"].T + state[f"res_blocks.{i}.linear2.bias"]
        x = x + nn.functional.leaky_relu(y, 0.2)
    return x @ state["decoder.weight"].T + state["decoder.bias"]


def test_forward_is_the_published_function():
    net = make_net()
    x = torch.randn(3, 6, 8)
    torch.testing.assert_close(net(x), reference(net, x))


def test_parameter_counts_of_the_released_sizes():
    counts = {
        (width, blocks, window): sum(p.numel() for p in SmoothNet(window, 512, width, blocks).parameters())
        for width, blocks in ((128, 5), (16, 1))
        for window in (8, 16, 32, 64)
    }
    assert [round(counts[128, 5, w], -3) for w in (8, 16, 32, 64)] == [667_000, 675_000, 692_000, 725_000]
    assert [round(counts[16, 1, w], -3) for w in (8, 16, 32, 64)] == [26_000, 34_000, 50_000, 83_000]


def test_columns_are_the_same_function_in_pieces_of_any_size():
    net = make_net()
    x = torch.randn(8, 1300)
    out = torch.empty_like(x)
    for columns in (7, 1024, 1300):
        refine_columns(net, x, out.fill_(torch.nan), Scratch(net, columns))
        torch.testing.assert_close(out, net(x.T).T)


def test_net_without_blocks():
    net = make_net(blocks=0)
    x = torch.randn(8, 5)
    torch.testing.assert_close(refine_columns(net, x, torch.empty_like(x), Scratch(net, 5)), net(x.T).T)


def test_dropout_only_while_training():
    net = make_net()
    x = torch.randn(2, 3, 8)
    assert torch.equal(net(x), net(x))
    net.train()
    assert not torch.equal(net(x), net(x))


@pytest.mark.parametrize("window", [3, 8])
def test_motion_aware_forward_is_the_papers_function(window):
    net = make_motion_aware(window)
    x = torch.randn(4, 6, window)
    velocity = x[..., 1:] - x[..., :-1]
    acceleration = x[..., 2:] - 2 * x[..., 1:-1] + x[..., :-2]
    parts = [reference(*pair) for pair in zip(net.branches, (x, velocity, acceleration), strict=True)]
    torch.testing.assert_close(net(x), torch.cat(parts, -1) @ net.fusion.weight.T + net.fusion.bias)


def test_motion_aware_parts_have_their_names_and_sizes():
    net = make_motion_aware()
    assert {name.split(".")[0] for name in net.state_dict()} == {"position", "velocity", "acceleration", "fusion"}
    assert [branch.window for branch in net.branches] == [8, 7, 6]
    assert tuple(net.fusion.weight.shape) == (8, 3 * 8 - 3)


@pytest.mark.parametrize("blocks", [0, 2])
def test_motion_aware_columns_are_the_same_function(blocks):
    net = make_motion_aware(blocks=blocks)
    x = torch.randn(8, 1300)
    out = torch.empty_like(x)
    for columns in (7, 1024, 1300):
        refine_columns(net, x, out.fill_(torch.nan), Scratch(net, columns))
        torch.testing.assert_close(out, net(x.T).T)


def test_kinds():
    assert isinstance(new_net("basic", 8), SmoothNet)
    assert isinstance(new_net("motion_aware", 8), MotionAwareSmoothNet)
    assert [kind_of(new_net(kind, 8)) for kind in ("basic", "motion_aware")] == ["basic", "motion_aware"]
