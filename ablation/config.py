from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from data.ntu.simulate import SimulateSection
from data.ntu.splits import Split
from data.settings import Section
from recognition import config as recognition
from refine import config as refine
from refine.windows import Merge
from training.config import RunSection

Arm = Literal["raw", "refined", "one_euro", "savitzky_golay", "gaussian", "oracle"]


class DataSection(Section):
    """Which clips are recognised.

    Parameters
    ----------
    store
        The clip store that the arm `raw` uses and that is refined and filtered for the others.
    truth
        A clip store of the same clips without noise, for the arm `oracle` and the pose errors; simulated data have one.
    split, validation
        As in `python run.py recognize`.
    """

    store: Path
    truth: Path | None = None
    split: Split = "xsub"
    validation: float = Field(0.15, ge=0, le=0.5)


class ApplySection(Section):
    """How the refiner is applied to the store, see `refine.config.ApplySection`."""

    stride: int | None = Field(1, ge=1)
    merge: Merge = "mean"
    match_rate: bool = True


class RefineSection(Section):
    """The refiner; the sections of `python run.py refine`.

    The filters are tuned on the training split of the first of `train.on`.
    """

    benchmarks: refine.BenchmarksSection
    model: refine.ModelSection = refine.ModelSection()
    normalise: refine.NormaliseSection = refine.NormaliseSection()
    train: refine.TrainSection
    evaluate: refine.EvaluateSection = refine.EvaluateSection()
    apply: ApplySection = ApplySection()

    @model_validator(mode="after")
    def _one_source(self) -> "RefineSection":
        refine.check_source(self.train)
        if isinstance(self.train.checkpoint, dict):
            raise ValueError("train.checkpoint: a study has one refiner; give one path")
        try:
            self.config(RunSection(dir=Path()))
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
        return self

    def config(self, run: RunSection, simulate: SimulateSection | None = None) -> refine.RefineConfig:
        """Return the configuration of the refiner's own run."""
        return refine.RefineConfig(
            run=run,
            simulate=simulate,
            benchmarks=self.benchmarks,
            model=self.model,
            normalise=self.normalise,
            train=self.train,
            evaluate=self.evaluate,
        )


class RecognizeSection(Section):
    """The recogniser, the same for every arm; the sections of `python run.py recognize`."""

    input: recognition.InputSection = recognition.InputSection()
    model: recognition.ModelSection = recognition.ModelSection()
    train: recognition.TrainSection = recognition.TrainSection()
    test: recognition.TestSection = recognition.TestSection()


class StatisticsSection(Section):
    """How the intervals are made, see `ablation.statistics`."""

    resamples: int = Field(10_000, ge=100, le=1_000_000)
    confidence: float = Field(0.95, gt=0.5, lt=1)


class ReportSection(Section):
    """What the report shows.

    Parameters
    ----------
    title
        Its heading.
    actions
        The names of A001, A002 and so on where they are not NTU RGB+D's.
    clip
        The test clip that the pictures show; null for one of rather high jitter.
    """

    title: str = "Does refining skeletons help to recognise actions?"
    actions: tuple[str, ...] = ()
    clip: str | None = None


class AblateConfig(Section):
    """The configuration of `python run.py ablate`."""

    run: RunSection
    simulate: SimulateSection | None = None
    data: DataSection
    arms: tuple[Arm, ...] = Field(("raw", "refined"), min_length=2)
    seeds: tuple[int, ...] = Field((0, 1, 2), min_length=1)
    against: Arm = "raw"
    refine: RefineSection
    recognize: RecognizeSection = RecognizeSection()
    statistics: StatisticsSection = StatisticsSection()
    report: ReportSection = ReportSection()

    @model_validator(mode="after")
    def _grid_makes_sense(self) -> "AblateConfig":
        for name, values in (("arms", self.arms), ("seeds", self.seeds)):
            if len(set(values)) < len(values):
                raise ValueError(f"{name} names {', '.join(map(str, values))}; each may be named once")
        if any(not 0 <= seed < 2**31 for seed in self.seeds):
            raise ValueError("seeds are whole numbers from 0 to 2147483647")
        if self.against not in self.arms:
            raise ValueError(f"against is {self.against}, which is not among the arms {', '.join(self.arms)}")
        return self

    @property
    def filters(self) -> tuple[Literal["one_euro", "savitzky_golay", "gaussian"], ...]:
        """The arms that are classical filters."""
        return tuple(arm for arm in self.arms if arm in ("one_euro", "savitzky_golay", "gaussian"))
