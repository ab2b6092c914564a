"""SLEAP's analysis files, and the points in space that sleap-anipose makes of several."""

import re
from pathlib import Path

import numpy as np

from base.errors import InputError
from base.shown import shown
from data.recordings.hdf5 import MAGIC, Hdf5, patched_array, read_hdf5, write_hdf5
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, BY_NAME, RECORDINGS, RecordingKind
from data.recordings.wide import wide_recording

_WANTED = "tracks|track_occupancy|node_names|edge_inds|point_scores"
_TRACKS = re.compile(rb"\0tracks\0")
_PEEK = 4 << 20

_ANALYSIS = (3, 0, 2, 1)
"""Where frame, track, node and coordinate are in SLEAP's own order: track, coordinate, node, frame."""

_PLAIN = (0, 1, 2, 3)
"""The order of sleap-anipose, and of sleap-io if it is asked for."""


def guess(path: Path) -> int:
    """Say whether a file is HDF5 with an array `tracks`."""
    start = head(path, _PEEK)
    if not start.startswith(MAGIC) or b"pandas_type" in start:
        return 0
    if _TRACKS.search(start):
        return BY_CONTENT
    return BY_NAME if path.name.lower().endswith(".analysis.h5") else 0


def read(path: Path) -> Recording:
    """Read tracks in 2D or 3D.

    An instance that a human has labelled has no scores: its points are taken to be sure.

    Raises
    ------
    InputError
        The file is damaged, or its tracks are not laid out as SLEAP does.
    """
    file = read_hdf5(path, _WANTED)
    if "tracks" not in file.arrays:
        raise InputError(f"{path}: has no array `tracks`, expected SLEAP's analysis file")
    tracks = file.arrays["tracks"]
    order = _order(path, file)
    back = np.argsort(order)
    before = tracks.astype(np.float64)
    values = before.transpose(order)
    count, people, nodes = values.shape[:3]
    scores = file.arrays.get("point_scores", np.zeros(0))
    axes = (2, 0, 1) if order == _ANALYSIS else (0, 1, 2)
    sure = None
    if scores.ndim == 3 and scores.transpose(axes).shape == (count, people, nodes):
        sure = scores.transpose(axes).astype(np.float64)
        sure = np.where(np.isnan(sure), np.isfinite(values).all(axis=-1), sure)

    def write(after: np.ndarray, output: Path) -> None:
        new = patched_array(tracks, before, after.transpose(back))
        write_hdf5(path, output, {} if new is None else {"tracks": new})

    return wide_recording(
        values,
        sure,
        np.arange(count),
        write,
        names=_names(file, nodes),
        bones=_bones(file, nodes),
        unit="px" if values.shape[-1] == 2 else "",
    )


def _order(path: Path, file: Hdf5) -> tuple[int, ...]:
    """Return the axes of frames, tracks, nodes and coordinates: both tools call the array `tracks`."""
    tracks = file.arrays["tracks"]
    shape = tracks.shape
    if tracks.ndim != 4 or tracks.dtype.kind not in "iuf":
        raise InputError(f"{path}: `tracks` is an {shown(tracks)}, expected numbers of four axes as SLEAP writes them")
    last, first = shape[1] in (2, 3), shape[3] in (2, 3)
    occupied = file.arrays.get("track_occupancy", np.zeros(0)).shape
    if last and (not first or occupied == (shape[3], shape[0]) or (not occupied and "node_names" in file.arrays)):
        return _ANALYSIS
    if first:
        return _PLAIN
    expected = "(tracks, 2, nodes, frames) or (frames, tracks, nodes, 3)"
    raise InputError(f"{path}: `tracks` has the shape {shown(shape)}, expected {expected}")


def _names(file: Hdf5, nodes: int) -> tuple[str, ...]:
    names = file.arrays.get("node_names", np.zeros(0))
    if names.shape != (nodes,) or names.dtype.kind != "S":
        return ()
    return tuple(name.decode("utf-8", "replace") for name in names.tolist())


def _bones(file: Hdf5, nodes: int) -> tuple[tuple[int, int], ...]:
    edges = file.arrays.get("edge_inds", np.zeros(0))
    if edges.ndim != 2 or edges.shape[1] != 2 or edges.dtype.kind not in "iu" or not len(edges):
        return ()
    inside = (edges >= 0).all() and (edges < nodes).all() and len(edges) <= nodes**2
    return tuple((int(a), int(b)) for a, b in edges.tolist()) if inside else ()


RECORDINGS.add("sleap", RecordingKind("SLEAP", "SLEAP's .analysis.h5 and sleap-anipose's .h5", guess, read))
