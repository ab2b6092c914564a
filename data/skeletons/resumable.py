"""A store that is written by several runs: each goes on where the one before was ended."""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from base.journal import Journal
from data.skeletons.store import Block, Progress, StoreFiles, StoreInfo, check_begun, sound_states


class ResumableStore:
    """The unfinished store in a folder, and its journal.

    Parameters
    ----------
    folder
        What `resumable_folder` gives.
    info
        Layout and frame rate.
    identity
        What the store is made of. What a run of another identity has left is removed.
    """

    def __init__(self, folder: Path, info: StoreInfo, identity: str) -> None:
        self._folder = folder
        self.entries = 0
        """So many of the entries have been read."""
        self.skipped: list[dict[str, str]] = []
        """Those of them that are no clips."""
        self._journal = Journal(folder, {"identity": identity})  # an entry says how far it was after a block
        steps = self._journal.read()
        states = _to_states(steps)
        sound = sound_states(folder, info, [state for _, state in states])
        if sound == 0:
            _empty(folder)
        for done, _ in states[:sound]:
            self.entries = done["entries"]
            self.skipped += done["skipped"]
        self._journal.begin(steps[:sound])
        self.files = StoreFiles(folder, info, states[sound - 1][1] if sound else None)

    def add(self, entries: int, block: Block, skipped: Sequence[dict[str, str]]) -> None:
        """Append what some more entries gave."""
        self.files.add(block)
        self.entries += entries
        self.skipped += skipped
        self._journal.add({"entries": self.entries, "skipped": list(skipped), **asdict(self.files.progress())})

    def finish(self, info: StoreInfo) -> None:
        """Complete the store, once all of it is on the disk."""
        self.files.finish(info, durable=True)

    def close(self) -> None:
        """Close the files; remove them if there is nothing in them to go on from."""
        self.files.close()
        with suppress(OSError):  # a full disk has been told already
            self._journal.close()
        if self.entries == 0:
            _empty(self._folder)


def _to_states(steps: Sequence[Any]) -> list[tuple[dict[str, Any], Progress]]:
    """Return how far the store was after each step, up to the first that does not say it."""
    states = []
    with suppress(ValueError, LookupError, TypeError, AttributeError):
        for step in steps:
            files = {str(name): (int(size), int(crc)) for name, (size, crc) in step["files"].items()}
            progress = Progress(int(step["clips"]), int(step["tracks"]), int(step["frames"]), files)
            states.append(({"entries": int(step["entries"]), "skipped": list(step["skipped"])}, progress))
    return states


def _empty(folder: Path) -> None:
    """Remove what a store that was begun consists of."""
    check_begun(folder)
    for found in folder.iterdir():
        if found.is_dir():
            shutil.rmtree(found, ignore_errors=True)
        else:
            found.unlink(missing_ok=True)
