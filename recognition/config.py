from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from data.ntu.simulate import SimulateSection
from data.ntu.splits import Split
from data.settings import Section
from recognition.graph import Partition
from recognition.streams import Stream
from training.config import RunSection


class DataSection(Section):
    """Which clips are learned from and tested on."""

    store: Path
    split: Split = "xsub"
    validation: float = Field(0.15, ge=0, le=0.5)
    """Share of the training performers that is held out, as whole performers, to choose the best epoch. With 0 all of
    them are trained on and the last epoch is kept."""


class InputSection(Section):
    """What the network sees of a clip."""

    frames: int = Field(64, ge=1, le=4096)
    stream: Stream = "joint"
    rotate_to_body: bool = False
    """Turn each clip so that actor 1's spine is parallel to z and the shoulders to x in the first frame."""


class ModelSection(Section):
    """The size of the network."""

    width: int = Field(64, ge=1)
    blocks: int = Field(10, ge=3)
    temporal_kernel: int = Field(9, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)
    partition: Partition = "spatial"

    @model_validator(mode="after")
    def _odd_kernel(self) -> Self:
        if self.temporal_kernel % 2 == 0:
            raise ValueError(f"temporal_kernel must be odd, found {self.temporal_kernel}")
        return self


class TrainSection(Section):
    """The recipe."""

    epochs: int = Field(65, ge=1)
    batch: int = Field(64, ge=1)
    """Clips per step; the learning rate belongs to it."""
    lr: float = Field(0.1, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(4e-4, ge=0)
    warmup: int = Field(5, ge=0)
    """Epochs over which the learning rate rises to `lr`."""
    schedule: Literal["cosine", "step", "constant"] = "cosine"
    """After the warm-up: `cosine` towards 0, `step` times 0.1 at each of `steps`."""
    steps: tuple[int, ...] = (35, 55)
    precision: Literal["fp32", "bf16"] = "fp32"
    rotation: float = Field(0.3, ge=0, le=3.2)
    """Random rotation in training: up to so many radians about each axis."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)


class TestSection(Section):
    """How the test clips are scored."""

    __test__: ClassVar[bool] = False  # no test class, whatever its name makes pytest think

    clips: int = Field(1, ge=1, le=64)
    """Samplings per clip whose softmax scores are averaged."""


class RecognizeConfig(Section):
    """Train and test a recogniser on one clip store."""

    run: RunSection
    simulate: SimulateSection | None = None
    data: DataSection
    input: InputSection = InputSection()
    model: ModelSection = ModelSection()
    train: TrainSection = TrainSection()
    test: TestSection = TestSection()
