"""Refiners by what a user calls them: the name of weights that are shipped, a run's folder, or a checkpoint's file."""

from pathlib import Path

import torch

from base.errors import InputError
from refine.refiner import Refiner, load_refiner
from refine.shipped.registry import SHIPPED, Shipped, load_shipped, shipped_name
from training.checkpoints import checkpoint_file

AnyRefiner = Refiner | Shipped


def load_named(path: Path, device: torch.device | str = "cpu") -> AnyRefiner:
    """Load a refiner.

    Parameters
    ----------
    path
        A shipped refiner's name, such as `steady`, or what `refine.refiner.load_refiner` takes.
    device
        Where to put a network; shipped refiners run on the processor.

    Raises
    ------
    InputError
        There is none, or it is damaged.
    """
    name = shipped_name(path)
    if name is not None:
        return load_shipped(name)
    if len(path.parts) == 1 and not path.suffix and not path.exists():
        known = ", ".join(SHIPPED.names())
        raise InputError(f"{path}: no such file, and no shipped refiner is called so; those that are: {known}")
    return load_refiner(path, device)


def named_file(path: Path) -> Path:
    """Return the file that holds the weights of what a path names.

    Raises
    ------
    InputError
        It is a folder without trained weights.
    """
    name = shipped_name(path)
    return checkpoint_file(path) if name is None else SHIPPED[name].weights
