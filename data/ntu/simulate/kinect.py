"""The errors of Kinect v2, for any clean skeleton of NTU's 25 joints in a camera's axes.

Measured on real clips and against optical motion capture, they are neither white nor Gaussian: a jitter that is low
most of the time and bursts now and then; a slow drift; joints that the camera cannot see are `inferred`, and then held,
far off or drifting for many frames, and come back with a jump; left and right are swapped, the whole body jumps, and
now and then it is lost. All of it grows with the distance and is largest in depth. `data.ntu.simulate.calibration`
compares the result with what was measured.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import lfilter

from data.ntu.simulate.motion import MIRROR

PARTS = {
    "spine": (0, 1, 20), "head": (2, 3), "shoulders": (4, 8), "elbows": (5, 9), "wrists": (6, 10), "hands": (7, 11),
    "tips": (21, 22, 23, 24), "hips": (12, 16), "knees": (13, 17), "ankles": (14, 18), "feet": (15, 19),
}  # fmt: skip
"""Joints that err alike; the tuples of a `Setting` are in this order."""

_PART = np.empty(25, np.int64)
for _index, _joints in enumerate(PARTS.values()):
    _PART[list(_joints)] = _index


@dataclass(frozen=True)
class Setting:
    """How bad a recording's errors are: the numbers that the calibration fits.

    Parameters
    ----------
    jitter
        Metres per axis at 3 m in a calm stretch, per part of `PARTS`.
    drift
        Metres per axis at 3 m, per part.
    inferred
        The share of frames in which a joint in plain view is inferred all the same, per part.
    bursts
        The s.d. of the logarithm of the jitter's size over time: 0 is steady, 1 is calm with bursts.
    gusts
        The same of the drift's.
    spread
        The same from clip to clip (clothes, light, what stands around).
    astray
        Metres per axis by which an inferred joint goes astray.
    events
        Whole-body jumps per frame.
    event
        Their median size, metres.
    event_spread
        The s.d. of the logarithm of their size.
    swaps
        The share of frames in which left and right are taken for each other where they overlap in the image.
    """

    jitter: tuple[float, ...]
    drift: tuple[float, ...]
    inferred: tuple[float, ...]
    bursts: float
    gusts: float
    spread: float
    astray: float
    events: float
    event: float
    event_spread: float
    swaps: float


def _millimetres(*sizes: float) -> tuple[float, ...]:
    return tuple(1e-3 * size for size in sizes)


NTU = Setting(
    jitter=_millimetres(0.5, 0.58, 0.47, 0.63, 1.7, 2.8, 5.6, 0.74, 1, 1.2, 6.1),
    drift=_millimetres(4.7, 5.7, 6.6, 8.5, 11, 12, 13, 4.7, 7.6, 9.5, 11),
    inferred=(0, 0, 0.025, 0.1, 0.35, 0.59, 0.1, 0, 0.033, 0.066, 0.082),
    bursts=1.64,
    gusts=0.84,
    spread=0.62,
    astray=0.059,
    events=0.0016,
    event=0.13,
    event_spread=1.03,
    swaps=0.02,
)
"""A raw recording as in NTU RGB+D: all views, clothes and lights, and the skeleton tracker's own mishaps."""

LAB = replace(
    NTU,
    jitter=tuple(0.5 * size for size in NTU.jitter),
    drift=tuple(0.95 * size for size in NTU.drift),
    spread=0.31,
    astray=0.047,
    events=0.0,
    swaps=0.0,
)
"""A cooperative person in an empty, well lit room, whom the tracker never loses."""

SETTINGS = {"ntu": NTU, "lab": LAB}

# The limbs' ends are noisy all the time, the trunk in bursts; and they go further astray.
_BURSTY = np.array([1.0, 1.0, 1.0, 0.95, 0.85, 0.75, 0.7, 1.0, 0.95, 0.9, 0.7], np.float32)[_PART]
_LIMB = np.array([0.8, 0.8, 1.0, 1.2, 1.6, 2.0, 2.0, 0.9, 1.4, 1.6, 1.8], np.float32)[_PART]
_DRIFTING = 9.5  # frames in which drifts and errors of inferred joints change
_STAYING = 11  # frames for which an inferred joint stays where it was put
_REFERENCE = 3.0  # metres from the camera
_AXES = np.array([0.79, 1.0, 1.21], np.float32)  # x, y, z

