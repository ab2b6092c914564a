"""What `python run.py recognize` may be told, section by section."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from base import config as training
from base.settings import Section
from data.ntu.simulate import SimulateSection
from data.skeletons.division import Split, check_rule
from data.skeletons.opening import MOST_PEOPLE, PEOPLE
from recognition.input.sampling import Sampling
from recognition.input.streams import Stream
from recognition.nets.graph import Partition
from recognition.nets.registry import NETS


class RunSection(training.RunSection):
    """The run's folder, device and seed, and how many processes train together."""

    devices: Literal["auto"] | int = Field(1)
    """Processes on each machine that share the batch, one accelerator each; `auto`: as many as there are accelerators.
    Each step is the same but for rounding, as long as `model.dropout` is 0; rounding grows over an epoch and more."""
    nodes: int = Field(1, ge=1, le=1024)
    """Machines; each starts the same command under `torchrun` or Slurm, and all see the same `run.dir`."""

    @field_validator("devices")
    @classmethod
    def _positive(cls, value: Any) -> Any:
        if value != "auto" and not 1 <= value <= 1024:
            raise ValueError(f"devices must be 'auto' or from 1 to 1024, found {value}")
        return value


class DataSection(Section):
    """Which clips are learned from and tested on."""

    store: Path
    """The clip store."""
    more: tuple[Path, ...] = ()
    """More clip stores that are read as one with `store`, without a copy, as `join` would write them; all of one frame
    rate, image and kind."""
    same_people: bool = False
    """Whether subjects of one name in several stores are one."""
    split: Split = "xsub"
    """Which clips are tested on: `xsub`, `xview`, `xsub120` or `xset`, a split of the store's labels, `{subjects:
    {test: [3, Ann]}}`, `{folds: 5}` or `leave_one_subject_out`."""
    validation: float = Field(0.15, ge=0, le=0.5)
    """Share of the training performers that is held out, as whole performers, to choose the best epoch. With 0 all of
    them are trained on and the last epoch is kept."""
    share: float = Field(1.0, gt=0, le=1)
    """Share of the remaining training clips that is learned from, of each action at least one, drawn by the seed."""
    clips: Literal["auto", "memory", "disk"] = "auto"
    """Where clips wait for their batches, which are the same: in the `memory` of the device, or on the `disk` of
    `run.dir`, in a file that is gone when the command ends. `auto`: on the disk if they would take more than half of
    the memory."""

    @model_validator(mode="after")
    def _same_of_several(self) -> "DataSection":
        if self.same_people and not self.more:
            raise ValueError("same_people is true, but there is one store; name the others in more")
        return self


