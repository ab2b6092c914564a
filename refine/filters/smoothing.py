"""Any classical filter over whole sequences: skeletons in space, and the benchmarks by their protocol.

Lengths are in body sizes (`refine.normalise.body_size`) where a filter minds them, so that parameters mean the same in
metres, millimetres and pixels.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from refine.filters.registry import FILTERS, FilterKind
from refine.in_space import Sightings, as_sightings, check_rate, refine_in_space
from refine.normalise import body_size
from refine.splits import Pieces

USUAL = {"butterworth": {"cutoff_hz": 6.0, "order": 2}}
"""The parameters of filters that SmoothNet's authors do not compare with; Winter's, for a body in motion."""


def released_parameters(name: str, fps: float) -> dict[str, float]:
    """Return the parameters of a filter that nobody tunes: those of SmoothNet's comparison, or the usual ones."""
    released = FILTERS[name].released
    return released(fps) if released is not None else USUAL[name]


def smooth(
    name: str,
    sequences: Sequence[np.ndarray],
    parameters: Mapping[str, float],
    fps: float,
    sizes: Sequence[float] | None = None,
    *,
    seen: Sequence[np.ndarray | None] | None = None,
    confidences: Sequence[np.ndarray | None] | None = None,
    times: Sequence[np.ndarray | None] | None = None,
) -> list[np.ndarray]:
    """Filter skeletons in space, or in an image, in body sizes.

    A skeleton at rest, at constant velocity or at constant acceleration comes out as it went in, and what was not seen
    as it was (`refine.in_space`). Filtering commutes exactly, to rounding, with moving, turning, scaling and mirroring.

    Parameters
    ----------
    name
        Which filter.
    sequences
        [T, J, D] each; a joint that is not finite was not seen.
    parameters
        As `refine.filters.tuning.tune_filter` returns them.
    fps
        Frames a second.
    sizes
        The body size of each sequence; measured if not given.
    seen, confidences, times
        See `refine.refiner.refine_poses`.

    Returns
    -------
    list of arrays
        float32 [T, J, D] each.
    """
    check_rate(fps)
    return smooth_sightings(name, as_sightings(sequences, sizes, seen, confidences, times), parameters, fps)[0]


def smooth_sightings(
    name: str, sightings: Sequence[Sightings], parameters: Mapping[str, float], fps: float
) -> tuple[list[np.ndarray], list[Pieces]]:
    """As `smooth`, and say how each track was cut."""
    kind = FILTERS[name]
    function = kind.smooth_motion or kind.smooth

    def method(motions: list[np.ndarray], sizes: list[float]) -> list[np.ndarray]:
        return _filter_arrays(kind, function, motions, parameters, fps, sizes)

    reach = None if kind.reach is None else kind.reach(**parameters, fps=fps)
    return refine_in_space(sightings, method, fps, turned=kind.turned, reach=reach)


def smooth_sequences(
    name: str,
    sequences: Sequence[np.ndarray],
    parameters: Mapping[str, float],
    fps: float,
    sizes: Sequence[float] | None = None,
) -> list[np.ndarray]:
    """Filter sequences of the benchmarks, by their protocol: as the filters are, in body sizes.

    Parameters
    ----------
    name
        Which filter.
    sequences
        float32 [T, J, D] each.
    parameters
        As `refine.filters.tuning.tune_filter` returns them.
    fps
        Frames a second.
    sizes
        The body size of each sequence; measured if not given.

    Returns
    -------
    list of arrays
        float32 [T, J, D] each.
    """
    sizes = [body_size(sequence) for sequence in sequences] if sizes is None else sizes
    kind = FILTERS[name]
    filtered = _filter_arrays(kind, kind.smooth, sequences, parameters, fps, sizes)
    return [x.astype(np.float32) for x in filtered]


def _filter_arrays(
    kind: FilterKind,
    function: Callable[..., np.ndarray],
    sequences: Sequence[np.ndarray],
    parameters: Mapping[str, float],
    fps: float,
    sizes: Sequence[float],
) -> list[np.ndarray]:
    if not kind.sized:
        sizes = [1.0] * len(sequences)
    if not kind.causal:
        pairs = zip(sequences, sizes, strict=True)
        return [function((x / size).astype(np.float64), **parameters, fps=fps) * size for x, size in pairs]
    # Its loop over time is shared by all sequences; what a short one is padded with comes after its end.
    padded = np.zeros((max(map(len, sequences), default=0), sum(x[0].size for x in sequences)))
    columns = np.cumsum([0, *(x[0].size for x in sequences)])
    for x, size, first in zip(sequences, sizes, columns, strict=False):
        padded[: len(x), first : first + x[0].size] = x.reshape(len(x), -1) / size
    smoothed = function(padded, **parameters, fps=fps)
    return [
        (smoothed[: len(x), first : first + x[0].size] * size).reshape(x.shape)
        for x, size, first in zip(sequences, sizes, columns, strict=False)
    ]
