"""What `steady_ntu25` learns from: simulated Kinect recordings of bodies of all kinds, none of which is an error.

Other sensors put joints elsewhere, and other people have other proportions. Neither is an error: here both are drawn at
random and belong to the truth, so that only what changes in time can be learnt to be wrong.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from data.ntu.names import ClipName
from data.ntu.simulate.clips import clean_clip
from data.ntu.simulate.config import SimulateSection
from data.ntu.simulate.kinect import SETTINGS, kinect_noise
from data.ntu.simulate.motion import MIRROR
from data.ntu.splits import TRAIN_PERFORMERS
from refine.steady.movements import SEED, make_movement
from refine.steady.net import Networks
from refine.steady.noise import mishaps
from refine.steady.ntu25.view import (
    ACROSS,
    COLUMNS,
    FPS,
    JOINTS,
    POSITIONS,
    TREE,
    Viewer,
    interpolate,
    measure_body,
    tells,
)
from refine.steady.smoother import prepare

MOST_FRAMES = 240

TRUST = np.array([0.0, 0.5, 1.0], np.float32)
"""What joints that are not tracked, inferred and tracked count."""


@dataclass(frozen=True)
class Recording:
    """One sequence at the network's rate.

    Parameters
    ----------
    noisy
        float32 [T, 25, 3], what was measured, metres; NaN where nothing was.
    truth
        float32 [T, 25, 3].
    confidence
        float32 [T, 25]; None if tracking states are not told.
    every
        Only each so many frames were measured; the rest of `noisy` and `confidence` is not looked at.
    """

    noisy: np.ndarray
    truth: np.ndarray
    confidence: np.ndarray | None
    every: int = 1


def make_recording(seed: int, number: int, performers: tuple[int, ...] = ()) -> Recording:
    """Draw a recording; it depends on the arguments alone.

    Parameters
    ----------
    seed, number
        Of the material, and of the recording in it.
    performers
        Whose movements; the training performers by default.
    """
    rng = np.random.default_rng([seed, 25, number])
    clean, others = _movement(rng, performers or TRAIN_PERFORMERS)
    if rng.random() < 0.4:
        clean = reshaped(clean, _proportions(rng))
    if rng.random() < 0.3:
        clean, others = _tilt(rng, clean, others)
    severity = float(np.exp(rng.uniform(np.log(0.3), np.log(3.0))))
    kind = rng.random()
    if kind < 0.14:
        severity *= 0.1 if kind < 0.1 else 0.0
    setting = SETTINGS["lab" if rng.random() < 0.25 else "ntu"]
    noisy, tracked = kinect_noise(clean, rng, severity, others, setting)
    if rng.random() < 0.1:  # some sensors smooth what they say
        keep, error = float(rng.uniform(0.3, 0.8)), noisy - clean
        for frame in range(1, len(error)):
            error[frame] = keep * error[frame - 1] + (1 - keep) * error[frame]
        noisy = clean + error
    if severity > 0.2 and rng.random() < 0.08:
        mishaps(rng, noisy, FPS, float(np.exp(rng.uniform(np.log(0.02), np.log(0.3)))))
    if rng.random() < 0.4:
        offsets = conventions(rng, clean)
        noisy, clean = noisy + offsets, clean + offsets
    confidence = None if rng.random() < 0.3 else TRUST[tracked]
    noisy = np.where(tracked[..., None] > 0, noisy, np.nan)
    if rng.random() < 0.1:  # a sensor that does not know some joints
        noisy[:, rng.permutation(JOINTS)[: int(rng.integers(1, 6))]] = np.nan
    if rng.random() < 0.1:
        for _ in range(int(rng.integers(1, 8))):
            start = int(rng.integers(0, len(noisy)))
            noisy[start : start + 1 + int(rng.exponential(8)), int(rng.integers(JOINTS))] = np.nan
    every = int(rng.integers(2, 4)) if rng.random() < 0.06 else 1
    return Recording(noisy.astype(np.float32), clean.astype(np.float32), confidence, every)


def _movement(rng: np.random.Generator, performers: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray | None]:
    """Draw a clean movement and who else is there: two thirds as the simulator has it, the rest any."""
    if rng.random() < 0.33:
        movement = make_movement(rng, FPS, int(rng.integers(45, MOST_FRAMES)), performers)
        return movement.joints, None
    name = ClipName(
        setup=int(rng.integers(1, 18)),
        camera=int(rng.integers(1, 4)),
        performer=int(rng.choice(performers)),
        replication=int(rng.integers(1, 3)),
        action=int(rng.integers(1, 61)),
    )
    section = SimulateSection(seed=SEED + int(rng.integers(0, 100)), performers=(name.performer,))
    people = clean_clip(section, name)[0][:, :MOST_FRAMES]
    who = int(rng.integers(len(people)))
    others = np.delete(people, who, axis=0)
    return people[who], others if len(others) else None


def _proportions(rng: np.random.Generator) -> np.ndarray:
    """Draw factors of the bones' lengths, by the joints at their ends; mostly the same on both sides."""
    logs = rng.normal(0, rng.uniform(0.02, 0.12), JOINTS)
    if rng.random() < 0.8:
        logs = (logs + logs[MIRROR]) / np.sqrt(2)
    return np.exp(logs)


