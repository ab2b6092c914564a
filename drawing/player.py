"""The player of skeletons in pages: its script, the look of pages, and positions as text that it reads."""

import base64
import zlib
from importlib.resources import files

import numpy as np

UNSEEN = -32_768
"""Instead of the coordinates of a joint that was not seen."""


def page_styles() -> str:
    """Return the style sheet that pages with the player begin with."""
    return files(__package__).joinpath("page.css").read_text("utf-8")


def player_script() -> str:
    """Return the player's script."""
    return files(__package__).joinpath("player.js").read_text("utf-8")


def quantised(poses: np.ndarray, origin: np.ndarray, step: float) -> np.ndarray:
    """Write positions as whole steps from an origin, int16 [T, J, D]; `UNSEEN` where one is not finite.

    Parameters
    ----------
    poses
        [T, J, D].
    origin
        [D].
    step
        In the unit of `poses`.
    """
    known = np.isfinite(poses).all(axis=-1, keepdims=True)
    steps = np.rint((np.where(known, poses, 0.0) - origin) / step).clip(-32_000, 32_000)
    return np.where(known, steps, UNSEEN).astype(np.int16)


def packed(steps: np.ndarray) -> str:
    """Pack positions as text: per coordinate, what it changes by from frame to frame, deflated, base64.

    Changes are small where positions are smooth; zigzag makes small negative ones small, too, and the high bytes, which
    are then mostly 0, come after all low ones.

    Parameters
    ----------
    steps
        int16 [T, J, D].
    """
    flat = steps.reshape(len(steps), -1).T
    change = np.diff(flat, axis=1, prepend=np.int16(0)).astype(np.int16)  # modulo 2^16, as the script adds
    zigzag = ((change << 1) ^ (change >> 15)).astype(np.uint16)
    planes = np.concatenate([(zigzag & 255).ravel(), (zigzag >> 8).ravel()]).astype(np.uint8)
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode()
