"""The unit of positions: in space stores have metres, other people's files sometimes millimetres or centimetres; in an
image, whose size counts, pixels.
"""

from typing import Literal

import numpy as np

from base.errors import InputError

Units = Literal["m", "cm", "mm"]
METRES: dict[Units, float] = {"m": 1.0, "cm": 0.01, "mm": 0.001}
"""How many metres each unit is."""
NAMES: dict[Units, str] = {"m": "metres", "cm": "centimetres", "mm": "millimetres"}

SMALLEST, LARGEST = 0.05, 20.0
"""Metres between which the extent of a body lies, whatever it does and however badly it was seen: wide enough for every
recording and every made-up skeleton, and narrow enough for centimetres (30 to 250) and millimetres."""
_PERSON = (0.3, 3.0)
_FRAMES = 8


def body_extent(joints: np.ndarray, seen: np.ndarray) -> float:
    """Measure how large bodies are: the median over frames of the longest side of the box around their joints.

    Of many frames, some ten evenly spaced ones are looked at.

    Parameters
    ----------
    joints
        float [n, V, 3], bodies in frames, of any number of clips or actors.
    seen
        bool or a tracking state [n, V]; joints where it is 0 are left out.

    Returns
    -------
    float
        In the unit of `joints`; 0 where no frame shows two joints, or all joints are at one place.
    """
    step = max(1, len(joints) // _FRAMES)
    joints, seen = joints[::step], np.asarray(seen[::step], bool)
    if len(joints) and seen.all():
        extent = joints.max(1) - joints.min(1)
    else:
        enough = seen.sum(1) > 1
        if not enough.any():
            return 0.0
        part, shown = joints[enough], seen[enough, :, None]
        extent = np.where(shown, part, -np.inf).max(1) - np.where(shown, part, np.inf).min(1)
    longest = np.sort(extent.max(1))
    return float(longest[len(longest) // 2])


def check_metres(joints: np.ndarray, seen: np.ndarray, where: str, option: str = "") -> None:
    """Refuse bodies whose size shows that they are not in metres.

    Parameters
    ----------
    joints, seen
        See `body_extent`; finite where seen.
    where
        The file or clip, for the message.
    option
        How the user says another unit, such as `--units `; empty where it cannot be said.

    Raises
    ------
    InputError
        The bodies are larger than 20 m or smaller than 5 cm. Those of no extent at all are let through.
    """
    half = slice(len(joints) // 2, len(joints) // 2 + 1)
    if _PERSON[0] <= body_extent(joints[half], seen[half]) <= _PERSON[1]:
        return  # one frame of a person's size says as much, in a fraction of the time
    extent = body_extent(joints, seen)
    if extent == 0 or SMALLEST <= extent <= LARGEST:
        return
    fits = [unit for unit, factor in METRES.items() if _PERSON[0] <= extent * factor <= _PERSON[1]]
    like, advice = "", "write the positions in metres"
    if fits:
        like = f" (they look like {NAMES[fits[0]]})"
        if option:
            advice = f"if that is their unit, pass {option}{fits[0]}"
    raise InputError(
        f"{where}: its bodies measure {extent:.4g} m, expected {SMALLEST:g} to {LARGEST:g} m{like}; {advice}"
    )


def to_image(joints: np.ndarray, seen: np.ndarray, size: tuple[int, int], image: tuple[int, int]) -> np.ndarray:
    """Bring positions in an image into one of another size: its middle in the middle, as large as fits.

    Parameters
    ----------
    joints
        float32 [..., 2], pixels.
    seen
        bool [...]; the others become 0.
    size, image
        Width and height that it has, and shall have.
    """
    factor = min(image[0] / size[0], image[1] / size[1])
    halves = np.array([size, image], np.float32) / 2
    return np.where(seen[..., None], (joints - halves[0]) * np.float32(factor) + halves[1], np.float32(0))
