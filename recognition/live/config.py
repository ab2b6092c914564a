"""What live recognition may be told."""

from typing import Literal

from pydantic import Field

from base.settings import Fps, Section


class LiveConfig(Section):
    """When live recognition decides, on which poses, and of whom."""

    window: float = Field(2.5, ge=0.1, le=60)
    """Seconds of poses that a decision rests on; best as long as the clips that the recogniser has learnt from."""
    rate: float = Field(2.0, ge=0.1, le=120)
    """Decisions a second, by the times of the poses."""
    least: float = Field(0.5, gt=0, le=1)
    """The share of the window that must have passed since somebody was first seen before he gets a decision."""
    people: Literal["each", "pair"] = "each"
    """Who makes a clip. `each`: everybody alone. `pair`: all who are there together, of whom a recogniser sees the two
    that are seen best, as `predict` does; for actions between people."""
    samplings: int | None = Field(None, ge=1, le=64)
    """How often a window is sampled; null: as often as a clip in the recogniser's own test."""
    fps: Fps | None = None
    """Frames per second of poses that come without times; null: as in the training."""


class WatchConfig(LiveConfig):
    """Recognise actions in a stream of poses."""

    lag: int = Field(4, ge=0, le=30)
    """With `--refine`: by how many frames refined poses come late; more is steadier."""
    idle: float | None = Field(None, ge=0)
    """Seconds without a new file after which the watch of a folder ends; null: it goes on until Ctrl-C."""
