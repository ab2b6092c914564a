"""A `.npz` file with one array of poses, and perhaps its scores and its rate."""

from pathlib import Path

from base.errors import InputError
from base.shown import cut
from data.recordings.array_layout import fits, read_poses
from data.recordings.npz_file import NpzFile
from data.recordings.recording import Recording
from data.recordings.registry import BY_NAME, RECORDINGS, RecordingKind
from data.recordings.stored import Stored, as_float64
from data.recordings.zipped import array_names

_PREFERRED = ("reconstruction", "keypoints", "joints", "poses", "positions", "pred", "data", "arr_0")
_TRUE = ("gt", "truth", "target", "label")
_SCORES = ("scores", "score", "keypoint_scores", "confidence", "confidences", "conf", "visibility")
_RATES = ("fps", "frame_rate", "framerate", "frequency")

_STILLS = frozenset({"imgname", "center", "scale"})
"""What lists of training images for pose estimators have."""


def guess(path: Path) -> int:
    """Say whether a file is a zip of arrays; formats that know their arrays' names go before."""
    return BY_NAME if array_names(path) else 0


def read(path: Path) -> Recording:
    """Read the array of poses, of several the one that is named as such; what is named as the truth stays.

    Raises
    ------
    InputError
        There is none, or there are several.
    """
    file = NpzFile(path)
    if file.names >= _STILLS:
        raise InputError(
            f"{path}: holds {_listed(file.names)}: images of their own, as pose estimators learn from, not frames of a "
            "video; give a recording"
        )
    found = {name: stored for name in sorted(file.names) if (stored := file.numbers(name)) is not None}
    poses = {name: stored for name, stored in found.items() if fits(stored.value.shape)}
    name = _choose(poses, path, file.names)
    stored = poses[name]
    score = next(
        (found[key].value for key in _SCORES if key in found and found[key].value.shape == stored.value.shape[:-1]),
        None,
    )
    return read_poses(
        stored,
        f"{path}: {cut(name)}",
        file.replaced,
        None if score is None else as_float64(score),
        file.rate(*_RATES),
    )


def _choose(poses: dict[str, Stored], path: Path, names: frozenset[str]) -> str:
    """Return the name of the array that is to be refined."""
    if len(poses) > 1:
        poses = {name: each for name, each in poses.items() if not any(true in name.lower() for true in _TRUE)} or poses
    if len(poses) > 1:
        poses = {name: poses[name] for name in [name for name in _PREFERRED if name in poses][:1]} or poses
    if len(poses) == 1:
        return next(iter(poses))
    if poses:
        raise InputError(
            f"{path}: {_listed(poses)} may each be the poses; save the one to be refined as a file of its own"
        )
    raise InputError(
        f"{path}: holds {_listed(names)}, of which none is [frames, joints, 2 or 3], with people before or after the "
        "frames if need be; save the poses so"
    )


def _listed(names: object) -> str:
    return cut(", ".join(sorted(names)), 120) or "nothing"  # type: ignore[call-overload]


RECORDINGS.add("npz", RecordingKind("NumPy", "arrays of poses in .npz", guess, read))
