"""Tables with a row per frame, and columns for each coordinate of everybody in it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from data.recordings.recording import MOST_FRAMES, Recording
from data.recordings.rows import as_confidence
from data.recordings.table_text import Table


def wide_recording(
    values: np.ndarray,
    sure: np.ndarray | None,
    frame: np.ndarray,
    write: Callable[[np.ndarray, Path], None],
    *,
    zero_is_missing: bool = False,
    **about: Any,
) -> Recording:
    """Make a recording of everybody's coordinates in every frame.

    A joint without one of its coordinates is missing; who has no joint in a frame is not in it.

    Parameters
    ----------
    values
        float64 [T, P, J, D]: coordinates of P people; NaN where there are none.
    sure
        float [T, P, J]: confidences; NaN is 0.
    frame
        int64 [T]: what the file calls each frame.
    write
        Writes the file once more, with other coordinates [T, P, J, D]; NaN shall change nothing.
    zero_is_missing
        Whether a joint at zero along all axes is missing, unless it is there in all frames, as a root is.
    about
        What else `Recording` takes: `seconds` [T], names, unit, ...; `person` [T], or None if nobody is known again,
        where P is 1 and several rows may be of one frame.
    """
    missing = missing_in(values, zero_is_missing)
    seen = ~missing.all(axis=2)
    joints = np.where(missing[..., None], np.nan, values)[seen]
    if sure is not None:
        about["confidence"] = as_confidence(sure[seen])
    about.setdefault("person", np.arange(seen.shape[1])[None])
    for key in ("seconds", "person"):
        if about.get(key) is not None:
            each = about[key] if about[key].ndim == 2 else about[key][:, None]
            about[key] = np.broadcast_to(each, seen.shape)[seen]

    def write_rows(new: np.ndarray, output: Path) -> None:
        after = np.full(values.shape, np.nan)
        after[seen] = new
        write(after, output)

    return Recording(
        joints,
        np.broadcast_to(frame[:, None], seen.shape)[seen],
        write_rows,
        **about,
    )


def table_recording(
    table: Table, rows: np.ndarray, columns: np.ndarray, sure: np.ndarray | None, frame: np.ndarray, **about: Any
) -> Recording:
    """Make a recording of a table's rows.

    Parameters
    ----------
    table, rows
        The table, and its rows of numbers, int64 [T].
    columns
        int64 [P, J, D]: the columns of everybody's coordinates; -1 for none.
    sure
        int64 [P, J]: the columns of confidences; -1 for none.
    frame
        int64 [T]: what the file calls the frame of each row.
    about
        What else `wide_recording` takes.

    Raises
    ------
    InputError
        Something other than a number stands in one of the columns; the message names line and column.
    """
    scores = None if sure is None else table.slots(rows, sure)
    return slots_recording(table, table.slots(rows, columns), scores, frame, **about)


def slots_recording(
    table: Table, slots: np.ndarray, sure: np.ndarray | None, frame: np.ndarray, **about: Any
) -> Recording:
    """Make a recording of cells, int64 [T, P, J, D] and [T, P, J]; -1 for none. Otherwise as `table_recording`."""
    values = table.values(slots)

    def write(after: np.ndarray, output: Path) -> None:
        output.write_bytes(table.patched(slots, values, after))

    return wide_recording(values, None if sure is None else table.values(sure), frame, write, **about)


def missing_in(values: np.ndarray, zero_is_missing: bool) -> np.ndarray:
    """Return which joints [T, P, J] are missing among values [T, P, J, D]."""
    missing = np.isnan(values).any(axis=-1)
    if zero_is_missing:
        zero = (values == 0).all(axis=-1)
        missing |= zero & ~zero.all(axis=(0, 1))
    return missing


def frame_numbers(table: Table, slots: np.ndarray) -> np.ndarray:
    """Return the frame numbers in cells, int64 [n].

    Raises
    ------
    InputError
        One is no whole number that a frame can have.
    """
    numbers = table.values(slots)
    wrong = no_frames(numbers)
    if len(wrong):
        slot = int(slots[wrong[0]])
        found = table.cell(slot).decode("utf-8", "replace")
        raise InputError(f"{table.where(slot)}: found {found[:40]!r}, expected the number of a frame")
    return numbers.astype(np.int64)


def no_frames(numbers: np.ndarray) -> np.ndarray:
    """Return which numbers, float64 [n], are no whole ones that a frame can have, int64."""
    return np.flatnonzero(~(np.abs(numbers) <= MOST_FRAMES) | (numbers != np.round(numbers)))
