"""How long a recogniser's epoch takes quiet, and beside one other busy process, as threads wait for each other.

An epoch of the default study's recogniser on as many clips is trained in a process of its own: with the waiting that
the command line sets (`training/threads.py`), and as the OpenMP library does without. The busy process does nothing but
count. The cases take turns, so that whatever else the machine does meets all of them; the medians are compared.

    python bench/beside_other_work.py [--clips 330] [--repeats 3] [--threads 2]

It is as it should be where, with the default waiting, the busy time is at most 2.5 times the quiet one, and the quiet
one at most 3% longer than without.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
BATCH, FRAMES, CLASSES = 16, 32, 20
"""Of the default study."""
WORK = "import itertools\nfor _ in itertools.count(): pass"


def epoch(clips: int, threads: int, warm_up: int = 4) -> float:
    """Train an epoch on random clips, as the default study does, and return its seconds."""
    import time

    import torch
    from torch.nn import functional as F

    from data.skeletons.layouts import NTU25
    from recognition.config import ModelSection
    from recognition.nets.registry import build_model
    from training.devices import pick_device

    pick_device("cpu")
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = build_model(ModelSection(width=16, blocks=6), NTU25, 3, CLASSES).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    actors = BATCH * 6 // 5  # some clips have two
    x = torch.randn(actors, FRAMES, len(NTU25.joints), 3)
    clip, label = torch.arange(actors) % BATCH, torch.arange(BATCH) % CLASSES
    begin = 0.0
    for step in range(warm_up + clips // BATCH):
        if step == warm_up:
            begin = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(model(x, clip.sort().values, BATCH), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - begin


def measure(clips: int, threads: int, passive: bool, busy: bool) -> float:
    """Train an epoch in a process of its own, beside a busy one or not."""
    from training.threads import SETTINGS

    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    words = [sys.executable, __file__, "--clips", str(clips), "--threads", str(threads)]
    words += ["--case", "passive" if passive else "spinning"]
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
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--case", choices=("passive", "spinning"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case is not None:
        from training.threads import wait_passively

        if given.case == "passive":
            wait_passively()
        print(epoch(given.clips, given.threads))
        return
    cases = [(passive, busy) for passive in (True, False) for busy in (False, True)]
    taken: dict[tuple[bool, bool], list[float]] = {case: [] for case in cases}
    for _ in range(given.repeats):
        for case in cases:
            taken[case].append(measure(given.clips, given.threads, *case))
    typical = {case: median(seconds) for case, seconds in taken.items()}
    print(f"{given.clips} clips, {given.threads} threads, medians of {given.repeats}")
    for passive in (True, False):
        quiet, busy = typical[passive, False], typical[passive, True]
        name = "as the command line sets it" if passive else "as OpenMP does without"
        print(f"{name:28s} quiet {quiet:6.2f} s   beside a busy process {busy:6.2f} s   {busy / quiet:5.2f} times")
    print(f"quiet, against without: {100 * (typical[True, False] / typical[False, False] - 1):+.1f}%")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
