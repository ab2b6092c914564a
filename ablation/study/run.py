"""Training the recognisers of a study, several at once, each on one processor core or one accelerator.

A recogniser of a study is small: two that share two cores wait for each other in every operation, and what they come to
depends, by the order of sums, on how many cores there are. Two side by side do neither.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ablation.study.config import AblateConfig
from ablation.study.plan import Training, train_one
from base.cores import cores
from base.errors import InputError
from base.executors.registry import Pool, spread
from base.progress import console
from base.words import plural
from base.workers import WorkLostError

Outcome = dict[str, Any] | str
"""The results of a recogniser, or one line on why there are none."""


def train_all(config: AblateConfig, trainings: Sequence[Training]) -> dict[Path, Outcome]:
    """Train and test every recogniser that is not finished, and say after each how long the rest will take.

    An interrupted one goes on from its last epoch. One that fails is told, and the rest goes on.

    Returns
    -------
    The outcome of each by its folder.

    Raises
    ------
    InputError
        `executor` is ray, and Ray is not installed or cannot be reached.
    """
    waiting = [training for training in trainings if not training.finished]
    if len(waiting) < len(trainings):
        finished = f"{len(trainings) - len(waiting)} of {plural(len(trainings), 'recogniser')} finished already"
        console.print(finished, highlight=False)
    outcomes: dict[Path, Outcome] = {training.folder: _attempt(training) for training in trainings if training.finished}
    runs = _runs(config, waiting, len(trainings))
    begin = time.perf_counter()
    for done, (training, outcome) in enumerate(runs, 1):
        outcomes[training.folder] = outcome
        spent = time.perf_counter() - begin
        left = len(waiting) - done
        said = outcome if isinstance(outcome, str) else f"top-1 {outcome['top1']:.1f}%"
        rest = f"; {left} to go, about {duration(spent / done * left)}" if left else ""
        colour = "red" if isinstance(outcome, str) else None
        console.print(f"  {training.title}: {said}{rest}", highlight=False, markup=False, style=colour, soft_wrap=True)
    return outcomes


def duration(seconds: float) -> str:
    """Write a time the way people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _runs(config: AblateConfig, waiting: Sequence[Training], total: int) -> Iterator[tuple[Training, Outcome]]:
    """Run trainings; those that an interrupt ends go on from their last epoch when they are asked for."""
    accelerated = torch.cuda.is_available() and config.run.device != "cpu"
    pool = Pool(
        config.executor, config.workers, len(waiting), end=True, address=config.ray_address, accelerators=accelerated
    )
    if pool.executor == "processes":
        pool = replace(pool, count=1 if accelerated else min(config.workers or cores(), len(waiting)))
    if pool.here or not waiting:
        yield from _one_by_one(waiting, total, accelerated)
        return
    said = "given to Ray" if pool.executor == "ray" else f"{pool.count} at a time"
    console.print(f"{plural(len(waiting), 'recogniser')}, {said}", highlight=False)
    with closing(spread(_attempt_alone, waiting, pool)) as outcomes:
        for training, outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, WorkLostError):
                outcome = f"{training.folder}: {training.title} failed ({outcome})"
            yield training, outcome


def _one_by_one(trainings: Sequence[Training], total: int, accelerated: bool) -> Iterator[tuple[Training, Outcome]]:
    threads = torch.get_num_threads()
    try:
        for number, training in enumerate(trainings, total - len(trainings) + 1):
            console.print(f"recogniser {number} of {total}: {training.title}", highlight=False)
            if not accelerated:
                torch.set_num_threads(1)  # as side by side, and so with the same result
            yield training, _attempt(training)
    finally:
        torch.set_num_threads(threads)


def _attempt(training: Training) -> Outcome:
    """Run a training; whatever goes wrong in it must not stop the others."""
    try:
        return train_one(training)
    except InputError as error:
        return str(error)
    except Exception as error:
        line = " ".join(f"{type(error).__name__}: {error}".split())
        return f"{training.folder}: {training.title} failed ({line})"


def _attempt_alone(training: Training) -> Outcome:
    torch.set_num_threads(1)  # the other cores have recognisers of their own
    quiet, console.quiet = console.quiet, True
    try:
        return _attempt(training)
    finally:
        console.quiet = quiet
