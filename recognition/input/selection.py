"""Which clips of a store are learned from, validated on and tested on, and which actions there are."""

from dataclasses import dataclass

import numpy as np

from base.errors import InputError
from base.shown import shown
from base.words import plural
from data.skeletons.division import divide, knows_subjects
from data.skeletons.store import ClipStore


@dataclass(frozen=True)
class Selection:
    """Rows of the clip table in the order of the clips' names, so that stores with equal clips give equal draws.

    Parameters
    ----------
    train, validation, test
        int64 rows of the clips.
    actions
        int64 [classes], the 1-based action of each label, ascending.
    note
        What could not be done as asked; empty if nothing.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    actions: np.ndarray
    note: str = ""


def select_clips(store: ClipStore, split: str, validation: float, seed: int, share: float = 1.0) -> Selection:
    """Divide the clips of a store.

    Parameters
    ----------
    store
        The clip store.
    split
        See `data.skeletons.division.divide`. What it sets aside for validation is held out as it is.
    validation
        Share of the training performers held out, as whole performers: at least one if above 0. They are drawn by the
        seed; a performer without whom some action had no training clips left is not held out. Of clips of one's own
        none may be left to hold out, and a note says so. Where it is unknown who is in the clips: share of the clips
        of each action.
    seed
        The run's seed.
    share
        Share of the training clips that is kept, of each action at least one; a smaller share is part of a greater one.

    Raises
    ------
    InputError
        Clips without labels, nothing to train or to test on, an action without training clips, or no performer that
        can be held out.
    """
    clips = store.clips
    if (clips.action <= 0).any():
        raise InputError(
            f"{store.folder}: {int((clips.action <= 0).sum())} of its {len(clips)} clips have no label (action A000; "
            f"the first is {clips.name[clips.action <= 0][0]}); label them, or use `python run.py "
            "predict`"
        )
    order = np.argsort(clips.name, kind="stable")
    division = divide(store, split)
    train, test = order[division.train[order]], order[division.test[order]]
    for rows, what in ((train, "training"), (test, "test")):
        if not len(rows):
            raise InputError(
                f"{store.folder}: none of its {len(clips)} clips is for {what} by data.split={split}; "
                "use another split or a store of more clips"
            )
    validated = np.zeros(0, np.int64) if division.validation is None else order[division.validation[order]]
    actions = np.unique(clips.action[np.concatenate([train, validated, test])])
    if missing := sorted(set(actions.tolist()) - set(clips.action[train].tolist())):
        raise InputError(
            f"{store.folder}: action {_called(store, missing[0])} has test clips but no training clips by "
            f"data.split={split}; add clips of it or leave it out of the store"
        )
    if validation > 0 and len(validated):
        kept = _take_share(clips.action[train], share, seed)
        return Selection(train[kept], validated, test, actions)
    held_out = np.zeros(len(train), dtype=bool)
    if validation > 0 and not knows_subjects(store):
        held_out = _hold_out_clips(clips.action[train], validation, seed)
    elif validation > 0:
        held_out = _hold_out(clips.performer[train], clips.action[train], validation, seed)
    note = ""
    if validation > 0 and not held_out.any():
        if store.labels is None:
            raise InputError(
                f"{store.folder}: no training performer can be held out for validation without emptying an action "
                f"({len(np.unique(clips.performer[train]))} training performers); set data.validation=0"
            )
        who = plural(len(np.unique(clips.performer[train])), "training performer") if knows_subjects(store) else "clips"
        note = (
            f"data.validation: nothing of the {who} can be held out without emptying an action; all are "
            "trained on, and the last epoch is kept"
        )
    kept = _take_share(clips.action[train[~held_out]], share, seed)
    return Selection(train[~held_out][kept], train[held_out], test, actions, note)


def _called(store: ClipStore, action: int) -> str:
    return f"A{action:03d}" if store.labels is None else shown(store.labels.actions[action - 1])


def _hold_out_clips(action: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Choose the clips [N] that are held out where it is unknown whose they are.

    It is a share of each action's, one at least; an action of one clip keeps it.
    """
    order = np.random.default_rng(seed).permutation(len(action))
    held_out = np.zeros(len(action), dtype=bool)
    for number in np.unique(action):
        mine = order[action[order] == number]
        held_out[mine[: min(len(mine) - 1, max(1, round(share * len(mine))))]] = True
    return held_out


def _take_share(action: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Choose the clips [N] that are kept."""
    if share == 1:
        return np.ones(len(action), dtype=bool)
    order = np.random.default_rng(seed).permutation(len(action))
    kept = np.zeros(len(action), dtype=bool)
    for number in np.unique(action):
        mine = order[action[order] == number]
        kept[mine[: max(1, round(share * len(mine)))]] = True
    return kept


def _hold_out(performer: np.ndarray, action: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Choose the clips [N] of the performers that are held out."""
    candidates = np.random.default_rng(seed).permutation(np.unique(performer))
    wanted = max(1, round(share * len(candidates)))
    held_out = np.zeros(len(performer), dtype=bool)
    actions = len(np.unique(action))
    for candidate in candidates:
        attempt = held_out | (performer == candidate)
        if len(np.unique(action[~attempt])) == actions:
            held_out, wanted = attempt, wanted - 1
        if wanted == 0:
            break
    return held_out
