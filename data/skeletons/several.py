"""Several clip stores read as one, without a copy: tables are joined, frames stay where they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

import numpy as np

from base.errors import InputError
from data.skeletons.join_stores import join_names, open_all, other_rate
from data.skeletons.store import Clips, ClipStore, Tracks


class EndToEnd:
    """Arrays one after another, read as if they were one; a row is copied from the array that has it.

    Parameters
    ----------
    parts
        [n, ...] each, of one type and the same shape but for n.
    """

    def __init__(self, parts: Sequence[np.ndarray]) -> None:
        self._parts = parts
        self._ends = np.cumsum([len(part) for part in parts])
        self.dtype, self.shape = parts[0].dtype, (int(self._ends[-1]), *parts[0].shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return some rows, by a slice or by int64 [n]."""
        at = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.asarray(rows)
        found = np.empty((len(at), *self.shape[1:]), self.dtype)
        of = np.searchsorted(self._ends, at, side="right")
        for number in np.unique(of).tolist():
            mine = of == number
            part = self._parts[number]
            found[mine] = part[at[mine] - (self._ends[number] - len(part))]
        return found


@dataclass(frozen=True)
class Several(ClipStore):
    """Clip stores as one."""

    sources: tuple[Path, ...] = ()
    same_people: bool = False

    def __reduce__(self) -> tuple[Callable[..., ClipStore], tuple[Any, ...]]:
        # as one store does: another process opens them itself
        return open_several, (tuple(path.absolute() for path in self.sources), self.same_people)


def open_several(sources: Sequence[Path], same_people: bool = False, where: str = "data.more") -> ClipStore:
    """Open several stores as one, whose clips, names, actions, people and splits are those that `join` would write.

    Parameters
    ----------
    sources
        The stores; their clips come in this order.
    same_people
        Whether subjects of one name in several stores are one.
    where
        Who asks, for messages.

    Raises
    ------
    InputError
        They do not go together by the rules of `join`, or `join` would have to change frames.
    """
    stores, called = open_all(sources, where)
    first = stores[0]
    for path, store in zip(sources, stores, strict=True):
        of_both = ((store.info.image, first.info.image), (store.info.confidence, first.info.confidence))
        if other_rate(store, first) or any(one != other for one, other in of_both):
            raise InputError(
                f"{where}: {path} and {sources[0]} differ in frame rate, image or confidences; make them one store: "
                "`python run.py join`"
            )
    names, labels = join_names(stores, called, where, same_people, [])
    clips = {column.name: np.array([getattr(name, column.name, 0) for name in names]) for column in fields(Clips)}
    clips["name"] = np.array([str(name) for name in names])
    clips["frames"] = np.concatenate([store.clips.frames for store in stores])
    before = {
        "clip": np.cumsum([0, *(len(store.clips) for store in stores)]),
        "first_row": np.cumsum([0, *(len(store.joints) for store in stores)]),
    }
    tracks = {
        column.name: np.concatenate(
            [
                getattr(store.tracks, column.name) + (before[column.name][number] if column.name in before else 0)
                for number, store in enumerate(stores)
            ]
        )
        for column in fields(Tracks)
    }
    counts = {"clips": len(names), "tracks": len(tracks["clip"]), "frames": int(before["first_row"][-1])}
    return Several(
        folder=Path(f"{first.folder} and {len(stores) - 1} more"),
        joints=_end_to_end([store.joints for store in stores]),
        tracked=_end_to_end([store.tracked for store in stores]),
        tracks=Tracks(**tracks),
        clips=Clips(**clips),
        info=first.info.model_copy(update=counts),
        confidence=_optional([store.confidence for store in stores]),
        times=_optional([store.times for store in stores]),
        labels=labels,
        sources=tuple(sources),
        same_people=same_people,
    )


def _optional(parts: Sequence[np.ndarray | None]) -> np.ndarray | None:
    there = [part for part in parts if part is not None]
    return _end_to_end(there) if there else None


def _end_to_end(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return what answers to rows and `len` as an array does; that is all that readers of a store ask of it."""
    return cast(np.ndarray, EndToEnd(parts))
