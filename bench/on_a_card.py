"""All that is to be measured on a graphics card, by one command, in order of worth.

    python bench/on_a_card.py --output card [--only steps refine ...] [--skip ...] [--seconds steps=90 ...]

Each part has a process and a time of its own (`bench/parts.py`); after every row `card/results.json` and
`card/results.md` hold all that there is, so that an early end loses nothing:

- steps: a training step of ST-GCN as published, as it is usually written and as it is here, eager and compiled, with
  CUDA graphs, channels last and bfloat16; the share of the bfloat16 peak, what PYSKL's 80 passes over NTU RGB+D 60's
  40,091 clips would take, and the memory.
- refine: a store of 4.8 million frames through SmoothNet on the card, and the shipped refiners, which are NumPy, on the
  processors; beside it what the disk reads and writes.
- profile: the kernels that a training step spends its time in.
- pyskl: some of the 80 passes as they are, checkpoints and all: eager, compiled, and with the clips in a file.
- ntu60: `configs/ablate/ntu60.yaml` on as many simulated clips, for one seed and one stream, with fewer passes.
- retrain: the shipped refiners and SmoothNet learnt anew from ten times the simulation; scores beside those shipped.

A quarter of an hour is used by two calls, or by as many as there are (`--seconds` bounds each part):

    python bench/on_a_card.py --output card --only steps refine profile pyskl --clips 20000 \
        --seconds steps=170 refine=130 profile=60 pyskl=200
    python bench/on_a_card.py --output card2 --only ntu60 --study-clips 4000 --seconds ntu60=500

`--device cpu --tiny` runs all of it anywhere in small, to see that it works.
"""

import argparse
import contextlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice, pairwise, product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ablation.study.config import AblateConfig
from base.config import load_config
from base.errors import InputError
from base.executors.registry import Pool
from bench.measure import processor, seconds, timed
from bench.parts import FAILED, Part, Row, in_one_line, run_parts, tried
from bench.recognition_speed import SECOND_ACTORS, Plain
from data.ntu.simulate import SimulateSection
from data.skeletons.layouts import NTU25
from recognition.config import RecognizeConfig
from recognition.input.batches import Batch, training_batches
from recognition.input.loading import LoadedClips
from recognition.nets.registry import build_model
from recognition.nets.stgcn import STGCN
from recognition.train import batch_loss
from refine.config import RefineConfig
from refine.nets.columns import Precision
from training.devices import pick_device
from training.fit import train_epoch

CLIPS, CLASSES, PASSES = 40_091, 60, 80
CONFIGS = Path(__file__).resolve().parents[1] / "configs"
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")
BATCHES = 8
"""Batches that steps go through in turn: as in a training, each has another number of actors."""


@dataclass(frozen=True)
class Asked:
    """How much is measured, and where.

    Parameters
    ----------
    device
        `cuda`, or `cpu` to try it.
    folder
        For stores and runs; they are thrown away.
    clips, batch, width, epochs
        Of PYSKL's recipe; an epoch is five passes.
    steps
        Training steps that are timed.
    frames
        Of the store that is refined.
    disk
        Bytes that are written and read to see what the disk does.
    study_clips, study_actions, study_words
        The simulated clips of the study, of so many actions, and what is other than in its configuration.
    refine_words
        Likewise for SmoothNet's training.
    examples
        Times the examples that the shipped refiners have learnt from.
    """

    device: str
    folder: Path
    clips: int = CLIPS
    batch: int = 128
    width: int = 64
    epochs: int = 1
    steps: int = 24
    frames: int = 4_800_000
    disk: int = 4 << 30
    study_clips: int = 56_880
    study_actions: int = 60
    study_words: tuple[str, ...] = ("recognize.train.epochs=1", "recognize.train.repeat=2", "recognize.test.clips=1")
    refine_words: tuple[str, ...] = ("simulate.clips=30000", "train.windows=600000")
    examples: float = 10.0
    compiled: bool = True

    @property
    def on(self) -> torch.device:
        """The device."""
        return pick_device(self.device, "--device")


