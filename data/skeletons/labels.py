"""What the owners of clips call them, where they are not NTU RGB+D's: names, actions, subjects, splits.

A store names every clip as NTU RGB+D does, by five numbers; an own clip gets such a name, too (`code_clips`), and the
store's `labels.json` says what it stands for. So everything that counts people or writes NTU's formats works alike.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from pydantic import Field

from base.errors import InputError
from base.settings import Section
from base.shown import shown
from base.words import plural
from data.ntu.names import ClipName

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)

LARGEST_NUMBER = 999
"""Three digits of a clip's name."""

LONGEST = 200
"""Characters of a clip's, an action's or a subject's name."""


class Labels(Section):
    """The labels of a store's clips.

    Parameters
    ----------
    clips
        By the name that a clip has in the store, what its owner calls it.
    actions
        Their names, of A001 and so on.
    subjects
        Their names, of P001 and so on; empty if it is unknown who is in the clips.
    splits
        By the name of a split, the clips of each of its parts, by the names that they have in the store.
    """

    clips: dict[str, str]
    actions: tuple[str, ...]
    subjects: tuple[str, ...] = ()
    splits: dict[str, dict[Part, tuple[str, ...]]] = Field(default_factory=dict)

    def of(self, kept: Iterable[str]) -> "Labels":
        """Return the labels of some of the clips; actions and subjects keep their numbers."""
        names = set(kept)
        splits = {
            split: {part: tuple(clip for clip in clips if clip in names) for part, clips in parts.items()}
            for split, parts in self.splits.items()
        }
        return Labels(
            clips={code: name for code, name in self.clips.items() if code in names},
            actions=self.actions,
            subjects=self.subjects,
            splits=splits,
        )


@dataclass(frozen=True)
class OwnClip:
    """What is known of a clip besides its skeletons.

    Parameters
    ----------
    name
        What its owner calls it.
    action
        The name of what is done; empty if unknown.
    subject, camera, session
        Who does it, from where and when it was seen; empty if unknown.
    parts
        For each split that names it, the part that it belongs to.
    """

    name: str
    action: str = ""
    subject: str = ""
    camera: str = ""
    session: str = ""
    parts: Mapping[str, Part] = field(default_factory=dict)


def code_clips(
    clips: Sequence[OwnClip], actions: Sequence[str] | None = None, where: str = ""
) -> tuple[list[ClipName], Labels]:
    """Give each clip a name as NTU RGB+D has them, and say what it stands for.

    Subjects, cameras, sessions and actions are numbered in natural order (`P2` before `P10`).

    Parameters
    ----------
    clips
        All clips, each with another name.
    actions
        The actions' names in the order of their numbers; those that occur, sorted, if None.
    where
        The file, for messages.

    Raises
    ------
    InputError
        Two clips have one name, a clip has no action, or there are more than 999 actions, subjects or the like.
    """
    if twice := _twice([clip.name for clip in clips]):
        raise InputError(f"{where}: there are two clips called {shown(twice)}; give each a name of its own")
    if unnamed := [clip.name for clip in clips if not clip.action]:
        has = plural(len(unnamed), "clip has", "clips have")
        raise InputError(f"{where}: {has} no action, the first is {shown(unnamed[0])}; label them")
    listed = list(actions) if actions is not None else _in_order(clip.action for clip in clips)
    subjects, cameras, sessions = (
        _in_order(getattr(clip, key) for clip in clips) for key in ("subject", "camera", "session")
    )
    for values, what in ((listed, "actions"), (subjects, "subjects"), (cameras, "cameras"), (sessions, "sessions")):
        if len(values) > LARGEST_NUMBER:
            raise InputError(f"{where}: has {len(values)} {what}, at most {LARGEST_NUMBER} are taken")
        if long := [value for value in values if len(value) > LONGEST]:
            raise InputError(f"{where}: found a name of {len(long[0])} characters, at most {LONGEST} are taken")
    numbers = [{value: number for number, value in enumerate(values, 1)} for values in (listed, subjects, cameras)]
    session_of = {value: number for number, value in enumerate(sessions, 1)}
    order = sorted(range(len(clips)), key=lambda at: natural(clips[at].name))
    taken: dict[tuple[int, ...], int] = {}
    names: dict[int, ClipName] = {}
    for at in order:
        clip = clips[at]
        action, subject, camera = (
            found[value] for found, value in zip(numbers, (clip.action, clip.subject, clip.camera), strict=True)
        )
        group = (session_of[clip.session], camera, subject, action)
        count = taken.get(group, 0)
        taken[group] = count + 1
        setup = group[0] + len(sessions) * (count // LARGEST_NUMBER)
        if setup > LARGEST_NUMBER:
            raise InputError(f"{where}: has too many clips of {shown(clip.action)} by one subject; leave some out")
        names[at] = ClipName(setup, camera, subject, 1 + count % LARGEST_NUMBER, action)
    coded = [names[at] for at in range(len(clips))]
    splits: dict[str, dict[Part, list[str]]] = {}
    for clip, name in zip(clips, coded, strict=True):
        for split, part in clip.parts.items():
            splits.setdefault(split, {}).setdefault(part, []).append(str(name))
    return coded, Labels(
        clips={str(name): clip.name for name, clip in zip(coded, clips, strict=True)},
        actions=tuple(listed),
        subjects=tuple(subjects) if subjects != [""] else (),
        splits={split: {part: tuple(found) for part, found in parts.items()} for split, parts in splits.items()},
    )


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return what to sort texts by such that numbers inside them count: clip2 before clip10."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d{1,18})", text))


def _in_order(values: Iterable[str]) -> list[str]:
    return sorted(set(values), key=natural)


def _twice(names: Sequence[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""
