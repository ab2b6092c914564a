"""Finding, for each joint of any skeleton, others that keep their distance from it, and the size of the body.

A joint that goes astray leaves them all; if only one of them has gone, the others still tell. Nothing needs to be known
of the skeleton.
"""

from dataclasses import dataclass, replace

import numpy as np

from refine.steady.bank import norm
from refine.steady.room import empty

COUNT = 4
"""Partners of each joint, if there are as many."""

FRAMES = 256
"""So many frames of a sequence are looked at to find them."""

PAIRS_AT_A_TIME = 1 << 20


@dataclass(frozen=True)
class Partners:
    """Who keeps a distance from whom.

    Parameters
    ----------
    index
        int [J, n]: each joint's partners, the truest first; n is at most `COUNT`.
    usual
        float32 [J, n]: how far they usually are.
    size
        Of the body: the median over all pairs of joints of how far they usually are from each other. It does not depend
        on where a body is and how it is turned.
    """

    index: np.ndarray
    usual: np.ndarray
    size: float

    def scaled(self) -> "Partners":
        """Return the same in body sizes."""
        return replace(self, usual=self.usual / np.float32(self.size), size=1.0)

    def strain(self, x: np.ndarray) -> np.ndarray:
        """Return how far distances from partners are from the usual ones, [n, T, J], in a sequence [T, D, J]."""
        frames, _, joints = x.shape
        out = empty((self.index.shape[1], joints, frames)).transpose(0, 2, 1)
        for number in range(len(out)):
            out[number] = np.abs(norm(x - x[:, :, self.index[:, number]]) - self.usual[:, number])
        return out


def find_partners(x: np.ndarray, seen: np.ndarray) -> Partners:
    """Find each joint's partners: those whose distance from it varies least.

    Parameters
    ----------
    x
        [T, D, J], finite.
    seen
        bool [T, J]: where joints were seen.
    """
    every = max(1, -(-len(x) // FRAMES))
    x, seen = x[::every], seen[::every]
    frames, _, joints = x.shape
    count = min(COUNT, joints - 1)
    index, usual = np.zeros((joints, count), np.int64), np.zeros((joints, count), np.float32)
    typical = np.full((joints, joints), np.nan, np.float32)
    rows = max(1, PAIRS_AT_A_TIME // (frames * joints))
    for first in range(0, joints if count else 0, rows):
        apart = x[:, :, first : first + rows, None] - x[:, :, None]
        length = np.sqrt(np.square(apart).sum(axis=1))
        both = seen[:, first : first + rows, None] & seen[:, None]
        # Where not both were seen, the distance is as usual.
        middle = _median(length, both)
        vary = _median(np.abs(length - middle), both)
        vary[~both.any(axis=0)] = np.inf
        own = np.arange(vary.shape[0])
        vary[own, first + own] = np.inf
        typical[first : first + rows] = np.where(np.isfinite(vary), middle, np.nan)
        chosen = np.argsort(vary, axis=1, kind="stable")[:, :count]
        index[first : first + rows] = chosen
        usual[first : first + rows] = np.take_along_axis(middle, chosen, 1)
    # Who was never seen together with others is its own partner, at no distance.
    alone = ~np.isfinite(usual)
    index, usual = np.where(alone, np.arange(joints)[:, None], index), np.where(alone, np.float32(0), usual)
    return Partners(index, usual, _size(x, seen, typical))


def _size(x: np.ndarray, seen: np.ndarray, typical: np.ndarray) -> float:
    known = typical[np.isfinite(typical)]
    size = float(np.median(known)) if len(known) else 0.0
    if not size > 0:  # a single joint: how far it goes
        at = x.transpose(0, 2, 1)[seen]
        size = float(np.sqrt(np.square(at - at.mean(axis=0)).sum(axis=1).mean())) if len(at) else 0.0
    return size if size > 0 else 1.0


def _median(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return the lower median over the first axis of what is valid; infinity where nothing is."""
    if valid.all():
        return np.partition(values, (len(values) - 1) // 2, axis=0)[(len(values) - 1) // 2]
    ordered = np.sort(np.where(valid, values, np.inf), axis=0)
    at = np.maximum(valid.sum(axis=0) - 1, 0) // 2
    return np.take_along_axis(ordered, at[None], 0)[0]
