"""A simulated Kinect's errors put on recordings that are taken as clean."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.shown import shown
from data.ntu.names import ClipName, parse_name
from data.ntu.simulate.clips import Clip
from data.ntu.simulate.config import SimulateSection
from data.ntu.simulate.kinect import SETTINGS, kinect_noise
from data.ntu.text import Skeleton
from data.skeletons.layouts import NTU25
from data.skeletons.store import ClipStore, Track, open_store, track_of


@lru_cache(maxsize=1)
def open_clean(folder: Path) -> ClipStore:
    """Open the store of recordings that are taken as clean.

    Raises
    ------
    InputError
        It cannot be opened, or has other joints than a Kinect's 25.
    """
    try:
        store = open_store(folder)
    except InputError as error:
        raise InputError(f"simulate.clean: {error}") from error
    if store.layout != NTU25:
        raise InputError(
            f"simulate.clean: {folder} has the joints of {shown(store.layout.name)}; a Kinect's errors are for "
            f"those of {NTU25.name}"
        )
    return store


@lru_cache(maxsize=1)
def _rows(folder: Path) -> dict[str, int]:
    """Return where each recording of a store is: to look through all names for each would take the square of them."""
    return {name: row for row, name in enumerate(open_clean(folder).clips.name.tolist())}


def clean_names(store: ClipStore) -> list[ClipName]:
    """Return the names of the recordings, in the order of the store."""
    return [parse_name(str(name)) for name in store.clips.name]


def measure_again(section: SimulateSection, name: ClipName) -> Clip:
    """Put errors on a recording; they depend on the seed, the severity, the setting and the clip alone.

    Bodies are neither lost nor made up, so that the actors stay the recording's own; others hide one where they are in
    view all the time that it is. Joints that the recording does not have stay away.
    """
    assert section.clean is not None
    store = open_clean(section.clean)
    row = _rows(section.clean)[str(name)]
    clean = tuple(track_of(store, int(track)) for track in store.tracks_of(row))
    seed = [section.seed, name.setup, name.camera, name.performer, name.replication, name.action]
    rng = np.random.default_rng([6, *seed])
    measured = tuple(_measure(track, clean, rng, section) for track in clean)
    return Clip(name, Skeleton(int(store.clips.frames[row]), ()), int(store.clips.frames[row]), measured, clean)


def _measure(track: Track, tracks: tuple[Track, ...], rng: np.random.Generator, section: SimulateSection) -> Track:
    span = track.first_frame, len(track.joints)
    beside = [one.joints for one in tracks if one is not track and (one.first_frame, len(one.joints)) == span]
    others = np.nan_to_num(beside) if beside else None
    there = track.tracked > 0
    clean = np.nan_to_num(track.joints)  # a joint that is not seen may be anywhere
    noisy, tracked = kinect_noise(clean, rng, section.severity, others, SETTINGS[section.setting])
    joints = np.where(there[..., None], noisy, track.joints).astype(np.float32)
    return replace(track, joints=joints, tracked=np.minimum(tracked, track.tracked))
