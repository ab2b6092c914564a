"""`python run.py convert`: a clip store with the joints of another layout."""

from pathlib import Path

from base.errors import InputError
from base.progress import progress
from base.replacing import check_replaceable
from base.words import plural
from data.ntu.names import parse_name
from data.skeletons.conversion import conversion, layout_entries
from data.skeletons.layouts import find_named
from data.skeletons.store import StoreWriter, open_store, store_of, track_of


def convert_store(source: Path, folder: Path, layout: str, missing: bool = False, again: bool = False) -> list[str]:
    """Write a store once more with the joints of another layout; all else stays.

    Parameters
    ----------
    source
        The clip store.
    folder
        The store to write.
    layout
        The joints to write, by the name of a layout or the path of a file.
    missing
        Whether joints may be missing that cannot be had, see `data.skeletons.conversion`.
    again
        Replace an existing store.

    Returns
    -------
    Lines that say what was kept, lost and made.

    Raises
    ------
    InputError
        The layouts do not convert, no clip is left, or the new store cannot be written.
    """
    store = open_store(source)
    check_replaceable(folder, store_of(store.info.kind) if again else None, [source])
    how = conversion(store.layout, find_named(layout, "--layout"), str(source), missing)
    info = store.info.model_copy(
        update={
            **layout_entries(how.target),
            "config": {**store.info.config, "convert": {"store": str(source), "from": store.layout.name}},
        }
    )
    unseen: list[dict[str, str]] = []
    try:
        with StoreWriter(folder, info, again, [source], store.labels) as writer, progress() as bar:
            for row in bar.track(range(len(store.clips)), description="converting clips"):
                name = str(store.clips.name[row])
                tracks = how.tracks([track_of(store, track) for track in store.tracks_of(row)])
                if tracks:
                    writer.add(parse_name(name), int(store.clips.frames[row]), tracks)
                else:
                    reason = f"no joint of {how.target.name} is seen in any frame"
                    unseen.append({"file": store.title(name), "reason": reason})
            if len(unseen) == len(store.clips):
                raise InputError(f"{source}: no joint of {how.target.name} is seen in any of its clips")
            writer.info = writer.info.model_copy(update={"skipped": [*store.info.skipped, *unseen]})
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error}); nothing was kept") from error
    lines = [f"{folder}: {plural(len(store.clips) - len(unseen), 'clip')}", f"  {how.told()}"]
    if unseen:
        left = plural(len(unseen), "clip")
        lines.append(f"  left out: {left} of which no joint that is kept is seen, the first {unseen[0]['file']}")
    return lines
