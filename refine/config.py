"""What `python run.py refine` may be told, section by section."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from base.config import HIGHEST_RATE, MOST_AT_ONCE, MOST_EPOCHS, Executor, RunSection
from base.settings import Section
from data.ntu.simulate import SimulateSection
from refine.benchmarks.pairs import OnError, Pairs, read_pairs
from refine.benchmarks.table import Benchmark, Row, Split, benchmarks, find_benchmark
from refine.filters.registry import FILTERS
from refine.nets.columns import Precision
from refine.nets.registry import MOST_FRAMES, known_kind
from refine.nets.registry import ModelSection as ModelSection
from refine.normalise import Centre, Scale
from refine.shipped.registry import shipped_name
from refine.windows import Merge

Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Stride = Annotated[int, Field(ge=1, le=MOST_FRAMES)]


def _filter(name: str) -> str:
    FILTERS[name]  # says what there is
    return name


Kind = Annotated[str, AfterValidator(known_kind)]
"""A kind of network, one file each in `refine/nets`."""

Filter = Annotated[str, AfterValidator(_filter)]
"""A kind of filter, one file each in `refine/filters`."""


def _as_names(given: Any) -> Any:
    """Take one name for a list of it."""
    return (given,) if isinstance(given, str) and given != "all" else given


TrainOn = Annotated[
    Annotated[tuple[str, ...], Tag("names")] | Annotated[dict[str, Weight], Tag("weights")],
    Discriminator(lambda given: "weights" if isinstance(given, Mapping) else "names"),
    BeforeValidator(_as_names),
]
"""Benchmarks to train on, or a weight for each."""


class BenchmarksSection(Section):
    """Where the pose benchmarks lie, in the layout that SmoothNet's authors released."""

    root: Path
    """The folder of the pairs."""
    on_error: OnError = "stop"
    """What to do with a sequence that cannot be used: stop, leave it out and count it (`skip`), or leave just the
    joints out that are missing (`mask`)."""
    rows: dict[str, Row] = Field({})
    """Benchmarks of your own, see `refine/benchmarks/table.yaml`."""

    def find(self, name: str) -> Benchmark:
        """Return the row of this name, one of `rows` or of the table; InputError if there is none."""
        return find_benchmark(name, self.rows)

    def every(self) -> list[Benchmark]:
        """Return all rows, one's own first."""
        names = [*self.rows, *(name for name in benchmarks() if name not in self.rows)]
        return [self.find(name) for name in names]

    def read(self, name: str, split: Split) -> Pairs:
        """Read one split of a benchmark, see `refine.benchmarks.pairs.read_pairs`."""
        return read_pairs(self.find(name), self.root, split, self.on_error)


class SmplSection(Section):
    """The licensed body model that rotations are scored with, see `refine.benchmarks.bodies.load_body_model`."""

    model: Path | None = None
    """`SMPL_NEUTRAL.pkl` or its folder."""
    regressor: Path | None = None
    """SPIN's `J_regressor_extra.npy`, for the top of the head."""


class NormaliseSection(Section):
    """What is taken out of the poses before the network, see `refine.normalise.Normalise`."""

    centre: Centre = "channel"
    """`root`: from every joint, the root's mean position over the window; `channel`: from every coordinate of every
    joint, its own mean over the window."""
    scale: Scale = "body"
    """`body`: divide by the size of the skeleton over the sequence."""


