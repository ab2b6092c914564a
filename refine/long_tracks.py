"""Long tracks through methods that look at a few frames at a time: block by block, in little memory and in the cache.

What comes out is that of `refine.in_space.refine_in_space` to the last bit. Only what needs a track as a whole is made
of all of it: the distances by which a body is measured, the lengths of its steps, and its path.
"""

from collections.abc import Callable

import numpy as np

from refine.blocks import frame_blocks
from refine.normalise import distances, usual
from refine.splits import Pieces, split_track
from refine.travel import mean_of_joints, smooth_path

Method = Callable[[list[np.ndarray], list[float]], list[np.ndarray]]
"""Maps motions, float64 [n, V, C] each, and body sizes to refined motions of the same shapes."""


def refine_long(
    joints: np.ndarray, method: Method, fps: float, reach: int, size: float | None = None
) -> tuple[np.ndarray, Pieces] | None:
    """Refine a body of which every joint was seen in every frame.

    Parameters
    ----------
    joints
        [n, V, C], finite, at even times.
    method
        Takes motions [m, V, C] and body sizes, see `Method`; it may not mind the axes.
    fps
        Frames a second.
    reach
        How many frames to either side of it the method looks at, for a frame.
    size
        What the method takes for the body's size; measured if None.

    Returns
    -------
    joints, pieces
        float32 [n, V, C], and how the track was cut; None where the body is elsewhere for some frames, which then have
        to be filled.
    """
    found = np.concatenate([distances(_exact(joints[at])).ravel() for at, _ in frame_blocks(len(joints))])
    own = usual(found)
    del found
    pieces = split_track(joints, np.ones(joints.shape[:2], bool), np.arange(len(joints)) / fps, own)
    if len(pieces.astray):
        return None
    result = np.empty(joints.shape, np.float32)
    for first, end in pieces.spans:
        given = joints[first:end]
        means = [mean_of_joints(_exact(given[at])) for at, _ in frame_blocks(len(given))]
        path = smooth_path(np.concatenate(means), fps)[:, None]
        for part, wider in frame_blocks(len(given), reach):
            moved = method([_exact(given[wider]) - path[wider]], [size or own])[0]
            moved = moved[part.start - wider.start : part.stop - wider.start]
            result[first + part.start : first + part.stop] = moved + path[part]
    return result, pieces


def _exact(joints: np.ndarray) -> np.ndarray:
    return np.asarray(joints, np.float64)
