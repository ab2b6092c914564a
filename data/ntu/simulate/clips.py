"""Which clips a stand-in consists of, and making one of them."""

from dataclasses import dataclass
from itertools import count

import numpy as np

from data.ntu.actors import choose_actors
from data.ntu.names import ClipName
from data.ntu.simulate.actions import repertoire
from data.ntu.simulate.bodies import FPS, make_performer
from data.ntu.simulate.cameras import SETUPS, across, facing, to_camera
from data.ntu.simulate.config import PERFORMERS, SimulateSection
from data.ntu.simulate.fast import add_movement
from data.ntu.simulate.kinect import SETTINGS, ghost, kinect_noise, lost_frames
from data.ntu.simulate.motion import perform
from data.ntu.splits import MISSING
from data.ntu.text import Body, Skeleton
from data.skeletons.store import Track

VIEWS = tuple((camera, replication) for camera in (1, 2, 3) for replication in (1, 2))
FIRST_ID = 72057594037927936
"""Kinect's body ids are a little above 2^56."""

GHOSTS = 0.04
"""The share of clips in which Kinect sees a body where there is none, at severity 1."""


@dataclass(frozen=True)
class Clip:
    """One simulated clip.

    Parameters
    ----------
    name
        NTU's name.
    skeleton
        What the Kinect says: every body, also a false one.
    frames
        The clip's length as it is prepared: without the frames in which no actor is seen.
    measured
        The tracks of the actors as they are prepared.
    truth
        The clean tracks: same actors, first frames and lengths.
    """

    name: ClipName
    skeleton: Skeleton
    frames: int
    measured: tuple[Track, ...]
    truth: tuple[Track, ...]

    @property
    def pair(self) -> tuple[np.ndarray, np.ndarray]:
        """Measured and clean joints of the first actor, [n, 25, 3] metres: the longest stretch in which it is seen."""
        start, stop = _longest(np.asarray(self.measured[0].tracked.any(axis=1)))
        return self.measured[0].joints[start:stop], self.truth[0].joints[start:stop]


