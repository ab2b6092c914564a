"""Tables of labels, `--labels labels.csv`: what is done in each clip, by whom, and for which part of which split."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from base.errors import InputError
from base.files import regular_file
from base.shown import shown
from base.words import plural
from data.skeletons.labels import PARTS, OwnClip, Part

LARGEST = 64 << 20
COLUMNS = ("action", "subject", "camera", "session")
SPLIT = "split"
_PARTS: dict[str, Part] = {
    **{part: part for part in PARTS},
    "training": "train", "val": "validation", "valid": "validation", "testing": "test",
}  # fmt: skip


def read_labels(path: Path) -> dict[str, OwnClip]:
    """Read a table of labels.

    A CSV file with a header: `clip` and `action`; any of `subject`, `camera`, `session`; and `split`, or `split_NAME`
    for several splits, whose cells are `train`, `validation` (or `val`), `test`, or empty.

    Returns
    -------
    What is known of each clip by its name.

    Raises
    ------
    InputError
        It cannot be read, a column is missing or unknown, a clip is there twice, or a cell makes no sense.
    """
    if regular_file(path, "--labels").stat().st_size > LARGEST:
        raise InputError(f"--labels: {path}: has more than {LARGEST >> 20} MiB; expected a line per clip")
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"--labels: {path}: cannot be read ({error}); expected a CSV file in UTF-8") from error
    rows = [[cell.strip() for cell in row] for row in rows]
    lines = [(line, row) for line, row in enumerate(rows, 1) if any(row)]
    if len(lines) < 2:
        raise InputError(
            f"--labels: {path}: holds no clip; expected a header with clip and action, and a line per clip"
        )
    header = [name.lower() for name in lines[0][1]]
    _check_header(path, header)
    found: dict[str, OwnClip] = {}
    for line, row in lines[1:]:
        if len(row) != len(header):
            raise InputError(f"--labels: {path}: line {line} has {plural(len(row), 'cell')}, the header {len(header)}")
        clip = _clip(dict(zip(header, row, strict=True)), f"--labels: {path}: line {line}")
        if clip.name in found:
            raise InputError(f"--labels: {path}: line {line}: clip {shown(clip.name)} is there twice; name it once")
        found[clip.name] = clip
    return found


def _check_header(path: Path, header: Sequence[str]) -> None:
    for name in ("clip", "action"):
        if name not in header:
            raise InputError(f"--labels: {path}: found the columns {shown(list(header))}, expected clip and action")
    for name in header:
        if name not in ("clip", SPLIT, *COLUMNS) and not name.startswith(f"{SPLIT}_"):
            raise InputError(
                f"--labels: {path}: found a column {shown(name)}, expected clip, {', '.join(COLUMNS)}, split or "
                "split_NAME; rename or remove it"
            )
    if len(set(header)) < len(header):
        raise InputError(f"--labels: {path}: a column is there twice; name each once")


def _clip(cells: dict[str, str], where: str) -> OwnClip:
    parts: dict[str, Part] = {}
    for column, cell in cells.items():
        if column.startswith(SPLIT) and cell:
            if cell.lower() not in _PARTS:
                raise InputError(f"{where}: {column} is {shown(cell)}, expected {', '.join(PARTS)} or nothing")
            parts[column.removeprefix(f"{SPLIT}_")] = _PARTS[cell.lower()]
    if any(not cell.isprintable() for cell in cells.values()):
        raise InputError(f"{where}: holds a control character; remove it")
    if not cells["clip"] or not cells["action"]:
        raise InputError(f"{where}: has no {'action' if cells['clip'] else 'clip'}; fill it in or remove the line")
    return OwnClip(cells["clip"], **{name: cells.get(name, "") for name in COLUMNS}, parts=parts)
