"""Where the three cameras stand, and from the world to a camera's axes."""

import numpy as np

from data.ntu.names import ClipName

# Height and distance of the cameras per setup, metres, over a range like the data set's.
SETUPS = (
    (1.7, 3.5), (1.7, 2.5), (1.4, 2.5), (1.2, 3.0), (1.2, 3.0), (0.8, 3.5), (0.5, 4.5), (1.4, 3.5), (0.8, 2.0),
    (1.8, 3.0), (1.9, 3.0), (2.0, 3.0), (2.1, 3.0), (2.2, 3.0), (2.3, 3.5), (2.7, 3.5), (2.5, 3.0),
)  # fmt: skip
AZIMUTHS = {1: 0.0, 2: 45.0, 3: -45.0}
"""Degrees around the stage, by camera. Camera 1 stands in the middle."""

FACING = {1: 45.0, 2: -45.0}
"""Degrees, by replication: the performer once faces camera 2, once camera 3; camera 1 sees both half turns."""

AIM = 0.85
"""Metres above the floor at which the cameras aim."""


def facing(name: ClipName) -> float:
    """Return the direction in which the performer of a clip looks, degrees around the stage."""
    return FACING[name.replication]


def across(name: ClipName) -> np.ndarray:
    """Return the horizontal direction across a camera's view, a unit vector [3] in the world's axes."""
    azimuth = np.radians(AZIMUTHS[name.camera])
    return np.array([np.cos(azimuth), 0.0, -np.sin(azimuth)])


def to_camera(world: np.ndarray, name: ClipName) -> np.ndarray:
    """Turn points of the world (y up, floor at 0, metres) into a camera's axes.

    As Kinect's own: y up, z away from the camera, x such that the left shoulder of a person who faces the camera has
    the smaller x (to the right in Kinect's mirrored image).

    Parameters
    ----------
    world
        [..., 3]
    name
        The clip, whose setup and camera say where the camera stands.

    Returns
    -------
    float array [..., 3]
    """
    height, distance = SETUPS[(name.setup - 1) % len(SETUPS)]
    azimuth = np.radians(AZIMUTHS[name.camera])
    position = np.array([distance * np.sin(azimuth), height, distance * np.cos(azimuth)])
    away = np.array([0.0, AIM, 0.0]) - position
    away /= np.linalg.norm(away)
    x = np.cross([0.0, 1.0, 0.0], away)
    x /= np.linalg.norm(x)
    # One product of all points; NumPy would take one per frame.
    axes = np.stack([x, np.cross(away, x), away])
    return ((world - position).reshape(-1, 3) @ axes.T).reshape(world.shape)
