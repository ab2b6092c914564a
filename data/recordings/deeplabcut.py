"""DeepLabCut's tables, in which three or four rows name the columns; Lightning Pose writes the same."""

import re
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.shown import cut
from data.recordings.named_columns import AXES
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.table_text import Table, read_table
from data.recordings.wide import frame_numbers, table_recording

LEVELS = ("scorer", "individuals", "bodyparts", "coords")
"""What the rows above the numbers are called; `individuals` is there if several animals may be."""

MOST_ABSENT = 8
"""So many times the columns that there are may be needed for all body parts of all individuals."""

_HEADER = re.compile(rb'\s*"?scorer"?[,;\t](?:[^\r\n]*\Z|.*[\r\n]"?bodyparts\b)', re.IGNORECASE | re.DOTALL)
_LAST_NUMBER = re.compile(r"(\d{1,12})\D*$")


def guess(path: Path) -> int:
    """Say whether a file is a table of DeepLabCut's."""
    return BY_CONTENT if _HEADER.match(head(path).removeprefix(b"\xef\xbb\xbf")) else 0


def read(path: Path) -> Recording:
    """Read a table of one or several animals, in 2D or 3D.

    Likelihood is confidence; a position with little of it is kept. A part at exactly zero is missing. Columns besides
    x, y, z and likelihood stay as they are, such as an ensemble's variances.

    Raises
    ------
    InputError
        The rows above the numbers are not DeepLabCut's, or something else than a number stands among the numbers.
    """
    table = read_table(path)
    header = _header(table)
    names = [tuple(level[at] for level in header.values()) for at in range(len(header["coords"]))]
    rows = np.arange(len(header), len(table))
    table.check_widths(rows, len(names))
    columns, sure, bodyparts = find_columns(path, [(name[-3], name[-2], name[-1]) for name in names])
    index = [at for at, name in enumerate(names) if name[-1].lower() not in (*AXES, "likelihood")]
    unit = "px" if columns.shape[-1] == 2 else ""
    frame = _frames(table, rows, index)
    return table_recording(table, rows, columns, sure, frame, zero_is_missing=True, names=bodyparts, unit=unit)


def find_columns(
    path: Path, names: list[tuple[str, str, str]]
) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """Find the columns of coordinates and confidences among the names of all columns.

    Parameters
    ----------
    path
        The file, for messages.
    names
        Each column's individual (or anything that is the same for all), body part and kind of coordinate.

    Returns
    -------
    columns
        int64 [individuals, body parts, axes]; -1 where an individual has no such part.
    sure
        int64 [individuals, body parts]; None if there is no likelihood.
    bodyparts
        Their names.

    Raises
    ------
    InputError
        A column is there twice, there are no x and y, or individuals have little in common.
    """
    kinds = [kind.lower() for *_, kind in names]
    if not {"x", "y"} <= set(kinds):
        raise InputError(f"{path}: has no columns named x and y, expected DeepLabCut's coords")
    axes = AXES[: 3 if "z" in kinds else 2]
    used = [at for at, kind in enumerate(kinds) if kind in (*axes, "likelihood")]
    people = list(dict.fromkeys(names[at][0] for at in used))
    parts = list(dict.fromkeys(names[at][1] for at in used))
    if len(people) * len(parts) > MOST_ABSENT * len(used):
        raise InputError(f"{path}: {len(people)} individuals share few of {len(parts)} body parts; cut it into files")
    found = np.full((len(people), len(parts), len(axes) + 1), -1, np.int64)
    person_of, part_of = ({name: at for at, name in enumerate(all_names)} for all_names in (people, parts))
    for at in used:
        person, part, _ = names[at]
        kind = -1 if kinds[at] == "likelihood" else axes.index(kinds[at])
        place = (person_of[person], part_of[part], kind)
        if found[place] >= 0:
            twice = cut(f"{kinds[at]} of {part}")
            raise InputError(f"{path}: columns {found[place] + 1} and {at + 1} are both {twice}, expected one of each")
        found[place] = at
    return found[..., :-1], found[..., -1] if (found[..., -1] >= 0).any() else None, tuple(parts)


def _header(table: Table) -> dict[str, list[str]]:
    """Return the rows above the numbers by what they are called; `individuals` is DeepLabCut's scorer if absent."""
    header: dict[str, list[str]] = {}
    for row in range(min(len(table), len(LEVELS))):
        cells = table.row(row)
        name = cells[0].lower()
        if name not in LEVELS:
            break
        header[name] = cells
    if not {"scorer", "bodyparts", "coords"} <= set(header) or list(header) != [
        name for name in LEVELS if name in header
    ]:
        raise InputError(f"{table.path}: begins with no rows named scorer, bodyparts and coords, expected DeepLabCut's")
    widths = {len(cells) for cells in header.values()}
    if len(widths) > 1:
        found = " and ".join(map(str, sorted(widths)))
        raise InputError(f"{table.path}: its rows of names have {found} cells, expected as many in each")
    return header


def _frames(table: Table, rows: np.ndarray, index: list[int]) -> np.ndarray:
    """Return the frames' numbers: the first column, or in labelled images the number that the last name ends with."""
    first = table.slots(rows, np.array(index[:1], np.int64)).ravel()
    if not len(first):
        return np.arange(len(rows))
    if not len(rows) or table.cell(int(first[0])).isdigit():
        return frame_numbers(table, first)
    leading = [at for n, at in enumerate(index) if n == at]  # not an ensemble's columns among the others
    last = table.slots(rows, np.array(leading[-1:], np.int64)).ravel()
    found = [_LAST_NUMBER.search(table.cell(slot).decode("utf-8", "replace")) for slot in last.tolist()]
    numbers = [int(match[1]) if match else -1 for match in found]
    return (
        np.array(numbers, np.int64) if len(set(numbers)) == len(numbers) and -1 not in numbers else np.arange(len(rows))
    )


RECORDINGS.add("deeplabcut", RecordingKind("DeepLabCut", "DeepLabCut's and Lightning Pose's .csv", guess, read))
