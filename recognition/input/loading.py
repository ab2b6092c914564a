"""Whole splits, on the device or in a file: clips of any length as ragged tensors, filled and normalised once."""

import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from base.errors import InputError
from base.files import telling_unwritable
from data.skeletons.layouts import NTU25, Layout
from data.skeletons.opening import PEOPLE
from data.skeletons.store import ClipStore

MIDDLE_OF_SPINE = "middle of spine"

ROWS = 1 << 13
"""Frames of tracks that are normalised together; it bounds memory."""

SHARE = 0.5
"""Clips that would take more than this share of a device's memory stay on the disk, if nobody says where they go."""

BODY = ("base of spine", MIDDLE_OF_SPINE, "left shoulder", "right shoulder")
"""The joints that the body's axes are found by, as NTU's are called: a layout of one's own may have them, too."""


def origin_of(layout: Layout) -> int:
    """Return the joint that is moved to the origin: the middle of the spine, or the centre of layouts without one."""
    return layout.joints.index(MIDDLE_OF_SPINE) if MIDDLE_OF_SPINE in layout.joints else layout.centre


@dataclass(frozen=True)
class LoadedClips:
    """Clips; N clips, K tracks sorted by clip and actor, F frames in all.

    All tensors but `track_of` are where `joints` is: on the device for which batches are made, or on the CPU if the
    joints are in a file, of which a batch reads the pages that it needs.

    Parameters
    ----------
    name
        str [N].
    label
        int64 [N]: the class, from 0.
    frames
        int64 [N]: the clips' lengths.
    joints
        float32 [F, V, C]. In space: metres, centred. In an image: from -1 (left, top) to 1, and as the last channel
        the confidence, where there is one.
    first_frame, length, first_row
        int64 [K]: the clip's frame in which a track begins, its length, its first row of `joints`.
    track_of
        int64 [N + 1] on the CPU: clip n has the tracks from `track_of[n]` up to `track_of[n + 1]`.
    layout
        The joints and bones.
    device
        Where batches are computed with.
    confidence
        Whether the last channel is a confidence.
    origin
        The joint that is at the origin in the first frame of a clip's first actor; None in an image.
    """

    name: np.ndarray
    label: Tensor
    frames: Tensor
    joints: Tensor
    first_frame: Tensor
    length: Tensor
    first_row: Tensor
    track_of: Tensor
    layout: Layout
    device: torch.device
    confidence: bool = False
    origin: int | None = None

    @property
    def channels(self) -> int:
        """Values per joint C."""
        return self.joints.shape[2]

    def __len__(self) -> int:
        return len(self.name)


