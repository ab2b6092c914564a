"""PyTorch's optimisers without `torch._dynamo`, whose import takes as long as an epoch of a small network."""

from inspect import unwrap
from typing import Any, TypeVar, cast

import torch
from torch.optim import Optimizer

Kind = TypeVar("Kind", bound=Optimizer)

_GUARDED = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
"""Methods that PyTorch (2.13) keeps `torch.compile` out of, which imports it."""


def uncompiled(kind: type[Kind]) -> type[Kind]:
    """Return an optimiser's class without the guards for optimisers that are themselves compiled.

    It takes the same steps to the bit and has the same state, for its code is that of the class. Only
    `differentiable=True` is not for it: no step is recorded.

    Parameters
    ----------
    kind
        The class, such as `torch.optim.SGD`.
    """
    methods: dict[str, Any] = {name: unwrap(getattr(kind, name)) for name in _GUARDED}
    methods["step"] = torch.no_grad()(unwrap(kind.step))
    return cast(type[Kind], type(kind.__name__, (kind,), methods))
