"""What of the simulated stand-in can be chosen."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from base.settings import Section
from data.ntu.simulate.actions import repertoire
from data.ntu.simulate.fast import Movement
from data.ntu.splits import TRAIN_PERFORMERS

PERFORMERS = 40

DEFAULT_ACTIONS = (1, 2, 3, 8, 9, 10, 11, 12, 13, 23, 24, 28, 29, 30, 34, 37, 39, 50, 56, 58)
"""Large movements; hands that differ by small ones: reading, writing, typing, a phone; two actions by two people."""


class SimulateSection(Section):
    """The simulated stand-in for NTU RGB+D 60.

    Parameters
    ----------
    folder
        Where it is made; see `make_stand_in` for what the folder holds.
    clips
        How many clips.
    performers
        How many people, taken evenly from both halves of the cross-subject split; or their numbers.
    actions
        NTU's numbers of the actions, out of those that `actions.yaml` describes.
    severity
        How bad the Kinect's errors are: 0 none, 1 as measured on real clips.
    setting
        How the errors are made up: `ntu` as in raw NTU RGB+D clips, or `lab`, a cooperative person in an empty room,
        with about half the jitter; see `data.ntu.simulate.kinect`.
    seed
        The same seed gives the same bytes.
    text
        Whether to write the zip of `.skeleton` files, from which `prepare` makes the clip store; false writes the same
        clip store at once, `folder`/raw, which is faster and smaller.
    movements
        Quick movements that people make beside the actions, see `data.ntu.simulate.fast`: each clip has one of them, or
        none. Empty for the actions alone.
    clean
        A clip store of recordings with a Kinect's 25 joints that are taken as clean and get the errors, instead of
        simulated people; `clips`, `performers`, `actions` and `movements` are then of no account. Needs `text` false.
    """

    folder: Path = Path("datasets/ntu/simulated")
    clips: int = Field(1000, ge=1, le=1_000_000)
    performers: int | tuple[int, ...] = 16
    actions: tuple[int, ...] = DEFAULT_ACTIONS
    severity: float = Field(1.0, ge=0.0, le=5.0)
    setting: Literal["ntu", "lab"] = "ntu"
    seed: int = Field(0, ge=0, lt=2**63)
    text: bool = True
    movements: tuple[Movement, ...] = ()
    clean: Path | None = None

    @field_validator("movements")
    @classmethod
    def _each_once(cls, value: tuple[Movement, ...]) -> tuple[Movement, ...]:
        if len(set(value)) < len(value):
            raise ValueError(f"{', '.join(value)}: name each once")
        return value

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Say nothing of what is not asked for: such stand-ins are those of before it could be."""
        values: dict[str, Any] = handler(self)
        unsaid = {key for key in ("movements", "clean") if not getattr(self, key)}
        return {key: value for key, value in values.items() if key not in unsaid}

    @model_validator(mode="after")
    def _no_text_of_recordings(self) -> "SimulateSection":
        if self.clean is not None and self.text:
            raise ValueError("clean: recordings that get errors are written as clip stores alone; give text: false")
        return self

    @field_validator("performers")
    @classmethod
    def _people(cls, value: int | tuple[int, ...]) -> int | tuple[int, ...]:
        numbers = (value,) if isinstance(value, int) else value
        if not numbers or not all(1 <= number <= PERFORMERS for number in numbers) or len(set(numbers)) < len(numbers):
            raise ValueError(f"give a count from 1 to {PERFORMERS}, or different numbers from 1 to {PERFORMERS}")
        return value

    @field_validator("actions")
    @classmethod
    def _described(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        known = sorted(repertoire().actions)
        unknown = sorted(set(value) - set(known))
        if not value or unknown or len(set(value)) < len(value):
            raise ValueError(f"give different numbers out of {', '.join(map(str, known))}")
        return value

    def performer_numbers(self) -> tuple[int, ...]:
        """Return the performers' numbers, those of the two halves of the cross-subject split in turn."""
        if not isinstance(self.performers, int):
            return self.performers
        test = tuple(number for number in range(1, PERFORMERS + 1) if number not in TRAIN_PERFORMERS)
        pairs = [number for pair in zip(TRAIN_PERFORMERS, test, strict=True) for number in pair]
        return tuple(sorted(pairs[: self.performers]))
