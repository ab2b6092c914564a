"""The network of `steady_ntu25`, for NumPy, and its file.

At places two frames apart, a layer describes what is seen there; two more take these descriptions of the places around,
up to a second away, and say how far off each joint is there. In between, what they say is blended smoothly.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from base.errors import InputError
from base.safetensors_file import read_tensors
from refine.steady.bank import blend
from refine.steady.ntu25.view import CHOICES, COLUMNS, JOINTS, POSITIONS

FORMAT = "steady_ntu25 1"

STEP = 2
"""Frames between two places."""

AROUND = (-16, -8, -4, -2, 0, 2, 4, 8, 16)
"""The places around each place that it is judged by."""

FURTHEST = max(AROUND)

OUTPUTS = POSITIONS + len(CHOICES) * JOINTS
"""A change of each coordinate, and how much of each choice."""

MOST = 5.0
"""Standard deviations: what is further from the mean, the network sees as so far."""

UNITS = np.repeat(np.array([0.05, 0.3], np.float32), [POSITIONS, len(CHOICES) * JOINTS])
"""By what the last layer's numbers are multiplied: body sizes that joints are off, and usual shares. Learning goes in
steps of one size for all layers."""

TOGETHER = 256
"""Places that go through the network at a time; they stay in the processor's cache."""


def shapes(own: int, width: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of a network: [in, out] of weights, [out] of biases."""
    return {
        "mean": (COLUMNS,),
        "scale": (COLUMNS,),
        "own.weight": (COLUMNS, own),
        "own.bias": (own,),
        "around.weight": (len(AROUND) * own, width),
        "around.bias": (width,),
        "again.weight": (width, width),
        "again.bias": (width,),
        "out.weight": (width, OUTPUTS),
        "out.bias": (OUTPUTS,),
    }


@dataclass(frozen=True)
class Network:
    """A trained network.

    Parameters
    ----------
    arrays
        float32, by name, see `shapes`.
    about
        What else its file says: how it was made.
    """

    arrays: Mapping[str, np.ndarray]
    about: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def _first(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The least and most that is seen, and the first layer with the normalisation in it."""
        scale, mean = (self.arrays[name].astype(np.float64) for name in ("scale", "mean"))
        weight = self.arrays["own.weight"] * scale[:, None]
        bias = self.arrays["own.bias"] - mean @ weight
        found = (mean - MOST / scale, mean + MOST / scale, weight, bias)
        return tuple(np.asarray(array, np.float32) for array in found)  # type: ignore[return-value]

    @property
    def parameters(self) -> int:
        """How many numbers were learnt."""
        return sum(array.size for name, array in self.arrays.items() if name not in ("mean", "scale"))

    reach = STEP * (FURTHEST + 3)
    """Frames to either side on which a result depends."""

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        """Map float32 [T, COLUMNS] to [T, OUTPUTS]; nothing lies beyond the ends."""
        frames = len(numbers)
        seen = at_places(numbers)
        places = len(seen)
        least, most, weight, bias = self._first
        own = np.zeros((places + 2 * FURTHEST, len(bias)), np.float32)
        found = np.empty((places, OUTPUTS), np.float32)
        for first in range(0, places, TOGETHER):
            rows = slice(first, first + TOGETHER)
            part = np.clip(seen[rows], least, most) @ weight
            part += bias
            np.maximum(part, 0, out=own[FURTHEST:-FURTHEST][rows])
        arrays = self.arrays
        for first in range(0, places, TOGETHER):
            count = min(TOGETHER, places - first)
            near = [own[start : start + count] for start in (first + FURTHEST + away for away in AROUND)]
            h = np.concatenate(near, axis=1) @ arrays["around.weight"]
            h += arrays["around.bias"]
            np.maximum(h, 0, out=h)
            more = h @ arrays["again.weight"]
            more += arrays["again.bias"]
            h += np.maximum(more, 0, out=more)
            found[first : first + count] = h @ arrays["out.weight"]
        found += arrays["out.bias"]
        found *= UNITS
        # Beyond the ends it is as at the ends.
        return blend(found[np.clip(np.arange(-1, places + 2), 0, places - 1)], frames, STEP)


def at_places(numbers: np.ndarray) -> np.ndarray:
    """Average [T, ...] over the three frames around each place, [places, ...]; the middle one counts twice."""
    middle = numbers[::STEP]
    before = np.concatenate([numbers[:1], numbers[1::STEP]])[: len(middle)]
    after = numbers[1::STEP]
    if len(after) < len(middle):
        after = np.concatenate([after, numbers[-1:]])
    return (before + after) / 4 + middle / 2


def apply(network: Network, numbers: np.ndarray, choices: np.ndarray, gate: np.ndarray) -> np.ndarray:
    """Return the change of each joint, [T, 3, 25], in the body's axes and sizes.

    Parameters
    ----------
    network
        Which.
    numbers, choices, gate
        See `refine.steady.ntu25.view.View`.
    """
    found = network(numbers)
    change = found[:, :POSITIONS].reshape(-1, 3, JOINTS)
    shares = found[:, POSITIONS:].reshape(-1, len(CHOICES), 1, JOINTS)
    return gate[:, None, None] * (change + (shares * choices).sum(axis=1))


def save_network(network: Network) -> bytes:
    """Return the bytes of a file of weights (safetensors, float16); the same weights give the same bytes."""
    tensors = {name: np.ascontiguousarray(array, np.float16) for name, array in network.arrays.items()}
    # One entry only: safetensors writes several in any order.
    return save(tensors, {FORMAT: json.dumps(dict(network.about), sort_keys=True)})


def says_ntu25(path: Path) -> bool:
    """Say whether a file says of itself that it holds such weights."""
    try:
        with safe_open(path, framework="numpy") as file:
            return FORMAT in (file.metadata() or {})
    except (OSError, SafetensorError):
        return False


def load_network(path: Path) -> Network:
    """Read a file of weights.

    Raises
    ------
    InputError
        The file is absent, damaged, or holds something else.
    """
    expected = f"expected {FORMAT!r}, the weights of a refiner `steady_ntu25`; take the file that was shipped"
    about, tensors = read_tensors(path, FORMAT, "numpy", expected)
    try:
        fitting = shapes(*(tensors[f"{name}.bias"].shape[0] for name in ("own", "around")))
        for name, shape in fitting.items():
            if tensors[name].shape != shape:
                raise ValueError(f"{name}: {tensors[name].shape} for {shape}")
        arrays = {name: tensors[name].astype(np.float32) for name in fitting}
        return Network(arrays, about)
    except (KeyError, ValueError, IndexError) as error:
        raise InputError(f"{path}: a layer is missing or does not fit ({error}); the file is damaged") from error