def load_clips(
    store: ClipStore,
    rows: np.ndarray,
    actions: np.ndarray | None,
    device: torch.device | str,
    rotate_to_body: bool = False,
    people: int = PEOPLE,
    folder: Path | None = None,
) -> LoadedClips:
    """Put clips on the device, or into a file.

    A joint that is not seen in a frame takes its position in the nearest frame of the track that has it (of two equally
    near, the earlier): a hold, and no jump to zero that motion streams and batch normalisation would see as an event. A
    joint that the track never shows is put at the origin. A track that shows nothing is left out.

    In space every clip is then moved such that the origin joint (NTU: middle of the spine) of actor 1 is at zero in its
    first frame; all frames and actors by the same vector. In an image clips are not moved: where in the picture people
    are is left to the network, as in PYSKL; positions are divided by the picture's size, and a joint that is not seen
    has confidence 0.

    Parameters
    ----------
    store
        The clip store.
    rows
        int64 [N], rows of its clip table.
    actions
        int64 [classes], ascending: the action of each label. None not to look at the clips' actions: all labels are 0.
    device
        Where the tensors shall be.
    rotate_to_body
        Also turn every clip such that actor 1's spine is parallel to z and the line from the left to the right shoulder
        lies in the half plane of z and positive x, in its first frame.
    people
        So many actors of a clip are loaded at most, the first that show anything.
    folder
        Where the joints are written to a file that has no name and ends with the process, instead of being held in
        memory; the tensors are then on the CPU.

    Raises
    ------
    InputError
        Two tracks of one actor, a layout in the plane that shall be turned in space, one in an image of unknown size,
        or too little room in `folder`, or it cannot be written.
    """
    layout = store.layout
    flat = layout.dims == 2
    if flat and store.info.image is None:
        raise InputError(
            f"{store.folder}: the joint layout {layout.name} is in an image, but store.json does not say how large; "
            'add "image": [width, height] or prepare the store again'
        )
    if rotate_to_body and (flat or not set(BODY) <= set(layout.joints)):
        raise InputError(
            f"input.rotate_to_body: {store.folder} has the joint layout {layout.name}, which lacks the spine and "
            f"shoulders in space that it needs ({', '.join(BODY)}, as {NTU25.name} has); set it to false"
        )
    home = torch.device(device if folder is None else "cpu")
    track, clip = _tracks_of(store, rows)
    shape = (int(store.tracks.length[track].sum()), *_shape(store))
    joints: _Joints = _InMemory(shape, home) if folder is None else _InFile(shape, folder)
    shows = []
    for part in _whole_clips(clip, store.tracks.length[track]):
        kept, ready = _prepared(store, track[part], clip[part], home, rotate_to_body, people)
        joints.add(ready)
        shows.append(part.start + kept)
    kept = np.concatenate([np.arange(0), *shows])
    track, clip = track[kept], clip[kept]
    length = torch.from_numpy(store.tracks.length[track]).to(home)
    counts = np.bincount(clip, minlength=len(rows))
    label = torch.zeros(len(rows), dtype=torch.int64)
    if actions is not None:
        place = {action: label for label, action in enumerate(actions.tolist())}
        label = torch.tensor([place[action] for action in store.clips.action[rows].tolist()], dtype=torch.int64)
    return LoadedClips(
        name=store.clips.name[rows],
        label=label.to(home),
        frames=torch.from_numpy(store.clips.frames[rows]).to(home),
        joints=joints.whole(),
        first_frame=torch.from_numpy(store.tracks.first_frame[track]).to(home),
        length=length,
        first_row=length.cumsum(0) - length,
        track_of=torch.from_numpy(np.concatenate([[0], np.cumsum(counts)])),
        layout=layout,
        device=torch.device(device),
        confidence=flat and store.confidence is not None,
        origin=None if flat else origin_of(layout),
    )


def too_large(store: ClipStore, rows: np.ndarray, device: torch.device) -> bool:
    """Say whether the joints of clips would take more than half of the memory of a device.

    Parameters
    ----------
    store, rows
        Which clips.
    device
        The device; of the CPU the machine's memory counts, where the system tells.
    """
    if device.type == "cuda":
        memory = torch.cuda.mem_get_info(device)[1]
    elif hasattr(os, "sysconf") and {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(os.sysconf_names):
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    else:
        return False
    frames = int(store.tracks.length[store.tracks_of(rows)].sum())
    return 4 * frames * math.prod(_shape(store)) > SHARE * memory


class _Joints(Protocol):
    """Takes tracks one after another, and gives them back as one tensor."""

    def add(self, rows: Tensor) -> None: ...
    def whole(self) -> Tensor: ...


class _InMemory:
    def __init__(self, shape: tuple[int, ...], device: torch.device) -> None:
        self._joints, self._end = torch.empty(shape, device=device), 0

    def add(self, rows: Tensor) -> None:
        self._joints[self._end : self._end + len(rows)] = rows
        self._end += len(rows)

    def whole(self) -> Tensor:
        return self._joints[: self._end]


class _InFile:
    """A file without a name, written from front to back: what is written is no memory that must be kept."""

    def __init__(self, shape: tuple[int, ...], folder: Path) -> None:
        self._shape, self._rows = shape, 0
        needed, free = 4 * math.prod(shape), shutil.disk_usage(folder).free
        if needed > free:
            raise InputError(
                f"{folder}: clips to be learned from or tested on take {needed / 1e6:,.1f} MB, and its disk has "
                f"{free / 1e6:,.1f} MB left; give data.clips=memory, or another run.dir"
            )
        self._folder = folder
        with telling_unwritable(folder):
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed by whole)

    def add(self, rows: Tensor) -> None:
        with telling_unwritable(self._folder):
            self._file.write(rows.numpy().data)
        self._rows += len(rows)

    def whole(self) -> Tensor:
        shape = (self._rows, *self._shape[1:])
        with telling_unwritable(self._folder), self._file as file:
            file.flush()
            if not self._rows:
                return torch.empty(shape)
            # nobody writes to it, but torch knows no tensors that are only read; and private pages would be memory
            return torch.from_numpy(np.memmap(file, np.float32, "r+", shape=shape))


