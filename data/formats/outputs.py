"""The shapes that exports have: one file, a folder of one file per clip, or files of each evaluation protocol.

Each writes all or nothing, and knows what `--again` may replace.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.files import atomic_files, atomic_folder, is_left_over
from base.replacing import Kind, check_file_replaceable
from base.words import plural
from data.debris import is_debris
from data.formats.clips import Advance
from data.formats.options import WriteOptions
from data.ntu.actions import ACTIONS
from data.ntu.splits import SPLITS, SPLITS_120, Split, in_training, only_of_120, rules_of
from data.skeletons.store import ClipStore


@dataclass(frozen=True)
class Export:
    """One export.

    Parameters
    ----------
    store
        The clips.
    output
        Where to write.
    format
        The format's name.
    options
        How to write.
    again
        Whether what an earlier export wrote may be replaced.
    """

    store: ClipStore
    output: Path
    format: str
    options: WriteOptions
    again: bool


class Output(ABC):
    """A shape of what is written."""

    @property
    @abstractmethod
    def called(self) -> str:
        """What it is, such as `a folder`."""

    def fits(self, output: Path) -> bool:
        """Say whether a path can be of this shape by its name."""
        return True

    def rounds(self, export: Export) -> int:
        """Return how often each clip will be written."""
        return 1

    @abstractmethod
    def write(self, export: Export, advance: Advance) -> list[str]:
        """Write, call `advance` after each clip, and return lines that say what was written.

        Raises
        ------
        InputError
            Something is in the way, or the store does not fit.
        """


@dataclass(frozen=True)
class OneFile(Output):
    """A file that holds all clips.

    Parameters
    ----------
    suffix
        The end of its name, such as `.pkl`.
    save
        Writes the store into a file, calls `advance` after each clip, and returns what it wrote: `3 clips for PYSKL`.
    ours
        Says whether a file was written by `save`, so that `--again` may replace it.
    example
        A name that it could have.
    """

    suffix: str
    save: Callable[[ClipStore, Path, WriteOptions, Advance], str]
    ours: Callable[[Path], bool]
    example: str = ""

    @property
    def called(self) -> str:
        """What it is: a file or a folder."""
        return f"a {self.suffix} file"

    def fits(self, output: Path) -> bool:
        """Say whether the path ends as the file's name must."""
        return output.suffix == self.suffix

    def write(self, export: Export, advance: Advance) -> list[str]:
        """Write the file, see `Output.write`."""
        check_file_replaceable(export.output, export.again, [export.store.folder], self.ours)
        with atomic_files([export.output]) as (file,):
            wrote = self.save(export.store, file, export.options, advance)
        return [f"{export.output}: {wrote}, {_megabytes(export.output)}"]


@dataclass(frozen=True)
class FilePerClip(Output):
    """A folder of one file per clip and nothing else.

    Parameters
    ----------
    suffix
        The end of the files' names, such as `.skeleton`.
    save
        Writes the store into a folder that exists, and calls `advance` after each clip.
    ours
        Says whether a file was written by `save`: `--again` replaces a folder of such files.
    """

    suffix: str
    save: Callable[[ClipStore, Path, WriteOptions, Advance], None]
    ours: Callable[[Path], bool]

    @property
    def called(self) -> str:
        """What it is: a file or a folder."""
        return "a folder"

    def write(self, export: Export, advance: Advance) -> list[str]:
        """Write the folder, see `Output.write`."""
        kind = Kind(f"folder of exported {self.suffix} files", self._fault)
        with atomic_folder(export.output, kind if export.again else None, [export.store.folder]) as folder:
            self.save(export.store, folder, export.options, advance)
        return [f"{export.output}: {plural(len(export.store.clips), f'{self.suffix} file')}"]

    def _fault(self, folder: Path) -> str:
        """Say why a folder is no export that may be replaced."""
        for path in sorted(folder.iterdir()):
            if is_debris(path.name) or is_left_over(path):
                continue
            if not path.name.endswith(self.suffix) or path.is_symlink() or not path.is_file():
                return f"holds {path.name}, which is no {self.suffix} file"
            if not self.ours(path):
                return f"holds {path.name}, which no export has written"
        return ""


