import pytest
import torch

from refine.nets.columns import Columns
from refine.nets.motion_aware import MotionAwareSmoothNet
from refine.nets.registry import at_rest
from tests.refine.nets.test_smoothnet import reference


def make_motion_aware(window=8, blocks=2):
    torch.manual_seed(0)
    return MotionAwareSmoothNet(window, 16, 4, blocks, dropout=0.5).eval()


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
        Columns(net, columns)(x, out.fill_(torch.nan))
        torch.testing.assert_close(out, net(x.T).T)


def test_at_rest_its_answer_is_rest_and_else_differs_by_that_alone():
    net = make_motion_aware()
    still, x = at_rest(net), torch.randn(5, 8)
    torch.testing.assert_close(still(torch.zeros(1, 8)), torch.zeros(1, 8), atol=1e-6, rtol=0)
    torch.testing.assert_close(still(x), net(x) - net(torch.zeros(1, 8)))
    assert still is not net