def reshaped(joints: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Make bones longer or shorter, [T, 25, 3]."""
    out = joints.copy()
    for parent, joint in TREE.bones:
        out[:, joint] = out[:, parent] + factors[joint] * (joints[:, joint] - joints[:, parent])
    return out


def _tilt(
    rng: np.random.Generator, clean: np.ndarray, others: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Let the camera not be level."""
    turn = Rotation.from_euler("xz", rng.normal(0, 6, 2), degrees=True).as_matrix().T
    centre = clean.reshape(-1, 3).mean(axis=0)
    return (clean - centre) @ turn + centre, None if others is None else (others - centre) @ turn + centre


def conventions(rng: np.random.Generator, clean: np.ndarray) -> np.ndarray:
    """Draw where another sensor puts the joints: so far off in the body's own axes, which turn with it, [T, 25, 3]."""
    across = sum(clean[:, left] - clean[:, right] for left, right in ACROSS)
    across = np.asarray(across)[:, [0, 2]]
    turned = np.unwrap(np.arctan2(across[:, 1], across[:, 0]))
    width = min(15, len(turned))
    ends = np.pad(turned, (width // 2, width - 1 - width // 2), mode="edge")
    turned = np.convolve(ends, np.full(width, 1 / width), mode="valid")
    offsets = rng.normal(0, rng.uniform(0.005, 0.03), (JOINTS, 3))
    sides = np.array([-1.0, 1.0, 1.0])
    offsets = (offsets + offsets[MIRROR] * sides) / np.sqrt(2) if rng.random() < 0.7 else offsets
    cos, sin = np.cos(turned)[:, None], np.sin(turned)[:, None]
    x, y, z = offsets.T
    return np.stack([cos * x - sin * z, np.broadcast_to(y, (len(turned), JOINTS)), sin * x + cos * z], axis=2)


@dataclass(frozen=True)
class Sample:
    """What the network learns from in one recording, in body sizes and in the body's axes.

    Parameters
    ----------
    base
        float32 [T, 75]: positions as `steady` has them.
    rest
        float16 [T, COLUMNS - 75]: the rest of what the network sees.
    error
        float16 [T, 75]: base less truth.
    gate
        float32 [T].
    known
        bool [25]: joints that were seen at all.
    raw
        Mean error of the observation.
    """

    base: np.ndarray
    rest: np.ndarray
    error: np.ndarray
    gate: np.ndarray
    known: np.ndarray
    raw: float

    @property
    def numbers(self) -> np.ndarray:
        """All that the network sees, float32 [T, COLUMNS]."""
        return np.concatenate([self.base, self.rest.astype(np.float32)], axis=1)


def make_sample(networks: Networks, seed: int, number: int, performers: tuple[int, ...] = ()) -> Sample:
    """Draw a recording and look at it."""
    recording = make_recording(seed, number, performers)
    every, truth = recording.every, recording.truth
    frames = (len(truth) - 1) // every * every + 1
    noisy, truth = recording.noisy[:frames:every], truth[:frames]
    confidence = None if recording.confidence is None else recording.confidence[:frames:every]
    body = measure_body(noisy, confidence)
    given = prepare(noisy, confidence, body.size)
    view = Viewer(networks, FPS / every)(given, body, tells(confidence))
    numbers, gate, base, axes = view.numbers, view.gate, view.base, view.axes
    if every > 1:
        at = np.arange(frames) / every
        numbers, gate, base = interpolate(numbers, at), interpolate(gate, at), interpolate(base, at)
        axes = type(axes)(body, interpolate(axes.across, at))
    target = ((truth - given.centre) / body.size).transpose(0, 2, 1)
    error = axes.into(base - target.astype(np.float32)).reshape(frames, POSITIONS)
    seen = given.confidence > 0
    off = np.linalg.norm((given.x - target[::every]).transpose(0, 2, 1), axis=-1)[seen]
    assert numbers.shape == (frames, COLUMNS)
    return Sample(
        numbers[:, :POSITIONS].copy(),
        numbers[:, POSITIONS:].astype(np.float16),
        error.astype(np.float16),
        gate,
        np.asarray(seen.any(axis=0)),
        float(off.mean()) if len(off) else 0.0,
    )


def _mirror() -> tuple[np.ndarray, np.ndarray]:
    """Return where each number that the network sees comes from in a mirror, and its sign there."""
    order, signs = np.arange(COLUMNS), np.ones(COLUMNS, np.float32)
    vectors = COLUMNS // JOINTS - 4  # coordinates of joints come first
    joints = order[: JOINTS * (vectors + 4)].reshape(-1, JOINTS)
    joints[...] = joints[:, MIRROR]
    signs[: JOINTS * vectors].reshape(-1, 3, JOINTS)[:, 0] = -1
    signs[-5] = -1
    return order, signs


_ORDER, _SIGNS = _mirror()


def mirrored(numbers: np.ndarray) -> np.ndarray:
    """Return what would be seen in a mirror: of all numbers, of positions and choices alone, or of positions alone.

    Parameters
    ----------
    numbers
        [..., n].
    """
    count = numbers.shape[-1]
    return numbers[..., _ORDER[:count]] * _SIGNS[:count]
