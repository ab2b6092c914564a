"""A journal: what is being made, and then a line for each step that is done, so that the next run goes on behind it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from base.errors import InputError
from base.files import atomic_file, regular_file

JOURNAL = "journal.jsonl"
"""Its name in a folder that is being filled."""


class Journal:
    """Lines of JSON in a file: the identity of what is being made, and an entry for each step.

    Parameters
    ----------
    folder
        Where the file is or will be.
    identity
        All that determines what is made. What a run of another identity has left says nothing.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.path = folder / JOURNAL
        self._identity = json.dumps(identity, sort_keys=True)
        self._file: IO[str] | None = None

    def read(self) -> list[Any]:
        """Return the entries that an earlier run has left; those behind a line that was cut short do not count."""
        entries: list[Any] = []
        try:
            head, *lines = (
                regular_file(self.path).read_text(encoding="utf-8").split("\n")[:-1]
            )  # the last one has no end
            if head == self._identity:
                for line in lines:
                    entries.append(json.loads(line))
        except (OSError, ValueError, RecursionError, InputError):
            pass  # nothing there, or whatever a run that was ended has left of a line
        return entries

    def begin(self, kept: Sequence[Any] = ()) -> None:
        """Write the identity and the entries that still hold, and open the file for more."""
        with atomic_file(self.path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in (self._identity, *map(json.dumps, kept))), "utf-8")
        self._file = self.path.open("a", encoding="utf-8")

    def add(self, entry: Any) -> None:
        """Append an entry; what it tells of must be on disk already."""
        assert self._file is not None
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
