"""Training the recognisers of a study, one after another or several at once."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from ablation.study.config import AblateConfig
from ablation.study.plan import Training, train_one
from base.cluster import WorkLostError, map_with_ray
from base.errors import InputError
from base.progress import console
from base.words import plural

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
    runs = _with_ray(config, waiting) if config.executor == "ray" and waiting else _one_by_one(waiting, len(trainings))
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


def _one_by_one(trainings: Sequence[Training], total: int) -> Iterator[tuple[Training, Outcome]]:
    for number, training in enumerate(trainings, total - len(trainings) + 1):
        console.print(f"recogniser {number} of {total}: {training.title}", highlight=False)
        yield training, _attempt(training)


def _attempt(training: Training) -> Outcome:
    """Run a training; whatever goes wrong in it must not stop the others."""
    try:
        return train_one(training)
    except InputError as error:
        return str(error)
    except Exception as error:
        line = " ".join(f"{type(error).__name__}: {error}".split())
        return f"{training.folder}: {training.title} failed ({line})"


def _with_ray(config: AblateConfig, trainings: Sequence[Training]) -> Iterator[tuple[Training, Outcome]]:
    """Run trainings on all free cores or accelerators of a Ray cluster, or of this machine."""
    accelerated = torch.cuda.is_available() and config.run.device != "cpu"
    console.print(f"{plural(len(trainings), 'recogniser')} given to Ray", highlight=False)
    runs = map_with_ray(
        _attempt_alone, trainings, address=config.ray_address, size=config.workers, accelerators=accelerated
    )
    with closing(runs):
        for training, outcome in runs:
            if isinstance(outcome, WorkLostError):
                outcome = f"{training.folder}: {training.title} failed ({outcome})"
            yield training, outcome


def _attempt_alone(training: Training) -> Outcome:
    torch.set_num_threads(1)  # the other cores have recognisers of their own
    return _attempt(training)
