"""The configuration of a study."""

import difflib
from collections.abc import Mapping
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from ablation.arms.registry import ARMS, ArmKind
from ablation.study.grid import TrainedOn, parse_trained_on
from base.config import Executor, RunSection
from base.settings import Section
from data.ntu.simulate import SimulateSection
from data.skeletons.division import Split, check_rule
from recognition import config as recognition
from recognition.input.streams import Stream
from refine import config as refine
from refine.shipped.registry import SHIPPED
from refine.windows import Merge


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

    stride: refine.Stride | None = None
    """Frames between windows; a quarter of the refiner's window if null."""
    merge: Merge = "smooth"
    """How windows that overlap are merged, see `refine.windows.refine_windows`."""
    match_rate: bool = True
    """Resample tracks to the frame rate that the refiner was trained at, and back."""
    strength: float = Field(1.0, ge=0, le=1)
    """From 0, the input, to 1: how much of the change is made."""

    def described(self) -> dict[str, Any]:
        """Return what stores are named by; the full strength, which all had before there were others, goes unsaid."""
        return self.model_dump(exclude={"strength"} if self.strength == 1 else None)


class RefineSection(Section):
    """The refiner; the sections of `python run.py refine`.

    The filters are tuned on the training split of the first of `train.on`; where there is none, and the refiner has
    learnt from none, they are as released.
    """

    benchmarks: refine.BenchmarksSection = refine.BenchmarksSection(root=Path("datasets/poses"))
    model: refine.ModelSection = refine.ModelSection()
    normalise: refine.NormaliseSection = refine.NormaliseSection()
    train: refine.TrainSection = refine.TrainSection(checkpoint=Path("steady"))
    evaluate: refine.EvaluateSection = refine.EvaluateSection()
    apply: ApplySection = ApplySection()

    @model_validator(mode="after")
    def _one_source(self) -> "RefineSection":
        refine.check_source(self.train)
        if isinstance(self.train.checkpoint, dict):
            raise ValueError("train.checkpoint: a study has one refiner; give one path")
        window = self.model.window if self.train.checkpoint is None else None
        if window is not None and (self.apply.stride or 1) > window:
            raise ValueError(f"apply.stride {self.apply.stride} is more than the window of {window} frames")
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


class GridSection(Section):
    """What the arms are crossed with, besides the seeds; the first value of each axis is what the report is about.

    Parameters
    ----------
    splits
        Evaluation protocols; `data.split` alone if null.
    streams
        Streams, each with recognisers of its own; `recognize.input.stream` alone if null.
    ensembles
        Sums of streams' scores with a weight each, such as `two: {joint: 1, bone: 1}`; streams that only an ensemble
        needs are trained for it.
    pairings
        Which skeletons are trained on and which are tested on: `both`, `test`, `train` or `mixed`, see
        `ablation.study.grid.PAIRINGS`; or the arm that the recognisers of all arms are trained on, such as `oracle`,
        or `raw@lab-0.5`, measured with errors of another setting and severity. `test`, `train` and the name of an arm
        take no further training of those that `both` trains.
    severities, settings
        How bad the simulated errors are, and of which kind; as in `simulate` if null. Each makes a stand-in of its own
        beside `simulate.folder`, of the same movements.
    refit
        Whether refiners and filters learn anew from each of these stand-ins; otherwise all use those of
        `refine.benchmarks`, as who does not know the noise of his recordings has to.
    shares
        Shares of the training clips to learn from.
    equal_steps
        Whether few clips are shown as many times more often as there are fewer of them (`recognize.train.repeat`), so
        that all shares learn for equally long; otherwise fewer clips are fewer steps.
    """

    splits: tuple[Split, ...] | None = Field(None, min_length=1)
    streams: tuple[Stream, ...] | None = Field(None, min_length=1)
    ensembles: dict[str, dict[Stream, Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]]] = Field(
        default_factory=dict
    )
    pairings: tuple[str, ...] = Field(("both",), min_length=1)
    severities: tuple[float, ...] | None = Field(None, min_length=1)
    settings: tuple[Literal["ntu", "lab"], ...] | None = Field(None, min_length=1)
    refit: bool = False
    shares: tuple[float, ...] = Field((1.0,), min_length=1)
    equal_steps: bool = False

    @model_validator(mode="after")
    def _axes_make_sense(self) -> "GridSection":
        for name in ("splits", "streams", "pairings", "severities", "settings", "shares"):
            values = getattr(self, name) or ()
            if len(set(values)) < len(values):
                raise ValueError(f"{name} names {', '.join(map(str, values))}; each may be named once")
        for pairing in self.pairings:
            parse_trained_on(pairing)
        if not all(0 < share <= 1 for share in self.shares):
            raise ValueError("shares are greater than 0 and at most 1")
        for name, weights in self.ensembles.items():
            if name in get_args(Stream) or not name.isidentifier():
                raise ValueError(f"ensembles has {name!r}; give a name of letters, digits and underscores, no stream's")
            if not any(weights.values()):
                raise ValueError(f"ensembles.{name} must have a weight of more than 0")
        return self


