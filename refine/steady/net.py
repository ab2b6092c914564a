"""The two small networks, for NumPy: one that judges observations, one that chooses among smoothers; and their file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from base.errors import InputError
from base.safetensors_file import read_tensors
from refine.steady.room import empty

FORMAT = "steady 1"

TOGETHER = 256
"""Frames that go through a network at a time; they stay in the processor's cache."""


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
        """Map float32 [in, T, J] to [out, T, J].

        Each joint has a product of matrices of its own, [out, in] [in, times]: so small, they run at the processor's
        speed, and half as fast if all joints share one.
        """
        _, frames, joints = x.shape
        out = empty((joints, self.layers[-1][2].size, frames))
        widest = max((own.shape[1] for own, _, _ in self.layers), default=0)
        # The same memory for every part: new memory costs more than what is computed in it.
        room = empty((2, min(TOGETHER, frames) * joints * widest))
        for first in range(0, frames, TOGETHER):
            part = slice(first, first + TOGETHER)
            self._part(np.ascontiguousarray(x[:, part].transpose(2, 0, 1)), out[:, :, part], room)
        return out.transpose(1, 2, 0)

    def _part(self, h: np.ndarray, result: np.ndarray, room: np.ndarray) -> None:
        joints, _, frames = h.shape
        each = np.full(joints, 1 / joints, np.float32)
        # What all joints have in common is not added to each, but to what they have in common after the next product:
        # max(0, h + c) = max(-c, h) + c.
        common = np.zeros((h.shape[1], 1), np.float32)
        for number, (own, others, bias) in enumerate(self.layers):
            shared = own.T @ common + bias[:, None]
            if others is not None:
                shared = shared + others.T @ ((each @ h.reshape(joints, -1)).reshape(-1, frames) + common)
            last = number + 1 == len(self.layers)
            out = result if last else room[number % 2, : joints * len(bias) * frames].reshape(joints, -1, frames)
            np.matmul(own.T, h, out=out)
            if last:
                out += shared
            else:
                np.maximum(out, -shared, out=out)
            h, common = out, shared

    @property
    def parameters(self) -> int:
        """How many numbers were learnt."""
        return sum(part.size for layer in self.layers for part in layer if part is not None)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return positive weights that sum to 1 along the first axis."""
    weights = np.exp(logits - logits.max(axis=0))
    weights /= weights.sum(axis=0)
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
    # One entry only: safetensors writes several in any order.
    return save(tensors, {FORMAT: json.dumps(dict(networks.about), sort_keys=True)})


def load_networks(path: Path) -> Networks:
    """Read a file of weights.

    Raises
    ------
    InputError
        The file is absent, damaged, or holds something else.
    """
    expected = f"expected {FORMAT!r}, the weights of a refiner `steady`; take the file that was shipped"
    about, tensors = read_tensors(path, FORMAT, "numpy", expected)
    try:
        judge, mixer = (_network(name, tensors) for name in ("judge", "mixer"))
        return Networks(judge, mixer, about)
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: a layer is missing or does not fit ({error}); the file is damaged") from error


def _network(name: str, tensors: Mapping[str, np.ndarray]) -> Network:
    count = 1 + max(int(key.split(".")[1]) for key in tensors if key.startswith(f"{name}."))
    layers: list[tuple[np.ndarray, np.ndarray | None, np.ndarray]] = []
    for number in range(count):
        own, bias = tensors[f"{name}.{number}.own"], tensors[f"{name}.{number}.bias"]
        others = tensors.get(f"{name}.{number}.others")
        before = layers[-1][2].shape if layers else own.shape[:1]
        if own.shape != (*before, *bias.shape) or (others is not None and others.shape != own.shape):
            raise ValueError(f"{name}.{number}: {own.shape} after {before}")
        layers.append((own, others, bias))
    return Network(tuple(layers))
