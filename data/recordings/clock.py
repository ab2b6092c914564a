"""Times that files give without saying in which unit."""

import re

import numpy as np

_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_UNIT = (
    r"(?:(?P<ms>ms|msecs?|millis(?:econds)?)|(?P<us>us|usecs?|micros(?:econds)?)|(?P<ns>ns|nsecs?|nanos(?:econds)?)|"
    r"(?P<s>s|secs?|seconds))"
)
_NAMED = re.compile(rf"(?:^|_| |[(\[]){_UNIT}[)\]]?$")
_CAPITALS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TIMES = re.compile(rf"(?:frame_|video_)?(?:time|timestamp|time_stamp|t)(?:[_ (\[]*{_UNIT}[)\]]?)?")


def says_time(name: str) -> bool:
    """Say whether a key or a column is called as times are."""
    small = _CAPITALS.sub("_", name.strip()).lower()
    return _TIMES.fullmatch(small) is not None or small in ("seconds", "milliseconds")


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
