"""The evaluation protocols of NTU RGB+D 60 and 120, and the samples that everybody leaves out."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from data.skeletons.store import Clips

Split = Literal["xsub", "xview", "xsub120", "xset120"]
RULES: tuple[Split, ...] = get_args(Split)
"""The protocols of 60, and those of 120, which has 60 in it."""

SPLITS, SPLITS_120 = RULES[:2], RULES[2:]
"""The protocols of 60, and those of 120."""

TRAIN_PERFORMERS = (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
TRAIN_CAMERAS = (2, 3)

TRAIN_PERFORMERS_120 = (
    *TRAIN_PERFORMERS, 45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86, 89,
    91, 92, 93, 94, 95, 97, 98, 100, 103,
)  # fmt: skip
"""Of NTU RGB+D 120 (Liu et al., TPAMI 2019, section 4.2)."""

LAST_SETUP, LAST_SETUP_120 = 17, 32
"""Of NTU RGB+D 60; those of 120's other half are 18 to 32."""

MISSING = frozenset(Path(__file__).with_name("missing.txt").read_text().split())
"""The 535 samples of NTU RGB+D 120 with missing or incomplete skeletons, as listed by the data set's authors; 302 of
them are of NTU RGB+D 60."""


def in_training(clips: "Clips", rule: str) -> np.ndarray:
    """Say which clips are for training; the others are for testing.

    Parameters
    ----------
    clips
        The table of clips, N rows.
    rule
        `xsub`: the training performers of Shahroudy et al., CVPR 2016, section 3.2.1; `xview`: cameras 2 and 3;
        `xsub120`: the training performers of Liu et al., TPAMI 2019, section 4.2; `xset120`: setups of even numbers.

    Returns
    -------
    bool array [N]
    """
    if rule == "xset120":
        even: np.ndarray = clips.setup % 2 == 0
        return even
    if rule == "xview":
        return np.isin(clips.camera, TRAIN_CAMERAS)
    return np.isin(clips.performer, TRAIN_PERFORMERS if rule == "xsub" else TRAIN_PERFORMERS_120)


def only_of_120(clips: "Clips") -> np.ndarray:
    """Say which clips are of NTU RGB+D 120 and not of 60, bool array [N]; numbers beyond both are made up."""
    found: np.ndarray = (clips.setup > LAST_SETUP) & (clips.setup <= LAST_SETUP_120)
    return found


def rules_of(clips: "Clips") -> dict[str, Split]:
    """Return the protocols of the data set that clips are of, 60 or 120: what it calls them, and their names here."""
    return {split.removesuffix("120"): split for split in (SPLITS_120 if only_of_120(clips).any() else SPLITS)}