class RecognizeSection(Section):
    """The recogniser, the same for every arm; the sections of `python run.py recognize`."""

    input: recognition.InputSection = recognition.InputSection()
    model: recognition.ModelSection = recognition.ModelSection()
    train: recognition.TrainSection = recognition.TrainSection()
    test: recognition.TestSection = recognition.TestSection()


class StatisticsSection(Section):
    """How the intervals are made, see `ablation.statistics`."""

    resamples: int = Field(10_000, ge=100, le=1_000_000)
    """Of the bootstrap."""
    confidence: float = Field(0.95, gt=0.5, lt=1)
    """Of the intervals."""
    margin: float = Field(0.5, gt=0, le=100)
    """Difference in points below which two arms count as equally good."""


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
    arm
        The arm that the report is about, or several of which the first that the study has is; null for `refined`, or
        else the first that is no filter.
    labels
        What to call refiners of the study's own.
    explained
        How many test clips are explained per arm to see which joints matter; 0 for none.
    """

    title: str = "Does refining skeletons help to recognise actions?"
    actions: tuple[str, ...] = ()
    clip: str | None = None
    arm: str | tuple[str, ...] | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    explained: int = Field(24, ge=0, le=100_000)


class AblateConfig(Section):
    """The configuration of `python run.py ablate`.

    Parameters
    ----------
    run
        The study's folder, and its own seed, for statistics and refiners.
    shared
        The folder of refiners, clip stores and recognisers, each named by the hash of what determines it, so that
        studies share them; `shared` beside `run.dir` if null.
    simulate, data
        The clips.
    arms
        What is compared: `raw`; `refined`, by the refiner of `refine`; shipped refiners, such as `steady`;
        filters; `oracle`, the clips without noise; and the names of `refiners`.
    refiners
        Refiners of the study's own: for each, what differs from the section `refine`.
    against
        The arm that the others are compared with.
    seeds
        Of the recognisers.
    executor
        `processes`, as many recognisers at once as there are processor cores, each on one of them (one at a time on an
        accelerator); `here` (or `serial`), one after another; or `ray`, several at once on this machine or on a
        cluster. On processors the results are the same.
    workers
        How many processor cores (with `ray`, accelerators, where there are) to use at once; null for all.
    ray_address
        A running Ray cluster; null starts Ray on this machine. All machines must see `shared` under the same path.
    """

    run: RunSection
    shared: Path | None = None
    simulate: SimulateSection | None = None
    data: DataSection
    arms: tuple[str, ...] = Field(("raw", "refined"), min_length=2)
    refiners: dict[str, dict[str, Any]] = Field(default_factory=dict)
    seeds: tuple[int, ...] = Field((0, 1, 2), min_length=1, max_length=1000)
    against: str = "raw"
    grid: GridSection = GridSection()
    refine: RefineSection = RefineSection()
    recognize: RecognizeSection = RecognizeSection()
    statistics: StatisticsSection = StatisticsSection()
    report: ReportSection = ReportSection()
    executor: Annotated[Executor, BeforeValidator(lambda given: "here" if given == "serial" else given)] = "processes"
    workers: int | None = Field(None, ge=1, le=100_000)
    ray_address: str | None = None

    @model_validator(mode="after")
    def _grid_makes_sense(self) -> "AblateConfig":
        for name, values in (("arms", self.arms), ("seeds", self.seeds)):
            if len(set(values)) < len(values):
                raise ValueError(f"{name} names {', '.join(map(str, values))}; each may be named once")
        if any(not 0 <= seed < 2**31 for seed in self.seeds):
            raise ValueError("seeds are whole numbers from 0 to 2147483647")
        known = (*ARMS.names(), *self.refiners)
        for name in self.refiners:
            if name in ARMS or not name.isidentifier():
                raise ValueError(
                    f"refiners has {name!r}; give a name of letters, digits and underscores, not one of "
                    f"{', '.join(ARMS.names())}"
                )
        several = () if isinstance(self.report.arm, str) else self.report.arm or ()
        named = (
            *(("arms", arm) for arm in self.arms),
            *(("report.arm", arm) for arm in several),
            *(("report.labels", arm) for arm in self.report.labels),
        )
        for where, arm in named:
            if arm not in known:
                near = difflib.get_close_matches(arm, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
                raise ValueError(f"{where} names {arm!r}, which is no arm; {hint}")
        one = self.report.arm if isinstance(self.report.arm, str) else None
        for where, chosen in (("against", self.against), ("report.arm", one)):
            if chosen is not None and chosen not in self.arms:
                raise ValueError(f"{where} is {chosen}, which is not among the arms {', '.join(self.arms)}")
        if self.report.arm == self.against:
            raise ValueError(f"report.arm is {self.against}, as against is; name another arm")
        for pairing in self.grid.pairings:
            self._check_training(pairing, parse_trained_on(pairing))
        if self.grid.severities or self.grid.settings or any("@" in pairing for pairing in self.grid.pairings):
            if self.simulate is None:
                raise ValueError(
                    "grid.severities, grid.settings and pairings with @ need simulated clips; give the section simulate"
                )
            for key, path in (("store", self.data.store), ("truth", self.data.truth)):
                if path is not None and not path.resolve().is_relative_to(self.simulate.folder.resolve()):
                    raise ValueError(
                        f"data.{key} is {path}, outside simulate.folder, {self.simulate.folder}; grid.severities and "
                        "grid.settings are for simulated clips only"
                    )
        if self.simulate is not None and any(not 0 <= value <= 5 for value in self.grid.severities or ()):
            raise ValueError("grid.severities are from 0 to 5")
        if self.simulate is not None and self.data.store.resolve().is_relative_to(self.simulate.folder.resolve()):
            for split in self.grid.splits or (self.data.split,):
                check_rule(split)
        names = [self.label(arm) for arm in self.arms]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"report.labels: two arms are called {twice[0]!r}; give each a name of its own")
        for stream in self.streams:
            try:
                self.recognizer(stream)
            except ValidationError as error:
                raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
        sections = self.refiner_sections  # which checks them
        for one, other in combinations(sections, 2):
            if {one, other} <= set(self.arms) and sections[one] == sections[other]:
                raise ValueError(f"arms {one} and {other} are the same refiner; leave one out, or let them differ")
        return self

    def _check_training(self, pairing: str, training: TrainedOn | None) -> None:
        if training is None:
            return
        if training.arm not in ARMS and training.arm not in self.refiners:
            near = difflib.get_close_matches(training.arm, (*ARMS.names(), *self.refiners), n=1)
            hint = f"did you mean {near[0]!r}?" if near else "it is no arm"
            raise ValueError(f"grid.pairings names {pairing!r}; {hint}")
        if training.severity is not None and training.severity > 5:
            raise ValueError(f"grid.pairings names {pairing!r}; severities are from 0 to 5")

    @cached_property
    def refiner_sections(self) -> dict[str, RefineSection]:
        """The refiner of each arm that has one."""
        sections = {"refined": self.refine}
        given = self.refine.model_dump()
        for name, changes in self.refiners.items():
            try:
                sections[name] = RefineSection.model_validate(_changed(given, changes))
            except ValidationError as error:
                first = error.errors()[0]
                key = ".".join(map(str, ("refiners", name, *first["loc"])))
                raise ValueError(f"{key}: {first['msg'].removeprefix('Value error, ')}") from None
        return sections

    @property
    def made_arms(self) -> tuple[str, ...]:
        """The arms, and those that are only trained on."""
        named = [parse_trained_on(pairing) for pairing in self.grid.pairings if "@" not in pairing]
        return tuple(dict.fromkeys((*self.arms, *(one.arm for one in named if one is not None))))

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams that are trained, those that only an ensemble needs last."""
        grid = self.grid
        shown = grid.streams or (() if grid.ensembles else (self.recognize.input.stream,))
        return tuple(dict.fromkeys((*shown, *(part for weights in grid.ensembles.values() for part in weights))))

    def recognizer(self, stream: Stream, share: float = 1.0) -> recognition.RecognizeConfig:
        """Return the configuration of a recogniser of a stream that learns from a share, but for folder and store."""
        section = self.recognize
        train = section.train
        if self.grid.equal_steps:
            train = train.model_copy(update={"repeat": max(1, round(train.repeat / share))})
        return recognition.RecognizeConfig(
            run=recognition.RunSection(dir=Path(), device=self.run.device),
            data=recognition.DataSection(store=self.data.store, validation=self.data.validation, share=share),
            input=section.input.model_copy(update={"stream": stream}),
            model=section.model,
            train=train,
            test=section.test,
        )

    @property
    def shared_folder(self) -> Path:
        """Where refiners, stores and recognisers are."""
        return self.shared or self.run.dir.parent / "shared"

    def kind(self, arm: str) -> ArmKind:
        """Return how an arm comes by its skeletons; a refiner of the study's own does so as `refined` does."""
        return ARMS["refined" if arm in self.refiners else arm]

    def label(self, arm: str) -> str:
        """Return what readers call an arm."""
        own = self.kind(arm).label
        if arm in self.refiner_sections:
            shipped = self.refiner_sections[arm].train.shipped
            own = SHIPPED[shipped[0]].label if shipped else own
        return self.report.labels.get(arm) or (f"{own} {arm}" if arm in self.refiners else own)

    def skeletons(self, arm: str) -> str:
        """Name an arm's skeletons inside a sentence."""
        return self.kind(arm).phrase.replace("{label}", self.label(arm))

    @property
    def filters(self) -> tuple[str, ...]:
        """The arms that are classical filters."""
        return tuple(arm for arm in self.arms if self.kind(arm).filter)

    @property
    def refined_arms(self) -> tuple[str, ...]:
        """The arms that a refiner of the study makes."""
        return tuple(arm for arm in self.arms if arm in self.refiner_sections)

    @property
    def main(self) -> str:
        """The arm that the report is about."""
        others = [arm for arm in self.arms if arm != self.against]
        refined = [arm for arm in others if arm in self.refiner_sections]
        wanted = (self.report.arm,) if isinstance(self.report.arm, str) else self.report.arm or ()
        chosen = next((arm for arm in wanted if arm in others), None)
        return chosen or ("refined" if "refined" in others else (refined or others)[0])


def _changed(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a refiner's section with some keys changed.

    What is trained on is replaced and not added to. One that is to be trained otherwise does not begin with the
    checkpoint of the other.
    """
    merged = _merged(base, changes)
    train = changes.get("train")
    given = train if isinstance(train, Mapping) else {}
    if {"model", "normalise", "train"} & set(changes):
        merged["train"] = {**merged["train"], "checkpoint": given.get("checkpoint")}
    if "on" in given:
        merged["train"] = {**merged["train"], "on": given["on"]}
    return merged


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a nested section with some keys changed."""
    merged = dict(base)
    for key, value in changes.items():
        inner = merged.get(key)
        merged[key] = _merged(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return merged
