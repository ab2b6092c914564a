import pytest
import torch

from refine.nets.columns import Columns
from refine.nets.registry import NETS, NetKind
from tests.refine.conftest import new_net


class Mixed(torch.nn.Module):
    def __init__(self, window):
        super().__init__()
        self.drop, self.linear = torch.nn.Dropout(0.5), torch.nn.Linear(window, window)

    def forward(self, x):
        return self.linear(self.drop(x))


@pytest.fixture
def mixed():
    NETS.add("mixed", NetKind(lambda section: Mixed(section.window)))
    yield new_net("mixed")
    NETS.remove("mixed")


def test_a_kind_without_a_quicker_way_is_called(mixed):
    x = torch.randn(8, 1300)
    expected = x.T @ mixed.linear.weight.T + mixed.linear.bias
    for columns in (7, 1024, 1300):
        out = Columns(mixed.train(), columns)(x, torch.full_like(x, torch.nan))
        torch.testing.assert_close(out, expected.T)
        assert mixed.training


@pytest.mark.parametrize("kind", ["basic", "motion_aware"])
def test_the_quicker_ways_are_the_same_function(kind):
    net, x = new_net(kind, dropout=0.0), torch.randn(8, 50)
    torch.testing.assert_close(Columns(net, 20)(x, torch.empty_like(x)), net(x.T).T)
