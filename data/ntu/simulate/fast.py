"""Fast movements on top of the actions: people who cross the room, kick, throw, jump and fall.

The actions are done on the spot, and few of them are quick. These move a whole body at 1 to 4 m/s, and hands and feet
at up to some 15. Bones keep their lengths.
"""

from typing import Literal, get_args

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from data.ntu.simulate.kinematics import key_weights, minimum_jerk, two_bones, unit

Movement = Literal["walk", "run", "kick", "throw", "jump", "fall"]
MOVEMENTS: tuple[Movement, ...] = get_args(Movement)

GRAVITY = 9.81
UP = np.array([0.0, 1.0, 0.0])

SPEEDS = {"walk": (1.0, 2.0), "run": (2.0, 4.0)}
"""Metres a second."""

STRIDES = {"walk": (0.8, 1.1), "run": (1.3, 1.6)}
"""Steps of the same foot a second."""

LIFTS = {"walk": 0.1, "run": 0.25}
"""Metres that a foot is lifted."""

STANDING = 0.75
"""The share of the legs' length below which a body's hips are those of somebody who sits or crouches."""

LEGS = ((12, 13, 14, (15,)), (16, 17, 18, (19,)))
ARMS = ((4, 5, 6, (7, 21, 22)), (8, 9, 10, (11, 23, 24)))
"""Left and right: where the limb begins, its middle and its end, and what is beyond that."""

FEET = (14, 15, 18, 19)

Limb = tuple[int, int, int, tuple[int, ...]]


def add_movement(
    kind: Movement, joints: np.ndarray, across: np.ndarray, rng: np.random.Generator, fps: float
) -> np.ndarray:
    """Let a person do something quick while he does what he does.

    Parameters
    ----------
    kind
        What; who sits throws, and nothing else.
    joints
        [T, 25, 3] metres, y up, the floor at 0.
    across
        Unit vector [3]: the horizontal direction in which there is room to walk.
    rng
        Draws when, how far and how fast.
    fps
        Frames a second.

    Returns
    -------
    float array [T, 25, 3]
    """
    seconds = np.arange(len(joints)) / fps
    if kind == "throw":
        return _swing(joints, ARMS, _throw(rng), seconds, rng)
    if not _stands(joints):
        return joints
    if kind == "kick":
        return _swing(joints, LEGS, _kick(rng), seconds, rng)
    if kind == "jump":
        return _jump(joints, seconds, rng)
    if kind == "fall":
        return _fall(joints, seconds, rng)
    return _cross(kind, joints, across, seconds, rng)


def _stands(joints: np.ndarray) -> bool:
    hips, knees, ankles = (joints[:, [limb[part] for limb in LEGS]] for part in range(3))
    legs = np.linalg.norm(hips - knees, axis=-1) + np.linalg.norm(knees - ankles, axis=-1)
    return bool((hips[..., 1] > STANDING * legs).all())


def _bend(joints: np.ndarray, limb: Limb, end: np.ndarray) -> None:
    """Take a limb's end to another place, as near as it reaches, in place."""
    first, middle, last, beyond = limb
    root = joints[:, first]
    upper = float(np.linalg.norm(joints[0, middle] - root[0]))
    lower = float(np.linalg.norm(joints[0, last] - joints[0, middle]))
    pole = joints[:, middle] - 0.5 * (root + joints[:, last])
    before = joints[:, last].copy()
    joints[:, middle], joints[:, last] = two_bones(root, end, upper, lower, pole)
    joints[:, list(beyond)] += (joints[:, last] - before)[:, None]


def _forward(joints: np.ndarray) -> np.ndarray:
    """Return where a body faces, horizontal unit vectors [T, 3]."""
    left = joints[:, LEGS[0][0]] - joints[:, LEGS[1][0]]
    return unit(np.cross(left * (1.0, 0.0, 1.0), UP))


