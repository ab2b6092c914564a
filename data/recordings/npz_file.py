"""A `.npz` file in memory, whose arrays can be replaced."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from base.shown import cut
from data.recordings.pickled import object_array
from data.recordings.stored import Changes, Stored, find_npy, read_content, spliced
from data.recordings.zipped import Zipped


class NpzFile:
    """A `.npz` file.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        It cannot be read, or is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zipped = Zipped(read_content(path), path)
        self._contents: dict[str, bytes] = {}
        self.names = frozenset(name[:-4] for name in self._zipped.members if name.endswith(".npy"))
        """Of the arrays."""

    def _content(self, name: str) -> bytes:
        member = f"{name}.npy"
        if member not in self._contents:
            self._contents[member] = self._zipped.read(member)
        return self._contents[member]

    def numbers(self, name: str) -> Stored | None:
        """Return an array of numbers; None if it is one of text or of objects.

        Raises
        ------
        InputError
            It is not there, or damaged.
        """
        stored = find_npy(self._content(name), f"{self.path}: {cut(name)}")
        return replace(stored, member=name) if stored is not None and stored.value.dtype.kind in "iuf" else None

    def rate(self, *names: str) -> float | None:
        """Return the first of several numbers that is there, frames a second."""
        for name in names:
            stored = self.numbers(name) if name in self.names else None
            if stored is not None and stored.value.size == 1:
                return float(stored.value.item())
        return None

    def objects(self, name: str) -> Any:
        """Return an array of objects as `data.recordings.pickled` reads them; None if it is one of numbers or text.

        Raises
        ------
        InputError
            It is not there, or damaged, or holds more than arrays, numbers and text.
        """
        content, where = self._content(name), f"{self.path}: {cut(name)}"
        return object_array(content, where) if find_npy(content, where) is None else None

    def replaced(self, changes: Changes) -> bytes:
        """Return the whole file with other numbers in some arrays, which say what they are members of."""
        members = {stored.member for stored, _ in changes}
        return self._zipped.replaced(
            {
                f"{name}.npy": spliced(self._content(name), [each for each in changes if each[0].member == name])
                for name in members
            }
        )
