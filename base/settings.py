"""What all sections of configurations have in common."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

FPS = (1, 1000)
"""Frames per second that recordings of people have: time lapse has fewer, and no camera of theirs more."""

Fps = Annotated[float, Field(ge=FPS[0], le=FPS[1], allow_inf_nan=False)]
"""A frame rate; wherever one is read, from a configuration, a store, a checkpoint or the command line."""


class Section(BaseModel):
    """A typed, frozen piece of configuration that refuses unknown keys.

    `~` in its paths is the home folder. A section within it that is null is as if left out, where it may be left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        optional = {
            name
            for name, field in cls.model_fields.items()
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section) and not field.is_required()
        }
        return {key: value for key, value in values.items() if value is not None or key not in optional}

    @field_validator("*", mode="after")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        return _expanded(value)


def _expanded(value: Any) -> Any:
    """Replace `~` at the beginning of paths, also of those in lists and dictionaries, by the home folder."""
    if isinstance(value, Path) and value.parts[:1] and value.parts[0].startswith("~"):
        try:
            return value.expanduser()
        except RuntimeError as error:
            raise ValueError(f"{value}: there is no such home folder ({error})") from None
    if isinstance(value, tuple | list) and any(isinstance(item, Path) for item in value):
        return type(value)(map(_expanded, value))
    if isinstance(value, dict) and any(isinstance(item, Path) for item in value.values()):
        return {key: _expanded(item) for key, item in value.items()}
    return value
