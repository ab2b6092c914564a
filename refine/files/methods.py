"""The refiners that `smooth --model` takes: steady, the classical filters, and a trained network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from base.errors import InputError
from base.files import sha256
from base.shown import cut
from data.recordings.recording import Recording
from data.recordings.rotations import POINTS
from data.skeletons.gaps import fill_gaps
from data.skeletons.layouts import LAYOUTS, Layout
from data.skeletons.units import METRES
from refine.shipped.registry import SHIPPED
from refine.steady.ntu25.net import says_ntu25

if TYPE_CHECKING:
    from refine.in_space import Sightings

PER_METRE = {str(unit): 1 / metres for unit, metres in METRES.items()}
"""How many of a unit are a metre."""


@dataclass(frozen=True)
class Piece:
    """A motion without jumps and long gaps, of one person, at even times.

    Parameters
    ----------
    joints
        float64 [n, J, D], near the origin; NaN where nothing is known. At least one joint is known in the first and
        the last frame.
    confidence
        float32 [n, J], 0 where nothing is known; None if all is as good.
    fps
        Frames a second.
    bones
        Pairs of joints.
    unit
        Of the joints.
    """

    joints: np.ndarray
    confidence: np.ndarray | None
    fps: float
    bones: Sequence[tuple[int, int]] = ()
    unit: str = ""


@dataclass(frozen=True)
class Method:
    """A refiner.

    Parameters
    ----------
    refine
        Maps a piece to refined joints, float [n, J, D]. Where nothing was known it interpolates.
    about
        What a report says of it: its name, and the SHA-256 of its weights or its parameters.
    check
        Refuses a recording that it is not for; gets its path for the message.
    """

    refine: Callable[[Piece], np.ndarray]
    about: dict[str, Any]
    check: Callable[[Recording, str], None] = field(default=lambda recording, where: None)


@lru_cache
def open_method(model: str) -> Method:
    """Open a refiner by its name, or by the path of its weights.

    Raises
    ------
    InputError
        There is none of this name, or the file is none.
    """
    if model in SHIPPED:
        return _shipped(model)
    path = Path(model)
    if path.suffix == ".safetensors" and path.is_file():
        return _shipped("steady_ntu25" if says_ntu25(path) else "steady", path)
    if path.exists():
        return _network(path)
    from refine.filters.registry import FILTERS  # SciPy's signals take long to import

    if model in FILTERS:
        return _filter(model)
    known = ", ".join([*SHIPPED.names(), *FILTERS.names()])
    raise InputError(f"--model: found {cut(model)}, expected {known}, or the path of a trained refiner")


def _shipped(name: str, path: Path | None = None) -> Method:
    """Open a shipped refiner, or other weights of its kind."""
    kind = SHIPPED[name]
    weights = path or kind.weights
    method = kind.load(weights)

    def check(recording: Recording, where: str) -> None:
        if kind.layouts and not any(_is_of(recording, LAYOUTS[layout]) for layout in kind.layouts):
            raise InputError(
                f"{where}: {name} is for the joints of {' and '.join(kind.layouts)}, the file has others; take steady"
            )

    def refine(piece: Piece) -> np.ndarray:
        bones = piece.bones if piece.joints.shape[-1] == 3 else ()
        return method(piece.joints, piece.fps, piece.confidence, bones)

    return Method(refine, {"name": name if path is None else path.name, "sha256": sha256(weights)}, check)


def _is_of(recording: Recording, layout: Layout) -> bool:
    """Say whether a recording may have the joints of a layout; where it knows its bones, they tell."""
    own, known = ({frozenset(bone) for bone in bones} for bones in (layout.bones, recording.bones))
    fits = recording.joints.shape[1:] == (len(layout.joints), layout.dims) and not recording.groups
    return fits and (not known or known == own)


def of_rotations(method: Method) -> Method:
    """Return a refiner of rotations, two points each.

    Who knows bodies takes a joint that alone moves, while all others rest, for a mistake; but so turns a toe. Refined
    all by itself, in turn, what turns fast is smoothed more than among others. So each rotation is refined both ways,
    and a mean taken in which the smaller change has the greater weight.
    """

    def refine(piece: Piece) -> np.ndarray:
        together = method.refine(piece)
        alone = together.copy()
        for first in range(0, together.shape[1], POINTS):
            own = slice(first, first + POINTS)
            trust = None if piece.confidence is None else piece.confidence[:, own]
            if np.isfinite(piece.joints[:, own]).all(axis=-1).any():
                alone[:, own] = method.refine(replace(piece, joints=piece.joints[:, own], confidence=trust, bones=()))
        given = np.where(np.isfinite(piece.joints), piece.joints, together)
        far, near = (
            np.square(x - given).reshape(len(x), -1, POINTS * x.shape[-1]).sum(axis=-1) for x in (together, alone)
        )
        weight = np.repeat(near / np.maximum(far + near, np.finfo(float).tiny), POINTS, axis=1)[..., None]
        return weight * together + (1 - weight) * alone

    return replace(method, refine=refine)


def _filter(name: str) -> Method:
    from refine.filters.registry import FILTERS
    from refine.filters.smoothing import USUAL, released_parameters, smooth_sightings

    def refine(piece: Piece) -> np.ndarray:
        parameters = released_parameters(name, piece.fps)
        return _refined(piece, lambda one: smooth_sightings(name, [one], parameters, piece.fps)[0][0])

    return Method(
        refine, {"name": name, "parameters": "of SmoothNet's comparison" if FILTERS[name].released else USUAL[name]}
    )


def _network(path: Path) -> Method:
    """Open a trained SmoothNet; it sees each coordinate by itself, so it takes any number of joints."""
    from refine.apply import default_stride
    from refine.refiner import load_refiner, refine_sightings

    refiner = load_refiner(path)
    minds_unit = refiner.normalise.scale == "none"
    if minds_unit:  # its unit takes the place of the body's size
        refiner = replace(refiner, normalise=replace(refiner.normalise, scale="body"))
    stride = default_stride(refiner.window)

    def check(recording: Recording, where: str) -> None:
        if minds_unit and recording.joints.shape[-1] == 2:
            raise InputError(
                f"{where}: {path} knows positions in halves of an image's width, and the file has no image's size; "
                "take a refiner that scales bodies"
            )
        if minds_unit and recording.unit not in PER_METRE:
            raise InputError(
                f"{where}: {path} knows positions in metres, and the file's unit is not known; take a refiner that "
                "scales bodies"
            )

    def refine(piece: Piece) -> np.ndarray:
        size = PER_METRE.get(piece.unit) if minds_unit else None

        def by_network(one: "Sightings") -> np.ndarray:
            return refine_sightings(refiner, [one], stride=stride, merge="smooth", fps=piece.fps)[0][0]

        return _refined(piece, by_network, size)

    return Method(refine, {"name": path.name, "sha256": refiner.sha256}, check)


def _refined(piece: Piece, refine: Callable[["Sightings"], np.ndarray], size: float | None = None) -> np.ndarray:
    """Refine what was seen, and interpolate the rest."""
    from refine.in_space import Sightings

    seen = np.isfinite(piece.joints).all(axis=-1)
    if piece.confidence is not None:
        seen &= piece.confidence > 0
    known = np.where(seen[..., None], piece.joints, 0.0)
    refined = refine(Sightings(known, seen, piece.confidence, None, size)).astype(np.float64)
    return refined if seen.all() else fill_gaps(refined, seen)
