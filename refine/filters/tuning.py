"""The parameters of a filter that suit sequences whose truth is known."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from refine.filters.registry import FILTERS, Parameters
from refine.filters.smoothing import smooth_sequences
from refine.normalise import body_size


def tune_filter(
    name: str,
    detected: Sequence[np.ndarray],
    truth: Sequence[np.ndarray],
    fps: float,
    root: Sequence[int],
    known: Sequence[np.ndarray | None] | None = None,
    sizes: Sequence[float] | None = None,
) -> Parameters:
    """Find the parameters with the least MPJPE on sequences with known truth: a grid, then a finer one around the best.

    Parameters
    ----------
    name
        Which filter.
    detected, truth
        [T, J, D] each; from a training split.
    fps
        Frames a second.
    root
        The root joints, see `data.skeletons.metrics.align_root`.
    known
        bool [T, J] each: the joints to score; None for all.
    sizes
        The body size of each sequence; measured if not given.

    Returns
    -------
    dict
        The filter's parameters, by name.
    """
    from data.skeletons.metrics import mpjpe  # with torch, which whoever only filters does without

    sizes = [body_size(x) for x in detected] if sizes is None else sizes

    def error(parameters: Parameters) -> float:
        return mpjpe(smooth_sequences(name, detected, parameters, fps, sizes), truth, root, known)

    def search(points: Mapping[str, Sequence[float]]) -> Parameters:
        tries = [dict(zip(points, values, strict=True)) for values in itertools.product(*points.values())]
        return min(tries, key=error)

    grid = FILTERS[name].grid
    best = search(grid)
    finer = {key: _between(grid[key], value) for key, value in best.items()}
    return {key: round(float(value), 4) for key, value in search(finer).items()}


def _between(grid: Sequence[float], value: float) -> tuple[float, ...]:
    """Give the value and points half way to its neighbours in the grid."""
    if all(float(point).is_integer() for point in grid):
        return (value,)
    at = list(grid).index(value)
    near = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
    middle = tuple((a * value) ** 0.5 if a and value else (a + value) / 2 for a in near)
    return tuple(sorted({middle[0], value, middle[1]}))