# What can hide a joint: capsules (joint, joint, radius in metres). Hands are not worth their cost.
_CAPSULES = (
    (0, 1, 0.13), (1, 20, 0.14), (2, 3, 0.09), (4, 5, 0.05), (5, 6, 0.045), (8, 9, 0.05), (9, 10, 0.045),
    (12, 13, 0.07), (13, 14, 0.055), (16, 17, 0.07), (17, 18, 0.055),
)  # fmt: skip
_ENDS = np.array([capsule[:2] for capsule in _CAPSULES])
_RADII = np.array([capsule[2] for capsule in _CAPSULES], np.float32)[:, None, None]
# A joint is not hidden by the bones it belongs to, nor the trunk's and the shoulders' and hips' by the trunk.
_OWN = np.zeros((len(_CAPSULES), 25), bool)
for _index, (_a, _b, _) in enumerate(_CAPSULES):
    _OWN[_index, [_a, _b]] = True
_OWN[np.ix_([0, 1, 2], [0, 1, 2, 3, 4, 8, 12, 16, 20])] = True
_OWN[4, [7, 21, 22]] = True
_OWN[6, [11, 23, 24]] = True
_OWN[8, 15] = _OWN[10, 19] = True

_CHAIN = (
    (6, 5, 0.5), (7, 6, 0.7), (21, 7, 0.5), (22, 21, 0.8), (10, 9, 0.5), (11, 10, 0.7), (23, 11, 0.5), (24, 23, 0.8),
)  # fmt: skip
"""(joint, the joint before it, how much they share): joints of one arm are lost together."""

_SWAPPED = {"arms": np.array([5, 6, 7, 21, 22, 9, 10, 11, 23, 24]), "legs": np.array([13, 14, 15, 17, 18, 19])}


def hidden(joints: np.ndarray, others: np.ndarray | None = None) -> np.ndarray:
    """Say how far each joint is hidden from the camera, behind the own body or another's.

    Parameters
    ----------
    joints
        [T, 25, 3], metres, in the camera's axes.
    others
        Bodies that may stand in between, [B, T, 25, 3].

    Returns
    -------
    float array [T, 25]: 0 in plain view, 1 well behind a trunk or limb
    """
    # One contiguous row per coordinate and joint: the comparison below is limited by memory.
    points = np.ascontiguousarray(np.moveaxis(joints, 0, -1), np.float32)
    most = _behind(points, points, _OWN)
    for other in others if others is not None else ():
        body = np.ascontiguousarray(np.moveaxis(other, 0, -1), np.float32)
        most = np.maximum(most, _behind(points, body, None))
    return most.T


def _behind(points: np.ndarray, body: np.ndarray, exempt: np.ndarray | None) -> np.ndarray:
    """Compare every joint's line of sight with every capsule of a body, both [25, 3, T]; [25, T]."""
    depth = np.maximum(points[:, 2], 0.3)
    x, y = points[:, 0] / depth, points[:, 1] / depth
    ends = body[_ENDS.T]  # [2, capsules, 3, T]
    near, far = np.maximum(ends[:, :, 2], 0.3)[:, :, None]
    (ax, bx), (ay, by) = ends[:, :, 0, None] / (near, far), ends[:, :, 1, None] / (near, far)
    edge_x, edge_y = bx - ax, by - ay
    gap_x, gap_y = x - ax, y - ay  # [capsules, 25, T]
    along = (gap_x * edge_x + gap_y * edge_y) / np.maximum(edge_x**2 + edge_y**2, np.float32(1e-9))
    along = np.minimum(np.maximum(along, 0.0), 1.0)
    gap_x -= along * edge_x
    gap_y -= along * edge_y
    bone = near + along * (far - near)
    inside = 2.0 - np.sqrt(gap_x * gap_x + gap_y * gap_y) * bone * (2.0 / _RADII)
    deeper = (depth - bone - 0.6 * _RADII) * np.float32(20.0)
    score = np.minimum(np.maximum(inside, 0.0), 1.0) * np.minimum(np.maximum(deeper, 0.0), 1.0)
    if exempt is not None:
        score[exempt] = 0.0
    return score.max(axis=0)


