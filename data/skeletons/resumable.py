"""A store that is written by several runs: each goes on where the one before was ended."""

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from data.skeletons.store import Block, Progress, StoreFiles, StoreInfo, check_begun, sound_states

JOURNAL = "journal.jsonl"
"""The first line says from what the store is made, each further one how far it was after a block."""


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
        lines, states = _read_journal(folder / JOURNAL, identity)
        sound = sound_states(folder, info, [state for _, state in states])
        if sound == 0:
            _empty(folder)
            lines = [json.dumps({"identity": identity})]
        for done, _ in states[:sound]:
            self.entries = done["entries"]
            self.skipped += done["skipped"]
        with (folder / JOURNAL).open("w") as journal:
            journal.writelines(line + "\n" for line in lines[: 1 + sound])
        self.files = StoreFiles(folder, info, states[sound - 1][1] if sound else None)
        self._journal = (folder / JOURNAL).open("a")

    def add(self, entries: int, block: Block, skipped: Sequence[dict[str, str]]) -> None:
        """Append what some more entries gave."""
        self.files.add(block)
        self.entries += entries
        self.skipped += skipped
        state = {"entries": self.entries, "skipped": list(skipped), **asdict(self.files.progress())}
        self._journal.write(json.dumps(state) + "\n")
        self._journal.flush()

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


def _read_journal(path: Path, identity: str) -> tuple[list[str], list[tuple[dict, Progress]]]:
    """Return a journal's whole lines, and how far the store was after each but the first."""
    states = []
    try:
        lines = path.read_text().split("\n")[:-1]
        if json.loads(lines[0]) != {"identity": identity}:
            return [], []
        for line in lines[1:]:
            state = json.loads(line)
            files = {str(name): (int(size), int(crc)) for name, (size, crc) in state["files"].items()}
            progress = Progress(int(state["clips"]), int(state["tracks"]), int(state["frames"]), files)
            states.append(({"entries": int(state["entries"]), "skipped": list(state["skipped"])}, progress))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        pass  # what can be read so far is good
    return lines[: 1 + len(states)] if states else [], states


def _empty(folder: Path) -> None:
    """Remove what a store that was begun consists of."""
    check_begun(folder)
    for found in folder.iterdir():
        if found.is_dir():
            shutil.rmtree(found, ignore_errors=True)
        else:
            found.unlink(missing_ok=True)
