import sys

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import ExponentialLR

from training.devices import deterministic_algorithms
from training.optimizers import uncompiled

KINDS = pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
        (Adam, {"lr": 0.1, "amsgrad": True, "fused": True}),
    ],
)


def train(kind, settings, steps, state=None):
    """Minimise a cubic for some steps; return the parameters and the optimiser's state."""
    torch.manual_seed(0)
    weights = [nn.Parameter(torch.randn(7)), nn.Parameter(torch.randn(2, 3))]
    optimizer = kind(weights, **settings)
    scheduler = ExponentialLR(optimizer, 0.9)
    if state is not None:
        optimizer.load_state_dict(state)
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        sum((weight**3).sum() for weight in weights).backward()
        optimizer.step()
        scheduler.step()
    return weights, optimizer.state_dict()


@KINDS
def test_its_steps_and_its_state_are_pytorchs_to_the_bit(kind, settings):
    ours, state = train(uncompiled(kind), settings, 3)
    theirs, expected = train(kind, settings, 3)
    assert all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))
    assert state["param_groups"] == expected["param_groups"]
    for one, other in zip(state["state"].values(), expected["state"].values(), strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)
    # either goes on from the other's state
    ours, theirs = train(uncompiled(kind), settings, 2, expected)[0], train(kind, settings, 2, state)[0]
    assert all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))


@KINDS
def test_it_does_without_the_compiler(monkeypatch, kind, settings):
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # importing it is an error now
    monkeypatch.setitem(sys.modules, "torch._inductor", None)
    with pytest.raises(ImportError):
        train(kind, settings, 1)
    with deterministic_algorithms(False):
        _, state = train(uncompiled(kind), settings, 1)
    train(uncompiled(kind), settings, 1, state)
