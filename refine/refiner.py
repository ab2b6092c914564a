"""A trained SmoothNet together with everything that using it right depends on."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ValidationError
from torch import Tensor

from base.errors import InputError
from base.files import sha256
from base.settings import Fps
from base.shown import cut, shown
from data.skeletons.resample import lower_rate, resample, resampled_length
from refine.in_space import Sightings, as_sightings, check_rate, refine_in_space
from refine.nets.columns import Precision
from refine.nets.registry import (
    MOST_BLOCKS,
    MOST_FRAMES,
    MOST_UNITS,
    NETS,
    ModelSection,
    Net,
    at_rest,
    build_net,
)
from refine.normalise import Centre, Normalise, Scale, body_size, window_offsets
from refine.splits import Pieces
from refine.windows import Merge, mirrored, refine_windows
from training.checkpoints import checkpoint_file, load_checkpoint, weights_of

DEFAULT_FPS = 30.0
"""Frames a second of sequences whose frame rate nobody says."""

PREFIX = re.compile(r"^(?:(?:module|smoothnet)\.)+")
"""What networks that were trained on several devices, and MMPose's filter around its network, write before names."""


@dataclass(frozen=True)
class Refiner:
    """A network and how its input is to be prepared.

    Parameters
    ----------
    net
        The network.
    normalise
        What is taken out before the network and put back after it.
    fps
        The frame rate that it was trained at; None if its checkpoint does not say.
    trained_on
        The benchmarks that it was trained on.
    sha256
        Of its checkpoint.
    precision
        What to compute in, see `refine.nets.columns.Columns`.
    still
        Whether it is made for skeletons where they are, see `still`.
    """

    net: Net
    normalise: Normalise
    fps: float | None = None
    trained_on: tuple[str, ...] = ()
    sha256: str = ""
    precision: Precision = "fp32"
    still: bool = False

    @property
    def label(self) -> str:
        """What readers call it."""
        return "SmoothNet"

    @property
    def window(self) -> int:
        """Frames per window."""
        return self.net.window

    def describe(self) -> dict[str, Any]:
        """Say in plain values which refiner this is."""
        return {
            "kind": self.net.kind,
            "window": self.window,
            "normalise": asdict(self.normalise),
            "fps": self.fps,
            "trained_on": list(self.trained_on),
            "sha256": self.sha256,
            **({} if self.precision == "fp32" else {"precision": self.precision}),
        }


def refiner_content(
    model: Mapping[str, Any], normalise: Normalise, fps: float | None, trained_on: Sequence[str]
) -> dict[str, Any]:
    """Return what a checkpoint needs besides `state_dict` for `load_refiner` to know how to use it."""
    content = {"model": dict(model), "normalise": asdict(normalise), "fps": fps, "trained_on": list(trained_on)}
    return {"refiner": content}


def fingerprint(net: Net) -> str:
    """Return the SHA-256 of a network's kind, names, shapes and weights."""
    digest = hashlib.sha256(net.kind.encode())
    for name, tensor in net.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def load_refiner(path: Path, device: torch.device | str = "cpu") -> Refiner:
    """Load a refiner from one of our checkpoints, from one that SmoothNet's authors released, or from one of MMPose's.

    Ours says which kind of network it is, and its sizes. For others these are taken from the tensors, whose names may
    have a prefix; they may be all that the file holds. A released checkpoint says neither its frame rate nor how its
    input was prepared; its authors took nothing out of poses that were near the origin already, and neither does this.

    Parameters
    ----------
    path
        A run's folder, its `best.pt`, a released `checkpoint_32.pth.tar`, or MMPose's `smoothnet_ws32_h36m.pth`.
    device
        Where to put the network.

    Raises
    ------
    InputError
        The file is absent, damaged, or holds no SmoothNet.
    """
    path = checkpoint_file(path)
    content = load_checkpoint(path)
    state = {PREFIX.sub("", name): tensor for name, tensor in weights_of(path, content).items()}
    described = content.get("refiner")
    net = _build(path, state, described.get("model") if isinstance(described, dict) else None).to(device).eval()
    if described is None:
        return Refiner(net, Normalise("none", "none"), sha256=sha256(path))
    try:
        about = _Described.model_validate(described)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {cut(first['msg'], 200)}"
        raise InputError(f"{path}: its 'refiner' entry is damaged ({reason}); train it again") from error
    normalise = Normalise(about.normalise.centre, about.normalise.scale)
    return Refiner(net, normalise, about.fps, about.trained_on, sha256(path))


class _DescribedNormalise(BaseModel):
    centre: Centre
    scale: Scale


