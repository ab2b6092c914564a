"""What can be said of how to write and to read: a small set of options, of which each format takes some."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from data.ntu.splits import Split
from data.skeletons.layouts import Layout
from data.skeletons.opening import PEOPLE
from data.skeletons.units import Units

Dtype = Literal["float16", "float32"]
Positions = Literal["stored", "prepared"]


@dataclass(frozen=True)
class WriteOptions:
    """How to write. A format that does not take one of these gets it as it is here.

    Parameters
    ----------
    dtype
        The floating-point numbers of positions.
    split
        The only evaluation protocol to write; all if None.
    positions
        `prepared` as the project prepares its own files, or as `stored`.
    """

    dtype: Dtype = "float32"
    split: Split | None = None
    positions: Positions = "stored"


@dataclass(frozen=True)
class ReadOptions:
    """How to read. A format that does not take one of these need not look at it.

    Parameters
    ----------
    names
        A list of the clips' names, for files that have none.
    split
        The evaluation protocol by which the files are divided, or whose files to read.
    units
        What positions in space are in. A format that takes this returns metres; for any other the import converts.
    layout
        The joints, for files that do not say which they are; None to tell by their number.
    fps
        Frames per second, for files that do not say it; None if the user does not either.
    people
        So many people of a clip are kept at most.
    image_size
        Width and height of the image that joints lie in, for files that do not say it; None if the user does not
        either.
    labelled
        The clips that a table of labels names; None if there is none.
    """

    names: Path | None = None
    split: Split | None = None
    units: Units = "m"
    layout: Layout | None = None
    fps: float | None = None
    people: int = PEOPLE
    image_size: tuple[int, int] | None = None
    labelled: frozenset[str] | None = None
