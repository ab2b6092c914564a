"""Times that files give without saying in which unit."""

import re

import numpy as np

_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_NAMED = re.compile(
    r"(?:^|_| |\()(?:(?P<ms>ms|m(?:illi)?secs?|millis(?:econds)?)|(?P<us>us|u(?:micro)?secs?|micros(?:econds)?)|"
    r"(?P<ns>ns|nsecs?|nanos(?:econds)?)|(?P<s>s|secs?|seconds))\)?$"
)
_CAPITALS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def as_seconds(times: np.ndarray, frame: np.ndarray, name: str) -> np.ndarray | None:
    """Return times in seconds.

    The unit is the one that the name ends in, such as `timestamp_ms`. Without one it is told from the typical step
    between frames, for no video has less than one frame a second or more than a thousand.

    Parameters
    ----------
    times
        float64 [N]: when rows were seen.
    frame
        int64 [N]: the frames that they are of.
    name
        What the file calls them.

    Returns
    -------
    numpy.ndarray or None
        float64 [N]; None if a time is missing, or nothing tells the unit.
    """
    if not np.isfinite(times).all():
        return None
    found = _NAMED.search(_CAPITALS.sub("_", name).lower())
    if found is not None:
        return times * _UNITS[found.lastgroup or "s"]
    frames, first = np.unique(frame, return_index=True)
    steps = np.diff(times[first]) / np.diff(frames)
    step = float(np.median(steps)) if len(steps) else 0.0
    unit = next((unit for unit in _UNITS.values() if 1e-3 < step * unit <= 1), None)
    return None if unit is None else times * unit
