"""`python run.py import`: other people's files as a clip store."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from base.errors import InputError
from base.files import regular_file
from base.progress import progress
from base.replacing import check_replaceable
from base.settings import FPS
from base.shown import shown
from base.words import plural
from data.formats.clips import Incoming
from data.formats.guessing import guess_format
from data.formats.label_tables import read_labels
from data.formats.options import ReadOptions
from data.formats.outputs import writing
from data.formats.registry import FORMATS, FormatKind, find_format
from data.ntu.names import ClipName
from data.ntu.splits import Split
from data.skeletons.conversion import conversion, layout_entries
from data.skeletons.labels import Labels, OwnClip, Part, code_clips
from data.skeletons.layouts import find_named
from data.skeletons.opening import MOST_PEOPLE, PEOPLE
from data.skeletons.store import StoreInfo, StoreWriter, Track, store_of
from data.skeletons.units import METRES, Units, check_metres


@dataclass(frozen=True)
class ImportOptions:
    """What to read.

    Parameters
    ----------
    format
        Whose files, by a name in `FORMATS`; guessed from the path if None.
    names, split
        See `ReadOptions`; refused by formats that do not take them.
    fps
        Frames per second of the recordings; as the files say, else 30, if None.
    units
        What positions in space are in; a store has metres.
    labels
        A table of labels, see `data.formats.label_tables`; of files that have labels of their own it takes the place.
    layout
        The joints, by the name of a layout or the path of a file, see `data.skeletons.layouts`; told from the files if
        None.
    convert
        The joints that the store shall have, likewise, see `data.skeletons.conversion`; those that are read if None.
    missing
        Whether joints of `convert` may be missing that cannot be had.
    people
        So many people of a clip are kept at most, those that are seen best; two if None.
    image_size
        Width and height of the image that joints lie in, for files that do not say it; as far as joints reach if None.
    on_error
        What to do with a clip that cannot be used: stop, or skip it and count it in the store. What is wrong with the
        file as a whole stops in any case.
    """

    format: str | None = None
    names: Path | None = None
    split: Split | None = None
    fps: float | None = None
    units: Units = "m"
    labels: Path | None = None
    layout: str | None = None
    convert: str | None = None
    missing: bool = False
    people: int | None = None
    image_size: tuple[int, int] | None = None
    on_error: Literal["stop", "skip"] = "stop"


def import_store(source: Path, folder: Path, options: ImportOptions, again: bool = False) -> list[str]:
    """Read somebody else's files into a clip store, which is there whole or not at all.

    What the files do not say is filled in: a joint at exactly 0 was not seen (`data.skeletons.seen`), any other is
    tracked.

    Parameters
    ----------
    source
        The file or folder to read.
    folder
        The clip store to write.
    options
        What to read.
    again
        Replace an existing store.

    Returns
    -------
    Lines that say what was read, and what was left out.

    Raises
    ------
    InputError
        The files are not of that format, damaged, or hold what a store cannot, such as bodies that are not in metres.
    """
    if not source.exists():
        raise InputError(f"{source}: no such file or folder")
    for path in (source, options.names, options.labels):
        if path is not None and path.exists() and not path.is_dir():
            regular_file(path)
    format = guess_format(source) if options.format is None else options.format
    kind = find_format(format)
    if options.people is not None and not 1 <= options.people <= MOST_PEOPLE:
        raise InputError(f"--people {options.people}: expected a number from 1 to {MOST_PEOPLE}")
    if options.fps is not None and not FPS[0] <= options.fps <= FPS[1]:
        raise InputError(f"--fps {options.fps}: expected a number from {FPS[0]} to {FPS[1]}, frames per second")
    inputs = [source, *(path for path in (options.names, options.labels) if path is not None)]
    check_replaceable(folder, store_of("raw") if again else None, inputs)  # before anything long is read
    table = read_labels(options.labels) if options.labels is not None else None
    incoming = _open(source, format, kind, options, table)
    own = _own(incoming, table, options)
    if incoming.layout.dims != 3 and options.units != "m":
        raise InputError(f"--units {options.units}: {source} has joints in an image, in pixels; leave it out")
    how = None
    if options.convert is not None:
        how = conversion(incoming.layout, find_named(options.convert, "--convert"), str(source), options.missing)
    info = StoreInfo(
        **layout_entries(incoming.layout if how is None else how.target),
        fps=incoming.fps or options.fps or 30.0,
        image=incoming.image,
        confidence=incoming.confidence,
        times=incoming.times,
        source=str(source),
        config={"import": _kept(format, options)},
    )
    unseen: list[dict[str, str]] = []
    faulty: list[dict[str, str]] = []
    with writing(folder), StoreWriter(folder, info, again, inputs, own.labels) as writer, progress() as bar:
        task = bar.add_task("importing clips", total=incoming.total)
        for called, read in incoming.clips:
            try:
                name, frames, tracks = read()
                name = own.name(name, f"{source}: {called}")
                if incoming.layout.dims == 3 and "units" not in kind.reads_with:  # else they are read in metres
                    tracks = _in_metres(tracks, options.units, f"{source}: {called}")
            except InputError as error:
                if options.on_error == "stop":
                    raise InputError(f"{error}; go on without such clips with --on-error skip") from error
                faulty.append({"file": called, "reason": str(error)})
                own.found.add(called)
            else:
                if how is not None:
                    tracks = how.tracks(tracks)
                if tracks:
                    writer.add(name, frames, tracks)
                else:
                    unseen.append({"file": called, "reason": "nobody is seen in any frame"})
            bar.advance(task)
        own.check_all_found(source)
        left = incoming.total - len(unseen) - len(faulty)
        if not left:
            first = (faulty or unseen or [{"reason": "there is none"}])[0]["reason"]
            raise InputError(f"{source}: no clip can be used; the first: {first}")
        writer.info = writer.info.model_copy(update={"skipped": unseen + faulty})
    lines = [f"{folder}: {plural(left, 'clip')} from {format} files, joints of {info.layout}"]
    if how is not None:
        lines.append(f"  {how.told()}")
    if unseen:
        lines.append(
            f"  left out: {plural(len(unseen), 'clip')} in which nobody is seen, the first {unseen[0]['file']}"
        )
    if faulty:
        lines.append(
            f"  skipped: {len(faulty)} of {incoming.total} clips, which cannot be used (store.json has them all); the "
            f"first: {faulty[0]['reason']}"
        )
    return lines + [f"  {note}" for note in incoming.notes]


@dataclass
class _Own:
    """What the clips' owner calls them."""

    labels: Labels | None
    by_title: dict[str, ClipName] | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    found: set[str] = field(default_factory=set)

    def name(self, read: ClipName, where: str) -> ClipName:
        """Return the name of a clip in the store, by the name with which it was read."""
        if self.by_title is None:
            return read
        title = self.titles.get(str(read), str(read))
        self.found.add(title)
        if title not in self.by_title:
            raise InputError(f"{where}: clip {shown(title)} is not in the table of --labels; add a line for it")
        return self.by_title[title]

    def check_all_found(self, source: Path) -> None:
        """Refuse labels of clips that were not read."""
        absent = [title for title in self.by_title or () if title not in self.found]
        if absent:
            raise InputError(
                f"--labels: {plural(len(absent), 'of its clips is', 'of its clips are')} not in {source}, the first is "
                f"{shown(absent[0])}; remove its line"
            )


