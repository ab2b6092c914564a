import torch
from torch import nn

from refine.nets.columns import Columns
from refine.nets.registry import at_rest
from refine.nets.smoothnet import SmoothNet
from tests.refine.conftest import make_net


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
        Columns(net, columns)(x, out.fill_(torch.nan))
        torch.testing.assert_close(out, net(x.T).T)


def test_net_without_blocks():
    net = make_net(blocks=0)
    x = torch.randn(8, 5)
    torch.testing.assert_close(Columns(net, 5)(x, torch.empty_like(x)), net(x.T).T)


def test_dropout_only_while_training():
    net = make_net()
    x = torch.randn(2, 3, 8)
    assert torch.equal(net(x), net(x))
    net.train()
    assert not torch.equal(net(x), net(x))


def test_at_rest_its_answer_is_rest_and_else_differs_by_that_alone():
    net = make_net()
    still, x = at_rest(net), torch.randn(5, 8)
    torch.testing.assert_close(still(torch.zeros(1, 8)), torch.zeros(1, 8), atol=1e-6, rtol=0)
    torch.testing.assert_close(still(x), net(x) - net(torch.zeros(1, 8)))
    assert still is not net
