"""Recordings of a text per frame in a folder, and of one text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from base.errors import InputError
from data.recordings.patching import Numbers
from data.recordings.peek import files_in
from data.recordings.recording import Write
from data.recordings.rows import Row, numbers_of_names


@dataclass(frozen=True)
class FrameFiles:
    """The files of a recording.

    Parameters
    ----------
    path
        The folder, or the only file.
    files
        In the order of their names.
    frames
        The number in each one's name; 0 for a file alone.
    """

    path: Path
    files: tuple[Path, ...]
    frames: tuple[int, ...]

    def of_one_frame(self, rows: Sequence[Row], at: int) -> list[Row]:
        """Return the rows of a file as those of the frame that its name says.

        Raises
        ------
        InputError
            The file holds several frames of its own.
        """
        if len({row.frame for row in rows}) > 1:
            raise InputError(f"{self.files[at]}: holds several frames, expected one per file; give the file alone")
        return [replace(row, frame=self.frames[at]) for row in rows]

    def writer(self, texts: Sequence[Numbers], file_of: Sequence[int], slots: np.ndarray, joints: np.ndarray) -> Write:
        """Return what writes the files once more.

        Parameters
        ----------
        texts
            What each file holds.
        file_of
            The file that each row is of, from 0, in ascending order.
        slots
            int64 [N, J, D]: where coordinates stand in their file; -1 for nowhere.
        joints
            float64 [N, J, D]: the coordinates that were read.
        """
        starts = np.searchsorted(np.asarray(file_of, np.int64), np.arange(len(self.files) + 1))

        def write(new: np.ndarray, output: Path) -> None:
            folder = self.path.is_dir()
            if folder:
                output.mkdir()
            for at, (file, text) in enumerate(zip(self.files, texts, strict=True)):
                rows = slice(starts[at], starts[at + 1])
                content = text.patched(slots[rows], joints[rows], new[rows])
                (output / file.name if folder else output).write_bytes(content)

        return write


def frame_files(path: Path, ending: str, left_out: str = "") -> FrameFiles:
    """Find the files of a folder that end so, but for one of a name that is something else; or take one file.

    Raises
    ------
    InputError
        The folder has none, or their names do not end in numbers of their own.
    """
    found = [file for file in files_in(path, ending) if file.name.lower() != left_out] if path.is_dir() else [path]
    if not found:
        raise InputError(f"{path}: holds no {ending} file, expected one per frame")
    return FrameFiles(path, tuple(found), tuple(numbers_of_names([file.name for file in found], str(path))))