def tiny(device: str, folder: Path) -> Asked:
    """Return the least that goes through all of it."""
    return Asked(
        device,
        folder,
        clips=64,
        batch=8,
        width=8,
        steps=8,
        frames=20_000,
        disk=1 << 24,
        study_clips=64,
        study_actions=4,
        study_words=(
            *("recognize.train.epochs=1", "recognize.train.repeat=1", "recognize.train.batch=8"),
            *("recognize.model.width=4", "recognize.model.blocks=3", "recognize.input.frames=16"),
            *("recognize.test.clips=1", "simulate.clips=80", "refine.model.hidden=32", "refine.model.res_hidden=8"),
            *("refine.model.blocks=1", "refine.train.epochs=1", "refine.train.windows=500"),
            *(
                "arms=[raw, refined, steady]",
                "refiners={}",
                "report.labels={refined: SmoothNet}",
                "statistics.resamples=200",
            ),
        ),
        refine_words=("simulate.clips=80", "train.windows=1000", "train.epochs=1"),
        examples=0.0,
        compiled=False,
    )


def simulated(clips: int, home: torch.device, device: torch.device | None = None) -> LoadedClips:
    """Return clips of 84 frames on average, from 32 to 300, of which 11 in 60 have a second actor."""
    rng = np.random.default_rng(0)
    frames = np.clip(rng.lognormal(np.log(78), 0.4, clips), 32, 300).astype(np.int64)
    actors = 1 + (rng.random(clips) < SECOND_ACTORS)
    length = torch.from_numpy(np.repeat(frames, actors))
    generator = torch.Generator(home).manual_seed(0)
    joints = torch.empty(int(length.sum()), 25, 3, device=home)
    for rows in joints.split(1 << 20):
        rows.normal_(0, 0.4, generator=generator)
    return LoadedClips(
        name=np.array([f"clip{n:06d}" for n in range(clips)]),
        label=torch.from_numpy(rng.integers(0, CLASSES, clips)).to(home),
        frames=torch.from_numpy(frames).to(home),
        joints=joints,
        first_frame=torch.zeros_like(length).to(home),
        length=length.to(home),
        first_row=(length.cumsum(0) - length).to(home),
        track_of=torch.from_numpy(np.concatenate([[0], actors.cumsum()])),
        layout=NTU25,
        device=device or home,
        origin=1,
    )


# ---------------------------------------------------------------------------------------------------------- steps


@dataclass(frozen=True)
class Way:
    """A way to compute a training step."""

    name: str
    plain: bool = False
    bf16: bool = True
    channels_last: bool = False
    compile: str | None = None
    tune: bool = False
    """Whether cuDNN tries its algorithms for every shape."""


WAYS = (
    Way("as usually written, float32", plain=True, bf16=False),
    Way("as usually written, bfloat16", plain=True),
    Way("as usually written, bfloat16, channels last", plain=True, channels_last=True),
    Way("ours, float32", bf16=False),
    Way("ours, bfloat16"),
    Way("ours, bfloat16, cuDNN's choice tried out", tune=True),
    Way("ours, bfloat16, compiled", compile="default"),
    Way("ours, bfloat16, compiled, CUDA graphs", compile="reduce-overhead"),
)


def steps(asked: Asked) -> Iterator[Row]:
    """Time training steps.

    The share of the peak counts the operations of ours, which leaves absent actors out, in all ways. Memory is the most
    that tensors had, the batches included.
    """
    device = asked.on
    config, batches = recipe(asked), _batches(asked, device)
    top = peak(device)
    yield {"step": "a product of two matrices in bfloat16", "TFLOP/s": top / 1e12}
    work = _work(asked, config, batches[0])
    first = 0.0
    for way in WAYS:
        if way.compile and not asked.compiled:
            continue

        def measure(way: Way = way) -> Row:
            nonlocal first
            taken, memory = _time_steps(asked, config, batches, way)
            first = first or taken
            rate = asked.batch / taken
            return {
                "TFLOP/s": work * rate / 1e12,
                "% of it": 100 * work * rate / top,
                "ms": 1e3 * taken,
                "clips/s": rate,
                f"{PASSES} passes, min": PASSES * CLIPS / rate / 60,
                "times as usual": first / taken,
                **memory,
            }

        yield tried({"step": way.name}, measure)


def recipe(asked: Asked, *words: str) -> RecognizeConfig:
    """Return PYSKL's recipe for one stream."""
    return load_config(
        RecognizeConfig,
        CONFIGS / "recognize" / "pyskl.yaml",
        [
            *(f"run.dir={asked.folder}/pyskl", f"run.device={asked.device}", "streams=[joint]", "ensemble.weights={}"),
            *("data.store=none", f"model.width={asked.width}", f"train.batch={asked.batch}"),
            *(f"train.epochs={asked.epochs}", *words),
        ],
    )


