"""The refiners that are shipped with their weights: each is one file of this folder that adds itself.

They refine whole sequences at any frame rate, on NumPy, and have learnt from simulation alone. How their weights came
about is a command of their own; `python run.py refine` trains none of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from base.errors import InputError
from base.files import sha256
from base.registry import Registry

Bones = Sequence[tuple[int, int]]


class Method(Protocol):
    """What refines one sequence."""

    def __call__(self, poses: np.ndarray, fps: float, confidence: np.ndarray | None, bones: Bones) -> np.ndarray:
        """Refine.

        Parameters
        ----------
        poses
            [T, J, D], any T from 1, any unit; NaN where nothing is known. Left as they are.
        fps
            Frames a second.
        confidence
            [T, J], 0 to 1, 0 for missing; 0.5 where the Kinect has inferred a joint. None where all is as good.
        bones
            Pairs of joints that keep their distance; none where they are not known, or in an image.

        Returns
        -------
        array [T, J, D]
            Values where something was missing, too.
        """


@dataclass(frozen=True)
class ShippedKind:
    """Weights that are shipped, or others of their kind.

    Parameters
    ----------
    label
        What readers call it.
    weights
        The file that is shipped.
    load
        Makes of such a file what refines; InputError if it is damaged.
    trained_by
        The command that learns such weights.
    layouts
        The layouts of joints that it is for (`data.skeletons.layouts`); empty for any.
    """

    label: str
    weights: Path
    load: Callable[[Path], Method]
    trained_by: str
    layouts: tuple[str, ...] = ()


SHIPPED: Registry[ShippedKind] = Registry(__package__ or "", "shipped refiner", "steady.shipped")
"""All kinds by the names that stand for their weights."""


@dataclass(frozen=True)
class Shipped:
    """A shipped refiner, loaded.

    Parameters
    ----------
    name, label
        What it is called where it is chosen, and by readers.
    method
        What refines.
    sha256
        Of its weights' file.
    layouts
        See `ShippedKind`.
    """

    name: str
    label: str
    method: Method
    sha256: str
    layouts: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[Callable[[str], "Shipped"], tuple[str]]:
        # What refines is a closure, which no pickle takes: another process loads the weights itself.
        return load_shipped, (self.name,)

    @property
    def window(self) -> None:
        """It sees whole sequences."""

    @property
    def fps(self) -> None:
        """It takes any frame rate."""

    @property
    def trained_on(self) -> tuple[str, ...]:
        """It has learnt from no benchmark."""
        return ()

    def describe(self) -> dict[str, Any]:
        """Say in plain values which refiner this is."""
        return {"kind": self.name, "window": None, "fps": None, "trained_on": [], "sha256": self.sha256}

    def check_layout(self, layout: str, where: str) -> None:
        """Refuse joints that it does not know.

        Raises
        ------
        InputError
            It is for other layouts.
        """
        if self.layouts and layout not in self.layouts:
            general = [name for name in SHIPPED.names() if not SHIPPED[name].layouts]
            raise InputError(
                f"{where}: its joints are {layout}, and {self.name} is for {' and '.join(self.layouts)}; take "
                f"{' or '.join((*general, 'a network'))} instead"
            )


def shipped_name(path: Path | None) -> str | None:
    """Return the shipped refiner that a path names, as `steady` does; None if it is a path.

    A run's folder of the same name is written with its own folder: `runs/steady`.
    """
    name = "" if path is None else str(path)
    return name if name in SHIPPED else None


def load_shipped(name: str) -> Shipped:
    """Load a shipped refiner by its name."""
    kind = SHIPPED[name]
    return Shipped(name, kind.label, kind.load(kind.weights), sha256(kind.weights), kind.layouts)


def say_not_trained(name: str) -> str:
    """Say in one line what to do where a network that is trained is expected."""
    return (
        f"{name} is shipped with its weights, and is not trained here; give train.checkpoint={name} "
        f"(compare.checkpoints), or learn other weights by `{SHIPPED[name].trained_by}`"
    )
