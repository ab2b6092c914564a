import torch.nn.functional as F
from torch import Tensor


def position_loss(refined: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference; any shape."""
    return F.l1_loss(refined, truth)


def acceleration_loss(refined: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference of the second differences along the last axis, the frames; [..., W], W > 2."""
    return F.l1_loss(refined.diff(2), truth.diff(2))


def smoothing_loss(refined: Tensor, truth: Tensor, position_weight: float, acceleration_weight: float) -> Tensor:
    """Weigh errors of position against errors of acceleration, the loss of SmoothNet (section 3.4 of the paper).

    Parameters
    ----------
    refined, truth
        [..., C, W].
    position_weight, acceleration_weight
        1 and 1 in the paper, 1 and 0.1 in its released configurations.
    """
    loss = position_weight * position_loss(refined, truth)
    return loss + acceleration_weight * acceleration_loss(refined, truth) if acceleration_weight else loss
