"""How time and memory grow with clips, frames, joints, people and classes, stage by stage, as a table of exponents.

Usage: python bench/growth.py [--axes clips frames ...] [--stages prepare steady ...] [--most N] [--folder FOLDER]

Each stage is run at each size of an axis, in this order, in a process of the axis' own on one thread. An exponent is
the slope of a straight line through the logarithms of processor time and size; `last` is that of the last two sizes
alone, where what is paid once no longer hides the rest. Memory is the peak while a stage runs, beyond what the process
had before it. Processor time, so that whatever else the machine does matters little.
"""

import argparse
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from importlib import import_module
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import current_mib, forget_peak, in_own_process, peak_mib, processor, timed
from data.ntu.names import ClipName
from data.skeletons.layouts import NTU25
from data.skeletons.opening import ClipStore, StoreInfo, open_store
from data.skeletons.store import StoreWriter, Track

STEADY_FPS = 30.0


@dataclass(frozen=True)
class Size:
    """What a stage is given."""

    clips: int = 1
    frames: int = 4
    joints: int = 25
    people: int = 1
    classes: int = 60


AXES = {
    "clips": (Size(), (1_000, 10_000, 113_945)),
    "frames": (Size(), (1_000, 30_000, 1_000_000)),
    "joints": (Size(clips=32, frames=250), (17, 67, 133)),
    "people": (Size(clips=32, frames=250), (1, 2, 20)),
    "classes": (Size(clips=4_000), (10, 60, 400)),
}
"""What is varied, between which sizes, and what the rest is then."""

Work = Callable[[], object]