def _shape(store: ClipStore) -> tuple[int, int]:
    """Return joints V and channels C of what a network sees of a store."""
    return len(store.layout.joints), store.layout.dims + (store.layout.dims == 2 and store.confidence is not None)


def _whole_clips(clip: np.ndarray, length: np.ndarray) -> Iterator[slice]:
    """Divide tracks [K], sorted by clip, into whole clips of `ROWS` frames at most, at least one clip."""
    first = np.flatnonzero(np.diff(clip, prepend=-1))
    ends = np.append(first[1:], len(clip))[: len(first)]
    rows = np.cumsum(length)[ends - 1]
    at = done = 0
    while at < len(first):
        to = max(at + 1, int(np.searchsorted(rows, done + ROWS, side="right")))
        yield slice(int(first[at]), int(ends[to - 1]))
        at, done = to, int(rows[to - 1])


def _prepared(
    store: ClipStore, track: np.ndarray, clip: np.ndarray, device: torch.device, rotate_to_body: bool, people: int
) -> tuple[np.ndarray, Tensor]:
    """Return which tracks of some whole clips are kept, and their joints as the network sees them, [F, V, C]."""
    joints, seen = _read(store, track)
    starts = np.cumsum(store.tracks.length[track]) - store.tracks.length[track]
    kept = np.flatnonzero(np.logical_or.reduceat(seen.any(1), starts))
    kept = kept[np.arange(len(kept)) - np.searchsorted(clip[kept], clip[kept]) < people]
    if len(kept) < len(track):
        track, clip = track[kept], clip[kept]
        joints, seen = _read(store, track)
    length = torch.from_numpy(store.tracks.length[track]).to(device)
    shown_at = torch.from_numpy(seen).to(device)
    held, ever = hold_nearest(torch.from_numpy(joints).to(device), shown_at, length)
    if store.layout.dims != 2:
        of = torch.from_numpy(clip).to(device)
        return kept, _normalise(held, ever, length, length.cumsum(0) - length, of, store.layout, rotate_to_body)
    assert store.info.image is not None
    ready = _in_image(held, ever, length, store.info.image)
    if store.confidence is not None:
        trust = torch.from_numpy(_confidence(store, track)).to(device)
        ready = torch.cat([ready, torch.where(shown_at, trust, 0.0).unsqueeze(2)], dim=2)
    return kept, ready


