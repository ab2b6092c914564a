from pathlib import Path

from pydantic import Field, PositiveInt, model_validator

from data.ntu.simulate import SimulateSection
from data.settings import Section
from refine.benchmarks import OnError, Split
from refine.filters import Filter
from refine.normalise import Centre, Scale
from training.config import RunSection


class BenchmarksSection(Section):
    """Where the pose benchmarks lie, in the layout that SmoothNet's authors released.

    `on_error` says what to do with a sequence that cannot be used: `stop`, or leave it out and count it (`skip`).
    """

    root: Path
    on_error: OnError = "stop"


class ModelSection(Section):
    """The network's sizes, see `refine.smoothnet.SmoothNet`."""

    window: int = Field(32, ge=3)
    hidden: PositiveInt = 512
    res_hidden: PositiveInt = 16
    blocks: int = Field(1, ge=0)
    dropout: float = Field(0.5, ge=0, lt=1)


class NormaliseSection(Section):
    """What is taken out of the poses before the network, see `refine.normalise.Normalise`."""

    centre: Centre = "channel"
    scale: Scale = "body"


class TrainSection(Section):
    """What to train on and how; or `checkpoint`, a trained refiner to use instead.

    `windows` are drawn per epoch, without repetition; null draws every window once. `batch` counts windows, each with
    all its joints. `validation` is the share of the training sequences that are held out to choose the best epoch.
    """

    on: tuple[str, ...] = ()
    checkpoint: Path | None = None
    epochs: PositiveInt = 70
    windows: PositiveInt | None = None
    lr: float = Field(1e-3, gt=0)
    lr_decay: float = Field(0.95, gt=0, le=1)
    batch: PositiveInt = 128
    position_weight: float = Field(1.0, ge=0)
    acceleration_weight: float = Field(0.1, ge=0)
    validation: float = Field(0.1, gt=0, lt=1)

    @model_validator(mode="after")
    def _one_source(self) -> "TrainSection":
        if not self.on and self.checkpoint is None:
            raise ValueError("give train.on (benchmarks to train on) or train.checkpoint (a trained refiner)")
        return self


class EvaluateSection(Section):
    """Which benchmarks to evaluate on.

    `filters` are tuned on each benchmark's training split and compared. `match_rate` resamples benchmarks of another
    frame rate than the refiner's; the published tables do not.
    """

    on: tuple[str, ...] = ()
    split: Split = "test"
    stride: PositiveInt = 1
    match_rate: bool = False
    filters: tuple[Filter, ...] = ()


class ApplySection(Section):
    """Which clip store to refine, and where to put the result; nothing if `input` is null."""

    input: Path | None = None
    output: Path | None = None
    stride: PositiveInt = 1
    match_rate: bool = True

    @model_validator(mode="after")
    def _both(self) -> "ApplySection":
        if (self.input is None) != (self.output is None):
            raise ValueError("apply.input and apply.output go together; give both or neither")
        return self


class RefineConfig(Section):
    """The configuration of `python run.py refine`."""

    run: RunSection
    simulate: SimulateSection | None = None
    benchmarks: BenchmarksSection
    model: ModelSection = ModelSection()
    normalise: NormaliseSection = NormaliseSection()
    train: TrainSection
    evaluate: EvaluateSection = EvaluateSection()
    apply: ApplySection = ApplySection()

    @model_validator(mode="after")
    def _strides_fit(self) -> "RefineConfig":
        if self.train.checkpoint is None:  # with a checkpoint, its own window counts
            for name, stride in (("evaluate", self.evaluate.stride), ("apply", self.apply.stride)):
                if stride > self.model.window:
                    raise ValueError(f"{name}.stride {stride} is more than the window of {self.model.window} frames")
        return self
