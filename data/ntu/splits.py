"""The two evaluation protocols of NTU RGB+D 60 and the samples that everybody leaves out."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from data.skeletons.store import Clips

Split = Literal["xsub", "xview"]
SPLITS: tuple[Split, ...] = get_args(Split)

TRAIN_PERFORMERS = (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
TRAIN_CAMERAS = (2, 3)

MISSING = frozenset(Path(__file__).with_name("missing.txt").read_text().split())
"""The 302 samples with missing or incomplete skeletons, as listed by the data set's authors."""


def in_training(clips: "Clips", split: Split) -> np.ndarray:
    """Say which clips are for training; the others are for testing.

    Parameters
    ----------
    clips
        The table of clips, N rows.
    split
        `xsub`: the training performers of Shahroudy et al., CVPR 2016, section 3.2.1; `xview`: cameras 2 and 3.

    Returns
    -------
    bool array [N]
    """
    if split == "xsub":
        return np.isin(clips.performer, TRAIN_PERFORMERS)
    return np.isin(clips.camera, TRAIN_CAMERAS)
