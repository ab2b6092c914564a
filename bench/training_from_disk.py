"""Memory and time of a training whose clips are in memory, and of one that reads them from a file.

    python bench/training_from_disk.py [--clips 2000 20000] [--batch 64] [--steps 200]

A small ST-GCN (8 channels, 3 blocks, 32 frames) learns for so many steps of an epoch from a store of simulated clips.
Each way has a process of its own. Memory is what the process has beyond what it had before it opened the store, without
pages of files, which the system can take back; from a file, training is measured with its pages in the system's cache
and without. The losses must be the same to the bit.
"""

import argparse
import os
import resource
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import STATUS, Taken, in_own_process, print_table, processor, timed
from bench.refine_store import make_store
from data.skeletons.store import open_store
from recognition.config import InputSection, ModelSection, TrainSection
from recognition.input.batches import steps_per_epoch, training_batches
from recognition.input.loading import load_clips
from recognition.nets.registry import build_model
from recognition.train import batch_loss
from training.fit import train_epoch

WAYS = ("in memory", "in a file", "in a file, cold")
FRAMES_A_CLIP = 124
"""Of the clips that are written again and again, both actors together."""


def anonymous_mib() -> float:
    """Return the memory of this process that is no page of a file, MiB."""
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines["RssAnon"].split()[0]) / 1024


@contextmanager
def most_memory(most: list[float]) -> Iterator[None]:
    """Append the most memory that is seen within the block; it looks every hundredth of a second."""
    done, seen = threading.Event(), [anonymous_mib()]

    def look() -> None:
        while not done.wait(0.01):
            seen.append(anonymous_mib())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        most.append(max(seen))


def cold(joints: Tensor, path: Path) -> Tensor:
    """Return the same from a file that the system has nothing of in memory, so that the disk is waited for."""
    with path.open("wb") as file:
        file.write(joints.numpy().data)
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return torch.from_numpy(np.memmap(path, np.float32, "r+", shape=tuple(joints.shape)))


def disk_reads() -> int:
    """Return how often this process has waited for a page from the disk."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_majflt


def train(folder: Path, way: str, batch: int, steps: int) -> tuple[int, list[float], Taken, Taken, int, list[float]]:
    """Return clips, memory of loading and of training, what each took, how often the disk was read, and the losses."""
    torch.set_num_threads(1)
    store = open_store(folder / "raw")
    rows = np.arange(len(store.clips))
    start = anonymous_mib()
    most: list[float] = []
    losses: list[float] = []
    with most_memory(most):
        place = None if way == WAYS[0] else folder
        clips, loading = timed(
            lambda: load_clips(store, rows, np.unique(store.clips.action), "cpu", True, folder=place)
        )
    if way == WAYS[2]:
        clips = replace(clips, joints=cold(clips.joints, folder / "joints"))
    view = InputSection(frames=32, rotate_to_body=True)
    recipe = TrainSection(batch=batch)
    torch.manual_seed(0)
    classes = len(np.unique(store.clips.action))
    model = build_model(ModelSection(width=8, blocks=3), store.layout, clips.channels, classes)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)

    def each() -> Iterator[Tensor]:
        for part in islice(training_batches(clips, view, recipe, seed=0, epoch=0), steps):
            loss = batch_loss(model(part.x, part.clip, len(part.label)), part, 0.0)
            losses.append(loss.item())
            yield loss

    read = disk_reads()
    with most_memory(most):
        _, training = timed(lambda: train_epoch(model, optimizer, each()))
    every = steps_per_epoch(len(clips), recipe) / len(losses)
    whole = Taken(training.wall * every, training.processor * every)
    return len(clips), [one - start for one in most], loading, whole, disk_reads() - read, losses


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[2_000, 20_000])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--folder", type=Path, default=None, help="for the stores; a temporary one by default")
    asked = parser.parse_args()
    print(f"{processor()}, one thread, PyTorch {torch.__version__}")
    rows = []
    for count in asked.clips:
        with tempfile.TemporaryDirectory(dir=asked.folder, prefix="training_from_disk_") as name:
            make_store(Path(name), FRAMES_A_CLIP * count)
            found = {}
            for way in WAYS:
                found[way] = in_own_process(train, Path(name), way, asked.batch, asked.steps)
                clips, memory, loading, whole, read, _ = found[way]
                cells = (f"{memory[0]:.0f}", f"{memory[1]:.0f}", f"{loading.processor:.2f}", f"{whole.processor:.1f}")
                rows.append((f"{clips} clips, {way}", *cells, f"{whole.wall:.1f}", f"{read}"))
            if any(found[way][-1] != found[WAYS[0]][-1] for way in WAYS):
                sys.exit(f"the losses of {count} clips differ")
    heads = (
        "",
        "loading, MiB",
        "training, MiB",
        "loading, processor s",
        "epoch, processor s",
        "epoch, s",
        "reads of the disk",
    )
    print_table(heads, rows)
    print("all losses are the same to the bit")


if __name__ == "__main__":
    main()