def kinect_noise(
    joints: np.ndarray,
    rng: np.random.Generator,
    severity: float = 1.0,
    others: np.ndarray | None = None,
    setting: Setting = NTU,
) -> tuple[np.ndarray, np.ndarray]:
    """Measure a clean skeleton as a Kinect v2 at 30 fps would.

    Parameters
    ----------
    joints
        [T, 25, 3], metres, in the camera's axes (y up, z away from the camera).
    rng
        Draws the errors.
    severity
        0: the clean skeleton, all tracked; 1: as measured. Errors grow in proportion, and hidden stretches, swaps and
        whole-body jumps become more frequent.
    others
        Other bodies in view, which may hide this one, [B, T, 25, 3].
    setting
        The recording's conditions: `NTU`, or `LAB` for a cooperative person in an empty room.

    Returns
    -------
    noisy : float array [T, 25, 3]
    tracked : uint8 array [T, 25]; 1 inferred, 2 tracked, 0 not tracked

    Raises
    ------
    ValueError
        The skeleton is not of 25 joints, or not finite.
    """
    clean = np.asarray(joints, np.float64)
    if clean.ndim != 3 or clean.shape[1:] != (25, 3) or not np.isfinite(clean).all():
        raise ValueError(f"a skeleton of shape {clean.shape}, expected finite numbers [T, 25, 3]")
    if severity <= 0:
        return clean.copy(), np.full(clean.shape[:2], 2, np.uint8)
    return _err(clean, hidden(clean, others), rng, severity, setting)


def _err(
    clean: np.ndarray, blocked: np.ndarray, rng: np.random.Generator, severity: float, setting: Setting
) -> tuple[np.ndarray, np.ndarray]:
    frames, count = clean.shape[:2]
    far = (np.maximum(clean[..., 2], 0.5) / _REFERENCE).astype(np.float32)[..., None]
    clip = float(np.exp(setting.spread * np.clip(rng.standard_normal(), -2.0, 2.0)))

    # Always there: jitter, low but for bursts, and a slow drift, part of which the whole body shares.
    volatile = np.exp(setting.bursts * _BURSTY * _follow(_smooth(rng, (frames, count), 6.0)))[..., None]
    jitter = (
        _per_joint(setting.jitter) * _autoregress(rng, (frames, count, 3), 0.8) * (volatile * far * np.sqrt(far) * clip)
    )
    gusty = np.exp(setting.gusts * _follow(_smooth(rng, (frames, count), 12.0)))[..., None]
    slow = 0.85 * _smooth(rng, (frames, count, 3), _DRIFTING) + 0.5 * _smooth(rng, (frames, 1, 3), _DRIFTING)
    drift = slow * (_per_joint(setting.drift) * gusty * far * clip**0.5)

    # Inferred joints: the less visible, the more so; hands go with their wrists.
    level = _follow(_smooth(rng, (frames, count), 9.0))
    base = _per_joint(setting.inferred)[..., 0]
    share = np.clip((base * clip**0.3 + 0.85 * blocked * (base > 0)) * min(severity, 2.0), 0.0, 0.96)
    inferred = _uniform(level) < share
    # It takes some frames to lose a joint and to find it.
    trust = lfilter([0.65], [1.0, -0.35], np.where(inferred, 0.30 + 0.9 * blocked, 0.0), axis=0)[..., None]
    off = 0.8 * _jumps(rng, frames, count, 1 / _STAYING) + 0.6 * _smooth(rng, (frames, count, 3), _DRIFTING)
    held = np.clip(0.35 * (_hold(clean, inferred) - clean), -0.15, 0.15)
    astray = trust * (off * (setting.astray * _LIMB[:, None] * far) + held)

    # Once in a while the whole body jumps away and flickers for a few frames.
    rate = setting.events * clip * severity
    lasting = lfilter([1.0], [1.0, -0.6], (rng.random((frames, 1, 1)) < rate).astype(float), axis=0) > 0.3
    jump = np.zeros((1, 1, 1))
    if lasting.any():
        size = setting.event * np.exp(setting.event_spread * np.clip(_jumps(rng, frames, 1, 0.2)[..., :1], -2.0, 2.0))
        jump = lasting * size * (_jumps(rng, frames, 1, 0.4) + 0.4 * _jumps(rng, frames, count, 0.5))

    noisy = clean + severity * _AXES * (jitter + drift + astray + jump)
    noisy = _swap_sides(noisy, clean, rng, setting.swaps * severity)
    tracked = np.where(inferred, 1, 2).astype(np.uint8)
    lost = inferred & (blocked > 0.9) & (rng.random((frames, count)) < 0.01 * severity)
    tracked[lost] = 0
    noisy[..., 2] = np.maximum(noisy[..., 2], 0.4)
    return noisy, tracked


def _per_joint(parts: tuple[float, ...]) -> np.ndarray:
    return np.array(parts, np.float32)[_PART][:, None]


