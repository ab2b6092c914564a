"""The data set's own `.skeleton` files, one per clip, of clips whose actors are chosen."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.words import plural
from data.formats.clips import (
    ACTORS,
    Advance,
    DenseClip,
    DenseClips,
    Incoming,
    NextClip,
    ReadClip,
    check_length,
    in_order,
)
from data.formats.options import ReadOptions, WriteOptions
from data.formats.outputs import FilePerClip, OneFile
from data.formats.registry import BY_NAME, FORMATS, FormatKind
from data.ntu.archive import Entry, Source, list_entries
from data.ntu.text import Body, Skeleton, read_skeleton, write_skeleton
from data.skeletons.layouts import NTU25
from data.skeletons.store import ClipStore, Track
from data.skeletons.units import Units

FIRST_ID = 2**56
STEP = 1 << 10
"""Between the ids of two actors: read as floating-point numbers, they differ still."""
_DATE = (2016, 6, 26, 0, 0, 0)
"""Entries of a zip carry a date: a fixed one, so that the same store gives the same bytes."""


def write_skeletons(store: ClipStore, target: Path, packed: bool, advance: Advance) -> None:
    """Write a store as `.skeleton` files into a folder that exists, or into a zip laid out as the released one.

    Parameters
    ----------
    store
        The clips.
    target
        The folder or the zip file.
    packed
        Whether it is a zip file.
    advance
        Called after each clip.
    """
    clips = DenseClips(store)
    if not packed:
        for row in in_order(store):
            clip = clips[int(row)]
            (target / f"{clip.name}.skeleton").write_bytes(write_skeleton(as_skeleton(clip)))
            advance()
        return
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for row in in_order(store):
            clip = clips[int(row)]
            entry = zipfile.ZipInfo(f"nturgb+d_skeletons/{clip.name}.skeleton", _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, write_skeleton(as_skeleton(clip)), compresslevel=1)
            advance()


_ENOUGH = 1 << 13  # bytes in which a clip's first body stands


def is_our_zip(path: Path) -> bool:
    """Say whether a zip is an export: its first entry is a `.skeleton` file that this project has written."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(archive.infolist()[0]) as file:
            return _is_ours(file.read(_ENOUGH))
    except (OSError, zipfile.BadZipFile, zlib.error, LookupError, ValueError, RuntimeError, EOFError):
        return False


def _is_our_file(path: Path) -> bool:
    """Say whether a file is an export: the Kinect's own recordings may not be replaced."""
    with path.open("rb") as file:
        return _is_ours(file.read(_ENOUGH))


def _is_ours(beginning: bytes) -> bool:
    """Say whether a file's first body has an id of `as_skeleton`'s, from which the Kinect's count up."""
    words = beginning.split()
    body = next((word for word in words[1:] if word != b"0"), b"")  # behind frames in which nobody is seen
    ids = {str(FIRST_ID + STEP * actor).encode() for actor in range(ACTORS)}
    at = words.index(body, 1) if body else 0
    return body in (b"1", b"2") and len(words) > at + 1 and words[at + 1] in ids


def as_skeleton(clip: DenseClip) -> Skeleton:
    """Return a clip as the bodies of a `.skeleton` file, whose ids rise with the actors; unseen frames have no body."""
    bodies = []
    for actor, seen in enumerate(np.any(clip.tracked, axis=-1)):
        frames = np.flatnonzero(seen)
        if len(frames):
            bodies.append(
                Body(FIRST_ID + STEP * actor, frames, clip.joints[actor, frames], clip.tracked[actor, frames])
            )
    return Skeleton(clip.joints.shape[1], tuple(bodies))


def read_skeletons(source: Path, units: Units = "m") -> Incoming:
    """Read a zip or folder of `.skeleton` files as they are: their one or two bodies, by id, are the actors.

    Files that may have ghosts and split tracks, such as the released ones, are for `python run.py prepare`, which
    chooses the actors.

    Parameters
    ----------
    source
        The zip or folder.
    units
        What their positions are in.

    Raises
    ------
    InputError
        There is no such file; reading a clip does where its file is damaged, misnamed or has more bodies.
    """
    entries = list_entries(source).entries

    def clips() -> Iterator[NextClip]:
        with closing(Source(source)) as opened:
            for entry in entries:
                yield entry.path, partial(_read_clip, opened, entry, units)

    return Incoming(NTU25, len(entries), clips())


def _read_clip(opened: Source, entry: Entry, units: Units) -> ReadClip:
    where = opened.place(entry)
    if entry.name is None:
        raise InputError(f"{where}: {entry.fault}")
    skeleton = read_skeleton(opened.read(entry), where, units, "--units ")
    check_length(max(skeleton.frames, 1), where)  # without frames, nobody is seen
    if len(skeleton.bodies) > ACTORS:
        raise InputError(
            f"{where}: has {len(skeleton.bodies)} bodies, expected at most {ACTORS} whose order is final; "
            "`python run.py prepare` chooses the actors among more"
        )
    bodies = sorted(skeleton.bodies, key=lambda body: body.id)
    return entry.name, skeleton.frames, [_as_track(actor, body) for actor, body in enumerate(bodies)]


def _as_track(actor: int, body: Body) -> Track:
    first, last = int(body.frames[0]), int(body.frames[-1])
    joints = np.zeros((last - first + 1, *body.joints.shape[1:]), np.float32)
    tracked = np.zeros(joints.shape[:2], np.uint8)
    joints[body.frames - first], tracked[body.frames - first] = body.joints, body.tracked
    return Track(actor, first, joints, tracked)


def _guess(path: Path) -> int:
    if path.is_dir():
        return BY_NAME * any(True for _ in path.rglob("*.skeleton"))
    return BY_NAME * (path.suffix == ".zip")


def _save_zip(store: ClipStore, file: Path, options: WriteOptions, advance: Advance) -> str:
    write_skeletons(store, file, True, advance)
    return plural(len(store.clips), ".skeleton file")


def _save_folder(store: ClipStore, folder: Path, options: WriteOptions, advance: Advance) -> None:
    write_skeletons(store, folder, False, advance)


def _open(path: Path, options: ReadOptions) -> Incoming:
    return read_skeletons(path, options.units)


FORMATS.add(
    "skeleton",
    FormatKind(
        "readers of the data set itself",
        "folders or zips of .skeleton files",
        _guess,
        _open,
        (OneFile(".zip", _save_zip, is_our_zip), FilePerClip(".skeleton", _save_folder, _is_our_file)),
        parts=(".skeleton",),
        reads_with=frozenset({"units"}),
    ),
)
