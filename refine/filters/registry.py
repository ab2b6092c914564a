"""The classical filters: each is one file of this folder that adds itself here, `docs/adding.md` shows how."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from base.registry import Registry

Parameters = dict[str, float]


@dataclass(frozen=True)
class FilterKind:
    """One classical filter.

    Time is in seconds and hertz, so that parameters mean the same at 25 and at 50 frames a second.

    Parameters
    ----------
    label
        What readers call it.
    smooth
        Maps float64 [T, ...], T at least 1, to an array of the same shape; also takes `fps`, frames a second, and the
        parameters by their names.
    grid
        The values of each parameter that tuning tries; around the best of them it tries finer ones, unless they are
        whole numbers.
    released
        Returns, for so many frames a second, the parameters with which SmoothNet's authors compare, on metres or
        normalised images; None if they do not.
    smooth_motion
        As `smooth`, for motions that go on beyond their ends as they are there; None if `smooth` takes them so.
    turned
        Whether it minds in which axes it sees a motion; what is linear does not.
    sized
        Whether it minds the unit of lengths; it then gets body sizes (`refine.normalise.body_size`). What is linear
        does not.
    reach
        Returns, for so many frames a second (`fps`) and the parameters by their names, how many frames to either side
        of it a frame depends on; long motions are then filtered block by block. None for all of them.
    causal
        Whether a frame depends on earlier ones alone and each coordinate on itself: many sequences then share one call,
        each padded at its end, which is quicker for a loop over time.
    colours
        On light and on dark paper, as `#rrggbb`; None for the next of the palette.
    """

    label: str
    smooth: Callable[..., np.ndarray]
    grid: Mapping[str, Sequence[float]]
    released: Callable[[float], Parameters] | None = None
    smooth_motion: Callable[..., np.ndarray] | None = None
    turned: bool = False
    sized: bool = False
    causal: bool = False
    reach: Callable[..., int] | None = None
    colours: tuple[str, str] | None = None


FILTERS: Registry[FilterKind] = Registry(__package__ or "", "filter", "steady.filters")
"""All filters by the names that configurations take."""


def filter_label(name: str) -> str:
    """Return what readers call a filter; its name, where results tell of one that is not installed here."""
    return FILTERS[name].label if name in FILTERS else name
