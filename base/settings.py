"""What all sections of configurations have in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A typed, frozen piece of configuration that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