class TrainSection(Section):
    """What to train on and how; or a trained refiner to use instead."""

    on: TrainOn = ()
    """Benchmarks, of which every window of every sequence is equally likely; or a weight for each, its share of the
    windows of an epoch. One whose windows run out is then gone through again."""
    checkpoint: Path | dict[str, Path] | None = None
    """A trained refiner to use instead: a run's folder, a file, or the name of one that is shipped, `steady`; or
    several, `{h36m_fcn_3D: ..., aist_vibe_3D: ...}`, of which each benchmark is evaluated with the one whose name its
    published figures have, or the first."""
    epochs: int = Field(70, ge=1, le=MOST_EPOCHS)
    """How often the windows are gone through."""
    windows: int | None = Field(None, ge=1, le=10**9)
    """Windows drawn per epoch, without repetition; null draws as many as there are."""
    lr: float = Field(1e-3, gt=0, le=HIGHEST_RATE)
    """The learning rate in the first epoch."""
    lr_decay: float = Field(0.95, gt=0, le=1)
    """Its factor from epoch to epoch."""
    batch: int = Field(128, ge=1, le=MOST_AT_ONCE)
    """Windows per step, each with all its joints."""
    position_weight: float = Field(1.0, ge=0, le=1e9)
    """Weight of the error of positions in the loss."""
    acceleration_weight: float = Field(0.1, ge=0, le=1e9)
    """Weight of the error of accelerations."""
    validation: float = Field(0.1, gt=0, lt=1)
    """Share of the training sequences that are held out to choose the best epoch."""

    @property
    def names(self) -> tuple[str, ...]:
        """The benchmarks to train on."""
        return tuple(self.on)

    @property
    def shipped(self) -> tuple[str, ...]:
        """The shipped refiners among the checkpoints."""
        paths = self.checkpoint.values() if isinstance(self.checkpoint, dict) else (self.checkpoint,)
        return tuple(name for name in map(shipped_name, paths) if name is not None)

    @property
    def shares(self) -> tuple[float, ...] | None:
        """What part of an epoch's windows each of them contributes; None where every window is equally likely."""
        if not isinstance(self.on, Mapping):
            return None
        return tuple(weight / sum(self.on.values()) for weight in self.on.values())


def check_source(train: TrainSection) -> None:
    """Refuse, with a ValueError, a section from which no refiner can come."""
    if not train.on and train.checkpoint is None:
        raise ValueError("give train.on (benchmarks to train on) or train.checkpoint (a trained refiner)")
    if len(set(train.names)) < len(train.names):
        raise ValueError(f"train.on names {', '.join(train.names)}; each may be named once")
    if train.checkpoint == {}:
        raise ValueError("train.checkpoint: found {}; name at least one trained refiner")


class EvaluateSection(Section):
    """Which benchmarks to evaluate on, and how.

    Parameters
    ----------
    on
        Names, or `all` for every benchmark whose files are there.
    split
        `test` or `train`.
    stride
        Frames between windows, or a list to compare.
    merge
        How windows that overlap are merged: their `mean`, as in the published tables, or `smooth`, as stores are
        refined by default (`refine.windows.refine_windows`).
    match_rate
        Resample benchmarks of another frame rate than the refiner's; the published tables do not.
    filters
        Classical filters to compare with, their parameters tuned on a training split.
    released_filters
        Compare with the same filters as SmoothNet's authors set them, too; where no training split is there, only with
        those.
    padded_accel
        Count two frames of zero per sequence into Accel, as their evaluation does.
    """

    on: Annotated[tuple[str, ...] | Literal["all"], BeforeValidator(_as_names)] = ()
    split: Split = "test"
    stride: Stride | Annotated[tuple[Stride, ...], Field(min_length=1)] = 1
    merge: Merge = "mean"
    match_rate: bool = False
    filters: tuple[Filter, ...] = ()
    released_filters: bool = False
    padded_accel: bool = False

    @model_validator(mode="after")
    def _makes_sense(self) -> "EvaluateSection":
        for name, values in (("on", self.on), ("stride", self.strides), ("filters", self.filters)):
            if values != "all" and len(set(values)) < len(values):
                raise ValueError(f"evaluate.{name} names {', '.join(map(str, values))}; each may be named once")
        if self.released_filters and not self.filters:
            raise ValueError("evaluate.released_filters: name the filters in evaluate.filters")
        return self

    @property
    def strides(self) -> tuple[int, ...]:
        """All of the strides."""
        return self.stride if isinstance(self.stride, tuple) else (self.stride,)


class FiguresSection(Section):
    """Pictures of one sequence: errors per frame, skeletons side by side, an animation.

    Parameters
    ----------
    benchmark
        Of which benchmark; none if null.
    sequence
        Its place in the files.
    frames
        The first frame and the one after the last.
    still
        How many of the frames to draw side by side.
    animation
        `gif`, `mp4` (which needs the extra `video`) or `none`.
    images
        A folder that holds the images named by the benchmark's `imgname`, to draw poses in an image over them; white
        if null.
    """

    benchmark: str | None = None
    sequence: int = Field(0, ge=0, le=10**9)
    frames: tuple[Annotated[int, Field(ge=0, le=10**9)], Annotated[int, Field(ge=1, le=10**9)]] = (0, 200)
    still: int = Field(5, ge=1, le=12)
    animation: Literal["gif", "mp4", "none"] = "gif"
    images: Path | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "FiguresSection":
        if self.frames[1] - self.frames[0] < 3:
            raise ValueError(f"frames {list(self.frames)}: give the first frame and one at least 3 later")
        return self


