"""Performers: body proportions, handedness and style."""

from dataclasses import dataclass

import numpy as np

from data.ntu.splits import TRAIN_PERFORMERS

FPS = 30.0

# Shares of the body height. Limbs, breadths and heights after Drillis and Contini (1966) as tabulated by Winter,
# "Biomechanics and Motor Control of Human Movement"; breadths are narrowed to where Kinect v2 puts shoulders and hips,
# inside the body, and the spine and hand are divided as Kinect divides them.
SHARES = {
    "upper_arm": 0.186, "forearm": 0.146, "palm": 0.050, "fingers": 0.045, "thumb": 0.036,
    "thigh": 0.245, "shank": 0.246, "ankle_height": 0.039, "foot": 0.075,
    "hip": 0.048, "hip_drop": 0.012, "shoulder": 0.105,
    "lower_spine": 0.140, "upper_spine": 0.130, "neck": 0.040, "head": 0.075,
}  # fmt: skip


@dataclass(frozen=True)
class Performer:
    """One person.

    Parameters
    ----------
    number
        NTU's number, from 1.
    height
        Metres.
    lengths
        Metres, by the keys of `SHARES`.
    left_handed
        Whether the person does with the left hand and foot what others do with the right.
    speed
        1 is average; larger is faster.
    amplitude
        Factor on repeated movements and on bending.
    stance
        Half the distance between the feet, metres.
    posture
        Degrees added to the trunk's and the head's forward bend, [2].
    rest
        Metres added to where the hands hang: out, up, forward, [3].
    elbow
        Degrees added to how far the elbows stand out.
    """

    number: int
    height: float
    lengths: dict[str, float]
    left_handed: bool
    speed: float
    amplitude: float
    stance: float
    posture: tuple[float, float]
    rest: tuple[float, float, float]
    elbow: float


def make_performer(seed: int, number: int) -> Performer:
    """Draw a person; the same seed and number give the same person in every clip."""
    rng = np.random.default_rng([seed, 1, number])
    height = float(np.clip(rng.normal(1.70, 0.09), 1.50, 1.95))
    lengths = {key: height * share * float(np.exp(rng.normal(0.0, 0.03))) for key, share in SHARES.items()}
    return Performer(
        number=number,
        height=height,
        lengths=lengths,
        left_handed=_is_left_handed(seed, number),
        speed=float(np.exp(rng.normal(0.0, 0.16))),
        amplitude=float(np.exp(rng.normal(0.0, 0.16))),
        stance=height * float(rng.uniform(0.045, 0.085)),
        posture=(float(rng.normal(3.0, 2.5)), float(rng.normal(2.0, 6.0))),
        rest=(float(rng.uniform(0.0, 0.05)), float(rng.uniform(-0.01, 0.015)), float(rng.normal(0.02, 0.025))),
        elbow=float(rng.normal(0.0, 10.0)),
    )


def _is_left_handed(seed: int, number: int) -> bool:
    """Say who is left-handed: one in eight, near the share among people, on either half of the cross-subject split.

    Drawn freely, a handful of performers often have all their left-handers on one half, and what a recogniser never
    saw in training decides more of its accuracy than the noise does.
    """
    half = [n for n in range(1, 1 + max(40, number)) if (n in TRAIN_PERFORMERS) == (number in TRAIN_PERFORMERS)]
    first = int(np.random.default_rng([seed, 5]).integers(8))
    return half.index(number) % 8 == first