@dataclass(frozen=True)
class FilesBySplit(Output):
    """Files of each evaluation protocol, in a folder beside whatever else it holds.

    Parameters
    ----------
    names
        The files of a split, relative to the folder.
    save
        Writes a split into these files, calls `advance` after each clip, and returns what the user should know.
    ours
        Says whether the files of a split, of which some may be missing, were written by `save`.
    """

    names: Callable[[Split], list[str]]
    save: Callable[[ClipStore, Split, list[Path], WriteOptions, Advance], list[str]]
    ours: Callable[[list[Path]], bool]

    @property
    def called(self) -> str:
        """What it is: a file or a folder."""
        return "a folder"

    def _all_ours(self, files: list[Path], file: Path) -> bool:
        return self.ours(files)

    def rounds(self, export: Export) -> int:
        """Return the number of protocols that are written."""
        return len(_splits_of(export))

    def write(self, export: Export, advance: Advance) -> list[str]:
        """Write the files of all splits or of none, see `Output.write`."""
        store, splits = export.store, _splits_of(export)
        targets = {split: [export.output / name for name in self.names(split)] for split in splits}
        files = [file for split in splits for file in targets[split]]
        for of_split in targets.values():
            for file in of_split:
                check_file_replaceable(file, export.again, [store.folder], partial(self._all_ours, of_split))
        notes = {}
        # all splits or none: one that stood there alone would be in the way of the same command
        with atomic_files(files) as temporaries:
            waiting = iter(temporaries)
            for split in splits:
                new = [next(waiting) for _ in targets[split]]
                notes[split] = self.save(store, split, new, export.options, advance)
        lines = []
        for split in splits:
            training, first = int(in_training(store.clips, split).sum()), targets[split][0]
            lines.append(
                f"{first if first.parent == export.output else first.parent}: {plural(training, 'clip')} for training, "
                f"{len(store.clips) - training} for testing, {_megabytes(*targets[split])}"
            )
            lines += [f"  {note}" for note in notes[split]]
        if left_out := [split for split in _asked(export) if split not in splits]:
            lines.append(f"  not written: {left_out[0]}, by which all clips would be for training or all for testing")
        return lines


def _asked(export: Export) -> tuple[Split, ...]:
    """Return the protocol that is asked for, or those of the data set that the clips are of."""
    return (export.options.split,) if export.options.split else tuple(rules_of(export.store.clips).values())


def _splits_of(export: Export) -> tuple[Split, ...]:
    """Return the protocols to write: those by which there is something to train and to test on."""
    store = export.store
    asked = _asked(export)
    beyond = np.flatnonzero(only_of_120(store.clips) | (store.clips.action > len(ACTIONS)))
    if len(beyond) and set(asked) & set(SPLITS):
        raise InputError(
            f"{store.folder}: {asked[0]} is a rule of NTU RGB+D 60, and clip {store.clips.name[beyond[0]]} is of 120 "
            f"alone; use --split {' or '.join(SPLITS_120)}"
        )
    usable = tuple(split for split in asked if len(set(in_training(store.clips, split).tolist())) == 2)
    if not usable:
        raise InputError(
            f"{store.folder}: by {' and '.join(asked)} all of its {len(store.clips)} clips are for training or all for "
            f"testing, and --format {export.format} needs both; use a store of more clips"
        )
    return usable


def _megabytes(*files: Path) -> str:
    return f"{sum(file.stat().st_size for file in files) / 1e6:,.1f} MB"


@contextmanager
def writing(output: Path) -> Iterator[None]:
    """Tell in one line that something cannot be written."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror or error}); nothing was kept") from error
