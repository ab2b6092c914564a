"""Local straight lines through the last frames, from a second and a half to a few frames wide.

The coarsest is a weighted fit of a line, by itself exact on rest and constant velocity. Every finer one is a line
through what the coarsest leaves over, held back by a reserve: where nothing trustworthy is near, it says what the
coarsest says. So all of them leave such trends exactly as they are, whatever the weights, at whichever times the frames
came, and at the newest frame as well.

Coordinates are [frames, D, J].
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESERVE = 0.03
"""The share of trust, of what is usual in the coarsest window, up to which a line follows the coarsest one."""

UNSURE = 0.3
"""Observations near each other err alike: a slope is as unsure as if there were so few more than one of them."""

TOGETHER = 1e-10
"""Seconds squared: frames that lie so near in time say nothing of a slope."""

NOTHING = 1e-200


@dataclass(frozen=True)
class Lines:
    """What local lines say of one frame.

    Parameters
    ----------
    value
        [..., S, D, J]: where the lines are at that frame.
    slope
        [..., S, D, J], a second.
    share
        [..., S, J]: how much of a line's window was seen, of what is usual in the coarsest window.
    usual
        [..., J]: mean weight in the coarsest window.
    """

    value: np.ndarray
    slope: np.ndarray
    share: np.ndarray
    usual: np.ndarray


class Shape:
    """How wide lines are, and how much is held back of their slopes.

    Parameters
    ----------
    sigmas
        Of the bells, seconds, the coarsest first.
    hesitates
        Seconds over which a new frame comes to count in full; 0 for at once.
    """

    def __init__(self, sigmas: Sequence[float], hesitates: Sequence[float] | None = None) -> None:
        self.sigmas = np.array(sigmas)
        self.hesitates = np.zeros(len(sigmas)) if hesitates is None else np.array(hesitates)
        self.ridges = np.where(self.hesitates > 0, 0.6, 0.15) * self.sigmas**2


def bells(seconds: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """Return weights [..., S, frames] of frames so many `seconds` [..., frames] away; they end at three sigmas."""
    z = seconds[..., None, :] / (3 * sigmas[:, None])
    z *= z
    inside = np.maximum(1 - z, 0)
    return np.asarray(inside * inside * inside)


def hesitation(ages: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Return factors [S, frames] by which the newest frames count less, so that a new one moves nothing at once.

    Parameters
    ----------
    ages
        [frames]: seconds from each frame to the next one that will come.
    spans
        [S]: seconds over which it comes to count in full; 0 for at once.
    """
    with np.errstate(divide="ignore"):
        z = np.minimum(ages / spans[:, None], 1)
    return np.asarray(z * z * (3 - 2 * z))


def fit_lines(kernels: np.ndarray, seconds: np.ndarray, shape: Shape, weight: np.ndarray, x: np.ndarray) -> Lines:
    """Fit lines around one frame, or several.

    Parameters
    ----------
    kernels
        [..., S, frames]: weights in time, the coarsest first.
    seconds
        [..., frames]: of each frame, after the one around which lines are fitted.
    shape
        How wide the kernels are.
    weight
        [frames, J]: of the observations.
    x
        [frames, D, J]; finite also where the weight is 0; best not far from 0.
    """
    frames, dims, joints = x.shape
    around = kernels * seconds[..., None, :]
    times = np.stack([kernels, around, around * seconds[..., None, :]], axis=-3)
    lead, levels = kernels.shape[:-2], kernels.shape[-2]
    # Zeroth to second moments of the weights, zeroth and first ones of the coordinates, and the coarsest of squares.
    s = (times.reshape(-1, frames) @ weight).reshape(*lead, 3, levels, joints)
    weighted = x * weight[:, None]
    t = np.ascontiguousarray(times[..., :2, :, :]).reshape(-1, frames) @ weighted.reshape(frames, -1)
    t = t.reshape(*lead, 2, levels, dims, joints)
    square = np.ascontiguousarray(kernels[..., 0, :]) @ np.einsum("tdj,tdj->tj", x, weighted)
    s0, s1, s2 = s[..., 0, :, :], s[..., 1, :, :], s[..., 2, :, :]
    t0, t1 = t[..., 0, :, :, :], t[..., 1, :, :, :]
    whole = kernels.sum(-1)[..., None]
    usual = s0[..., :1, :] / np.maximum(whole[..., :1, :], NOTHING)
    a, b = _coarsest(s0[..., 0, :], s1[..., 0, :], s2[..., 0, :], t0[..., 0, :, :], t1[..., 0, :, :], square)
    a, b = a[..., None, :, :], b[..., None, :, :]
    # The others, through what it leaves over.
    s0, s1, s2 = s0[..., 1:, :], s1[..., 1:, :], s2[..., 1:, :]
    r0 = t0[..., 1:, :, :] - a * s0[..., None, :] - b * s1[..., None, :]
    r1 = t1[..., 1:, :, :] - a * s1[..., None, :] - b * s2[..., None, :]
    q0 = s0 + RESERVE * usual * whole[..., 1:, :] + NOTHING
    q2 = s2 + shape.ridges[1:, None] * q0
    scale = 1 / np.maximum(q0 * q2 - s1 * s1, NOTHING)
    value = np.concatenate([a, a + (q2 * scale)[..., None, :] * r0 - (s1 * scale)[..., None, :] * r1], axis=-3)
    slope = np.concatenate([b, b + (q0 * scale)[..., None, :] * r1 - (s1 * scale)[..., None, :] * r0], axis=-3)
    share = s[..., 0, :, :] / np.maximum(whole * usual, NOTHING)
    return Lines(value, slope, share, usual[..., 0, :])


def _coarsest(
    s0: np.ndarray, s1: np.ndarray, s2: np.ndarray, t0: np.ndarray, t1: np.ndarray, square: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit the coarsest line; unsure slopes go nearer to that of the whole body. Without any noise they are sure."""
    per = 1 / np.maximum(s0, NOTHING)
    middle, mean = s1 * per, t0 * per[..., None, :]
    spread = np.maximum(s2 * per - middle * middle, 0)
    lean = t1 * per[..., None, :] - middle[..., None, :] * mean
    b = lean / (spread + TOGETHER)[..., None, :]
    left = np.maximum(square * per - np.einsum("...dj,...dj->...j", mean, mean), 0)
    left = np.maximum(left - np.einsum("...dj,...dj->...j", b, lean), 0)
    vary = UNSURE * left
    # How sure each slope is; the body's is their mean.
    sure = s0 * spread
    body = (b * sure[..., None, :]).sum(-1, keepdims=True) / np.maximum(sure.sum(-1), NOTHING)[..., None, None]
    own = b - body
    energy = np.einsum("...dj,...dj->...j", own, own)
    share = energy * spread / np.maximum(energy * (spread + TOGETHER) + vary, NOTHING)
    b = body + own * share[..., None, :]
    return mean - b * middle[..., None, :], b
