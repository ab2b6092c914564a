"""What the axes of a plain array of poses are, which nobody has written down: told by its shape and its numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from base.errors import InputError
from base.shown import shown
from base.words import plural
from data.recordings.recording import MOST_FRAMES, Recording
from data.recordings.rows import as_confidence
from data.recordings.stored import Changes, Stored, as_float64, rounding_note, writer
from data.skeletons.seen import seen_joints

MOST_PEOPLE = 50
"""An axis of more is none of people."""

_SCORES = 1.1
"""Estimators' scores reach little more than 1."""

_PIXELS = 10.0
"""Where coordinates go beyond, they are those of an image, or of millimetres, and not of metres or shares."""

_EXPECTED = "expected [frames, joints, 2 or 3], or with people before or after the frames, and a score last if need be"


@dataclass(frozen=True)
class PoseArray:
    """How an array is read.

    Parameters
    ----------
    kind
        `TJC`, or with people `NTJC` or `TNJC`.
    dims
        Coordinates of a joint, 2 or 3.
    scored
        Whether a score comes behind them.
    """

    kind: str
    dims: int
    scored: bool

    def people(self, array: np.ndarray) -> np.ndarray:
        """Return a view [N, T, J, C] of it."""
        if self.kind == "TJC":
            return array[None]
        return array if self.kind == "NTJC" else array.swapaxes(0, 1)


def fits(shape: tuple[int, ...]) -> bool:
    """Say whether an array of this shape may be one of poses."""
    return len(shape) in (3, 4) and shape[-1] in (2, 3, 4) and min(shape) > 0 and shape[:-1] != (1,) * (len(shape) - 1)


def read_layout(array: np.ndarray, where: str) -> PoseArray:
    """Tell what the axes of an array are.

    Raises
    ------
    InputError
        They cannot be those of one recording, or may be several things.
    """
    shape = array.shape
    if array.dtype.kind not in "iuf" or not fits(shape):
        raise InputError(f"{where}: found {array.dtype} {shown(shape)}, {_EXPECTED}; save one recording so")
    kind = "TJC"
    if len(shape) == 4:
        if shape[0] in (2, 3) and shape[-1] == 2 and shape[1] > shape[2]:
            raise InputError(
                f"{where}: found shape {shown(shape)}, which may be [people, frames, joints, 2] as well as ST-GCN's "
                f"[{shape[0]}, frames, joints, people]; save one person as [frames, joints, {shape[0]}]"
            )
        if min(shape[:2]) > MOST_PEOPLE:
            raise InputError(f"{where}: found shape {shown(shape)}, in which no axis is one of people; {_EXPECTED}")
        kind = "NTJC" if shape[0] <= shape[1] else "TNJC"
    last = as_float64(array[..., -1])
    scores = _are_scores(last, array) if shape[-1] > 2 else False
    if shape[-1] == 4 and not scores:
        raise InputError(
            f"{where}: found shape {shown(shape)} whose last numbers are no scores from 0 to 1: "
            f"rotations as quaternions are not read; {_EXPECTED}"
        )
    return PoseArray(kind, shape[-1] - scores, bool(scores))


def _are_scores(last: np.ndarray, array: np.ndarray) -> bool:
    """Say whether the last numbers of the joints are scores."""
    known = last[np.isfinite(last)]
    if not len(known) or known.min() < 0 or known.max() > _SCORES or not known.any():
        return False
    if array.shape[-1] == 4:
        return not np.allclose(np.nansum(np.square(as_float64(array)), axis=-1), 1, atol=1e-3)
    return bool(np.nanmax(np.abs(as_float64(array[..., :-1])), initial=0) > _PIXELS)


def read_poses(
    stored: Stored,
    where: str,
    put: Callable[[Changes], bytes],
    score: np.ndarray | None = None,
    fps: float | None = None,
) -> Recording:
    """Read an array as a recording.

    A joint is missing where it is NaN, or at exactly 0 in all coordinates unless it always is.

    Parameters
    ----------
    stored
        The array.
    where
        How messages begin.
    put
        Returns the whole file with another array in its place, see `writer`.
    score
        Scores that stand elsewhere, of the array's shape without its last axis.
    fps
        Frames a second, if the file says so.

    Raises
    ------
    InputError
        The array is not of poses.
    """
    layout = read_layout(stored.value, where)
    values = as_float64(layout.people(stored.value))
    people, frames, joint_count = values.shape[:3]
    if frames > MOST_FRAMES:
        raise InputError(f"{where}: has {frames} frames, at most {MOST_FRAMES} are read")
    joints = values[..., : layout.dims].reshape(-1, joint_count, layout.dims)
    if score is not None:
        score = layout.people(score[..., None])[..., 0].reshape(-1, joint_count)
    elif layout.scored:
        score = values[..., layout.dims].reshape(-1, joint_count)
    joints = without_missing(joints, score)

    return Recording(
        joints,
        np.tile(np.arange(frames), people),
        writer(where, [stored], lambda array: layout.people(array)[..., : layout.dims], joints, put),
        person=np.repeat(np.arange(people), frames),
        confidence=None if score is None else as_confidence(score),
        fps=fps,
        notes=(_reading(layout, values.shape), *rounding_note(stored.value)),
    )


def without_missing(joints: np.ndarray, score: np.ndarray | None = None) -> np.ndarray:
    """Return joints [N, J, D] with NaN where one is missing; what is infinite stays, to be refused."""
    origin = np.flatnonzero((joints == 0).all((0, 2)))
    score = score if joints.shape[-1] == 2 else None
    seen = seen_joints(joints, score, origin if len(origin) < joints.shape[1] else ())
    return np.where((seen | np.isinf(joints).any(-1))[..., None], joints, np.nan)


def _reading(layout: PoseArray, shape: tuple[int, ...]) -> str:
    people, frames, joints = shape[:3]
    who = "" if layout.kind == "TJC" else f"{plural(people, 'person', 'people')}, "
    last = " and a score" if layout.scored else ""
    many = f"{plural(frames, 'frame')} of {plural(joints, 'joint')} of {layout.dims} coordinates"
    return f"read as {who}{many}{last}, by its shape and numbers"
