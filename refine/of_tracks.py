"""A refiner or a filter by its name, for tracks that are in no store."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from data.skeletons.store import StoreInfo, Track
from refine.apply import filter_tracks, refine_tracks
from refine.filters.registry import FILTERS
from refine.named import load_named


def refiner_of_tracks(name: str) -> Callable[[StoreInfo, Sequence[Track], str], list[Track]]:
    """Open a refiner.

    Parameters
    ----------
    name
        A filter, a shipped refiner such as `steady`, a run's folder, or a checkpoint.

    Returns
    -------
    What refines the tracks of a clip; it takes what `refine.apply.refine_tracks` takes after the refiner.

    Raises
    ------
    InputError
        There is none of this name, or it is damaged.
    """
    if name in FILTERS:
        return partial(filter_tracks, name)
    return partial(refine_tracks, load_named(Path(name)))