class CompareSection(Section):
    """Several refiners to train and compare: one for each combination, and trained ones.

    Parameters
    ----------
    window
        Frames per window; `model.window` if empty.
    kind
        Kinds of network; `model.kind` if empty.
    train_on
        What to train on, each a name, a list or weights as in `train.on`; that if empty.
    checkpoints
        Trained refiners to compare with them: folders of finished runs, files such as the released
        `checkpoint_8.pth.tar` to `checkpoint_64.pth.tar`, or names of shipped ones, such as `steady`.
    """

    window: tuple[Annotated[int, Field(ge=3, le=MOST_FRAMES)], ...] = ()
    kind: tuple[Kind, ...] = ()
    train_on: tuple[TrainOn, ...] = ()
    checkpoints: tuple[Path, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> "CompareSection":
        for name in ("window", "kind", "train_on", "checkpoints"):
            values = [str(value) for value in getattr(self, name)]
            if len(set(values)) < len(values):
                raise ValueError(f"{name} names {', '.join(values)}; each may be named once")
        return self

    def __bool__(self) -> bool:
        """Whether there is anything to compare."""
        return bool(self.window or self.kind or self.train_on or self.checkpoints)


class ApplySection(Section):
    """Which clip store to refine, and where to put the result; nothing if `input` is null.

    Parameters
    ----------
    input, output
        Clip stores.
    stride
        Frames between windows; a quarter of the refiner's window if null. Half of it takes half of the products, and
        was measured to be as good (docs/results.md).
    merge
        How windows that overlap are merged, see `refine.windows.refine_windows`. With `smooth` the default stride's
        MPJPE and Accel are no worse than those of `mean` at stride 1, and it takes a quarter of the time.
    match_rate
        Resample tracks to the frame rate that the refiner was trained at, and back.
    strength
        From 0, the input, to 1: how much of the change is made.
    precision
        What the network computes in. `bf16` takes two thirds of the time for large networks, on processors that
        multiply it (AVX512-BF16, AMX). MPJPE and Accel on Human3.6M stay the same (docs/results.md).
    executor
        Who refines: `here`, threads of this process; `processes` of this machine; or `ray`, a cluster at `RAY_ADDRESS`
        or so many cores of this machine. A store's bytes are the same. On an accelerator, `here` alone makes sense.
    workers
        How many at once; null for one per processor core, and for one thread if the network is on an accelerator.
    """

    input: Path | None = None
    output: Path | None = None
    stride: Stride | None = None
    merge: Merge = "smooth"
    match_rate: bool = True
    strength: float = Field(1.0, ge=0, le=1)
    precision: Precision = "fp32"
    executor: Executor = "here"
    workers: int | None = Field(None, ge=1, le=100_000)

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
    smpl: SmplSection = SmplSection()
    model: ModelSection = ModelSection()
    normalise: NormaliseSection = NormaliseSection()
    train: TrainSection
    evaluate: EvaluateSection = EvaluateSection()
    compare: CompareSection = CompareSection()
    figures: FiguresSection = FiguresSection()
    apply: ApplySection = ApplySection()

    @model_validator(mode="after")
    def _fits(self) -> "RefineConfig":
        if not self.compare.train_on and not self.compare.checkpoints:
            check_source(self.train)
        if self.compare:
            if self.apply.input is not None or self.figures.benchmark is not None:
                raise ValueError(
                    "compare: several refiners cannot be applied or drawn at once; leave apply and figures out"
                )
            if self.train.checkpoint is not None:
                raise ValueError(
                    "compare: give train.on and leave train.checkpoint out; compare.checkpoints takes trained ones"
                )
        elif self.train.checkpoint is None:  # with a checkpoint, its own window counts
            for name, stride in (("evaluate", max(self.evaluate.strides)), ("apply", self.apply.stride or 1)):
                if stride > self.model.window:
                    raise ValueError(f"{name}.stride {stride} is more than the window of {self.model.window} frames")
        return self
