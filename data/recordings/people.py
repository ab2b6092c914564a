"""Telling who is who in files that say where people are, and not which of them is the same as in the frame before."""

from dataclasses import dataclass

import numpy as np

from base.errors import InputError
from data.recordings.recording import Recording

BRIDGE_S = 0.5
"""Seconds between two sightings of a body, or of a joint, over which positions are interpolated; half a window."""

JUMP = 0.5
"""Body sizes (some 0.4 m) that a body's step may exceed those beside it by."""

SPEED = 30.0
"""Body sizes/s, some 12 m/s: what a step exceeds by `JUMP` is a jump, whatever is beside it."""

MOST_PEOPLE = 500
"""In one frame."""

RUN_S = 0.1
"""Seconds: who was lost for longer is not looked for farther away than this takes."""

APART = 3.0
"""Body sizes that the middles of the same body may be apart because other joints of it are seen."""

STEADINESS = 0.5
"""The share of the newest frame in how fast and how large a body is held to be."""

GROWS = 1.1
"""How many times larger a body is at most than in the frame before: a joint that is elsewhere makes nobody a giant."""

FEW = 3
"""With fewer joints, no body's size can be told."""

SHARE = 0.4
"""Of the largest distance of a body's joints from its middle, what counts as its size."""


def tracks_of(recording: Recording, seconds: np.ndarray) -> np.ndarray:
    """Return to which track each row belongs, int64 [N]: by the file's own identities, or by `follow`."""
    if recording.person is not None:
        return np.unique(recording.person, return_inverse=True)[1]
    return follow(recording.joints * (recording.scale or 1.0), recording.frame, seconds)


@dataclass
class _Bodies:
    """The bodies that may be seen again, K of them.

    Parameters
    ----------
    track
        int64 [K].
    place
        [K, J, D]: where each joint was last; it has moved with its body since.
    known
        bool [K, J]: whether it was ever seen.
    speed
        [K, D], per second.
    size
        [K].
    time
        [K]: when each was last seen.
    """

    track: np.ndarray
    place: np.ndarray
    known: np.ndarray
    speed: np.ndarray
    size: np.ndarray
    time: np.ndarray

    def only(self, which: np.ndarray) -> "_Bodies":
        return _Bodies(*(part[which] for part in vars(self).values()))

    def and_(self, others: "_Bodies") -> "_Bodies":
        pairs = zip(vars(self).values(), vars(others).values(), strict=True)
        return _Bodies(*(np.concatenate(pair) for pair in pairs))


