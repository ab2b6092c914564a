import numpy as np
import pytest
import torch

from refine.nets.columns import Columns
from tests.refine.conftest import new_net

BF16 = 2.0**-8
"""The largest relative error of rounding to bfloat16."""


def _rounded(x):
    """Round as IEEE 754 does, to nearest even, by hand: the upper 16 of the 32 bits."""
    bits = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16
    return bits.astype(np.uint32).view(np.float32)


def _leaky(x, slope):
    return _rounded(np.where(x > 0, x, np.float32(slope) * x))


def test_the_basic_net_is_the_formula_rounded_after_every_layer():
    net = new_net("basic", dropout=0.0, blocks=2).eval()
    x = torch.randn(net.window, 40)
    weights = {name: _rounded(tensor.detach().numpy()) for name, tensor in net.named_parameters()}

    def by_hand(x):
        h = _leaky(_rounded(x.T) @ weights["encoder.0.weight"].T + weights["encoder.0.bias"], 0.1)
        for i in range(2):
            first, second = (f"res_blocks.{i}.linear{j}." for j in (1, 2))
            y = _leaky(h @ weights[first + "weight"].T + weights[first + "bias"], 0.2)
            y = _leaky(y @ weights[second + "weight"].T + weights[second + "bias"], 0.2)
            h = _rounded(h + y)
        return _rounded(h @ weights["decoder.weight"].T).T

    zero = np.zeros((net.window, 1), np.float32)
    expected = by_hand(x.numpy()) - by_hand(zero) + net(torch.zeros(1, net.window)).detach().numpy().T
    found = Columns(net, 40, "bf16")(x, torch.empty_like(x)).numpy()
    # Sums in another order may round the other way, seldom; some processors round before the leaky unit, too.
    assert np.abs(found - expected).mean() < BF16 * np.abs(expected).mean()


@pytest.mark.parametrize("kind", ["basic", "motion_aware"])
def test_it_is_near_the_network_and_the_same_at_rest(kind):
    net, x = new_net(kind, dropout=0.0).eval(), torch.randn(8, 50)
    rest, half = torch.zeros(8, 50), Columns(net, 20, "bf16")
    change = half(x, torch.empty_like(x)) - net(x.T).T
    assert 0 < change.abs().mean() < 4 * BF16 * net(x.T).std()
    torch.testing.assert_close(half(rest, torch.empty_like(rest)), net(rest.T).T, atol=1e-6, rtol=0)