def hold_nearest(joints: Tensor, seen: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    """Give each joint that is not seen its position in the nearest frame of its track in which it is.

    Parameters
    ----------
    joints
        float [F, V, C], the tracks one after another.
    seen
        bool [F, V].
    length
        int64 [K], the tracks' lengths, F in all.

    Returns
    -------
    float [F, V, C], zero where a joint is never seen; bool [K, V], which joints a track ever shows
    """
    device = joints.device
    frames, count = len(joints), len(length)
    track = torch.repeat_interleave(torch.arange(count, device=device), length, output_size=frames)
    ever = torch.zeros(count, seen.shape[1], dtype=torch.int32, device=device).index_add(0, track, seen.int()) > 0
    # only tracks with holes cost memory: index tables of the size of all frames would be larger than the frames
    holed = (~seen).any(1)
    holes = torch.zeros(count, dtype=torch.int32, device=device).index_add(0, track, holed.int())
    rows = (holes > 0)[track].nonzero().squeeze(1)
    if not len(rows):
        return joints, ever
    seen, own = seen[rows], track[rows]
    here = torch.arange(len(rows), device=device).unsqueeze(1)
    start = torch.searchsorted(own, own).unsqueeze(1)
    end = torch.searchsorted(own, own, right=True).unsqueeze(1)
    before = torch.where(seen, here, -1).cummax(0).values
    after = torch.where(seen, here, len(rows)).flip(0).cummin(0).values.flip(0)
    far = 2 * len(rows)
    to_before = torch.where(before >= start, here - before, far)
    to_after = torch.where(after < end, after - here, far)
    nearest = torch.where(to_before <= to_after, before, after).clamp(0, len(rows) - 1)
    held = joints[rows].gather(0, nearest.unsqueeze(2).expand(-1, -1, joints.shape[2]))
    held = torch.where(ever[own].unsqueeze(2), held, 0.0)
    return joints.index_copy(0, rows, held), ever


def body_axes(skeleton: Tensor) -> Tensor:
    """Return the rotations that turn skeletons to their body's axes.

    Parameters
    ----------
    skeleton
        float [N, 4, 3], the joints `BODY`.

    Returns
    -------
    float [N, 3, 3]; the rows are the body's x (from the left to the right shoulder, at a right angle to z), y and z
    (along the spine). The identity where these are not defined.
    """
    spine = skeleton[:, 1] - skeleton[:, 0]
    shoulders = skeleton[:, 3] - skeleton[:, 2]
    z = F.normalize(spine, dim=-1)
    across = shoulders - (shoulders * z).sum(-1, keepdim=True) * z
    x = F.normalize(across, dim=-1)
    defined = (spine.norm(dim=-1) > 1e-6) & (across.norm(dim=-1) > 1e-6)
    axes = torch.stack([x, torch.linalg.cross(z, x), z], dim=1)
    return torch.where(defined[:, None, None], axes, torch.eye(3, device=skeleton.device))


def _tracks_of(store: ClipStore, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the tracks of the clips `rows`, sorted by clip and actor, and which of `rows` each belongs to."""
    track = store.tracks_of(rows)
    clip = np.repeat(np.arange(len(rows)), store.tracks_per_clip[rows])
    twice = (np.diff(clip) == 0) & (np.diff(store.tracks.actor[track]) == 0)
    if twice.any():
        name = store.clips.name[store.tracks.clip[track[1:][twice][0]]]
        raise InputError(f"{store.folder}: clip {name} has two tracks of one actor; prepare the store again")
    return track, clip


def _read(store: ClipStore, track: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the joints of these tracks one after another, float32 [F, V, C], and which are seen, bool [F, V]."""
    row = _rows(store, track)
    joints = np.asarray(store.joints[row])
    return joints, (store.tracked[row] > 0) & np.isfinite(joints).all(-1)


def _confidence(store: ClipStore, track: np.ndarray) -> np.ndarray:
    """Return the confidences of these tracks one after another, float32 [F, V], finite and at least 0."""
    assert store.confidence is not None
    found: np.ndarray = np.nan_to_num(store.confidence[_rows(store, track)], nan=0.0, posinf=0.0).clip(min=0)
    return found


def _rows(store: ClipStore, track: np.ndarray) -> np.ndarray:
    """Return the rows of the store that these tracks have, one track after another."""
    length = store.tracks.length[track]
    rows: np.ndarray = np.repeat(store.tracks.first_row[track] - np.cumsum(length) + length, length)
    return rows + np.arange(length.sum())


def _in_image(joints: Tensor, ever: Tensor, length: Tensor, image: tuple[int, int]) -> Tensor:
    """Scale pixels [F, V, 2] such that the picture reaches from -1 to 1; joints never seen are put in its middle."""
    half = torch.tensor(image, dtype=joints.dtype, device=joints.device) / 2
    track = torch.repeat_interleave(torch.arange(len(length), device=joints.device), length, output_size=len(joints))
    return torch.where(ever[track].unsqueeze(2), joints / half - 1, 0.0)


def _normalise(
    joints: Tensor,
    ever: Tensor,
    length: Tensor,
    first_row: Tensor,
    clip: Tensor,
    layout: Layout,
    rotate_to_body: bool,
) -> Tensor:
    """Move, and turn if asked, the clips [F, V, C] of these tracks (all but `joints` [K, ...])."""
    leader = torch.searchsorted(clip, clip)  # the first track of each track's clip
    skeleton = joints[first_row[leader]]
    origin = skeleton[:, origin_of(layout)]
    track = torch.repeat_interleave(torch.arange(len(length), device=joints.device), length, output_size=len(joints))
    joints = joints - origin[track].unsqueeze(1)
    if rotate_to_body:
        joints = torch.einsum(
            "fvc,fdc->fvd", joints, body_axes(skeleton[:, [layout.joints.index(name) for name in BODY]])[track]
        )
    return torch.where(ever[track].unsqueeze(2), joints, 0.0)
