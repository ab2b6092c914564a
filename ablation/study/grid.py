"""The grid of a study: the conditions under which arms are compared, and what came out in each."""

from dataclasses import dataclass, fields
from typing import Literal

from ablation.statistics import Comparison

Pairing = Literal["both", "test", "train", "mixed"]
"""Where an arm's skeletons are used and where the reference's: `both`, trained and tested on the arm's; `test`, trained
on the reference's and tested on the arm's; `train`, the other way round; `mixed`, trained on half the clips of either
and tested on the arm's."""


@dataclass(frozen=True)
class Condition:
    """What two arms have in common when they are compared.

    Parameters
    ----------
    split
        See `data.skeletons.division`.
    stream
        A stream, or the name of an ensemble of streams.
    pairing
        See `Pairing`.
    severity
        How bad the simulated Kinect's errors are; None for recordings, and where the study does not vary it.
    setting
        The kind of simulated errors; None as above.
    share
        Share of the training clips that is learned from.
    """

    split: str = "xsub"
    stream: str = "joint"
    pairing: Pairing = "both"
    severity: float | None = None
    setting: str | None = None
    share: float = 1.0

    def differs_in(self, other: "Condition") -> set[str]:
        """Return the names of the axes on which two conditions differ."""
        return {axis.name for axis in fields(self) if getattr(self, axis.name) != getattr(other, axis.name)}


@dataclass(frozen=True)
class GridRow:
    """One arm under one condition.

    Parameters
    ----------
    condition
        The condition.
    arm
        The arm.
    seeds
        The seeds whose recognisers are there.
    top1
        Their accuracies, percent.
    comparison
        Against the reference under the same condition, over the seeds that both have; None for the reference itself.
    """

    condition: Condition
    arm: str
    seeds: tuple[int, ...]
    top1: tuple[float, ...]
    comparison: Comparison | None = None