class _Described(BaseModel):
    """What a checkpoint says besides its weights, see `refiner_content`."""

    normalise: _DescribedNormalise
    fps: Fps | None
    trained_on: tuple[str, ...]


def _build(path: Path, state: Mapping[str, Tensor], model: Any) -> Net:
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    told = isinstance(model, dict) and "kind" in model
    section = _told(path, model) if told else _recognised(path, shapes)
    with torch.device("meta"):
        net = build_net(section)
    expected = net.state_dict()
    for name in [*expected, *shapes]:
        wanted = tuple(expected[name].shape) if name in expected else "none"
        if shapes.get(name, "none") != wanted:
            found = shown(shapes[name]) if name in shapes else "none"
            raise InputError(
                f"{path}: {cut(name, 100)} has shape {found}, expected {wanted} in a {section.kind} net of "
                f"{section.window} frames and {section.hidden} units; this is not a SmoothNet checkpoint of one shape"
            )
    weights = {name: state[name].to(tensor.dtype) for name, tensor in expected.items()}
    net.load_state_dict(weights, assign=True)
    if any(tensor.is_meta for tensor in (*net.parameters(), *net.buffers())):  # what a kind computes and does not keep
        with torch.random.fork_rng(devices=[]):
            net = build_net(section)
        net.load_state_dict(weights)
    return net


def _told(path: Path, model: Any) -> ModelSection:
    """Return the section `model` that a checkpoint of ours was trained with."""
    try:
        return ModelSection.model_validate(model)
    except ValidationError as error:
        first = error.errors()[0]
        reason = ".".join(map(str, ("model", *first["loc"])))
        reason += f": {cut(first['msg'].removeprefix('Value error, '), 200)}"
        raise InputError(f"{path}: its 'refiner' entry is damaged ({reason}); train it again") from error


