"""What a file of some tool says of where joints were, and how it is written again."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.shown import shown

MOST_FRAMES = 20_000_000
"""The last frame number that a file may name: a month at 8 frames a second, a day at 230."""

Write = Callable[[np.ndarray, Path], None]
"""Writes the recording once more, to a path where nothing is, with other joints [N, J, D]. A coordinate that is the
very number that was read leaves its bytes as they are; so the joints that were read give the same file again."""


@dataclass(frozen=True)
class Recording:
    """The poses of one file, or of one folder of a file per frame.

    A row is one person (or animal) in one frame, in the order of the file.

    Parameters
    ----------
    joints
        float64 [N, J, D], D 2 or 3, in the file's own unit and axes; NaN where the file has no position.
    frame
        int64 [N]: the frames as the file counts them: gaps stay gaps.
    write
        See `Write`.
    person
        int64 [N]: who it is, if the file tells the same person in other frames; None if it does not.
    confidence
        float32 [N, J], 0 to 1; None if the file has none. A tool's larger scores are cut at 1.
    fps
        Frames a second, if the file says so.
    seconds
        float64 [N]: when each row was seen, if the file says so.
    names
        The joints' names, if they are known.
    bones
        Pairs of joints that a bone connects, if they are known.
    groups
        Joints that have a size and a place of their own, and are refined each group by itself, such as a root's path
        beside rotations. One group of all joints if empty.
    rotations
        Which of the groups are rotations, each of them two points one after the other (`data.recordings.rotations`).
    scale
        What coordinates are multiplied by along every axis to be alike, such as width and height of an image for
        coordinates from 0 to 1.
    unit
        What a refined file's report calls the unit: `px`, `m`, `mm`, ... or empty.
    notes
        What the user should know.
    """

    joints: np.ndarray
    frame: np.ndarray
    write: Write
    person: np.ndarray | None = None
    confidence: np.ndarray | None = None
    fps: float | None = None
    seconds: np.ndarray | None = None
    names: tuple[str, ...] = ()
    bones: tuple[tuple[int, int], ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    rotations: tuple[int, ...] = ()
    scale: tuple[float, ...] = ()
    unit: str = ""
    notes: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        """Frames from the first to the last, also those that nobody was seen in."""
        return int(self.frame.max() - self.frame.min()) + 1 if len(self.frame) else 0


def check_recording(recording: Recording, where: str) -> Recording:
    """Check what every format owes, once for all of them.

    Raises
    ------
    InputError
        A number is infinite, frames are out of reach or twice the same person's, times run backwards, the rate makes no
        sense, or nothing was seen at all.
    """
    joints, frame = recording.joints, recording.frame
    if not np.isfinite(joints).any():
        raise InputError(f"{where}: no joint has a position in any frame; there is nothing to refine")
    if np.isinf(joints).any():
        raise InputError(f"{where}: found an infinite coordinate, expected numbers; leave it empty or write NaN")
    far = int(frame.max() if frame.max() > -frame.min() else frame.min())
    if abs(far) > MOST_FRAMES:
        raise InputError(f"{where}: found frame {far}, expected numbers from {-MOST_FRAMES} to {MOST_FRAMES}")
    if recording.fps is not None and not 0.1 <= recording.fps <= 10_000:
        raise InputError(f"{where}: found {shown(recording.fps)} frames a second; say the rate with --fps")
    if recording.person is not None:
        order = np.lexsort((frame, recording.person))
        who, when = recording.person[order], frame[order]
        twice = (np.diff(who) == 0) & (np.diff(when) == 0)
        if twice.any():
            at = int(np.flatnonzero(twice)[0])
            raise InputError(f"{where}: found person {who[at]} twice in frame {when[at]}, expected once")
    if recording.seconds is not None:
        _check_times(frame, recording.seconds, where)
    return recording


def _check_times(frame: np.ndarray, seconds: np.ndarray, where: str) -> None:
    if not np.isfinite(seconds).all():
        raise InputError(f"{where}: found a time that is no number; repair it, or say the rate with --fps")
    first = np.unique(frame, return_index=True)[1]
    back = np.flatnonzero(np.diff(seconds[first]) <= 0)
    if len(back):
        before, after = first[back[0]], first[back[0] + 1]
        raise InputError(
            f"{where}: found {seconds[after]:g} s for frame {frame[after]} after {seconds[before]:g} s for frame "
            f"{frame[before]}, expected times that run forwards; repair them, or say the rate with --fps"
        )
