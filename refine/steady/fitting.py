"""What the trainings of the shipped refiners share: material in files, steps with checkpoints, the command line."""

import argparse
import json
import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import Tensor, nn

from base.errors import InputError
from base.executors.registry import Pool, none_lost
from base.executors.registry import spread as share_out
from base.files import atomic_file
from data.ntu.splits import TRAIN_PERFORMERS
from refine.steady.bank import blend_weights

S = TypeVar("S")

HELD_OUT = TRAIN_PERFORMERS[-4:]
"""Performers whose movements are not learnt from, to choose by."""

LEARNT_FROM = TRAIN_PERFORMERS[:-4]

HERE = Pool("here")
"""This process alone."""

SHARD = 100
"""Examples per file of material."""

SAVE_EVERY = 250
"""Steps between two checkpoints."""


def begin(folder: Path, recipe: Any, say: Callable[[str], None]) -> Callable[[str], None]:
    """Make the folder of a training, or go on in it.

    Parameters
    ----------
    folder
        Where material, checkpoints and weights are written.
    recipe
        How to train: a data class.
    say
        Told how it goes.

    Returns
    -------
    What to tell how it goes; it adds the seconds since now.

    Raises
    ------
    InputError
        Something else was begun in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "recipe.json"
    if path.exists():
        try:
            found = json.loads(path.read_bytes())
        except ValueError:
            found = None
        if found != asdict(recipe):
            raise InputError(f"{path}: another recipe was begun here; give another folder, or remove this one")
    else:
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(asdict(recipe), indent=1) + "\n")
    started = time.perf_counter()
    return lambda text: say(f"{time.perf_counter() - started:7.0f} s  {text}")


def make_material(
    folder: Path,
    name: str,
    count: int,
    make: Callable[[int], S],
    note: Callable[[str], None],
    pool: Pool = HERE,
) -> Iterator[S]:
    """Make what is not there yet of some material, file by file, and read it.

    Parameters
    ----------
    folder, name
        Where the files are, and how their names begin.
    count
        How many examples.
    make
        Makes one by its number, the same whoever does it.
    note
        Told of each file.
    pool
        Who makes files; `make` must then be such as can be pickled, but for work that is done here.
    """
    files = [
        (folder / f"{name}_{first:05d}.pickle", range(first, min(first + SHARD, count)))
        for first in range(0, count, SHARD)
    ]
    missing = [file for file in files if not file[0].exists()]
    work = partial(_make_file if pool.here else _make_file_elsewhere, make)
    with closing(none_lost(share_out(work, missing, pool), str(folder), "--workers")) as made:
        for file in files:
            if file in missing:
                next(made)
                note(f"{name}: {file[1].stop} of {count}")
            yield from pickle.loads(file[0].read_bytes())


def _make_file(make: Callable[[int], Any], file: tuple[Path, range]) -> None:
    path, numbers = file
    with atomic_file(path) as temporary:
        temporary.write_bytes(pickle.dumps([make(number) for number in numbers], protocol=5))


def _make_file_elsewhere(make: Callable[[int], Any], file: tuple[Path, range]) -> None:
    """Do so in a process that has not been told how to compute; its core is its own."""
    with fading_weights_are_zero(), threadpool_limits(1):
        _make_file(make, file)


def fit(
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    factor: Callable[[int], float],
    steps: int,
    backward: Callable[[int], float],
    checkpoint: Path,
    report: Callable[[int, float], None],
) -> None:
    """Train; go on from the checkpoint if there is one.

    Parameters
    ----------
    net
        What is trained.
    optimizer
        By what.
    factor
        The learning rate at each step, share of the optimizer's own.
    steps
        How many.
    backward
        Adds the gradients of a step, and returns its loss.
    checkpoint
        Where it is written, every `SAVE_EVERY` steps and at the end.
    report
        Told then: the number of steps, and the mean loss since the last time.
    """
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    stateful: dict[str, Any] = {"net": net, "optimizer": optimizer, "schedule": schedule}
    start = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        for name, one in stateful.items():
            one.load_state_dict(state[name])
        start = state["step"]
    losses = []
    for step in range(start, steps):
        optimizer.zero_grad()
        losses.append(backward(step))
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            with atomic_file(checkpoint) as temporary:
                torch.save({**{name: one.state_dict() for name, one in stateful.items()}, "step": step + 1}, temporary)
            report(step + 1, sum(losses) / len(losses))
            losses = []


def spread(at_places: Tensor, frames: int, step: int) -> Tensor:
    """Spread what is said at places smoothly over the frames, as `refine.steady.bank.blend`.

    Parameters
    ----------
    at_places
        [..., places, N].
    frames, step
        How many frames, and how many of them from place to place.

    Returns
    -------
    [..., frames, N]
    """
    places, shares = blend_weights(frames, step)
    matrix = np.zeros((frames, at_places.shape[-2]), np.float32)
    np.put_along_axis(matrix, places, shares.astype(np.float32), axis=1)
    return torch.from_numpy(matrix) @ at_places


@contextmanager
def fading_weights_are_zero() -> Iterator[None]:
    """Let numbers next to 0 be 0 for a while: weights that fade away would slow everything down."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def from_command_line(about: str | None, recipe: S, train: Callable[..., Path]) -> None:
    """Train as the command line says: a folder, and options for what shall be other than in the recipe."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, help="processes that make the material; by default one per core")
    for name, value in asdict(recipe).items():  # type: ignore[call-overload]
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    arguments = vars(parser.parse_args())
    folder, pool = arguments.pop("folder"), Pool("processes", arguments.pop("workers"))
    print(train(folder, type(recipe)(**arguments), pool=pool))
