"""Which clips of a store are for training and which for testing: by a rule, by the owner's split, or by subjects."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator

from base.errors import InputError
from base.shown import shown
from base.words import plural
from data.ntu.splits import RULES, SPLITS, in_training, only_of_120
from data.skeletons.labels import natural
from data.skeletons.store import ClipStore

MOST_FOLDS = 100

LEAVE_ONE_OUT = "leave_one_subject_out"


@dataclass(frozen=True)
class Division:
    """A store's clips, divided; bool [N] each, no clip in two of them.

    Parameters
    ----------
    train, test
        What is learnt from, and what is tested on.
    validation
        What the owner's split sets aside to choose the best epoch by; None if it sets nothing aside.
    """

    train: np.ndarray
    test: np.ndarray
    validation: np.ndarray | None = None


def as_split(value: Any) -> Any:
    """Return a split as one line of text, as configurations may say it in several ways.

    `{subjects: {test: [3, 6]}}` is `subjects 3, 6`, `{folds: 5}` is `folds 5`, `xset` is `xset120`. What is none
    of these stays as it is.
    """
    if isinstance(value, dict) and set(value) == {"subjects"} and isinstance(value["subjects"], dict):
        test = value["subjects"].get("test")
        if set(value["subjects"]) == {"test"} and isinstance(test, list | tuple) and test:
            return "subjects " + ", ".join(str(subject) for subject in test)
    if value == "xset":  # 60 has no such rule
        return "xset120"
    if isinstance(value, dict) and set(value) == {"folds"} and isinstance(value["folds"], int):
        return f"folds {value['folds']}"
    return value


Split = Annotated[str, BeforeValidator(as_split)]
"""How a configuration says which clips are for training and which for testing, see `divide` and `single_splits`."""


def check_rule(split: str) -> None:
    """Refuse, with a ValueError, what can be no split of clips that have NTU RGB+D's names, before they are made."""
    if split not in RULES and split != LEAVE_ONE_OUT and not re.fullmatch("|".join((*_MADE, r"folds \d{1,3}")), split):
        raise ValueError(
            f"data.split: found {shown(split)}, expected {', '.join(RULES)}, subjects: {{test: [...]}}, folds: 5 or "
            f"{LEAVE_ONE_OUT}"
        )


def single_splits(store: ClipStore, split: str) -> list[str]:
    """Return the splits of two parts that a split stands for: each fold, each subject left out, or itself."""
    if found := re.fullmatch(r"folds (\d{1,3})", split):
        count = int(found[1])
        if not 2 <= count <= MOST_FOLDS:
            raise InputError(f"data.split: found {split!r}, expected 2 to {MOST_FOLDS} folds")
        return [f"fold {number}/{count}" for number in range(1, count + 1)]
    if split == LEAVE_ONE_OUT:
        subjects = subjects_of(store)
        if len(np.unique(subjects)) < 2:
            raise InputError(
                f"data.split: {LEAVE_ONE_OUT} needs two subjects, {store.folder} has fewer or does not say who they are"
            )
        return [f"subjects {subject}" for subject in sorted(np.unique(subjects).tolist(), key=natural)]
    return [split]


def subjects_of(store: ClipStore) -> np.ndarray:
    """Return what the subject of each clip is called, text [N]; the performers' numbers where they have no names."""
    numbers = store.clips.performer
    if store.labels is None:
        return numbers.astype(str)
    if not store.labels.subjects:
        return np.zeros(len(numbers), "U1")
    return np.array(store.labels.subjects)[numbers - 1]


def knows_subjects(store: ClipStore) -> bool:
    """Whether it is known who is in the clips."""
    return store.labels is None or bool(store.labels.subjects)


