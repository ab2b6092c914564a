"""Averages of a network's weights over its training, which often generalise better than the last ones."""

import copy
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WeightAverage:
    """An exponential moving average of a network's weights and buffers.

    The decay of step n (from 0) is the smaller of the one given and (1 + n) / (10 + n), so that the first, random
    weights are soon forgotten. `torch.optim.swa_utils.AveragedModel` does the same sum, but asks the device for its
    step number in every step.

    Parameters
    ----------
    model
        The network that is trained.
    decay
        Share of the average that stays in each step, below 1.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        """The network with the averaged weights."""

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the weights after a training step."""
        pairs = list(zip(self.model.state_dict().values(), model.state_dict().values(), strict=True))
        averaged = [(mean, new) for mean, new in pairs if mean.is_floating_point()]
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        get_ema_multi_avg_fn(decay)([mean for mean, _ in averaged], [new for _, new in averaged], None)
        for mean, new in pairs:
            if not mean.is_floating_point():
                mean.copy_(new)
        self.steps += 1

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs."""
        return {"steps": self.steps, "weights": self.model.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from an earlier training."""
        self.steps = state["steps"]
        self.model.load_state_dict(state["weights"])