def _batches(asked: Asked, device: torch.device) -> list[Batch]:
    config = recipe(asked)
    clips = simulated(min(asked.clips, BATCHES * asked.batch), device)
    return list(islice(training_batches(clips, config.input, config.train, seed=0, epoch=0), BATCHES))


def _network(config: RecognizeConfig, device: torch.device) -> STGCN:
    torch.manual_seed(0)
    model = build_model(config.model, NTU25, 3, CLASSES).to(device)
    assert isinstance(model, STGCN)
    return model


def _work(asked: Asked, config: RecognizeConfig, part: Batch) -> float:
    """Return the floating-point operations of ours for one clip, forward and backward."""
    model = _network(config, asked.on)
    with FlopCounterMode(display=False) as counter:
        batch_loss(model(part.x, part.clip, len(part.label)).float(), part, 0.0).backward()
    return counter.get_total_flops() / len(part.label)


def _time_steps(asked: Asked, config: RecognizeConfig, batches: Sequence[Batch], way: Way) -> tuple[float, Row]:
    """Return the median seconds of a step by the training's own loop, and its most memory."""
    device = asked.on
    model: nn.Module = _network(config, device)
    if way.plain:
        assert isinstance(model, STGCN)
        model = Dense(Plain(model).to(device).train())
    if way.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network = torch.compile(model, mode=way.compile) if way.compile else model
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    # before the clock counts, every shape is tuned for, compiled, and recorded as a CUDA graph the second time
    warm_up = (3 if way.compile else 1) * len(batches)
    marks: list[Any] = []

    def losses() -> Iterator[Tensor]:
        for part in islice(cycle(batches), warm_up + asked.steps):
            marks.append(_mark(device))
            if way.compile and device.type == "cuda":
                torch.compiler.cudagraph_mark_step_begin()
            with torch.autocast(device.type, torch.bfloat16, enabled=way.bf16):
                logits = network(part.x, part.clip, len(part.label)).float()
            yield batch_loss(logits, part, 0.0)

    _forget_memory(device)
    torch.backends.cudnn.benchmark = way.tune
    train_epoch(model, optimizer, losses())
    marks.append(_mark(device))
    return median(_between(marks, device)[warm_up:]), _memory(device)


class Dense(nn.Module):
    """The network as it is usually written, on batches of ours: empty second actors are filled with zeros."""

    def __init__(self, plain: nn.Module) -> None:
        super().__init__()
        self.plain = plain

    def forward(self, x: Tensor, clip: Tensor, clips: int) -> Tensor:
        """Score [N, classes]."""
        second = torch.zeros_like(clip)
        second[1:] = (clip[1:] == clip[:-1]).long()
        dense = x.new_zeros(clips, 2, *x.shape[1:])
        dense[clip, second] = x  # [N, M, T, V, C]
        scores: Tensor = self.plain(dense.permute(0, 4, 2, 3, 1))
        return scores


def _mark(device: torch.device) -> Any:
    """Note the time, on a card in its own queue: nothing waits."""
    if device.type != "cuda":
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def _between(marks: Sequence[Any], device: torch.device) -> list[float]:
    """Return the seconds from each mark to the next."""
    if device.type != "cuda":
        return [after - before for before, after in pairwise(marks)]
    torch.cuda.synchronize()
    return [before.elapsed_time(after) / 1e3 for before, after in pairwise(marks)]


def _memory(device: torch.device) -> Row:
    """Return the most of the card's memory that tensors had since it was last forgotten."""
    return {"memory, GiB": torch.cuda.max_memory_allocated() / 2**30} if device.type == "cuda" else {}


