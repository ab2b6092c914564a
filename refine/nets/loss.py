"""The loss that refiners learn by: errors of position and of acceleration (SmoothNet, section 3.4 of the paper).

It is a mean over what is known: joints that nobody saw, and accelerations of which one of three frames is unknown,
weigh nothing. A batch may be gone through in parts whose losses and gradients add up to those of the whole.
"""

import math

import torch
from torch import Tensor


def smoothing_loss(
    refined: Tensor,
    truth: Tensor,
    position_weight: float,
    acceleration_weight: float,
    known: Tensor | None = None,
) -> Tensor:
    """Weigh errors of position against errors of acceleration, the loss of SmoothNet (section 3.4 of the paper).

    Parameters
    ----------
    refined, truth
        [..., C, W].
    position_weight, acceleration_weight
        1 and 1 in the paper, 1 and 0.1 in its released configurations.
    known
        bool, of the same shape: which of the true values are known; all of them if None. The others may be anything,
        NaN too: the mean over positions leaves them out, and the mean over accelerations every three frames in a row
        of which one is not known.
    """
    factors = smoothing_factors(truth, position_weight, acceleration_weight, known)
    return smoothing_sum(refined, truth, factors, known)


Factor = float | Tensor


def smoothing_factors(
    truth: Tensor, position_weight: float, acceleration_weight: float, known: Tensor | None = None
) -> tuple[Factor, Factor]:
    """Say by what the sums of a batch's absolute errors are multiplied to be its weighted means.

    They let `smoothing_sum` go through a batch in pieces.
    """
    if known is None:
        *others, frames = truth.shape
        windows = math.prod(others)
        return position_weight / max(windows * frames, 1), acceleration_weight / max(windows * (frames - 2), 1)
    counts = (mask.sum().clamp(min=1).to(truth.dtype) for mask in (known, _triples(known)))
    position, acceleration = (w / n for w, n in zip((position_weight, acceleration_weight), counts, strict=True))
    return position, acceleration


def smoothing_sum(
    refined: Tensor, truth: Tensor, factors: tuple[Factor, Factor], known: Tensor | None = None
) -> Tensor:
    """Sum the absolute errors of a batch, or of a part of it, each kind times its factor; see `smoothing_loss`."""
    error = refined - truth
    if known is not None:
        # Chosen, not multiplied: what is not known may be NaN, and NaN times 0 is NaN.
        error = torch.where(known, error, 0.0)
    bend = error.diff(2)
    if known is not None:
        bend = torch.where(_triples(known), bend, 0.0)
    return factors[0] * error.abs().sum() + factors[1] * bend.abs().sum()


def _triples(known: Tensor) -> Tensor:
    """Tell which three frames in a row are all known, [..., W - 2]."""
    return known[..., 2:] & known[..., 1:-1] & known[..., :-2]
