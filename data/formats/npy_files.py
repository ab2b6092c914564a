"""One `.skeleton.npy` per clip, as the data set's authors' Python script `txt2npy.py` writes.

Each holds a pickled dict: `file_name`, `nbodys` (bodies per frame), `njoints`, and `skel_body0`, `skel_body1`, ...
float64 [T, 25, 3]. The script can also write the joints' places in the images (`rgb_body0`, `depth_body0`, ...), which
a store does not have.
"""

import io
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from base.errors import InputError
from base.pickle_writer import PickleWriter
from base.unpickling import as_plain, read_npy
from data.debris import is_debris
from data.formats.arrays import write_header
from data.formats.clips import (
    ACTORS,
    Advance,
    DenseClip,
    DenseClips,
    Incoming,
    NextClip,
    ReadClip,
    as_tracks,
    check_length,
    in_order,
    known,
    name_or_fault,
)
from data.formats.options import ReadOptions, WriteOptions
from data.formats.outputs import FilePerClip
from data.formats.registry import BY_NAME, FORMATS, FormatKind
from data.ntu.actions import ACTIONS_120
from data.ntu.actors import choose_actors
from data.ntu.names import ClipName
from data.ntu.text import Body, Skeleton
from data.skeletons.layouts import NTU25
from data.skeletons.store import ClipStore, Track

SUFFIX = ".skeleton.npy"
_LARGEST = 1 << 28
_MORE = (
    "some clips have more than two bodies: the actors were chosen among them by the rules of `prepare`, as far as "
    "these files tell the bodies apart"
)


def write_npy_files(store: ClipStore, folder: Path, advance: Advance) -> None:
    """Write a store as one `.skeleton.npy` per clip into a folder that exists."""
    clips = DenseClips(store)
    for row in in_order(store):
        clip = clips[int(row)]
        content = np.empty((), object)
        content[()] = _as_dict(clip)
        with (folder / f"{clip.name}{SUFFIX}").open("wb") as stream:
            _write(stream, content)
        advance()


def _write(stream: IO[bytes], content: np.ndarray) -> None:
    write_header(stream, (), content.dtype)
    PickleWriter(stream).dump(content)


@cache
def _beginning() -> bytes:
    """Return how a file of ours begins; the authors' script writes files that begin otherwise."""
    with io.BytesIO() as stream:
        _write(stream, np.array({}, object))
        return stream.getvalue().rpartition(b"}")[0]


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_beginning())) == _beginning()


def _as_dict(clip: DenseClip) -> dict[str, Any]:
    seen = np.any(clip.tracked, axis=-1)
    # Readers look at the first `nbodys` bodies of a frame: an unseen first actor must not hide the second.
    highest = np.where(seen.any(0), len(seen) - seen[::-1].argmax(0), 0)
    bodies = {f"skel_body{actor}": joints.astype(np.float64) for actor, joints in enumerate(clip.joints)}
    return {"file_name": str(clip.name), "nbodys": highest.tolist(), "njoints": clip.joints.shape[2], **bodies}


def read_npy_files(folder: Path) -> Incoming:
    """Read a folder of `.skeleton.npy` files; one or two bodies are the actors; among more, they are chosen.

    Raises
    ------
    InputError
        A file is damaged, names what it may not, or is not laid out as the authors'; so does reading its clips.
    """
    files = sorted(path for path in folder.glob("*.npy") if path.is_file() and not is_debris(path.name))
    if not files:
        raise InputError(f"{folder}: found no .skeleton.npy file")
    names = [name_or_fault(file.name, str(file)) for file in files]
    for at in range(1, len(names)):
        if names[at] == names[at - 1]:  # a fault equals nothing else
            raise InputError(f"{folder}: holds clip {names[at]} twice ({files[at - 1].name}, {files[at].name})")

    notes: list[str] = []

    def clips() -> Iterator[NextClip]:
        for name, file in zip(names, files, strict=True):
            yield file.name, partial(_read_clip, name, file, notes)

    return Incoming(NTU25, len(files), clips(), notes=notes, times=True)


def _read_clip(named: ClipName | InputError, file: Path, notes: list[str]) -> ReadClip:
    name = known(named)
    array = read_npy(file, _LARGEST)
    content = array.item() if array.dtype.hasobject and array.shape == () else None
    if not isinstance(content, dict):
        raise InputError(
            f"{file}: expected a dict with file_name, nbodys, njoints and skel_body0, as txt2npy.py writes"
        )
    bodies = [as_plain(content[key]) for key in sorted(content, key=str) if str(key).startswith("skel_body")]
    if not bodies:
        raise InputError(f"{file}: has no skel_body0")
    shape = (len(NTU25.joints), NTU25.dims)
    for body in bodies:
        if not isinstance(body, np.ndarray) or body.dtype.kind != "f" or body.ndim != 3 or body.shape[1:] != shape:
            found = f"{body.dtype} {body.shape}" if isinstance(body, np.ndarray) else type(body).__name__
            raise InputError(f"{file}: a body is {found}, expected floats [T, {shape[0]}, {shape[1]}]")
        if len(body) != len(bodies[0]):
            raise InputError(f"{file}: its bodies have {len(bodies[0])} and {len(body)} frames, expected one number")
        check_length(len(body), str(file))
    joints = np.stack(bodies)
    if len(bodies) <= ACTORS:
        return name, joints.shape[1], as_tracks(joints, None, str(file))
    notes[:1] = [_MORE]
    tracks = [as_tracks(body[None], None, str(file)) for body in joints]
    return name, *choose_actors(Skeleton(joints.shape[1], tuple(map(_as_body, range(len(bodies)), tracks))))


def _as_body(identity: int, tracks: list[Track]) -> Body:
    """Return what is seen of a body, none or one track, as in a `.skeleton` file."""
    if not tracks:
        return Body(identity, np.zeros(0, np.int64), np.zeros((0, 25, 3), np.float32), np.zeros((0, 25), np.uint8))
    track = tracks[0]
    seen = np.flatnonzero(np.any(track.tracked, axis=-1))
    return Body(identity, track.first_frame + seen, track.joints[seen], track.tracked[seen])


def _guess(path: Path) -> int:
    return BY_NAME * any(True for _ in path.glob(f"*{SUFFIX}"))


def _save(store: ClipStore, folder: Path, options: WriteOptions, advance: Advance) -> None:
    write_npy_files(store, folder, advance)


def _open(path: Path, options: ReadOptions) -> Incoming:
    return read_npy_files(path)


FORMATS.add(
    "npy",
    FormatKind(
        "readers of the data set authors' txt2npy.py",
        "folders of .skeleton.npy files",
        _guess,
        _open,
        (FilePerClip(SUFFIX, _save, _is_ours),),
        source="folder",
        parts=(SUFFIX,),
        actions=len(ACTIONS_120),
    ),
)
