"""Loss curves of one recogniser, trained by 1, 2 and 4 processes that share every batch, side by side.

Usage: python bench/distributed_curves.py [--clips 160] [--epochs 8] [--processes 1 2 4] [--figure distributed.png]

Simulated clips; several processes are started by torchrun and connected by gloo, through Lightning Fabric. The same
seed, so that what is different is the order of sums, whose rounding grows from step to step. Ends with status 1 if the
loss of the first epoch is further than 1e-5 from that of the first number of processes, or any further than --most, as
a share of it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from itertools import chain, repeat
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from base.words import plural
from bench.measure import print_table, processor

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = (
    "run.device=cpu", "simulate.text=false", "data.validation=0.2", "input.frames=16", "model.width=8",
    "model.blocks=4", "train.precision=fp32", "train.batch=16",
)  # fmt: skip


def losses(folder: Path, processes: int, clips: int, epochs: int) -> list[float]:
    """Train, and return the loss of each epoch."""
    run = folder / f"run-{processes}"
    words = [str(ROOT / "run.py"), "recognize", *SETTINGS, f"run.devices={processes}", f"run.dir={run}"]
    words += [f"simulate.folder={folder / 'simulated'}", f"data.store={folder / 'simulated' / 'raw'}"]
    words += [f"simulate.clips={clips}", f"train.epochs={epochs}"]
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *(launcher if processes > 1 else []), *words]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode:
        sys.exit(f"{plural(processes, 'process', 'processes')}: {done.stderr}")
    return [epoch["loss"] for epoch in json.loads((run / "history.json").read_text())["epochs"]]


def draw(found: dict[int, list[float]], figure: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plot, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    looks = chain([(5, "-"), (2.5, "-")], repeat((1, "--")))
    for (processes, loss), (width, style) in zip(found.items(), looks, strict=False):
        label = plural(processes, "process", "processes")
        axes.plot(np.arange(1, len(loss) + 1), loss, style, linewidth=width, label=label)
    axes.set(xlabel="epoch", ylabel="training loss", ylim=(0, None))
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    plot.savefig(figure, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description="Loss curves of 1, 2 and 4 processes.")
    parser.add_argument("--clips", type=int, default=160)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--most", type=float, default=0.01)
    given = parser.parse_args()
    print(processor())
    with tempfile.TemporaryDirectory() as folder:
        found = {number: losses(Path(folder), number, given.clips, given.epochs) for number in given.processes}
    first = np.array(found[given.processes[0]])
    apart = {number: np.abs(np.array(loss) / first - 1) for number, loss in found.items()}
    heads = ["processes", *(f"epoch {number}" for number in range(1, given.epochs + 1)), "farthest"]
    print_table(heads, [(n, *(f"{one:.5f}" for one in loss), f"{apart[n].max():.1g}") for n, loss in found.items()])
    if given.figure:
        draw(found, given.figure)
    sys.exit(any(far[0] > 1e-5 or far.max() > given.most for far in apart.values()))


if __name__ == "__main__":
    main()