def follow(joints: np.ndarray, frame: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Tell who is who by where they are.

    From frame to frame, people are assigned to bodies so that the sum of mean joint distances is least (Hungarian
    method), in body sizes, from where each body would be if it went on as it did. A body is lost when it was not seen
    for `BRIDGE_S`; who is farther away than a body can move begins a new track.

    Parameters
    ----------
    joints
        [N, J, D], one person in one frame each; NaN where nothing is known.
    frame
        int64 [N].
    seconds
        [N]: the time of each row's frame.

    Returns
    -------
    int64 array [N]
        The track of each, numbered in the order of their beginnings. The order of people within a frame has no
        influence on who is together with whom.

    Raises
    ------
    InputError
        There are more than `MOST_PEOPLE` in a frame.
    """
    size, middle = body_sizes(joints, np.isfinite(joints).all(axis=-1))
    order = np.argsort(frame, kind="stable")
    starts = np.flatnonzero(np.diff(frame[order], prepend=frame[order[:1]] - 1))
    tracks = np.full(len(frame), -1, np.int64)
    follower = Follower()
    for rows in np.split(order, starts[1:]):
        try:
            tracks[rows] = follower.step(joints[rows], seconds[rows[0]], (size[rows], middle[rows]))
        except InputError as error:
            raise InputError(f"frame {frame[rows[0]]}: {error}") from None
    return tracks


class Follower:
    """What `follow` does, frame after frame as they come."""

    def __init__(self) -> None:
        self._bodies: _Bodies | None = None
        self._begun = 0

    def step(self, joints: np.ndarray, now: float, sizes: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
        """Tell who is who in the next frame.

        Parameters
        ----------
        joints
            [n, J, D], the people in it; NaN where nothing is known.
        now
            Its time, seconds.
        sizes
            What `body_sizes` says of them; by themselves if None.

        Returns
        -------
        int64 array [n]
            The track of each.

        Raises
        ------
        InputError
            There are more than `MOST_PEOPLE`.
        """
        if len(joints) > MOST_PEOPLE:
            raise InputError(f"found {len(joints)} people, expected at most {MOST_PEOPLE}")
        tracks = np.full(len(joints), -1, np.int64)
        if not len(joints):
            return tracks
        seen = np.isfinite(joints).all(axis=-1)
        size, middle = sizes or body_sizes(joints, seen)
        given: np.ndarray = np.zeros(0, np.int64)
        if self._bodies is not None:
            bodies = self._bodies.only(now - self._bodies.time <= BRIDGE_S * (1 + 1e-6))
            own, given = _assign(bodies, joints, seen, middle, now)
            if len(own):
                _move(bodies, own, joints[given], seen[given], size[given], now)
                tracks[given] = bodies.track[own]
            self._bodies = bodies
        new = np.flatnonzero(np.isin(np.arange(len(joints)), given, invert=True))
        # From left to right, so that the order of the list does not number them.
        new = new[np.lexsort((middle[new, -1], middle[new, 0]))]
        if len(new):
            tracks[new] = self._begun + np.arange(len(new))
            self._begun += len(new)
            begun = _begun(tracks[new], joints[new], seen[new], size[new], now)
            self._bodies = begun if self._bodies is None else self._bodies.and_(begun)
        return tracks


def body_sizes(joints: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measure bodies: the median distance of their joints from their middle, or a share of the largest if that is more.

    Where most joints are those of a face or a hand, the median is that of a face or a hand. Of a whole body, both are
    some 0.4 m.

    Parameters
    ----------
    joints
        [N, J, D].
    seen
        bool [N, J].

    Returns
    -------
    size : float64 array [N]
        Where too few joints are seen, the usual one.
    middle : float64 array [N, D]
        The median of the joints that are seen, coordinate by coordinate.
    """
    known = np.where(seen[..., None], joints, 0.0)
    count = seen.sum(axis=1)
    middle = _medians(joints, seen)
    away = np.sort(np.where(seen, np.linalg.norm(known - middle[:, None], axis=-1), np.inf), axis=1)
    rows = np.arange(len(away))
    largest = away[rows, np.maximum(count - 1, 0)]
    size = np.maximum(away[rows, np.maximum(count - 1, 0) // 2], SHARE * largest)
    whole = (count >= FEW) & (size > 0)
    if whole.any():
        size[~whole] = np.median(size[whole])
    else:  # single points: how far they go is all that there is
        size[:] = float(np.ptp(middle[count > 0], axis=0).max(initial=0.0)) or 1.0
    return size, middle


def _medians(joints: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the lower median of what is seen of [N, J, D], [N, D]; 0 where nothing is."""
    ordered = np.sort(np.where(seen[..., None], joints, np.inf), axis=1)
    count = seen.sum(axis=1)
    median: np.ndarray = ordered[np.arange(len(joints)), np.maximum(count - 1, 0) // 2]
    return np.where(count[:, None] > 0, median, 0.0)


def _begun(track: np.ndarray, joints: np.ndarray, seen: np.ndarray, size: np.ndarray, now: float) -> _Bodies:
    """Begin tracks."""
    at_rest = np.zeros((len(track), joints.shape[-1]))
    return _Bodies(track, np.where(seen[..., None], joints, 0.0), seen, at_rest, size, np.full(len(track), float(now)))


def _assign(
    bodies: _Bodies, joints: np.ndarray, seen: np.ndarray, middle: np.ndarray, now: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return which bodies are seen again, and in which rows of this frame."""
    none = np.zeros(0, np.int64)
    if not len(bodies.track):
        return none, none
    passed = now - bodies.time
    there = bodies.place + (bodies.speed * passed[:, None])[:, None]
    reach = JUMP + SPEED * np.minimum(passed, RUN_S)  # body sizes
    apart = np.linalg.norm(_medians(there, bodies.known)[:, None] - middle[None], axis=-1)
    own, given = np.nonzero(apart <= ((reach + APART) * bodies.size)[:, None])
    both = bodies.known[own] & seen[given]
    own, given, both = own[both.any(axis=1)], given[both.any(axis=1)], both[both.any(axis=1)]
    distance = np.linalg.norm(there[own] - np.where(seen[given][..., None], joints[given], 0.0), axis=-1)
    most = reach[own]
    # A few joints that are elsewhere are no other body.
    distance = np.minimum(distance / bodies.size[own, None], 2 * most[:, None])
    cost = np.where(both, distance, 0.0).sum(axis=1) / both.sum(axis=1)
    near = cost <= most
    own, given, cost = own[near], given[near], cost[near]
    alone = np.bincount(own, minlength=1).max() <= 1 and np.bincount(given, minlength=1).max() <= 1
    if alone:
        return own, given
    from scipy.optimize import linear_sum_assignment  # takes long to import, and one person does not need it

    bodies_at, own_at = np.unique(own, return_inverse=True)
    rows_at, given_at = np.unique(given, return_inverse=True)
    far = 1e3 * (1 + cost.max()) * len(cost)
    costs = np.full((len(bodies_at), len(rows_at)), far)
    costs[own_at, given_at] = cost
    left, right = linear_sum_assignment(costs)
    possible = costs[left, right] < far
    return bodies_at[left[possible]], rows_at[right[possible]]


def _move(bodies: _Bodies, own: np.ndarray, joints: np.ndarray, seen: np.ndarray, size: np.ndarray, now: float) -> None:
    """Bring bodies to where they are seen."""
    passed = (now - bodies.time[own])[:, None]
    known = np.where(seen[..., None], joints, 0.0)
    step = _medians(known - bodies.place[own], bodies.known[own] & seen)
    speed = bodies.speed[own]
    newest = step / passed
    bodies.place[own] = np.where(seen[..., None], known, bodies.place[own] + step[:, None])
    bodies.known[own] |= seen
    bodies.speed[own] = speed + STEADINESS * (newest - speed)
    before = bodies.size[own]
    bodies.size[own] += STEADINESS * (size.clip(before / GROWS, before * GROWS) - before)
    bodies.time[own] = now
