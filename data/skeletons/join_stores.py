"""`python run.py join`: the clips of several sources in one store."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.progress import progress
from base.replacing import check_replaceable
from base.shown import cut, shown
from base.words import plural
from data.ntu.names import ClipName
from data.skeletons.division import subjects_of
from data.skeletons.labels import Labels, OwnClip, Part, code_clips
from data.skeletons.resample import SAME_RATE, resample_tracks
from data.skeletons.store import ClipStore, StoreWriter, Track, open_store, store_of, track_of
from data.skeletons.units import to_image


def join_stores(sources: Sequence[Path], folder: Path, same_people: bool = False, again: bool = False) -> list[str]:
    """Write the clips of several stores with names of their owner's into one.

    Actions of one name are one action, splits of one name are one split. A clip whose name another store has, too, is
    called STORE/NAME, by its store's folder. Rate and image are the first store's; the other clips are brought to them.

    Parameters
    ----------
    sources
        The clip stores.
    folder
        The store to write.
    same_people
        Whether subjects of one name in several stores are one; otherwise they become STORE/NAME as clips do.
    again
        Replace an existing store.

    Returns
    -------
    Lines that say what was joined, and what was changed for it.

    Raises
    ------
    InputError
        The stores do not go together, or the new one cannot be written.
    """
    stores, called = open_all(sources, "join")
    first = stores[0]
    check_replaceable(folder, store_of(first.info.kind) if again else None, sources)
    notes: list[str] = []
    names, labels = join_names(stores, called, "join", same_people, notes)
    confidence = any(store.info.confidence for store in stores)
    info = first.info.model_copy(
        update={
            "confidence": confidence,
            "source": "",
            "config": {"join": [str(path) for path in sources]},
            "skipped": [left for store in stores for left in store.info.skipped],
        }
    )
    coded = iter(names)
    try:
        with StoreWriter(folder, info, again, sources, labels) as writer, progress() as bar:
            task = bar.add_task("joining clips", total=len(names))
            for store in stores:
                for row in range(len(store.clips)):
                    frames, tracks = _brought(store, row, first, confidence)
                    writer.add(next(coded), frames, tracks)
                    bar.advance(task)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error}); nothing was kept") from error
    for store, name in zip(stores, called, strict=True):
        if other_rate(store, first):
            notes.append(f"{name}: resampled from {store.info.fps:g} to {first.info.fps:g} frames a second")
        if (size := store.info.image) and (image := first.info.image) and size != image:
            notes.append(
                f"{name}: brought from an image of {size[0]} x {size[1]} to one of {image[0]} x {image[1]} pixels"
            )
        if confidence and not store.info.confidence:
            notes.append(f"{name}: has no confidences; those of what is seen are 1")
    head = f"{folder}: {plural(len(names), 'clip')} of {plural(len(labels.actions), 'action')}"
    return [head, *(f"  {note}" for note in notes)]


def open_all(sources: Sequence[Path], where: str) -> tuple[list[ClipStore], list[str]]:
    """Open stores that are to be one, and return them and what they are called.

    Parameters
    ----------
    sources
        Their folders.
    where
        Who asks, for messages.

    Raises
    ------
    InputError
        They do not go together.
    """
    called = [path.resolve().name for path in sources]
    if len(called) < 2 or len(set(called)) < len(called):
        raise InputError(
            f"{where}: found {', '.join(map(str, sources))}; expected two stores or more, of other names each"
        )
    stores = [open_store(path) for path in sources]
    for store in stores:
        _check_fits(store, stores[0])
    return stores, called


def join_names(
    stores: Sequence[ClipStore], called: Sequence[str], where: str, same_people: bool, notes: list[str]
) -> tuple[list[ClipName], Labels]:
    """Name all clips of several stores, see `join_stores`; `notes` gets what is to be said of it."""
    return code_clips(_clips(stores, called, same_people, notes), where=where)


def other_rate(store: ClipStore, first: ClipStore) -> bool:
    """Say whether two stores have other frame rates."""
    return abs(first.info.fps / store.info.fps - 1) >= SAME_RATE


def _check_fits(store: ClipStore, first: ClipStore) -> None:
    one, other = first.folder, store.folder
    if store.labels is None:
        raise InputError(f"{other}: its clips have NTU RGB+D's names; import them with --labels to join them")
    if store.layout != first.layout:
        raise InputError(
            f"{other}: has joints of {store.layout.name}, and {one} of {first.layout.name}; convert one of them first: "
            f"python run.py convert {other} NEW --layout {first.layout.name}"
        )
    if (store.info.image is None) != (first.info.image is None):
        silent, telling = (other, one) if store.info.image is None else (one, other)
        raise InputError(
            f"{silent}: its store.json does not say how large the image is, as that of {telling} does; add "
            '"image": [width, height] or import it again'
        )
    if store.info.kind != first.info.kind:
        raise InputError(f"{other}: holds {store.info.kind} clips, and {one} {first.info.kind} ones")
    if store.info.times != first.info.times or (first.info.times and other_rate(store, first)):
        raise InputError(f"{other}: frames are missing in between in it or in {one}; such clips join at one rate only")


def _clips(stores: Sequence[ClipStore], called: Sequence[str], same_people: bool, notes: list[str]) -> list[OwnClip]:
    """Return what is known of each clip, in the order of the stores and their clips."""
    subjects: list[list[str]] = [subjects_of(store).tolist() for store in stores]
    if any(any(found) for found in subjects):
        for at, found in enumerate(subjects):
            if not any(found):
                subjects[at] = [f"somebody of {called[at]}"] * len(found)
                notes.append(f"{called[at]}: does not say who is in its clips, who count as one person")
    titles = [[store.title(str(name)) for name in store.clips.name] for store in stores]
    titles = _apart(titles, called, "clip", notes)
    people = (
        subjects if same_people else _apart([list(map(str, found)) for found in subjects], called, "subject", notes)
    )
    clips = []
    actions: dict[str, set[str]] = {}
    for store, name, of_clips, who in zip(stores, called, titles, people, strict=True):
        assert store.labels is not None  # _check_fits
        parts: dict[str, dict[str, Part]] = {}
        for split, of_split in store.labels.splits.items():
            for part, members in of_split.items():
                for member in members:
                    parts.setdefault(member, {})[split] = part
        for row, (title, subject) in enumerate(zip(of_clips, who, strict=True)):
            action = store.labels.actions[store.clips.action[row] - 1]
            actions.setdefault(action, set()).add(name)
            camera = str(store.clips.camera[row])
            session = f"{name} {store.clips.setup[row]}"
            of_clip = parts.get(str(store.clips.name[row]), {})
            clips.append(OwnClip(title, action, subject, camera, session, of_clip))
    if alone := [action for action, found in actions.items() if len(found) < len(stores)]:
        listed = ", ".join(shown(action, 40) for action in alone)
        notes.append(f"not in every store: {plural(len(alone), 'action')} of {len(actions)}, {cut(listed, 200)}")
    return clips


def _apart(of_stores: Sequence[Sequence[str]], called: Sequence[str], what: str, notes: list[str]) -> list[list[str]]:
    """Put the store's name before each name that more than one store has."""
    count = Counter(name for names in of_stores for name in set(names))
    shared = sorted(name for name, stores in count.items() if stores > 1 and name)
    if shared:
        owner = next(store for store, names in zip(called, of_stores, strict=True) if shared[0] in names)
        notes.append(
            f"named by their stores: {plural(len(shared), what)} of one name in several, such as "
            f"{shown(shared[0], 40)}, now {shown(f'{owner}/{shared[0]}', 80)}"
        )
    return [
        [f"{store}/{name}" if name and count[name] > 1 else name for name in names]
        for store, names in zip(called, of_stores, strict=True)
    ]


def _brought(store: ClipStore, row: int, first: ClipStore, confidence: bool) -> tuple[int, list[Track]]:
    """Return a clip's frames and tracks at the first store's rate and in its image."""
    tracks = [track_of(store, track) for track in store.tracks_of(row)]
    frames = int(store.clips.frames[row])
    size, image = store.info.image, first.info.image
    if size is not None and image is not None and size != image:
        tracks = [replace(track, joints=to_image(track.joints, track.tracked > 0, size, image)) for track in tracks]
    if confidence and store.confidence is None:
        tracks = [replace(track, confidence=(track.tracked > 0).astype(np.float32)) for track in tracks]
    if other_rate(store, first):
        frames, tracks = resample_tracks(frames, tracks, first.info.fps / store.info.fps)
    return frames, tracks