def divide(store: ClipStore, split: str) -> Division:
    """Divide the clips of a store.

    Parameters
    ----------
    store
        The clips.
    split
        The name of a split of the store's own labels; a rule of NTU RGB+D 60, `xsub` or `xview`, or of 120, `xsub120`
        or `xset120`; `subjects A, B`: these are tested on; or `fold 2/5`: the second of five folds, each with other
        subjects and, as far as that goes, with all actions alike (scikit-learn's StratifiedGroupKFold).

    Raises
    ------
    InputError
        There is no such split, or it cannot be made of these clips.
    """
    own = store.labels.splits if store.labels is not None else {}
    if split in own:
        parts = {part: np.isin(store.clips.name, own[split].get(part, ())) for part in ("train", "validation", "test")}
        validation = parts["validation"] if parts["validation"].any() else None
        return Division(parts["train"], parts["test"], validation)
    for pattern, make in _MADE.items():
        if found := re.fullmatch(pattern, split, re.DOTALL):
            return make(store, found)
    if split in RULES:
        if store.labels is not None:
            raise InputError(
                f"data.split: {split} is NTU RGB+D's rule, and {store.folder} has other clips; {_advice(store)}"
            )
        outside = np.flatnonzero(only_of_120(store.clips))
        if split in SPLITS and len(outside):
            raise InputError(
                f"data.split: {split} is a rule of NTU RGB+D 60, and {store.folder} has {plural(len(outside), 'clip')} "
                f"of 120 alone (the first is {store.clips.name[outside[0]]}); give xsub120 or xset120"
            )
        training = in_training(store.clips, split)
        return Division(training, ~training)
    raise InputError(f"data.split: found {shown(split)}, which {store.folder} does not have; {_advice(store)}")


def _advice(store: ClipStore) -> str:
    own = list(store.labels.splits) if store.labels is not None else list(RULES)
    named = f"it has {', '.join(own)}" if own else "its labels name no split"
    return f"{named}; or give subjects: {{test: [...]}}, folds: 5 or {LEAVE_ONE_OUT}"


def _by_subjects(store: ClipStore, found: re.Match[str]) -> Division:
    wanted = [name.strip() for name in found[1].split(",") if name.strip()]
    subjects = subjects_of(store)
    if not knows_subjects(store):
        raise InputError(
            f"data.split: {store.folder} does not say who is in its clips; import them with --labels, a table with a "
            "column subject, or give folds: 5"
        )
    if absent := [name for name in wanted if name not in subjects]:
        there = sorted(np.unique(subjects).tolist(), key=natural)
        raise InputError(
            f"data.split: subjects names {shown(absent[0])}, which is not among the {len(there)} of {store.folder} "
            f"({', '.join(there[:5])}{', ...' * (len(there) > 5)})"
        )
    test = np.isin(subjects, wanted)
    return Division(~test, test)


def _by_folds(store: ClipStore, found: re.Match[str]) -> Division:
    number, count = int(found[1]), int(found[2])
    if not 1 <= number <= count or not 2 <= count <= MOST_FOLDS:
        raise InputError(f"data.split: found {found[0]!r}, expected fold 1/5 or the like, up to {MOST_FOLDS} folds")
    order = np.array(sorted(range(len(store.clips)), key=lambda row: natural(store.title(str(store.clips.name[row])))))
    action, subject = store.clips.action[order], store.clips.performer[order]
    grouped = knows_subjects(store)
    groups = len(np.unique(subject)) if grouped else len(order)
    if groups < count:
        whom = "subjects" if grouped else "clips"
        raise InputError(f"data.split: {count} folds need as many {whom}, {store.folder} has {groups}")
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold  # half a second, for folds alone

    splitter = (StratifiedGroupKFold if grouped else StratifiedKFold)(count, shuffle=True, random_state=0)
    rare = int(np.unique(action, return_counts=True)[1].max())
    if rare < count:
        raise InputError(
            f"data.split: {count} folds, and no action of {store.folder} has more than {plural(rare, 'clip')}; "
            "take fewer"
        )
    chosen = list(splitter.split(np.zeros((len(order), 1)), action, subject if grouped else None))[number - 1][1]
    test = np.zeros(len(order), bool)
    test[order[chosen]] = True
    return Division(~test, test)


_MADE: dict[str, Callable[[ClipStore, re.Match[str]], Division]] = {
    r"subjects (.+)": _by_subjects,
    r"fold (\d{1,3})/(\d{1,3})": _by_folds,
}
