"""The two small networks, for NumPy: one that judges observations, one that chooses among smoothers; and their file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from base.errors import InputError

FORMAT = "steady 1"


@dataclass(frozen=True)
class Network:
    """Layers that all joints share; what the others see reaches a joint as the mean over all joints.

    h = max(0, h W + mean(h) V + b), layer by layer; the first has no V, the last is linear.

    Parameters
    ----------
    layers
        (W [in, out], V [in, out] or None, b [out]).
    """

    layers: tuple[tuple[np.ndarray, np.ndarray | None, np.ndarray], ...]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Map float32 [T, J, in] to [T, J, out]."""
        frames, joints, _ = x.shape
        h = np.ascontiguousarray(x).reshape(frames * joints, -1)
        for number, (own, others, bias) in enumerate(self.layers):
            out = h @ own
            if others is None:
                out += bias
            else:
                mean = h.reshape(frames, joints, -1).mean(axis=1)
                out.reshape(frames, joints, -1)[...] += (mean @ others + bias)[:, None]
            h = out if number + 1 == len(self.layers) else np.maximum(out, 0, out=out)
        return h.reshape(frames, joints, -1)

    @property
    def parameters(self) -> int:
        """How many numbers were learnt."""
        return sum(part.size for layer in self.layers for part in layer if part is not None)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return positive weights that sum to 1 along the last axis."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights


@dataclass(frozen=True)
class Networks:
    """What a file of weights holds.

    Parameters
    ----------
    judge
        Tells the logarithm of how far off each observation is, in body sizes.
    mixer
        Tells the smoothers' weights before the softmax: the raw observation, then the bank's from coarse to fine.
    about
        What else the file says: how it was made.
    """

    judge: Network
    mixer: Network
    about: Mapping[str, Any] = field(default_factory=dict)


def save_networks(networks: Networks) -> bytes:
    """Return the bytes of a file of weights (safetensors); the same weights give the same bytes."""
    tensors = {}
    for name in ("judge", "mixer"):
        for number, layer in enumerate(getattr(networks, name).layers):
            for part, array in zip(("own", "others", "bias"), layer, strict=True):
                if array is not None:
                    tensors[f"{name}.{number}.{part}"] = np.ascontiguousarray(array, np.float32)
    return save(tensors, {"format": FORMAT, "about": json.dumps(dict(networks.about), sort_keys=True)})


def load_networks(path: Path) -> Networks:
    """Read a file of weights.

    Raises
    ------
    InputError
        The file is absent, damaged, or holds something else.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            said = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: cannot be read as safetensors ({error}); take the file that was shipped") from error
    if said.get("format") != FORMAT:
        raise InputError(f"{path}: format {said.get('format')!r}, expected {FORMAT!r}; this is no refiner `steady`")
    try:
        judge, mixer = (_network(name, tensors) for name in ("judge", "mixer"))
        return Networks(judge, mixer, json.loads(said.get("about", "{}")))
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: a layer is missing or does not fit ({error}); the file is damaged") from error


def _network(name: str, tensors: Mapping[str, np.ndarray]) -> Network:
    count = 1 + max(int(key.split(".")[1]) for key in tensors if key.startswith(f"{name}."))
    layers = []
    for number in range(count):
        own, bias = tensors[f"{name}.{number}.own"], tensors[f"{name}.{number}.bias"]
        others = tensors.get(f"{name}.{number}.others")
        before = layers[-1][2].shape if layers else own.shape[:1]
        if own.shape != (*before, *bias.shape) or (others is not None and others.shape != own.shape):
            raise ValueError(f"{name}.{number}: {own.shape} after {before}")
        layers.append((own, others, bias))
    return Network(tuple(layers))
