from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

FPS = (1, 1000)
"""Frames per second that recordings of people have: time lapse has fewer, and no camera of theirs more."""

Fps = Annotated[float, Field(ge=FPS[0], le=FPS[1], allow_inf_nan=False)]
"""A frame rate; wherever one is read, from a configuration, a store, a checkpoint or the command line."""


class Section(BaseModel):
    """A typed, frozen piece of configuration that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
