"""Refining poses as they come: `from refine import Stream`."""

import math
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from base.errors import InputError
from base.shown import shown
from data.skeletons.incoming import FORGET, check_pose, check_time
from refine.live.track import JUDGE_FEATURES, LEVELS, MIXER_FEATURES, Track
from refine.steady.net import Networks, load_networks

WEIGHTS = Path(__file__).with_name("live.safetensors")
"""The weights that are shipped."""

LONGEST_LAG = 1.0
"""Seconds; beyond, `refine.refine` is the better choice."""


class Refined(NamedTuple):
    """A refined pose.

    Parameters
    ----------
    pose
        float64 [J, D], in the unit it came in; NaN where a joint was missing.
    time
        Of this pose, seconds.
    person
        Whose it is.
    """

    pose: np.ndarray
    time: float
    person: Hashable


@dataclass
class _Person:
    track: Track
    time: float
    waiting: deque[Refined | None] = field(default_factory=deque)


class Stream:
    """Refines poses as they come, of any number of people, each `lag` frames late.

    Nothing of what comes later than `lag` frames is waited for, and nothing that was given out is changed. Each
    person's poses are refined by themselves. Who was not seen for more than a second is begun anew; what was still to
    be given out then comes with the next updates, so every pose given in comes out once, `lag` updates later.

    Parameters
    ----------
    fps
        Frames a second, about.
    lag
        By how many frames poses are given out late: 0 or more, at most a second. More is steadier and more exact.
    model
        `steady`, or the path of a file of weights that `python -m refine.live.train` has written.

    Raises
    ------
    InputError
        A number is not as said above, or there is no such model.

    Examples
    --------
    >>> import numpy as np
    >>> from refine import Stream
    >>> stream = Stream(fps=30, lag=4)
    >>> [stream.update(np.ones((17, 2))) is None for _ in range(5)]
    [True, True, True, True, False]
    >>> len(stream.flush())
    4
    """

    def __init__(self, fps: float, lag: int = 4, model: str | Path = "steady") -> None:
        if not (isinstance(fps, int | float | np.number) and math.isfinite(fps) and fps > 0):
            raise InputError(f"fps: found {shown(fps)}, expected the frames a second of the poses, above 0")
        if not isinstance(lag, int | np.integer) or isinstance(lag, bool) or not 0 <= lag <= LONGEST_LAG * fps:
            raise InputError(
                f"lag: found {shown(lag)}, expected whole frames from 0 to {LONGEST_LAG * fps:g} (a second)"
            )
        self.fps, self.lag = float(fps), int(lag)
        self._networks = _networks(model)
        self._people: dict[Hashable, _Person] = {}

    def update(
        self,
        pose: ArrayLike,
        confidence: ArrayLike | None = None,
        time: float | None = None,
        person: Hashable = 0,
    ) -> Refined | None:
        """Take in a pose, and give out that of `lag` frames ago.

        Parameters
        ----------
        pose
            [J, D], D 2 or 3, any unit, anywhere; NaN where nothing is known.
        confidence
            [J], 0 to 1: how far each joint can be trusted. 0 counts as missing, more than 1 as 1.
        time
            When, seconds; later than the person's last one. A frame after that one if not given.
        person
            Who.

        Returns
        -------
        Refined or None
            The pose of `lag` frames ago of this person; None until there is one.

        Raises
        ------
        InputError
            The shape is another than before, a number is infinite, or the time is not later. Nothing was taken in.
        """
        given, trust = check_pose(pose, confidence)
        known = self._people.get(person)
        if known is not None and given.shape != (known.track.joints, known.track.dims):
            raise InputError(
                f"pose: found shape {given.shape}, expected {(known.track.joints, known.track.dims)} as person "
                f"{shown(person)} had before"
            )
        now = check_time(time, known.time if known else None, self.fps)
        if known is None:
            known = self._people[person] = _Person(self._track(given), now)
        elif now - known.time > FORGET:
            waiting, rest = known.waiting, self._rest(person, known)
            waiting.extend([None] * (self.lag - len(waiting) - len(rest)))
            waiting.extend(rest)
            known = self._people[person] = _Person(self._track(given), now, waiting)
        known.time = now
        known.track.push(given, trust, now)
        if known.waiting:
            return known.waiting.popleft()
        if known.track.frames <= self.lag:
            return None
        return self._out(person, known, self.lag)

    def flush(self, person: Hashable | None = None) -> list[Refined]:
        """Give out what is still to come, in the order of time, and forget.

        Parameters
        ----------
        person
            Whose; None for all, one after the other, in the order in which they came.

        Returns
        -------
        list
            The last `lag` poses of each; all if there were fewer.
        """
        people = list(self._people) if person is None else [person]
        out: list[Refined] = []
        for one in people:
            known = self._people.pop(one, None)
            if known is not None:
                out += [pose for pose in known.waiting if pose is not None]
                out += self._rest(one, known)
        return out

    def _track(self, pose: np.ndarray) -> Track:
        return Track(self._networks, self.fps, self.lag, *pose.shape)

    def _rest(self, person: Hashable, known: _Person) -> list[Refined]:
        return [self._out(person, known, age) for age in range(min(self.lag, known.track.frames) - 1, -1, -1)]

    @staticmethod
    def _out(person: Hashable, known: _Person, age: int) -> Refined:
        return Refined(known.track.refined(age), known.track.time(age), person)


@cache
def _shipped() -> Networks:
    return load_networks(WEIGHTS)


def _networks(model: str | Path) -> Networks:
    if model == "steady":
        return _shipped()
    path = Path(model)
    if not path.is_file():
        raise InputError(f"model: found {shown(str(model))}, expected steady or the path of a file of weights")
    networks = load_networks(path)
    found = [(net.layers[0][0].shape[0], net.layers[-1][2].size) for net in (networks.judge, networks.mixer)]
    if found != [(JUDGE_FEATURES, 1), (MIXER_FEATURES, LEVELS)]:
        raise InputError(
            f"{path}: holds the weights of another refiner, not of a live one; see python -m refine.live.train"
        )
    return networks
