from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Discriminator, Field, PositiveInt, Tag, model_validator

from data.ntu.simulate import SimulateSection
from data.settings import Section
from refine.benchmarks import OnError, Split
from refine.filters import Filter
from refine.normalise import Centre, Scale
from refine.smoothnet import Kind
from training.config import RunSection

Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class BenchmarksSection(Section):
    """Where the pose benchmarks lie, in the layout that SmoothNet's authors released.

    `on_error` says what to do with a sequence that cannot be used: `stop`, or leave it out and count it (`skip`).
    """

    root: Path
    on_error: OnError = "stop"


class ModelSection(Section):
    """The network and its sizes, see `refine.smoothnet`: the `basic` net of the release, or the `motion_aware` one."""

    kind: Kind = "basic"
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

    `on` lists benchmarks, and every window of every sequence of them is equally likely; or it maps each benchmark to a
    weight, its share of the windows of an epoch. A benchmark whose windows run out is then gone through again.
    `windows` are drawn per epoch, without repetition; null draws as many as there are. `batch` counts windows, each
    with all its joints. `validation` is the share of the training sequences that are held out to choose the best epoch.
    """

    on: Annotated[
        Annotated[tuple[str, ...], Tag("names")] | Annotated[dict[str, Weight], Tag("weights")],
        Discriminator(lambda given: "weights" if isinstance(given, Mapping) else "names"),
    ] = ()
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

    @property
    def names(self) -> tuple[str, ...]:
        """The benchmarks to train on."""
        return tuple(self.on)

    @property
    def shares(self) -> tuple[float, ...] | None:
        """What part of an epoch's windows each of them contributes; None where every window is equally likely."""
        if not isinstance(self.on, Mapping):
            return None
        return tuple(weight / sum(self.on.values()) for weight in self.on.values())


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