def choose_clips(section: SimulateSection) -> list[ClipName]:
    """Choose the clips, in order of their names.

    They are spread evenly over actions, performers, and views (camera and replication); each performer appears in one
    setup with all views, then in a further one. The 302 names that everybody leaves out are not used.

    Raises
    ------
    ValueError
        There are not so many names.
    """
    people = section.performer_numbers()
    orders = {
        (action, person): np.random.default_rng([section.seed, 2, action, person]).permutation(len(VIEWS))
        for action in section.actions
        for person in people
    }
    capacity = len(orders) * len(VIEWS) * len(SETUPS)
    if section.clips > capacity:
        raise ValueError(f"at most {capacity} clips of {len(section.actions)} actions by {len(people)} performers")
    chosen: list[ClipName] = []
    for turn in count():
        visit, place = divmod(turn, len(people))
        later, view = divmod(visit, len(VIEWS))
        if later >= len(SETUPS):
            break
        for shift, action in enumerate(section.actions):
            position = (place + shift) % len(people)
            person = people[position]
            camera, replication = VIEWS[orders[action, person][view]]
            setup = 1 + (position // 4 + later * (1 + (len(people) - 1) // 4)) % len(SETUPS)
            name = ClipName(setup, camera, person, replication, action)
            if str(name) in MISSING:
                continue
            chosen.append(name)
            if len(chosen) == section.clips:
                return sorted(chosen)
    raise ValueError(f"only {len(chosen)} clips of {len(section.actions)} actions by {len(people)} performers")


def simulate_clip(section: SimulateSection, name: ClipName) -> Clip:
    """Make one clip; it depends on the seed, the severity, the setting and the name alone."""
    clean, rng = clean_clip(section, name)
    bodies = [
        _measure(FIRST_ID + 1009 * int(rng.integers(1, 4000)) + who, clean, who, rng, section)
        for who in range(len(clean))
    ]
    frames = clean.shape[1]
    real = Skeleton(frames, tuple(bodies))
    skeleton = real
    if rng.random() < min(GHOSTS * section.severity, 0.5):
        skeleton = Skeleton(frames, (*bodies, _ghost(frames, rng)))
    chosen = choose_actors(skeleton)
    origin = _origins(bodies)
    if not all(_known(track, origin) for track in chosen[1]):
        skeleton, chosen = real, choose_actors(real)  # a ghost so lifelike that it passed for an actor has no truth
    return _with_truth(name, skeleton, chosen, clean, origin)


def clean_clip(section: SimulateSection, name: ClipName) -> tuple[np.ndarray, np.random.Generator]:
    """Return a clip's clean joints in the camera's axes, [people, T, 25, 3] metres, and the source of its errors."""
    seed = [section.seed, name.setup, name.camera, name.performer, name.replication, name.action]
    rng = np.random.default_rng([3, *seed])
    style = np.random.default_rng([section.seed, 4, name.performer, name.action])
    action = repertoire().actions[name.action]
    people = [make_performer(section.seed, name.performer)]
    if action.apart is not None:
        # The partner is somebody of the same half of the performers, so that nobody is seen on both sides of a split.
        people.append(make_performer(section.seed, PERFORMERS + name.performer))
    world = perform(action, tuple(people), facing(name), style, rng)
    if section.movements:
        own = np.random.default_rng([5, *seed])  # so that the errors are those of the same clip without
        chosen = int(own.integers(len(section.movements) + 1))
        if chosen < len(section.movements):
            world[0] = add_movement(section.movements[chosen], world[0], across(name), own, FPS)
    return to_camera(world, name), rng


def _measure(number: int, clean: np.ndarray, who: int, rng: np.random.Generator, section: SimulateSection) -> Body:
    others, setting = np.delete(clean, who, axis=0), SETTINGS[section.setting]
    noisy, tracked = kinect_noise(clean[who], rng, section.severity, others, setting)
    seen = np.flatnonzero(lost_frames(len(noisy), rng, section.severity))
    return Body(number, seen, noisy[seen].astype(np.float32), tracked[seen])


def _ghost(frames: int, rng: np.random.Generator) -> Body:
    times, joints = ghost(frames, rng)
    return Body(FIRST_ID + 5_000_000, times, joints.astype(np.float32), np.ones(joints.shape[:2], np.uint8))


_Origins = dict[bytes, tuple[int, int]]
"""Which person and frame a measured skeleton belongs to."""


def _origins(bodies: list[Body]) -> _Origins:
    return {
        joints.tobytes(): (who, int(frame))
        for who, body in enumerate(bodies)
        for frame, joints in zip(body.frames, body.joints, strict=True)
    }


def _known(track: Track, origin: _Origins) -> bool:
    seen = track.joints[track.tracked.any(axis=1)]
    return all(joints.tobytes() in origin for joints in seen)


def _with_truth(
    name: ClipName, skeleton: Skeleton, chosen: tuple[int, list[Track]], clean: np.ndarray, origin: _Origins
) -> Clip:
    """Find who each actor is, and lay the clean joints out as the measured ones are."""
    frames, tracks = chosen
    times = np.zeros(frames, np.int64)  # of the prepared clip's frames, in the recording
    owners = []
    for track in tracks:
        seen = np.flatnonzero(track.tracked.any(axis=1))
        found = np.array([origin[track.joints[row].tobytes()] for row in seen])
        times[track.first_frame + seen] = found[:, 1]
        # Frames in between in which the actor is not seen belong to whoever was seen last.
        last = np.searchsorted(seen, np.arange(len(track.joints)), side="right") - 1
        owners.append(found[last, 0])
    truth = []
    for track, owner in zip(tracks, owners, strict=True):
        length = len(track.joints)
        joints = clean[owner, times[track.first_frame : track.first_frame + length]].astype(np.float32)
        truth.append(
            Track(track.actor, track.first_frame, joints, np.full((length, 25), 2, np.uint8), frames=track.frames)
        )
    return Clip(name, skeleton, frames, tuple(tracks), tuple(truth))


def _longest(seen: np.ndarray) -> tuple[int, int]:
    """Return where the longest run of True begins and ends."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    best = int(np.argmax(ends - starts))
    return int(starts[best]), int(ends[best])