def _recognised(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> ModelSection:
    """Find out which kind of network these tensors are, for files that do not say so."""
    for name in NETS.names():
        sizes = NETS[name].sizes(shapes)
        if sizes is not None:
            _check_sizes(path, **sizes)
            section = ModelSection.model_construct(None, kind=name, **sizes)
            try:
                NETS[name].check(section)
            except ValueError as error:
                raise InputError(f"{path}: {error}") from None
            return section
    names = cut(", ".join(list(shapes)[:3]), 200) or "none"
    raise InputError(f"{path}: not a SmoothNet: its tensors are {names} ...; expected encoder.0, res_blocks.*, decoder")


def _check_sizes(path: Path, window: int, hidden: int, res_hidden: int, blocks: int) -> None:
    sizes = (("frames", window, MOST_FRAMES), ("units", hidden, MOST_UNITS), ("narrow units", res_hidden, MOST_UNITS))
    for what, size, most in (*sizes, ("blocks", max(blocks, 1), MOST_BLOCKS)):
        if not 1 <= size <= most:
            raise InputError(f"{path}: a SmoothNet of {size} {what}, expected 1 to {most}; take another checkpoint")


def refine_poses(
    refiner: Refiner,
    sequences: Sequence[np.ndarray],
    *,
    root: Sequence[int] = (),
    stride: int = 1,
    merge: Merge = "mean",
    fps: float | None = None,
    sizes: Sequence[float] | None = None,
    seen: Sequence[np.ndarray | None] | None = None,
    confidences: Sequence[np.ndarray | None] | None = None,
    times: Sequence[np.ndarray | None] | None = None,
) -> list[np.ndarray]:
    """Refine skeletons in space, or in an image.

    What is no fault comes out as it went in: a skeleton at rest, at constant velocity or at constant acceleration
    (`refine.travel`), and what was not seen. The network sees every coordinate about its own mean, whatever it was
    trained with: what it learnt of one skeleton's proportions is none of another's. Its answer to rest is taken off.

    Refining commutes exactly (to rounding) with moving, turning and mirroring, because it is done in the body's own
    axes, and with scaling for refiners that scale bodies. A released network, which saw metres, minds the unit.

    Parameters
    ----------
    refiner
        With which network.
    sequences
        [T, J, D] each, any length from 1; a joint that is not finite was not seen. Pieces shorter than a window are
        continued by their mirror images (`refine.windows.mirrored`).
    root
        Not used, since nothing is centred on it; `refine_sequences` does so.
    stride
        Frames between windows, at the network's frame rate.
    merge
        How windows that overlap are merged, see `refine.windows.refine_windows`.
    fps
        The sequences' frame rate; where it differs from the refiner's, they are resampled to that by cubic splines
        (after a low-pass filter, if that is lower), refined, and taken back to their own times. None: take them as
        they are, at the refiner's rate.
    sizes
        The body size of each sequence; measured in the body's own axes if not given.
    seen
        bool [T, J] each: what was seen. By default what is finite.
    confidences
        [T, J] each: how sure each sighting is, see `refine.trust`. By default equally.
    times
        [T] each, seconds: when each frame was recorded. By default evenly.

    Returns
    -------
    list of arrays
        float32 [T, J, D] each; what was not seen is as it was.
    """
    check_rate(fps)
    return refine_sightings(
        refiner, as_sightings(sequences, sizes, seen, confidences, times), stride=stride, merge=merge, fps=fps
    )[0]


def refine_sightings(
    refiner: Refiner,
    sightings: Sequence[Sightings],
    *,
    stride: int = 1,
    merge: Merge = "mean",
    fps: float | None = None,
    match_rate: bool = True,
) -> tuple[list[np.ndarray], list[Pieces]]:
    """As `refine_poses`, and say how each track was cut.

    Parameters
    ----------
    match_rate
        Whether to resample to the network's frame rate.
    """
    rate = refiner.fps / fps if match_rate and fps and refiner.fps else 1.0
    refiner = still(refiner)

    def method(motions: list[np.ndarray], sizes: list[float]) -> list[np.ndarray]:
        return _refine_arrays(refiner, motions, root=(), stride=stride, merge=merge, rate=rate, sizes=sizes)

    return refine_in_space(sightings, method, fps or refiner.fps or DEFAULT_FPS)


def still(refiner: Refiner) -> Refiner:
    """Make a refiner answer rest with rest, and see every coordinate about its own mean, if it does not yet."""
    if refiner.still:
        return refiner
    normalise = Normalise("channel", refiner.normalise.scale)
    return replace(refiner, net=at_rest(refiner.net), normalise=normalise, still=True)


def refine_sequences(
    refiner: Refiner,
    sequences: Sequence[np.ndarray],
    *,
    root: Sequence[int],
    stride: int = 1,
    merge: Merge = "mean",
    fps: float | None = None,
    sizes: Sequence[float] | None = None,
) -> list[np.ndarray]:
    """Refine sequences of the benchmarks, by their protocol: windows normalised as in training, and nothing else.

    Parameters
    ----------
    refiner
        With which network.
    sequences
        [T, J, D] each, any length from 1, without missing values. Sequences shorter than a window are continued by
        their mirror images (`refine.windows.mirrored`).
    root
        The root joints.
    stride
        Frames between windows, at the network's frame rate.
    merge
        How windows that overlap are merged, see `refine.windows.refine_windows`.
    fps
        The sequences' frame rate; where it differs from the refiner's, they are resampled to that by cubic splines
        (after a low-pass filter, if that is lower), refined, and taken back to their own times. None: take them as
        they are.
    sizes
        The body size of each sequence; measured if not given.

    Returns
    -------
    list of arrays
        float32 [T, J, D] each.
    """
    rate = refiner.fps / fps if fps and refiner.fps else 1.0
    if sizes is None:
        sizes = [body_size(x) if refiner.normalise.scale == "body" else 1.0 for x in sequences]
    return [
        x.astype(np.float32)
        for x in _refine_arrays(refiner, sequences, root=root, stride=stride, merge=merge, rate=rate, sizes=sizes)
    ]


def _refine_arrays(
    refiner: Refiner,
    sequences: Sequence[np.ndarray],
    *,
    root: Sequence[int],
    stride: int,
    merge: Merge,
    rate: float,
    sizes: Sequence[float],
) -> list[np.ndarray]:
    parameter = next(refiner.net.parameters())
    if refiner.normalise.scale == "none":
        sizes = [1.0] * len(sequences)
    indices, columns = [], []
    for x, size in zip(sequences, sizes, strict=True):
        scaled = lower_rate(x.reshape(len(x), -1) / size, rate)
        indices.append(mirrored(len(scaled), refiner.window))
        whole = scaled if len(scaled) == len(indices[-1]) else scaled[indices[-1]]
        columns.append(torch.from_numpy(whole.astype(np.float32)).to(parameter.device).t())
    dims = sequences[0].shape[-1] if len(sequences) else 0
    offsets = partial(window_offsets, centre=refiner.normalise.centre, root=root, dims=dims)
    results = []
    refined_columns = refine_windows(
        refiner.net, columns, stride=stride, offsets=offsets, merge=merge, precision=refiner.precision
    )
    for x, size, column, index in zip(sequences, sizes, refined_columns, indices, strict=True):
        length = resampled_length(len(x), rate)
        first = (len(index) - length) // 2
        refined = resample(column.t()[first : first + length].cpu().numpy(), 1 / rate, len(x))
        results.append(refined.reshape(x.shape) * size)
    return results