def lost_frames(frames: int, rng: np.random.Generator, severity: float = 1.0) -> np.ndarray:
    """Say in which frames the body is seen at all, bool [frames]; most clips lose none."""
    seen = np.ones(frames, bool)
    if rng.random() < min(0.06 * severity, 0.5) and frames > 3:
        length = int(rng.integers(2, max(3, frames // 5)))
        start = int(rng.integers(0, frames - length))
        seen[start : start + length] = False
    return seen


def ghost(frames: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return a body where there is none, as Kinect sees in furniture: (frame numbers [n], joints [n, 25, 3])."""
    length = min(frames, int(rng.integers(4, max(6, frames // 2))))
    start = int(rng.integers(0, frames - length + 1))
    centre = np.array([rng.choice([-1.0, 1.0]) * rng.uniform(0.9, 1.5), rng.uniform(-0.5, 0.0), rng.uniform(2.8, 4.2)])
    # A heap rather than a body: wider than high, which is how such tracks are told from people.
    still = centre + rng.normal(0.0, 1.0, (25, 3)) * np.array([0.22, 0.07, 0.12])
    return np.arange(start, start + length), still + rng.normal(0.0, 0.01, (length, 25, 3))


def _autoregress(rng: np.random.Generator, shape: tuple[int, ...], frames: float) -> np.ndarray:
    """Return unit-variance noise whose autocorrelation falls to 1/e in `frames` frames, along the first axis."""
    keep = np.exp(-1.0 / frames)
    return _filtered(rng, shape, int(5 * frames), [np.sqrt(1 - keep**2)], [1.0, -keep])


def _smooth(rng: np.random.Generator, shape: tuple[int, ...], frames: float) -> np.ndarray:
    """Return unit-variance noise as `_autoregress`, with a smooth course: the filter is applied twice."""
    keep = np.exp(-1.0 / (0.6 * frames))
    # Variance of two equal first-order filters in a row: (1 + k^2) / (1 - k^2)^3.
    gain = np.sqrt((1 - keep**2) ** 3 / (1 + keep**2))
    return _filtered(rng, shape, int(3.5 * frames), [gain], [1.0, -2 * keep, keep**2])


def _filtered(
    rng: np.random.Generator, shape: tuple[int, ...], margin: int, numerator: list[float], denominator: list[float]
) -> np.ndarray:
    """Filter white noise along the first axis; `margin` frames pass before, in which the filter settles."""
    white = rng.standard_normal((shape[0] + margin, *shape[1:]), np.float32)
    b, a = np.array(numerator, np.float32), np.array(denominator, np.float32)
    return lfilter(b, a, white, axis=0)[margin:]


def _uniform(normal: np.ndarray) -> np.ndarray:
    """Map unit normals to (0, 1) in order, by the logistic approximation of the normal distribution."""
    return 1.0 / (1.0 + np.exp(-1.702 * normal))


def _follow(level: np.ndarray) -> np.ndarray:
    """Let a hand's level follow its wrist's, and the finger tips' the hand's: joints of one arm are lost together."""
    for child, parent, kept in _CHAIN:
        level[:, child] = kept * level[:, parent] + np.sqrt(1 - kept**2) * level[:, child]
    return level


def _jumps(rng: np.random.Generator, frames: int, count: int, rate: float) -> np.ndarray:
    """Return offsets that hold and jump at random times, [frames, count, 3], unit variance."""
    new = rng.random((frames, count), np.float32) < rate
    new[0] = True
    since = np.maximum.accumulate(np.where(new, np.arange(frames)[:, None], 0), axis=0)
    draws = rng.standard_normal((frames, count, 3), np.float32)
    return draws[since, np.arange(count)]


def _hold(clean: np.ndarray, inferred: np.ndarray) -> np.ndarray:
    """Return every joint where it was last seen, relative to the base of the spine; [T, V, 3]."""
    relative = clean - clean[:, :1]
    frame = np.where(inferred, 0, np.arange(len(clean))[:, None])
    last = np.maximum.accumulate(frame, axis=0)
    return relative[last, np.arange(clean.shape[1])] + clean[:, :1]


def _swap_sides(noisy: np.ndarray, clean: np.ndarray, rng: np.random.Generator, share: float) -> np.ndarray:
    """Swap the left and the right arm or leg in stretches in which they overlap in the image."""
    overlap = np.clip(1.0 - np.abs(clean[:, 4, 0] - clean[:, 8, 0]) / 0.25, 0.0, 1.0)  # seen from the side
    for limb in _SWAPPED.values():
        swapped = _uniform(_smooth(rng, (len(clean),), 4.0)) < np.minimum(share * overlap, 0.5)
        noisy[np.ix_(swapped, limb)] = noisy[np.ix_(swapped, MIRROR[limb])]
    return noisy