def _throw(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Draw how an arm turns, one after the other: seconds, degrees forward of all of it, and of the forearm."""
    return [
        (rng.uniform(0.35, 0.55), rng.uniform(120, 150), rng.uniform(50, 80)),
        (rng.uniform(0.18, 0.3), rng.uniform(60, 80), 0.0),
        (rng.uniform(0.2, 0.3), 10.0, 0.0),
        (rng.uniform(0.4, 0.8), 0.0, 0.0),
    ]


def _kick(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Draw how a leg turns, as `_throw`."""
    return [
        (rng.uniform(0.25, 0.4), -rng.uniform(15, 35), -rng.uniform(40, 70)),
        (rng.uniform(0.2, 0.35), rng.uniform(45, 90), 0.0),
        (rng.uniform(0.4, 0.6), 0.0, 0.0),
    ]


def _swing(
    joints: np.ndarray,
    limbs: tuple[Limb, Limb],
    course: list[tuple[float, float, float]],
    seconds: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Turn a limb about where it begins, and its end about its middle, the body's left being the axis."""
    first, middle, last, beyond = limbs[int(rng.integers(2))]
    lasts, whole, end = np.array(course).T
    ends = rng.uniform(0.0, max(seconds[-1] - lasts.sum(), 0.0)) + lasts.cumsum()
    weights = key_weights(ends - lasts, ends, seconds)[1:]
    axis = -np.cross(UP, _forward(joints))
    moved = joints.copy()
    for pivot, others, degrees in (
        (middle, [last, *beyond], end @ weights),
        (first, [middle, last, *beyond], whole @ weights),
    ):
        turn = Rotation.from_rotvec(np.radians(degrees)[:, None] * axis).as_matrix()
        place = moved[:, [pivot]]
        moved[:, others] = place + np.einsum("tij,tnj->tni", turn, moved[:, others] - place)
    return moved


def _lowered(joints: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Lower a body [T] metres over its feet, which stay, and bend its knees."""
    moved = joints - by[:, None, None] * UP
    for limb in LEGS:
        _bend(moved, limb, joints[:, limb[2]])
    return moved


def _jump(joints: np.ndarray, seconds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Crouch, fly as high as gravity lets one, land and give way."""
    top, low = rng.uniform(0.1, 0.5), rng.uniform(0.08, 0.2)
    half = np.sqrt(2 * top / GRAVITY)
    middle = rng.uniform(0.0, seconds[-1])
    height = np.maximum(top * (1 - ((seconds - middle) / half) ** 2), 0.0)
    before, after = (seconds - (middle - half - 0.4)) / 0.2, (seconds - (middle + half)) / 0.15
    dip = sum(minimum_jerk(share) * minimum_jerk(2 - share) for share in (before, after))
    return _lowered(joints, low * dip) + height[:, None, None] * UP


def _fall(joints: np.ndarray, seconds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Tip over about the feet as a pole does, faster and faster, bounce a little, and lie."""
    lasts, angle = rng.uniform(0.6, 1.0), np.radians(rng.uniform(75, 88))
    start = rng.uniform(0.0, max(seconds[-1] - lasts, 0.0))
    since = (seconds - start - lasts).clip(min=0)
    bounce = np.radians(rng.uniform(0, 6)) * np.abs(np.sin(2 * np.pi * since / 0.5)) * np.exp(-since / 0.15)
    turned = angle * ((seconds - start) / lasts).clip(0, 1) ** 2.5 - bounce
    azimuth = rng.uniform(0, 2 * np.pi)
    along = np.array([np.cos(azimuth), 0.0, np.sin(azimuth)])
    pivot = joints[:, list(FEET)].mean(axis=1, keepdims=True) * (1.0, 0.0, 1.0)
    left = joints - pivot
    ahead, high = left @ along, left[..., 1]
    cosine, sine = np.cos(turned)[:, None], np.sin(turned)[:, None]
    further, higher = ahead * (cosine - 1) + high * sine, high * (cosine - 1) - ahead * sine
    fallen = joints + further[..., None] * along + higher[..., None] * UP
    fallen[..., 1] += (-fallen[..., 1].min(axis=1)).clip(min=0)[:, None]  # nobody sinks into the floor
    return fallen


def _cross(
    kind: Literal["walk", "run"], joints: np.ndarray, across: np.ndarray, seconds: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Go to and fro through the room, facing ahead, legs and arms swinging."""
    speed, rate = rng.uniform(*SPEEDS[kind]), rng.uniform(*STRIDES[kind])
    width = rng.uniform(3.0, 5.0)
    way = rng.choice([-1.0, 1.0]) * across
    lasts, pause = width / speed, rng.uniform(0.3, 1.0)
    start = rng.uniform(-0.5, 0.3) * min(lasts, seconds[-1])
    fps = 1 / (seconds[1] - seconds[0])
    # From one side to the other and back, at a constant speed; getting there and away takes a while.
    corners = start + np.concatenate([[0.0, lasts], [lasts + pause, 2 * lasts + pause], [2 * (lasts + pause)]])
    margin = int(fps)
    longer = (np.arange(-margin, len(seconds) + margin)) / fps
    place = np.interp(longer, corners, np.array([-0.5, 0.5, 0.5, -0.5, -0.5]) * width)
    place = gaussian_filter1d(place, 0.15 * fps)
    pace = np.gradient(place, 1 / fps)[margin:-margin]
    place = place[margin:-margin]
    back = minimum_jerk((seconds - corners[1]) / pause)  # turns around in the pause
    facing = _forward(joints)[0]
    turn = np.arctan2(np.cross(way, facing)[1], way @ facing)
    angle = -turn + np.pi * back
    middle = joints[:, :1] * (1.0, 0.0, 1.0)
    left = joints - middle
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    moved = left.copy()
    moved[..., 0] = cosine * left[..., 0] + sine * left[..., 2]
    moved[..., 2] = cosine * left[..., 2] - sine * left[..., 0]
    moved += middle + (place[:, None] * way)[:, None]
    swing = 2 * np.pi * rate * seconds + rng.uniform(0, 2 * np.pi)
    stride = (pace / (2 * np.pi * rate)).clip(-0.45, 0.45)
    share = np.abs(pace) / speed
    bob = (0.02 if kind == "walk" else 0.05) * share * (1 + np.cos(2 * swing))
    standing = moved.copy()
    moved[..., 1] += bob[:, None]
    for limbs, size in ((LEGS, 1.0), (ARMS, rng.uniform(0.3, 0.8))):
        for limb, phase in zip(limbs, (swing, swing + np.pi), strict=True):
            legs = limbs is LEGS
            forward = (1 if legs else -1) * size * stride * np.sin(phase)
            lift = LIFTS[kind] * share * np.maximum(np.cos(phase), 0) ** 2 if legs else np.zeros_like(share)
            target = (standing if legs else moved)[:, limb[2]] + forward[:, None] * way + lift[:, None] * UP
            _bend(moved, limb, target)
    return moved
