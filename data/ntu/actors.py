"""Which of a clip's bodies are the actors: the rules that the NTU RGB+D literature follows."""

import numpy as np

from data.ntu.text import Body, Skeleton, merge_bodies
from data.skeletons.opening import PEOPLE
from data.skeletons.store import Track

SHORT_TRACK = 11
SPREAD = 0.8
IMPLAUSIBLE_SHARE = 0.69754


def choose_actors(skeleton: Skeleton, people: int = PEOPLE) -> tuple[int, list[Track]]:
    """Reduce a clip's bodies to at most so many actors, by default two.

    The rules are those of the reference pipelines (CTR-GCN's, PYSKL's): with more than one body, bodies of 11 frames or
    fewer are dropped; then bodies of which at least 69.754% of the frames are implausible (wider than 0.8 times their
    height); the rest are sorted by motion. Actor 1 is the most mobile body, extended by later ones that do not overlap
    it in time; actor 2 is filled likewise from those that do, and so on. Frames in which no actor is seen are dropped,
    but tracks keep the numbers of theirs, so that nobody takes the step over such a gap for a motion. Where a rule
    would drop every body, it drops none.

    A body that leaves and returns keeps its own frame times (the reference pipelines close the gap).

    Returns
    -------
    frames
        The clip's length, without the frames in which no actor is seen.
    tracks
        One per actor; frames inside a track in which the actor is not seen are 0, with `tracked` 0.
    """
    bodies = [body for body in skeleton.bodies if len(body.frames)]
    if len(bodies) > 1:
        bodies = [body for body in bodies if len(body.frames) > SHORT_TRACK] or bodies
    if len(bodies) > 1:
        bodies = [body for body in bodies if 1 - plausible(body).mean() < IMPLAUSIBLE_SHARE] or bodies
    actors: list[list[Body]] = []
    for body in sorted(bodies, key=motion, reverse=True) if len(bodies) > 1 else bodies:
        for actor in actors:
            if not _overlaps(actor, body):
                actor.append(body)
                break
        else:
            if len(actors) < people:
                actors.append([body])
    merged = [merge_bodies(actor) for actor in actors]
    seen = np.unique(np.concatenate([body.frames for body in merged])) if merged else np.empty(0, np.int64)
    return len(seen), [_as_track(number, body, seen) for number, body in enumerate(merged)]


def plausible(body: Body) -> np.ndarray:
    """Say in which frames a body's x-extent is at most 0.8 times its y-extent; bool [n]."""
    return _plausible(_by_axis(body))


def motion(body: Body) -> float:
    """Return the variance of a body's joint positions over its plausible frames, summed over the axes, m^2."""
    joints = _by_axis(body)
    frames = _plausible(joints)
    joints = joints[..., frames] if frames.any() else joints
    return float(joints.reshape(3, -1).var(axis=1, dtype=np.float64).sum())


def _by_axis(body: Body) -> np.ndarray:
    """Return the joints as float32 [3, 25, n]: NumPy is quick along the last axis, if it is a long one."""
    return np.ascontiguousarray(body.joints.transpose(2, 1, 0))


def _plausible(joints: np.ndarray) -> np.ndarray:
    width, height = joints[:2].max(axis=1) - joints[:2].min(axis=1)
    return width <= SPREAD * height


def _overlaps(actor: list[Body], body: Body) -> bool:
    first = min(part.frames[0] for part in actor)
    last = max(part.frames[-1] for part in actor)
    return bool(body.frames[0] <= last and body.frames[-1] >= first)


def _as_track(actor: int, body: Body, seen: np.ndarray) -> Track:
    times = np.searchsorted(seen, body.frames)
    first, length = int(times[0]), int(times[-1] - times[0] + 1)
    joints = np.zeros((length, *body.joints.shape[1:]), np.float32)
    tracked = np.zeros((length, body.tracked.shape[1]), np.uint8)
    joints[times - first], tracked[times - first] = body.joints, body.tracked
    return Track(actor, first, joints, tracked, frames=seen[first : first + length])