def _own(incoming: Incoming, table: dict[str, OwnClip] | None, options: ImportOptions) -> _Own:
    if table is None:
        return _Own(incoming.labels)
    titles = incoming.labels.clips if incoming.labels is not None else {}
    parts: dict[str, dict[str, Part]] = {}
    for split, of_split in (incoming.labels.splits if incoming.labels is not None else {}).items():
        for part, members in of_split.items():
            for clip in members:
                parts.setdefault(titles[clip], {})[split] = part
    clips = [replace(clip, parts={**parts.get(title, {}), **clip.parts}) for title, clip in table.items()]
    names, labels = code_clips(clips, where=f"--labels: {options.labels}")
    return _Own(labels, {clip.name: name for clip, name in zip(clips, names, strict=True)}, titles)


def _kept(format: str, options: ImportOptions) -> dict[str, str | None]:
    """Return what a store keeps of the options."""
    names = None if options.names is None else str(options.names)
    kept: dict[str, str | None] = {"format": format, "split": options.split, "names": names}
    kept |= {} if options.labels is None else {"labels": str(options.labels)}
    return kept if options.units == "m" else kept | {"units": options.units}


def _in_metres(tracks: list[Track], units: Units, where: str) -> list[Track]:
    """Return tracks in space in metres, and refuse those that cannot be."""
    if units != "m":
        tracks = [replace(track, joints=track.joints * np.float32(METRES[units])) for track in tracks]
    if tracks:
        joints, seen = (np.concatenate([getattr(track, key) for track in tracks]) for key in ("joints", "tracked"))
        check_metres(joints, seen > 0, where, "--units ")
    return tracks


_ADVICE = {
    "names": ", whose files have the names",
    "split": "; leave it out",
    "layout": ", whose files say it",
    "people": f", of which {PEOPLE} people a clip are read; leave it out",
    "image_size": ", whose files say it or have none",
}


def _open(
    source: Path, format: str, kind: FormatKind, options: ImportOptions, table: dict[str, OwnClip] | None
) -> Incoming:
    for option, advice in _ADVICE.items():
        value = getattr(options, option)
        if value is not None and option not in kind.reads_with:
            raise InputError(f"{_option(option)} {_shown(value)}: does not go with --format {format}{advice}")
    if kind.open is None:
        raise InputError(f"--format {format}: can be written and not read; choose another format")
    if kind.source == ("folder" if source.is_file() else "file"):
        raise InputError(f"{source}: expected a {kind.source} for --format {format}")
    labelled = None if table is None else frozenset(table)
    layout = None if options.layout is None else find_named(options.layout, "--layout")
    return kind.open(
        source,
        ReadOptions(
            names=options.names,
            split=options.split,
            units=options.units,
            layout=layout,
            fps=options.fps,
            people=options.people or PEOPLE,
            image_size=options.image_size,
            labelled=labelled,
        ),
    )


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _shown(value: object) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def describe_inputs() -> list[tuple[str, str]]:
    """Return the name of each format that can be read, and what is read with which options."""
    rows = []
    for name in FORMATS.names():
        kind = FORMATS[name]
        if kind.open is not None:
            options = [_option(option) for option in _ADVICE if option in kind.reads_with]
            rows.append((name, "; ".join([kind.reads, *options])))
    return rows