class InputSection(Section):
    """What the network sees of a clip."""

    frames: int = Field(64, ge=1, le=4096)
    """Frames that the network sees of a clip."""
    stream: Stream = "joint"
    """What it sees: positions, bones (each joint less its parent), or the change of either from frame to frame."""
    people: int = Field(PEOPLE, ge=1, le=MOST_PEOPLE)
    """So many of a clip's people it sees at most: the first, by the rules of the import, which keeps more than two if
    `--people` says so."""
    rotate_to_body: bool = False
    """Turn each clip so that actor 1's spine is parallel to z and the shoulders to x in the first frame."""
    sampling: Sampling = "uniform"
    """`uniform`: the window in equal segments, one frame of each, at random in training (PYSKL). `resize`: the window
    interpolated linearly to `frames` (CTR-GCN). `pad`: the window's frames as they are, zeros after its end and the
    rest cut off (the first ST-GCN)."""
    crop: tuple[float, float] = (1.0, 1.0)
    """The window in training: a random place, and a random share of the clip between these two."""
    test_crop: float = Field(1.0, gt=0, le=1)
    """The window when scoring: this share of the clip, in its middle; with several `test.clips` at evenly spaced
    places."""

    @field_validator("crop")
    @classmethod
    def _shares(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 < value[0] <= value[1] <= 1:
            raise ValueError(f"crop must be [least, most] with 0 < least <= most <= 1, found {list(value)}")
        return value


class ModelSection(Section):
    """The network and its size."""

    name: str = "stgcn"
    """A kind of network, one file each in `recognition/nets`. `stgcn`: as published (Yan et al., AAAI 2018). `stgcn++`:
    PYSKL's, with learnable adjacency, a residual in the spatial module and a temporal module of several branches."""
    width: int = Field(64, ge=1, le=4096)
    """Channels of the first blocks; they double twice."""
    blocks: int = Field(10, ge=3, le=100)
    """Spatial-temporal blocks."""
    temporal_kernel: int = Field(9, ge=1, le=999)
    """Frames that a temporal convolution of `stgcn` covers; odd. Those of `stgcn++` cover 3, at four dilations."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the activations that is dropped in training."""
    partition: Partition = "spatial"
    """How a joint and its neighbours are divided into parts with weights of their own. `spatial`: itself, those nearer
    to the centre, those farther; `spatial_original`: alike, counted as in the first ST-GCN code; `distance`: itself,
    its neighbours; `uniform`: all together."""

    @field_validator("name")
    @classmethod
    def _known(cls, value: str) -> str:
        NETS[value]  # says what there is
        return value

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.temporal_kernel % 2 == 0:
            raise ValueError(f"temporal_kernel must be odd, found {self.temporal_kernel}")
        NETS[self.name].check(self)
        return self


class TrainSection(Section):
    """The recipe."""

    start_from: Path | None = None
    """The weights training begins with: a finished run, its `best.pt`, or a published folder, of the
    same network and skeleton. Where its actions are others, the classifier's weights are left out."""
    frozen: bool = False
    """Train the classifier alone; all before it stays as `start_from` has it."""
    balance: Literal["none", "weights", "sampling"] = "none"
    """What is done for actions of few clips. `weights`: they count more in the loss, in inverse proportion to their
    clips; `sampling`: an epoch draws clips, with repetition, so that all actions are equally likely."""
    epochs: int = Field(65, ge=1, le=training.MOST_EPOCHS)
    """How often all clips are gone through."""
    repeat: int = Field(1, ge=1, le=10_000)
    """How often an epoch shows every clip."""
    batch: int = Field(64, ge=1, le=training.MOST_AT_ONCE)
    """Clips per step, over all processes together; the learning rate belongs to it."""
    lr: float = Field(0.1, gt=0, le=training.HIGHEST_RATE)
    """The learning rate after the warm-up."""
    lr_batch: int | None = Field(None, ge=1, le=training.MOST_AT_ONCE)
    """The batch that `lr` is meant for; if given, the rate used is `lr` times `batch` / `lr_batch`."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Of stochastic gradient descent (Nesterov's)."""
    weight_decay: float = Field(4e-4, ge=0, le=1000)
    """Of all weights."""
    warmup: int = Field(5, ge=0, le=training.MOST_EPOCHS)
    """Epochs over which the learning rate rises to `lr`."""
    schedule: Literal["cosine", "step", "constant"] = "cosine"
    """After the warm-up: `cosine` towards 0, `step` times 0.1 at each of `steps`."""
    schedule_every: Literal["epoch", "batch"] = "epoch"
    """When the learning rate is set anew."""
    steps: tuple[Annotated[int, Field(ge=0, le=training.MOST_EPOCHS)], ...] = (35, 55)
    """Epochs at which `schedule: step` lowers the rate."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """What to compute in; weights are kept in fp32."""
    rotation: float = Field(0.3, ge=0, le=3.2)
    """Random rotation in training: up to so many radians about each axis."""
    scaling: float = Field(0.0, ge=0, lt=1)
    """Random scaling in training: each clip larger or smaller by up to this share."""
    swap: float = Field(0.0, ge=0, le=1)
    """How likely the two actors of a clip change places in training, so that the clip is centred on the other one; of
    more the order is reversed."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Share of the target that is spread over all actions."""
    ema: float = Field(0.0, ge=0, lt=1)
    """Decay of the moving average of the weights, which is then what is validated, kept and tested; 0 for none."""
    patience: int | None = Field(None, ge=1, le=training.MOST_EPOCHS)
    """Stop after so many epochs without a better validation accuracy."""
    deterministic: bool = False
    """Take only algorithms that give the same bits every time, even where an accelerator has faster ones."""
    compile: bool = False
    """Let `torch.compile` fuse the network; worth its warm-up on an accelerator only."""

    @property
    def rate(self) -> float:
        """The learning rate after the warm-up."""
        return self.lr * self.batch / (self.lr_batch or self.batch)


class TestSection(Section):
    """How the test clips are scored."""

    __test__: ClassVar[bool] = False  # no test class, whatever its name makes pytest think

    clips: int = Field(1, ge=1, le=64)
    """Samplings per clip whose softmax scores are averaged."""


class EnsembleSection(Section):
    """Which scores are added up, and with which weights."""

    runs: dict[str, Path] = Field(default_factory=dict)
    """Folders of finished runs whose test scores take part, under a name each."""
    weights: dict[str, dict[str, Annotated[float, Field(le=1e9, allow_inf_nan=False)]]] = Field(default_factory=dict)
    """The weight of each stream or run in each ensemble, such as `two: {joint: 1, bone: 1}`."""


class RecognizeConfig(Section):
    """Train and test a recogniser on one clip store."""

    run: RunSection
    simulate: SimulateSection | None = None
    data: DataSection
    input: InputSection = InputSection()
    streams: tuple[Stream, ...] | None = None
    """The streams to train, one recogniser each; `input.stream` alone if null, and then ensembles of other streams are
    left out. With several, or with an ensemble, each has its own run in `run.dir/<stream>`."""
    model: ModelSection = ModelSection()
    train: TrainSection = TrainSection()
    test: TestSection = TestSection()
    ensemble: EnsembleSection = EnsembleSection()

    @model_validator(mode="before")
    @classmethod
    def _one_stream(cls, values: Any) -> Any:
        """Leave ensembles out that need streams which an explicit `streams: null` does not train: a file's own ones."""
        if not isinstance(values, dict) or values.get("streams", ()) is not None:
            return values
        ensemble, seen = values.get("ensemble"), values.get("input")
        if not isinstance(ensemble, dict) or not isinstance(weights := ensemble.get("weights"), dict):
            return values
        own = seen.get("stream", "joint") if isinstance(seen, dict) else getattr(seen, "stream", "joint")
        trained_by_others = set(get_args(Stream)) - {own} - set(ensemble.get("runs") or ())
        kept = {
            name: parts
            for name, parts in weights.items()
            if not isinstance(parts, dict) or not trained_by_others & set(map(str, parts))
        }
        return {**values, "ensemble": {**ensemble, "weights": kept}}

    @field_validator("run", mode="before")
    @classmethod
    def _any_run(cls, value: Any) -> Any:
        """Take the run section of a stage that knows of one process only, such as a study's."""
        return value.model_dump() if type(value) is training.RunSection else value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.simulated is not None:
            check_rule(self.data.split)
        if len(set(self.trained)) < len(self.trained):
            raise ValueError(f"streams names {', '.join(self.trained)}; each may be named once")
        if both := sorted(set(self.trained) & set(self.ensemble.runs)):
            raise ValueError(f"ensemble.runs has {both[0]!r}, which is also among the streams; name the run otherwise")
        known = (*self.trained, *self.ensemble.runs)
        for name, weights in self.ensemble.weights.items():
            if not name.isidentifier():
                raise ValueError(f"ensemble.weights has {name!r}; a name is of letters, digits and underscores")
            if unknown := [part for part in weights if part not in known]:
                raise ValueError(
                    f"ensemble.weights.{name} has {unknown[0]!r}; it may have {', '.join(known) or 'nothing'} (streams "
                    "and ensemble.runs)"
                )
            if not weights or min(weights.values()) < 0 or sum(weights.values()) <= 0:
                raise ValueError(f"ensemble.weights.{name} must have weights of at least 0, one of them more")
        if not self.trained and not self.ensemble.weights:
            raise ValueError("streams is empty; name a stream, or ensemble.runs and ensemble.weights")
        if self.input.frames == 1 and (moving := [stream for stream in self.trained if stream.endswith("motion")]):
            raise ValueError(f"input.frames is 1, in which {moving[0]} would be 0 everywhere; raise it")
        if self.train.frozen and self.train.start_from is None:
            raise ValueError("train.frozen needs train.start_from, the weights that stay as they are")
        if self.train.patience is not None and self.data.validation == 0:
            raise ValueError("train.patience needs validation clips, but data.validation is 0")
        return self

    @property
    def simulated(self) -> SimulateSection | None:
        """How the clips are simulated; None for others, also where the section is there."""
        section = self.simulate
        if section is None or not self.data.store.resolve().is_relative_to(section.folder.resolve()):
            return None
        return section

    @property
    def trained(self) -> tuple[Stream, ...]:
        """The streams that are trained."""
        return (self.input.stream,) if self.streams is None else self.streams

    @property
    def alone(self) -> bool:
        """Whether this is one recogniser whose run lies in `run.dir` itself."""
        return len(self.trained) == 1 and not self.ensemble.weights
