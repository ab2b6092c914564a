"""The recogniser that is shipped: a small ST-GCN that has learned from simulated clips of NTU RGB+D's 60 actions.

`configs/recognize/first.yaml` says how; what it is and is not is in `recognition/first/card.md`.
"""

from pathlib import Path

FIRST = Path(__file__).parents[1] / "first"
"""Its folder, as `python run.py publish` wrote it."""

NAME = "first"
"""What stands for it wherever a recogniser can be named."""

NOTE = (
    "by the recogniser that is shipped, which has learned from simulated actions only: of 160 real Kinect clips it "
    "named 46 rightly, and 141 among its first five; -m takes a recogniser that was trained on clips like yours"
)


def shipped(path: Path) -> Path:
    """Return a recogniser's path: as it is given, or the folder of the shipped one where its name is."""
    return FIRST if str(path) == NAME and not path.exists() else path
