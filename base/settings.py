from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator


class Section(BaseModel):
    """A typed, frozen piece of configuration that refuses unknown keys; `~` in its paths is the home folder."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

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