def _forget_memory(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()


def peak(device: torch.device) -> float:
    """Return the FLOP/s of a square bfloat16 matrix product."""
    size = 8192 if device.type == "cuda" else 512
    square = torch.randn(size, size, dtype=torch.bfloat16, device=device)
    marks = []
    for _ in range(13):
        marks.append(_mark(device))
        square @ square
    marks.append(_mark(device))
    return 2 * size**3 / median(_between(marks, device)[3:])


# --------------------------------------------------------------------------------------------------------- refine


def refine(asked: Asked) -> Iterator[Row]:
    """Refine a store; MB a second are those read and written, against what the disk does."""
    from bench.refine_store import NETS, make_net, make_store
    from data.skeletons.store import open_store
    from refine.apply import apply_refiner
    from refine.normalise import Normalise
    from refine.refiner import Refiner
    from refine.shipped.registry import SHIPPED, load_shipped

    device, folder = asked.on, asked.folder / "refine"
    folder.mkdir(exist_ok=True)
    write, read = disk_rates(folder, asked.disk)
    yield {"refiner": "the disk: written, then read", "MB/s": f"{write:,.0f}, {read:,.0f}"}
    make_store(folder, asked.frames)
    store = open_store(folder / "raw")
    frames = len(store.joints)
    size = sum(path.stat().st_size for path in store.folder.iterdir())
    bound = size / (1e6 * read) + size / (1e6 * write)

    def measure(refiner: Any, **how: Any) -> Row:
        _forget_memory(device)
        taken = seconds(lambda: apply_refiner(store, refiner, folder / "refined", replace=True, **how))
        rates: Row = {"frames/s": frames / taken, "MB/s": 2 * size / 1e6 / taken, "the disk alone, s": bound}
        return {"frames": frames, "s": taken, **rates, **_memory(device)}

    def smoothnet(name: str, precision: Precision, threads: int) -> Row:
        refiner = Refiner(make_net(name).to(device), Normalise("channel", "body"))
        return measure(refiner, precision=precision, pool=Pool("here", threads))

    cores = os.cpu_count() or 1
    for name in reversed(SHIPPED.names()):
        refiner = load_shipped(name)
        yield tried({"refiner": f"{name}, on {cores} cores"}, partial(measure, refiner, pool=Pool("here", cores)))
    for name, precision, threads in product(reversed(NETS), PRECISIONS, sorted({cores, 1}, reverse=True)):
        told = f"SmoothNet {name}, {precision}, on {device.type}, {threads} threads"
        yield tried({"refiner": told}, partial(smoothnet, name, precision, threads))


def disk_rates(folder: Path, size: int) -> tuple[float, float]:
    """Return the MB a second that a disk writes, to the end, and reads what is not in memory."""
    path, block = folder / "disk", os.urandom(1 << 24)
    with path.open("wb") as file:

        def fill() -> None:
            for _ in range(max(1, size // len(block))):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())

        write = path_rate(fill, path)
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def drain() -> None:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 24):
                pass

    read = path_rate(drain, path)
    path.unlink()
    return write, read


def path_rate(work: Callable[[], object], path: Path) -> float:
    """Return the MB a second at which a call goes through a file."""
    taken = seconds(work)
    return path.stat().st_size / 1e6 / taken


# -------------------------------------------------------------------------------------------------------- profile


def profile(asked: Asked) -> Iterator[Row]:
    """List the 15 kernels (on the CPU: operations) that take most of a step of ours in bfloat16."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    device = asked.on
    config, batches = recipe(asked), _batches(asked, device)
    model, count = _network(config, device), 4
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)

    def some() -> None:
        def losses() -> Iterator[Tensor]:
            for part in batches[:count]:
                with torch.autocast(device.type, torch.bfloat16):
                    logits = model(part.x, part.clip, len(part.label)).float()
                yield batch_loss(logits, part, 0.0)

        float(train_epoch(model, optimizer, losses()))

    some()
    cuda = device.type == "cuda"
    with profiler(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]) as seen:
        some()
    kernels = [
        (event.key, event.count, event.self_device_time_total if cuda else event.self_cpu_time_total)
        for event in seen.key_averages()
        if event.device_type.name == ("CUDA" if cuda else "CPU")
    ]
    whole = sum(taken for *_, taken in kernels)
    steps_done = min(count, len(batches))
    for name, calls, taken in sorted(kernels, key=lambda kernel: -kernel[2])[:15]:
        yield {
            "kernel": name[:100],
            "calls a step": calls / steps_done,
            "ms a step": taken / 1e3 / steps_done,
            "%": 100 * taken / whole,
        }


# ---------------------------------------------------------------------------------------------------------- pyskl


def pyskl(asked: Asked) -> Iterator[Row]:
    """Train by the recipe for some of its passes, as `python run.py recognize` does; 80 passes are extrapolated."""
    from recognition.evaluate import score
    from recognition.train import train
    from training.runs import open_run

    device = asked.on
    here = simulated(asked.clips, device)
    nobody = simulated(0, device)
    ways: dict[str, tuple[LoadedClips, str]] = {"eager": (here, "train.compile=false")}
    if asked.compiled:
        ways["compiled"] = (here, "train.compile=true")
    in_file = _in_a_file(simulated(asked.clips, torch.device("cpu")), asked.folder)
    ways["eager, clips in a file"] = (replace(in_file, device=device), "train.compile=false")
    for number, (name, (clips, word)) in enumerate(ways.items()):

        def measure(clips: LoadedClips = clips, word: str = word, number: int = number) -> Row:
            config = recipe(asked, word, f"run.dir={asked.folder}/pyskl{number}")
            model = _network(config, device)
            _forget_memory(device)
            passes = config.train.repeat * config.train.epochs
            run = open_run(config)
            taken = seconds(lambda: train(model, clips, nobody, config.train, config.input, run, 0))
            rate = passes * len(clips) / taken
            trained: Row = {
                "clips": len(clips),
                "passes": passes,
                "s": taken,
                "clips/s": rate,
                f"{PASSES} passes of {CLIPS}, min": PASSES * CLIPS / rate / 60,
                **_memory(device),
            }
            if number:
                return trained
            view, samplings = config.input, config.test.clips
            how: dict[str, Any] = {"batch": 2 * asked.batch, "samplings": samplings, "bf16": True}
            testing = seconds(lambda: score(model, clips, view, **how).cpu())
            return {**trained, f"scored {samplings} times, clips/s": len(clips) / testing}

        yield tried({"training": name}, measure)


def _in_a_file(clips: LoadedClips, folder: Path) -> LoadedClips:
    """Return the same clips, whose joints are in a file."""
    path = folder / "joints"
    clips.joints.numpy().tofile(path)
    pages = np.memmap(path, np.float32, "r+", shape=tuple(clips.joints.shape))
    return replace(clips, joints=torch.from_numpy(pages))


# ---------------------------------------------------------------------------------------------------------- ntu60


def ntu60(asked: Asked) -> Iterator[Row]:
    """Run the study of NTU RGB+D 60 on simulated clips."""
    from ablation.stage import ablate
    from data.ntu.simulate import make_stand_in

    data = SimulateSection(
        folder=asked.folder / "ntu60" / "data",
        clips=asked.study_clips,
        performers=40,
        actions=tuple(range(1, 1 + asked.study_actions)),
        text=False,
    )
    yield {"what": f"simulating {asked.study_clips} clips", "s": seconds(lambda: make_stand_in(data, None))}
    config = study(asked)
    found, taken = timed(lambda: ablate(config))
    yield {"what": f"{len(config.arms)} arms, one seed, one stream: all of it", "s": taken.wall}
    for arm, figures in found.results["arms"].items():
        yield {"what": arm, "top-1, %": figures["top1"][0]}


def study(asked: Asked) -> AblateConfig:
    """Return the configuration for one seed and one stream, with simulated poses in place of Human3.6M's."""
    folder = asked.folder / "ntu60"
    poses = folder / "simulated1" / "poses"
    words = [
        *(f"run.dir={folder}/run", f"shared={folder}/shared", f"run.device={asked.device}"),
        *(f"data.store={folder}/data/raw", f"simulate.folder={folder}/simulated1", "seeds=[0]"),
        *("grid.splits=[xsub]", "grid.streams=[joint]", "grid.ensembles={}", f"refine.benchmarks.root={poses}"),
        *("refine.train.on=[ntusim_kinect_3D]", "refine.evaluate.on=[ntusim_kinect_3D]"),
        # it would be the arm `refined` again, for that learns from simulated poses here, too
        *(f"refiners.simulated.benchmarks.root={poses}", "refiners.simulated.model.window=16", *asked.study_words),
    ]
    return load_config(AblateConfig, CONFIGS / "ablate" / "ntu60.yaml", words)


# -------------------------------------------------------------------------------------------------------- retrain


def retrain(asked: Asked) -> Iterator[Row]:
    """Learn refiners anew, and score them beside those that are shipped on simulated test performers."""
    from refine.steady import train
    from refine.steady.ntu25 import train as train_ntu25

    yield from _as_far_as("steady_ntu25", _shipped(asked, "steady_ntu25", train_ntu25))
    yield from _as_far_as("SmoothNet", _smoothnet(asked))
    yield from _as_far_as("steady", _shipped(asked, "steady", train))


def _as_far_as(name: str, rows: Iterator[Row]) -> Iterator[Row]:
    """Yield rows, and as a last one what went wrong."""
    try:
        yield from rows
    except Exception as error:
        yield {"refiner": name, FAILED: in_one_line(error)}


def _smoothnet(asked: Asked) -> Iterator[Row]:
    from refine.stage import refine

    config = smoothnet(asked)
    found, taken = timed(lambda: refine(config))
    for row in found["rows"]:
        words = (f"{way} MPJPE {row[way]['mpjpe']:.2f} Accel {row[way]['accel']:.3f}" for way in ("input", "output"))
        yield {"refiner": "SmoothNet, ntusim.yaml", "s": taken.wall, "scores": ", ".join(words)}


def smoothnet(asked: Asked) -> RefineConfig:
    """Return the configuration of SmoothNet's training."""
    folder = asked.folder / "smoothnet"
    words = [
        *(f"run.dir={folder}/run", f"run.device={asked.device}", f"simulate.folder={folder}/data"),
        *(f"benchmarks.root={folder}/data/poses", *asked.refine_words),
    ]
    return load_config(RefineConfig, CONFIGS / "refine" / "ntusim.yaml", words)


def _shipped(asked: Asked, name: str, module: Any) -> Iterator[Row]:
    from refine.shipped.registry import SHIPPED

    recipe = module.Recipe()
    if asked.examples:
        recipe = replace(recipe, examples=round(asked.examples * recipe.examples))
    else:
        short = {key: 2 for key in ("judge_steps", "mixer_steps", "places", "stretches") if hasattr(recipe, key)}
        recipe = replace(recipe, examples=4, **short)
    pool = Pool("processes" if asked.examples else "here")
    weights, taken = timed(lambda: module.train(asked.folder / name, recipe, pool=pool))
    for what, path in ((f"{recipe.examples} examples", weights), ("as shipped", SHIPPED[name].weights)):
        for line in _scores(path, 10_000 if asked.examples else 6):
            yield {"refiner": f"{name}, {what}", "s": taken.wall if path is weights else "", "scores": line}


def _scores(weights: Path, count: int) -> list[str]:
    """Return the lines of `steady_scores.py` on simulated test performers at severity 1."""
    from bench import steady_scores

    loaded = steady_scores.load(weights)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        steady_scores.stand_in(loaded, 1.0, True, False, count)
    return [" ".join(line.split()) for line in said.getvalue().splitlines() if " out " in line]


PARTS = (
    Part("steps", "Training steps", 240, steps),
    Part("refine", "Refining a store", 600, refine),
    Part("profile", "Where a training step spends its time", 90, profile),
    Part("pyskl", "PYSKL's recipe, shortened", 300, pyskl),
    Part("ntu60", "configs/ablate/ntu60.yaml, simulated, one seed, one stream", 3600, ntu60),
    Part("retrain", "Refiners learnt anew", 3600, retrain),
)


def main() -> None:
    """Measure, and write down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [part.name for part in PARTS]
    parser.add_argument("--output", type=Path, default=Path("card"))
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--tiny", action="store_true", help="the least of everything, to see that it works")
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--skip", nargs="+", choices=names, default=[])
    parser.add_argument("--seconds", nargs="+", default=[], metavar="PART=S", help="how long a part may take")
    parser.add_argument("--folder", type=Path, default=None, help="for stores and runs; a temporary one by default")
    parser.add_argument("--clips", type=int, help="of the training")
    parser.add_argument("--epochs", type=int, help="of the training, five passes each; 16 are the whole")
    parser.add_argument("--frames", type=int, help="of the store that is refined")
    parser.add_argument("--study-clips", type=int)
    parser.add_argument("--examples", type=float, help="times those that the shipped refiners have learnt from")
    given = parser.parse_args()
    most = dict(word.partition("=")[::2] for word in given.seconds)
    if unknown := sorted(set(most) - set(names)):
        parser.error(f"--seconds: there is no part {unknown[0]}; there are {', '.join(names)}")
    try:
        limits = {name: float(most.get(name, part.seconds)) for name, part in zip(names, PARTS, strict=True)}
        device = pick_device(given.device, "--device")
    except InputError as error:
        parser.error(str(error))
    except ValueError as error:
        parser.error(f"--seconds: {error}; give numbers, as in steps=90")
    about: dict[str, object] = {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "CPU",
        "processors": processor(),
        "PyTorch": torch.__version__,
        "tiny": given.tiny,
    }
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="on_a_card_") as scratch:
        asked = tiny(given.device, Path(scratch)) if given.tiny else Asked(given.device, Path(scratch))
        sizes = ("clips", "epochs", "frames", "study_clips", "examples")
        asked = replace(asked, **{key: getattr(given, key) for key in sizes if getattr(given, key) is not None})
        parts = [
            replace(part, seconds=limits[part.name])
            for part in PARTS
            if part.name in given.only and part.name not in given.skip
        ]
        try:
            run_parts(parts, asked, given.output, about)
        except InputError as error:
            parser.error(str(error))


if __name__ == "__main__":
    main()
