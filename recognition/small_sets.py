"""What small and uneven sets need: weights of the classes, a batch that fits, the accuracy to look at first."""

import numpy as np
import torch
from torch import Tensor

from base.words import plural
from recognition.config import TrainSection

TIMES = 2
"""Classes are uneven where the largest of them has more than so many times the test clips of the smallest."""

LEAST_STEPS = 4
"""A batch that is too large for the training clips is lowered until an epoch has so many steps."""


def class_weights(label: Tensor, classes: int) -> Tensor:
    """Return a weight for each class, inversely proportional to its clips; their mean over the clips is 1.

    Parameters
    ----------
    label
        int64 [N].
    classes
        Number of classes; one without clips counts as if it had one.

    Returns
    -------
    float32 [classes]
        As scikit-learn's `class_weight="balanced"`: N / (classes n) for a class of n clips.
    """
    counts = torch.bincount(label, minlength=classes).clamp_min(1)
    return len(label) / (classes * counts.float())


def fit_batch(section: TrainSection, clips: int, processes: int = 1) -> tuple[TrainSection, str]:
    """Lower a batch that is larger than an epoch has clips, and the learning rate in proportion.

    Parameters
    ----------
    section
        The recipe.
    clips
        Number of training clips.
    processes
        Each gets a clip of a batch at least.

    Returns
    -------
    The recipe, and one line that says what was changed; empty if nothing was.
    """
    shown = section.repeat * clips
    if section.batch <= shown:
        return section, ""
    batch = max(shown // LEAST_STEPS, min(2, shown), processes)
    fitting = section.model_copy(update={"batch": batch, "lr_batch": section.lr_batch or section.batch})
    return fitting, (
        f"train.batch: {section.batch} is more than the {plural(shown, 'training clip')} of an epoch; taken: {batch}, "
        f"with a learning rate of {fitting.rate:.3g} instead of {section.rate:.3g}"
    )


def uneven(label: np.ndarray) -> dict[str, int] | None:
    """Return how many clips the largest and the smallest of the classes have, of those that occur; None if even.

    Parameters
    ----------
    label
        int64 [N], the classes of the test clips.
    """
    counts = np.unique(label, return_counts=True)[1]
    largest, smallest = int(counts.max()), int(counts.min())
    return {"largest": largest, "smallest": smallest} if largest > TIMES * smallest else None


def say_uneven(counts: dict[str, int]) -> str:
    """Say why mean class accuracy comes first."""
    return (
        f"mean class accuracy first: the largest class has {plural(counts['largest'], 'test clip')}, more than "
        f"{TIMES} times the {counts['smallest']} of the smallest"
    )
