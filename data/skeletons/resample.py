"""Taking motion to another frame rate and back, without what the lower rate cannot hold."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import correlate1d

from data.skeletons.gaps import fill_gaps
from data.skeletons.store import Track

SAME_RATE = 0.01
"""Frame rates that differ by less than this share count as one."""

_ZEROS = 4
"""Frames of the lower rate that the low-pass filter reaches to either side."""


def resampled_length(length: int, rate: float) -> int:
    """Return how many frames a sequence has at `rate` times its frame rate."""
    if abs(rate - 1) < SAME_RATE:
        return length
    return max(round((length - 1) * rate) + 1, min(length, 2))


def resample(x: np.ndarray, rate: float, length: int | None = None) -> np.ndarray:
    """Take [T, C] to `rate` times its frame rate by a cubic spline, keeping the first and the last frame."""
    length = length or resampled_length(len(x), rate)
    if length == len(x):
        return x
    return CubicSpline(np.arange(len(x)), x)(np.linspace(0, len(x) - 1, length))


def lower_rate(x: np.ndarray, rate: float) -> np.ndarray:
    """As `resample`, after a low-pass filter where the rate falls: what is too fast for it would come out as slow.

    All frames count. What is straight stays so up to the ends; away from them, so does a parabola.
    """
    if rate > 1 - SAME_RATE or len(x) < 2:
        return resample(x, rate)
    kernel = _low_pass(round(1 / rate, 6))
    reach = len(kernel) // 2
    return resample(correlate1d(extended(x, reach), kernel, axis=0)[reach : reach + len(x)], rate)


def resample_tracks(frames: int, tracks: Sequence[Track], rate: float) -> tuple[int, list[Track]]:
    """Take a clip to `rate` times its frame rate; its frames count as even.

    Joints are interpolated, also where they were not seen, by `lower_rate`; whether one was seen, and how surely, is
    taken from the nearest frame.

    Returns
    -------
    The clip's frames, and its tracks.
    """
    count = resampled_length(frames, rate)
    if abs(rate - 1) < SAME_RATE:
        return frames, list(tracks)
    return count, [_resample_track(track, rate, count) for track in tracks]


def _resample_track(track: Track, rate: float, frames: int) -> Track:
    seen, old = track.tracked > 0, len(track.joints)
    filled = fill_gaps(track.joints, seen) if seen.any() else track.joints
    joints = lower_rate(filled.reshape(old, -1), rate)
    length = len(joints)
    nearest = np.rint(np.linspace(0, old - 1, length)).astype(np.int64)
    return Track(
        track.actor,
        max(0, min(round(track.first_frame * rate), frames - length)),
        np.where(seen[nearest][..., None], joints.reshape(length, *track.joints.shape[1:]), 0).astype(np.float32),
        track.tracked[nearest],
        None if track.confidence is None else track.confidence[nearest],
    )


def extended(x: np.ndarray, reach: int) -> np.ndarray:
    """Continue [T, ...] by `reach` frames at either end: a line through the frames there, their deviations mirrored.

    Where the end frame itself stood for what is beyond, or were the point to mirror at, its noise would be everybody's.
    """
    if len(x) < 2:
        return np.concatenate([x] * (2 * reach + 1)) if reach else x
    near = min(len(x), reach + 1)
    at = np.arange(-reach, near)
    place = np.arange(near) - (near - 1) / 2
    tilt = place / (place @ place)

    def before(end: np.ndarray) -> np.ndarray:
        line = end.mean(0) + (at - (near - 1) / 2).reshape(-1, *[1] * (x.ndim - 1)) * np.tensordot(tilt, end, 1)
        turned = np.abs((np.arange(-reach, 0) + near - 1) % (2 * near - 2) - near + 1)
        return line[:reach] + (end - line[reach:])[turned]

    return np.concatenate([before(x[:near]), x, before(x[::-1][:near])[::-1]])


@lru_cache
def _low_pass(times: float) -> np.ndarray:
    """Make a filter that keeps what a rate so many times lower can hold, and parabolas."""
    from scipy.signal import firwin  # half a second, for those who lower a rate

    reach = int(np.ceil(_ZEROS * times))
    kernel = firwin(2 * reach + 1, 1 / times, window=("kaiser", 5.0))
    place = np.arange(-reach, reach + 1.0)
    bell = np.kaiser(2 * reach + 1, 5.0)
    # A multiple of the window and of its second moment are added, so that the sum is 1 and the second moment 0.
    basis = np.stack([bell, bell * place**2])
    wanted = np.array([1.0, 0.0]) - [kernel.sum(), kernel @ place**2]
    moments = np.stack([basis.sum(1), basis @ place**2])
    return kernel + np.linalg.solve(moments, wanted) @ basis
