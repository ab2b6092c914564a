"""Arrays of how a body's joints turn, and of where its root is: read as points, and written as what they were.

Every rotation is two points (`data.recordings.rotations`), and all of them are a group; places are another. What is the
same in all frames, such as fingers that nobody recorded, is left out: there is nothing to refine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from base.errors import InputError
from base.shown import shown
from data.recordings.recording import Recording
from data.recordings.rotations import POINTS, as_points, axis_angle_points, axis_angles_near, from_points
from data.recordings.stored import Changes, Stored, as_float64, check_apart, replace_values

Kind = Literal["places", "axis_angles", "matrices"]

_WIDTHS = {"places": (3,), "axis_angles": (3,), "matrices": (3, 3)}

_ORTHOGONAL = 0.01
"""How far the product of a matrix and itself, turned over, may be from 1."""


@dataclass(frozen=True)
class Part:
    """What some arrays say, each of them for the next rows.

    Parameters
    ----------
    kind
        What they hold: places, an axis times an angle in radians, or matrices.
    stored
        The arrays.
    names
        What they are of, as many as there are in a row; made up if there are too few.
    view
        Returns the part of an array that is meant, as a view of it; all of it if None.
    """

    kind: Kind
    stored: Sequence[Stored]
    names: tuple[str, ...] = ()
    view: Callable[[np.ndarray], np.ndarray] | None = None

    def rows_of(self, array: np.ndarray) -> np.ndarray:
        """Return a view [n, K, 3] or [n, K, 3, 3] of what is meant of an array in C's order."""
        seen = array if self.view is None else self.view(array)
        width = _WIDTHS[self.kind]
        shape = (len(seen), -1, *width)
        return seen.reshape(shape)  # a view, for who reads or copies an array has its numbers in order

    @cached_property
    def values(self) -> np.ndarray:
        """As they stand in the file, float64 [N, K, 3] or [N, K, 3, 3]."""
        return np.concatenate([as_float64(self.rows_of(np.ascontiguousarray(each.value))) for each in self.stored])

    @cached_property
    def moving(self) -> np.ndarray:
        """Which of the K change from row to row, int64; all if none does."""
        flat = self.values.reshape(*self.values.shape[:2], -1)
        moving = np.flatnonzero((flat != flat[:1]).any((0, 2)))
        return moving if len(moving) else np.arange(flat.shape[1])

    @cached_property
    def joints(self) -> np.ndarray:
        """Return the points [N, J, 3] of those that move; NaN where the file has no rotation or place."""
        values = self.values[:, self.moving]
        if self.kind == "places":
            return values
        points = axis_angle_points(values) if self.kind == "axis_angles" else as_points(values)
        return points.reshape(len(points), -1, 3)

    @property
    def labels(self) -> tuple[str, ...]:
        """The points' names."""
        names = [self.names[k] if k < len(self.names) else f"{self.kind} {k}" for k in self.moving.tolist()]
        return tuple(names) if self.kind == "places" else tuple(f"{name} {axis}" for name in names for axis in "xy")

    def changes(self, new: np.ndarray) -> Changes:
        """Return the arrays that are others with new points [N, J, 3]."""
        after = self._after(new)
        different = (after != self.values).reshape(len(after), -1).any(1)
        found, row = [], 0
        for each in self.stored:
            rows = slice(row, row + self._length(each))
            row = rows.stop
            if different[rows].any():
                array = each.value.copy()
                if replace_values(self.rows_of(array), self.values[rows], after[rows]):
                    found.append((each, array))
        return found

    def _length(self, stored: Stored) -> int:
        return len(stored.value if self.view is None else self.view(stored.value))

    def _after(self, new: np.ndarray) -> np.ndarray:
        """Return what the numbers shall be, as `values`; what stays is the very number."""
        after = self.values.copy()
        if self.kind == "places":
            after[:, self.moving] = np.where(self.joints != new, new, after[:, self.moving])
            return after
        shape = (len(new), -1, POINTS, 3)
        before, points = self.joints.reshape(shape), new.reshape(shape)
        row, at = np.nonzero((before != points).any((2, 3)) & np.isfinite(before).all((2, 3)))
        turned = from_points(points[row, at])
        sound = np.isfinite(turned).all((1, 2))
        row, at, points = row[sound], self.moving[at[sound]], points[row[sound], at[sound]]
        if len(row):
            matrices = self.kind == "matrices"
            after[row, at] = turned[sound] if matrices else axis_angles_near(points, after[row, at])
        return after


def check_part(part: Part, where: str) -> Part:
    """Check that a part's numbers are what they are said to be.

    Raises
    ------
    InputError
        Matrices do not turn, or something is infinite.
    """
    values = part.values
    if np.isinf(values).any():
        raise InputError(f"{where}: found an infinite number, expected {part.kind.replace('_', ' ')}")
    if part.kind == "matrices":
        product = values @ np.swapaxes(values, -1, -2)
        off = np.abs(np.nan_to_num(product - np.eye(3))).max((2, 3)) > _ORTHOGONAL
        if off.any() or (np.linalg.det(np.nan_to_num(values)) < 0).any():
            row = int(np.argwhere(off)[0, 0]) if off.any() else 0
            raise InputError(f"{where}: row {row}: found a matrix that is no rotation")
    return part


def turning_recording(where: str, parts: Sequence[Part], put: Callable[[Changes], bytes], **more: Any) -> Recording:
    """Return a recording of several parts, which are a group each.

    Parameters
    ----------
    where
        How messages begin.
    parts
        Of the same rows.
    put
        Returns the whole file with other arrays in some places.
    more
        The recording's other fields.

    Raises
    ------
    InputError
        Parts are of different rows, or an array stands for two things.
    """
    check_apart([each for part in parts for each in part.stored], where)
    if len({len(part.values) for part in parts}) > 1:
        raise InputError(f"{where}: found {shown([len(part.values) for part in parts])} rows, expected as many of all")
    ends = np.cumsum([part.joints.shape[1] for part in parts]).tolist()
    groups = tuple(tuple(range(start, end)) for start, end in zip([0, *ends[:-1]], ends, strict=True))

    def write(new: np.ndarray, output: Path) -> None:
        changes = [
            change for part, group in zip(parts, groups, strict=True) for change in part.changes(new[:, list(group)])
        ]
        output.write_bytes(put(changes))

    return Recording(
        np.concatenate([part.joints for part in parts], axis=1),
        write=write,
        names=tuple(name for part in parts for name in part.labels),
        groups=groups,
        rotations=tuple(number for number, part in enumerate(parts) if part.kind != "places"),
        **more,
    )