def write_store(folder: Path, size: Size, clips: Sequence[np.ndarray]) -> ClipStore:
    """Write clips [people, frames, joints, 3] one by one, as an import does."""
    joints = size.joints
    layout = {
        "joints": [f"joint {joint}" for joint in range(joints)],
        "bones": [[joint, (joint - 1) // 2] for joint in range(1, joints)],
        "centre": 0,
        "dims": 3,
    }
    own = {} if joints == 25 else {"layout": "tree", "own_layout": layout}
    with StoreWriter(folder, StoreInfo(fps=STEADY_FPS, **own)) as writer:
        for name, movement in zip(names(size), clips, strict=True):
            seen = np.full(movement.shape[1:3], 2, np.uint8)
            writer.add(name, size.frames, [Track(actor, 0, one, seen) for actor, one in enumerate(movement)])
    return open_store(folder)


def written(folder: Path, size: Size) -> ClipStore:
    """Return the store of this size, which the stages of an axis share."""
    store = folder.parent / "-".join(map(str, astuple(size)))
    return open_store(store) if store.exists() else write_store(store, size, movements(size))


def names(size: Size) -> list[ClipName]:
    return [
        ClipName(1 + at // 999 // 60 // 100, 1 + at // 999 // 60 % 100, 1 + at // 60 % 999, 1, 1 + at % 60)
        for at in range(size.clips)
    ]


def movements(size: Size) -> Sequence[np.ndarray]:
    """Return [people, frames, joints, 3] for each clip: smooth movement and a little noise, the same in all."""
    random = np.random.default_rng(0)
    time = np.arange(size.frames)[:, None, None] / STEADY_FPS
    rest = random.normal(0, 0.3, (size.people, 1, size.joints, 3))
    swing = 0.1 * np.sin(2 * np.pi * time * random.uniform(0.3, 1, (size.joints, 3)) + 1)
    noise = random.normal(0, 0.01, (min(size.frames, 1000), size.joints, 3))
    one = (rest + swing + np.resize(noise, swing.shape) + [0, 0, 3]).astype(np.float32)
    one[1:] += 1
    return [one] * size.clips


# Stages: each makes what it needs, untimed, and returns what is timed.


def prepare(folder: Path, size: Size) -> Work:
    from data.ntu.prepare import DataSection, PrepareConfig
    from data.ntu.prepare import prepare as run
    from data.ntu.text import Body, Skeleton, write_skeleton

    movement = movements(replace(size, clips=1))[0]
    seen = np.full(movement.shape[1:3], 2, np.uint8)
    bodies = tuple(Body(1 + at, np.arange(size.frames), one, seen) for at, one in enumerate(movement))
    text = write_skeleton(Skeleton(size.frames, bodies))
    raw = folder / "raw.zip"
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name in names(size):
            packed.writestr(f"{name}.skeleton", text)
    return lambda: run(PrepareConfig(data=DataSection(raw=raw, store=folder / "prepared", executor="here")))


def write(folder: Path, size: Size) -> Work:
    clips = movements(size)
    return lambda: write_store(folder / "written", size, clips)


def open_(folder: Path, size: Size) -> Work:
    store = written(folder, size)
    return lambda: open_store(store.folder)


def gaussian(folder: Path, size: Size) -> Work:
    from refine.apply import apply_filter

    store = written(folder, size)
    return lambda: apply_filter(store, "gaussian", {"sigma_s": 0.1}, folder / "filtered")


def smooth(folder: Path, size: Size) -> Work:
    """Refine an array of one recording by the Gaussian filter, as somebody's own files are."""
    return _smoothed(folder, size, "one.npy")


def smooth_csv(folder: Path, size: Size) -> Work:
    """Do so with a table of a column for each coordinate."""
    return _smoothed(folder, size, "one.csv")


def _smoothed(folder: Path, size: Size, name: str) -> Work:
    from refine.files.smoothing import Smoothing
    from refine.files.stage import smooth

    one = movements(replace(size, clips=1))[0]
    if name.endswith(".npy"):
        np.save(folder / name, one if size.people > 1 else one[0])
    else:
        heads = ["frame", *(f"{joint}_{axis}" for joint in NTU25.joints for axis in "xyz")]
        with (folder / name).open("w") as file:
            file.write(",".join(heads).replace(" ", "_") + "\n")
            for first in range(0, size.frames, 10_000):
                rows = one[0, first : first + 10_000].reshape(-1, len(heads) - 1)
                np.savetxt(file, np.column_stack([np.arange(first, first + len(rows)), rows]), "%.6g", ",")
    asked = Smoothing(model="gaussian", fps=STEADY_FPS)
    return lambda: list(smooth([folder / name], folder / "refined", asked))


def steady(folder: Path, size: Size) -> Work:
    from refine.apply import apply_refiner
    from refine.shipped.registry import load_shipped

    store, refiner = written(folder, size), load_shipped("steady")
    return lambda: apply_refiner(store, refiner, folder / "refined")


def batches(folder: Path, size: Size) -> Work:
    """Put all clips into memory, and draw an epoch of batches of 64."""
    from recognition.config import InputSection, TrainSection
    from recognition.input.batches import training_batches
    from recognition.input.loading import load_clips

    store = written(folder, size)

    def work() -> None:
        clips = load_clips(store, np.arange(len(store.clips)), np.unique(store.clips.action), "cpu")
        for _ in training_batches(clips, InputSection(frames=16), TrainSection(batch=64), seed=0, epoch=0):
            pass

    return work


def step(folder: Path, size: Size) -> Work:
    """Take one training step of the published network, on a batch of eight clips."""
    import torch

    from recognition.config import ModelSection
    from recognition.nets.registry import build_model

    layout = written(folder, replace(size, clips=1)).layout
    model = build_model(ModelSection(), layout, 3, size.classes)
    x = torch.randn(8 * size.people, 32, size.joints, 3)
    clip, label = torch.arange(8).repeat_interleave(size.people), torch.arange(8)

    def work() -> None:
        torch.nn.functional.cross_entropy(model(x, clip, 8), label).backward()

    work()
    return work


def statistics(folder: Path, size: Size) -> Work:
    """Compare two arms of three seeds, whole and by class, with 1,000 resamples."""
    from ablation.statistics import class_effects, compare, confusion_changes
    from recognition.scores import SeedScores

    random = np.random.default_rng(0)
    clip = np.array([f"{at:06d}" for at in range(size.clips)])
    label, action = np.arange(size.clips) % size.classes, 1 + np.arange(size.classes)
    arms = {
        name: SeedScores(clip, label, random.random((3, size.clips, size.classes), np.float32), action)
        for name in ("raw", "refined")
    }

    def work() -> None:
        compare(arms, [("refined", "raw")], resamples=1000, confidence=0.95, seed=0)
        class_effects(arms["raw"], arms["refined"], resamples=1000, confidence=0.95, seed=0)
        confusion_changes(arms["raw"], arms["refined"], 20)

    return work


def report(folder: Path, size: Size) -> Work:
    """Write the page, tables and figures of a study of four arms in two seeds; all else has been found in it."""
    from ablation.page.report import write_report

    make_study = import_module("tests.ablation.conftest").make_study  # a study without trainings
    gains = {"raw": 0.0, "gaussian": 0.01, "refined": 0.04, "oracle": 0.1}
    study = make_study(gains, clips=size.clips, classes=size.classes, seeds=2, resamples=100)
    (folder / "run").mkdir()
    return lambda: write_report(folder / "run", "growth", study)


ALL = 10**9

STAGES: dict[str, tuple[Callable[[Path, Size], Work], dict[str, int]]] = {
    "prepare": (prepare, {"clips": ALL, "people": 2}),
    "write": (write, {"clips": ALL, "frames": ALL, "joints": ALL, "people": ALL}),
    "open": (open_, {"clips": ALL, "frames": ALL, "joints": ALL, "people": ALL}),
    "gaussian": (gaussian, {"clips": ALL, "frames": ALL, "joints": ALL, "people": ALL}),
    "steady": (steady, {"clips": ALL, "frames": ALL, "joints": ALL, "people": ALL}),
    "smooth": (smooth, {"frames": ALL, "people": ALL}),
    "smooth csv": (smooth_csv, {"frames": 300_000}),
    "batches": (batches, {"clips": ALL, "frames": ALL, "joints": ALL, "people": ALL}),
    "step": (step, {"joints": ALL, "people": ALL, "classes": ALL}),
    "statistics": (statistics, {"clips": ALL, "classes": ALL}),
    "report": (report, {"clips": 10_000, "classes": ALL}),
}
"""Each stage, and the axes that mean something to it, up to which size: `.skeleton` text has 25 joints, a study knows
two people of a clip, and a table has 32 million cells at most."""

REPEATED_BELOW = 1.0
"""Seconds; what takes less is run three times, and the least counts."""


def measure(stage: str, size: Size, shared: Path) -> tuple[float, float]:
    """Return processor seconds, and MiB beyond what this process had; `shared` is for what stages share."""
    taken: list[float] = []
    memory: list[float] = []
    while not taken or (len(taken) < 3 and taken[-1] < REPEATED_BELOW):
        with tempfile.TemporaryDirectory(dir=shared) as folder:
            work = STAGES[stage][0](Path(folder), size)
            forget_peak()
            before = current_mib()
            taken.append(timed(work)[1].processor)
            memory.append(peak_mib() - before)
    return min(taken), max(memory)


def run_axis(axis: str, stages: Sequence[str], most: int, folder: str | None) -> None:
    """Measure the stages along an axis, and print a row of each."""
    with tempfile.TemporaryDirectory(dir=folder) as shared:
        for stage in stages:
            if axis in STAGES[stage][1]:
                print(row_of(stage, axis, min(most, STAGES[stage][1][axis]), Path(shared)), flush=True)


def row_of(stage: str, axis: str, most: int, shared: Path) -> str:
    """Measure a stage at each size of an axis."""
    base, all_values = AXES[axis]
    values = sorted({min(value, most) for value in all_values})
    found = [measure(stage, replace(base, **{axis: value}), shared) for value in values]
    times, memories = zip(*found, strict=True)
    fit = np.polyfit(np.log(values), np.log(times), 1)[0]
    last = np.diff(np.log(times))[-1] / np.diff(np.log(values))[-1]
    cells = [
        axis,
        stage,
        ", ".join(f"{value:,}" for value in values),
        ", ".join(f"{time:.2g}" for time in times),
        f"{fit:.2f}",
        f"{last:.2f}",
        ", ".join(f"{memory:.0f}" for memory in memories),
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description="How time and memory grow.")
    parser.add_argument("--axes", nargs="+", choices=AXES, default=list(AXES))
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--most", type=int, default=ALL, help="The largest size; larger ones are cut to it.")
    parser.add_argument("--folder", help="Where stores are written; the system's temporary folder by default.")
    given = parser.parse_args()
    print(processor())
    print("| axis | stage | sizes | processor s | exponent | last | MiB |")
    print("|---|---|---|---|---|---|---|")
    for axis in given.axes:
        in_own_process(run_axis, axis, given.stages, given.most, given.folder)


if __name__ == "__main__":
    main()
