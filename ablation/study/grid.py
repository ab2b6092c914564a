"""The grid of a study: the conditions under which arms are compared, and what came out in each."""

import re
from dataclasses import dataclass, fields

from ablation.statistics import Comparison
from base.shown import shown

PAIRINGS = ("both", "test", "train", "mixed")
"""Where an arm's skeletons are used and where the reference's: `both`, trained and tested on the arm's; `test`, trained
on the reference's and tested on the arm's; `train`, the other way round; `mixed`, trained on half the clips of either
and tested on the arm's."""


@dataclass(frozen=True)
class TrainedOn:
    """The skeletons that all arms' recognisers are trained on, whatever skeletons they are tested on.

    Parameters
    ----------
    arm
        Whose they are.
    severity, setting
        Of the noise of the clips that are trained on; None where they are those that are tested on.
    """

    arm: str
    severity: float | None = None
    setting: str | None = None

    def words(self, label: str) -> str:
        """Name these skeletons, given what readers call the arm: raw (lab, severity 0.5)."""
        where = [
            *([self.setting] if self.setting else []),
            *([] if self.severity is None else [f"severity {self.severity:g}"]),
        ]
        return f"{label} ({', '.join(where)})" if where else label


def parse_trained_on(pairing: str) -> TrainedOn | None:
    """Read a pairing that names the skeletons to train on.

    It is `ARM`, `ARM@SEVERITY`, `ARM@SETTING` or `ARM@SETTING-SEVERITY`.

    Returns
    -------
    None for one of `PAIRINGS`.

    Raises
    ------
    ValueError
        It is neither.
    """
    if pairing in PAIRINGS:
        return None
    found = re.fullmatch(r"([A-Za-z_]\w*)(?:@(?:(ntu|lab)(?:-(\d+(?:\.\d+)?))?|(\d+(?:\.\d+)?)))?", pairing)
    if found is None:
        raise ValueError(
            f"pairings names {shown(pairing)}; expected one of {', '.join(PAIRINGS)}, or the arm that all are trained "
            "on, such as oracle, raw@0.5, raw@lab or raw@lab-1"
        )
    severity = found[3] or found[4]
    return TrainedOn(found[1], float(severity) if severity else None, found[2])


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
        One of `PAIRINGS`, or the skeletons that all arms are trained on, see `parse_trained_on`.
    severity
        How bad the simulated Kinect's errors are; None for recordings, and where the study does not vary it.
    setting
        The kind of simulated errors; None as above.
    share
        Share of the training clips that is learned from.
    """

    split: str = "xsub"
    stream: str = "joint"
    pairing: str = "both"
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
