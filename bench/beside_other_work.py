"""How long an epoch of training takes quiet, and beside one other busy process, as threads wait for each other.

An epoch of the default study's recogniser on as many clips (or of a larger one, by `--width 64 --blocks 10`; by
`--refiner` as many steps of its SmoothNet) is trained in its own process: by several threads that spin, as the OpenMP
library does by itself, or wait passively, as the command line sets it where others are at work
(`training/threads.py`), and by one thread, as `recognize` trains small networks anywhere (`training/devices.py`). The
busy process does nothing but count. The cases take turns, so that whatever else the machine does meets all of them;
the medians are compared.

    python bench/beside_other_work.py [--clips 330] [--repeats 3] [--threads 2] [--spins 300 3000] [--refiner]
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import print_table, take_turns
from training.threads import SETTINGS

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    Made = tuple[nn.Module, Optimizer, Callable[[], Tensor]]

BATCH, FRAMES, CLASSES = 16, 32, 20
"""Of the default study."""
WORK = "import itertools\nfor _ in itertools.count(): pass"


def epoch(clips: int, threads: int, width: int, blocks: int, refiner: bool, warm_up: int = 4) -> float:
    """Train an epoch on random clips or windows, as the default study does, and return its seconds."""
    import time

    import torch

    from training.devices import pick_device
    from training.fit import train_epoch

    pick_device("cpu")
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model, optimizer, loss = refiner_of_the_study() if refiner else recogniser(width, blocks)
    train_epoch(model, optimizer, (loss() for _ in range(warm_up)))
    begin = time.perf_counter()
    train_epoch(model, optimizer, (loss() for _ in range(clips // BATCH)))
    return time.perf_counter() - begin


def recogniser(width: int, blocks: int) -> "Made":
    """Make a recogniser, its optimiser, and the loss of a batch of clips."""
    import torch
    from torch import Tensor
    from torch.nn import functional as F

    from data.skeletons.layouts import NTU25
    from recognition.config import ModelSection
    from recognition.nets.registry import build_model

    model = build_model(ModelSection(width=width, blocks=blocks), NTU25, 3, CLASSES)
    actors = BATCH * 6 // 5  # some clips have two
    x = torch.randn(actors, FRAMES, len(NTU25.joints), 3)
    clip, label = (torch.arange(actors) % BATCH).sort().values, torch.arange(BATCH) % CLASSES

    def loss() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            scores = model(x, clip, BATCH)
        return F.cross_entropy(scores.float(), label)

    return model, torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9), loss


def refiner_of_the_study() -> "Made":
    """Make the default study's SmoothNet, its optimiser, and the loss of a batch of 64 windows."""
    import torch

    from refine.config import TrainSection
    from refine.nets.loss import BatchLoss
    from refine.nets.registry import ModelSection, build_net
    from refine.train import new_optimizer

    net = build_net(ModelSection(window=32, hidden=512, res_hidden=16, blocks=1, dropout=0.0))
    train = TrainSection(on=("h36m_fcn_3D",))
    of_batch = BatchLoss(net, train.position_weight, train.acceleration_weight)
    detected, truth = torch.randn(2, 64 * 25 * 3, 32)
    return net, new_optimizer(net, train), lambda: of_batch(detected, truth)


def measure(options: Sequence[str], threads: int, setting: Mapping[str, str], busy: bool) -> float:
    """Train an epoch in a process of its own, beside a busy one or not."""
    environment = {**{name: value for name, value in os.environ.items() if name not in SETTINGS}, **setting}
    words = [sys.executable, __file__, *options, f"--threads={threads}", "--once"]
    other = subprocess.Popen([sys.executable, "-c", WORK]) if busy else None
    try:
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    finally:
        if other is not None:
            other.kill()
            other.wait()
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=330)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--blocks", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--spins", type=int, nargs="*", default=[], help="further values of GOMP_SPINCOUNT to try")
    parser.add_argument("--refiner", action="store_true", help="train the study's SmoothNet instead")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        print(epoch(given.clips, given.threads, given.width, given.blocks, given.refiner))
        return
    options = [f"--{name}={getattr(given, name)}" for name in ("clips", "width", "blocks")]
    options += ["--refiner"] * given.refiner
    settings: dict[str, tuple[int, dict[str, str]]] = {
        "spinning": (given.threads, {}),
        "passive": (given.threads, {"OMP_WAIT_POLICY": "PASSIVE"}),
        **{f"{spins} spins": (given.threads, {"GOMP_SPINCOUNT": str(spins)}) for spins in given.spins},
        "one thread": (1, {}),
    }
    works = {
        f"{name}{' beside' if busy else ''}": partial(measure, options, *setting, busy)
        for name, setting in settings.items()
        for busy in (False, True)
    }
    typical = {case: median(taken) for case, taken in take_turns(works, given.repeats, warm_up=0).items()}
    print(f"{' '.join(options)} --threads={given.threads}; medians of {given.repeats}")
    rows = []
    for name in settings:
        quiet, beside = typical[name], typical[f"{name} beside"]
        figures = quiet, beside, beside / quiet, beside / typical["spinning"]
        rows.append([name, *(f"{figure:.2f}" for figure in figures)])
    print_table(["waiting", "quiet, s", "beside another, s", "times its quiet", "times spinning's quiet"], rows)


if __name__ == "__main__":
    main()
