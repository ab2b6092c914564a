"""The mathematics of moving a skeleton: smooth movements, small random wandering, rotations, two-bone limbs."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

REACH = 0.995
"""A limb straightens to this share of its length and no further: a dead straight knee or elbow has no direction."""


def minimum_jerk(share: np.ndarray) -> np.ndarray:
    """Return how far a movement has come when `share` of its time is over.

    The position 10 s^3 - 15 s^4 + 6 s^5 minimises the integrated squared jerk between two rests (Flash and Hogan,
    The Journal of Neuroscience 5(7), 1985, equation 3). Times before 0 and after 1 give 0 and 1.
    """
    s = np.clip(share, 0.0, 1.0)
    return s**3 * (10.0 + s * (6.0 * s - 15.0))


def key_weights(starts: np.ndarray, ends: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return how much each key of a channel counts at each time.

    Key 0 holds from the beginning; key k > 0 is moved to from `starts[k - 1]` to `ends[k - 1]`, along a minimum-jerk
    profile. Movements follow one another.

    Parameters
    ----------
    starts, ends
        Seconds, [K - 1].
    times
        Seconds, [T].

    Returns
    -------
    float array [K, T]; every column sums to 1
    """
    ramps = minimum_jerk((times - starts[:, None]) / np.maximum(ends - starts, 1e-3)[:, None])
    ramps = np.concatenate([np.ones((1, len(times))), ramps, np.zeros((1, len(times)))])
    return ramps[:-1] - ramps[1:]


def wander(rng: np.random.Generator, frames: int, dims: int, correlation: float, deviation: float) -> np.ndarray:
    """Return smooth random wandering around 0, [frames, dims].

    White noise under a Gaussian filter of `correlation` frames, scaled to the standard deviation `deviation`.
    """
    margin = int(3 * correlation) + 1
    white = rng.standard_normal((frames + 2 * margin, dims))
    smooth = gaussian_filter1d(white, correlation, axis=0, truncate=3.0)[margin : margin + frames]
    # The filter leaves a variance of 1 / (2 sqrt(pi) sigma) of the white noise's.
    return smooth * (deviation * np.sqrt(2.0 * np.sqrt(np.pi) * correlation))


def turns(bend: np.ndarray, side: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Return rotations in a body's axes (x to its left, y up, z forward).

    Parameters
    ----------
    bend, side, turn
        Degrees, [T]: forward about x; to the right about z; to the right about y. Applied as side, bend, turn.

    Returns
    -------
    float array [T, 3, 3]
    """
    a, b, c = np.radians(bend), np.radians(side), -np.radians(turn)
    ca, sa, cb, sb, cc, sc = np.cos(a), np.sin(a), np.cos(b), np.sin(b), np.cos(c), np.sin(c)
    # Ry(c) Rx(a) Rz(b), multiplied out.
    out = np.empty((len(a), 3, 3))
    out[:, 0, 0], out[:, 0, 1], out[:, 0, 2] = cc * cb + sc * sa * sb, -cc * sb + sc * sa * cb, sc * ca
    out[:, 1, 0], out[:, 1, 1], out[:, 1, 2] = ca * sb, ca * cb, -sa
    out[:, 2, 0], out[:, 2, 1], out[:, 2, 2] = -sc * cb + cc * sa * sb, sc * sb + cc * sa * cb, cc * ca
    return out


def turned(rotations: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return vectors [T, 3] turned by rotations [T, 3, 3], each by its own."""
    return np.einsum("tij,tj->ti", rotations, vectors)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length 1, [..., 3]."""
    return vectors / np.maximum(np.sqrt(np.einsum("...i,...i->...", vectors, vectors)), 1e-9)[..., None]


def crossed(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return the cross products of vectors, both [T, 3]; `numpy.cross` takes several times as long."""
    out = np.empty_like(one)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        out[:, i] = one[:, j] * two[:, k] - one[:, k] * two[:, j]
    return out


def across(vectors: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Return the unit parts of vectors that are perpendicular to unit axes, both [..., 3]."""
    return unit(vectors - np.einsum("...i,...i->...", vectors, axis)[..., None] * axis)


def steps(starts: np.ndarray, ends: np.ndarray, places: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where a foot is that stands, swings and stands again, and how much of a swing it is in the middle of.

    Parameters
    ----------
    starts, ends
        Seconds in which each swing begins and ends, [K].
    places
        Where the foot stands before the first and after every swing, [K + 1, D].
    times
        Seconds, [T].

    Returns
    -------
    place : float array [T, D]
        Unchanged while the foot stands; a minimum-jerk course in a swing.
    lift : float array [T]
        0 while it stands, 1 at the highest; it rises at once, so that the foot does not slide.
    """
    weights = key_weights(starts, ends, times)
    lift = 2.0 * np.sqrt(np.maximum(weights * (1.0 - weights), 0.0)).max(axis=0)
    return weights.T @ places, lift


def two_bones(
    root: np.ndarray, target: np.ndarray, upper: float, lower: float, pole: np.ndarray, folded: float = 30.0
) -> tuple[np.ndarray, np.ndarray]:
    """Bend a limb of two bones so that its end reaches a target; where that is too far, point at it.

    Parameters
    ----------
    root, target
        Where the limb begins and where its end shall be, [T, 3].
    upper, lower
        Lengths of the two bones.
    pole
        The direction in which the middle joint bends out, [T, 3]; need not be a unit vector nor perpendicular.
    folded
        Degrees between the two bones at which the limb folds no further; an end that is nearer is kept off.

    Returns
    -------
    middle, end
        [T, 3]
    """
    reach = target - root
    axis = unit(reach)
    nearest = np.sqrt(upper**2 + lower**2 - 2.0 * upper * lower * np.cos(np.radians(folded)))
    distance = np.clip(np.sqrt(np.einsum("ti,ti->t", reach, reach)), nearest, REACH * (upper + lower))
    along = (upper**2 - lower**2 + distance**2) / (2.0 * distance)  # law of cosines
    out = np.sqrt(np.maximum(upper**2 - along**2, 0.0))
    middle = root + along[:, None] * axis + out[:, None] * across(pole, axis)
    return middle, root + distance[:, None] * axis
