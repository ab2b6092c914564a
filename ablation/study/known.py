"""What each arm does to movements that are known: clean clips, and a gesture and travel that follow a formula.

An arm is whatever its kind makes of a store, so each is given two more stores than the study's own: one of the known
movements, the same for all studies, and one of clips without noise, where there are any.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ablation.skeletons import unit
from ablation.study.config import AblateConfig
from ablation.study.hashes import content_of
from ablation.study.stores import Source, open_truth, shared_folder
from base.errors import InputError
from base.progress import console
from data.ntu.names import ClipName, parse_name
from data.skeletons.division import divide, single_splits
from data.skeletons.fidelity import moved_by
from data.skeletons.store import ClipStore, StoreInfo, StoreWriter, Track, open_store, track_of
from refine.known_movements import FPS, LeftOfKnown, known_tracks, left_of

CLEAN_FRAMES = 30_000
"""Frames of clean clips that every arm is given at most, of test clips spread over all of them."""


@dataclass(frozen=True)
class OnKnown:
    """What an arm does to known movements.

    Parameters
    ----------
    left
        What it leaves of a gesture and of travel.
    clean_error
        By how much it moves joints that have no errors, mm or px; None where there are no clean clips.
    """

    left: LeftOfKnown
    clean_error: float | None = None


def measure_arms(config: AblateConfig, source: Source) -> dict[str, OnKnown]:
    """Give every arm movements that are known; one that cannot take them is told, and left out."""
    known, clean = _known_store(config), _clean_store(config, source)
    content = content_of(known), None if clean is None else content_of(clean)
    found = {}
    for arm in config.arms:
        if arm == "oracle":  # is what is known
            continue
        try:
            made = _made(config, source, arm, known, content[0])
            moved = None if clean is None or content[1] is None else _moved(config, source, arm, clean, content[1])
        except InputError as error:
            console.print(f"{config.label(arm)}: not measured on known movements ({error})", highlight=False)
            continue
        joints = [np.array(made.joints[known.rows_of(track)]) for track in range(len(known.tracks))]
        found[arm] = OnKnown(left_of(joints), moved)
    return found


def _made(config: AblateConfig, source: Source, arm: str, given: ClipStore, content: str) -> ClipStore:
    made = config.kind(arm).make(config, source, arm, given, content).store
    if made.joints.shape != given.joints.shape:
        raise InputError(f"{made.folder}: has other tracks than {given.folder}")
    return made


def _moved(config: AblateConfig, source: Source, arm: str, clean: ClipStore, content: str) -> float:
    made = _made(config, source, arm, clean, content)
    rows = [clean.rows_of(track) for track in range(len(clean.tracks))]
    moved, given = ([np.asarray(store.joints[at]) for at in rows] for store in (made, clean))
    seen = [np.asarray(clean.tracked[at]) > 0 for at in rows]
    return unit(clean.layout.dims)[1] * moved_by(moved, given, known=seen)


def _known_store(config: AblateConfig) -> ClipStore:
    tracks = known_tracks()
    content = b"".join(track.joints.tobytes() + track.tracked.tobytes() for track in tracks)
    folder = shared_folder(config, "known", {"movements": hashlib.sha256(content).hexdigest()})
    if not (folder / "store.json").is_file():
        clips = [(ClipName(1, 1, 1, 1, number), len(track.joints), [track]) for number, track in enumerate(tracks, 1)]
        _write(folder, StoreInfo(fps=FPS, kind="truth", source="known movements"), clips)
    return open_store(folder)


def _clean_store(config: AblateConfig, source: Source) -> ClipStore | None:
    """Return a store of test clips without noise; None where there are none, or nobody is seen in them."""
    if source.truth is None:
        return None
    truth = open_truth(source, open_store(source.raw))
    split = (config.grid.splits or (config.data.split,))[0]
    what = {"clean": content_of(truth), "split": split, "frames": CLEAN_FRAMES}
    folder = shared_folder(config, "known", what)
    if not (folder / "store.json").is_file():
        lengths = np.bincount(truth.tracks.clip, truth.tracks.length, minlength=len(truth.clips))
        tested = np.flatnonzero(divide(truth, single_splits(truth, split)[0]).test & (lengths > 0))
        if not len(tested):
            return None
        every = max(1, -(-int(lengths[tested].sum()) // CLEAN_FRAMES))
        info = truth.info.model_copy(update={"confidence": False, "times": False, "kind": "truth", "skipped": []})
        _write(folder, info, [_clip(truth, row) for row in tested[::every].tolist()])
    return open_store(folder)


def _clip(store: ClipStore, row: int) -> tuple[ClipName, int, list[Track]]:
    """Return a clip's name, frames and tracks, these without confidences and times."""
    tracks = [replace(track_of(store, track), confidence=None, frames=None) for track in store.tracks_of(row)]
    return parse_name(str(store.clips.name[row])), int(store.clips.frames[row]), tracks


def _write(folder: Path, info: StoreInfo, clips: Sequence[tuple[ClipName, int, list[Track]]]) -> None:
    with StoreWriter(folder, info) as writer:
        for clip in clips:
            writer.add(*clip)
