"""The PYSKL recipe on as many clips as NTU RGB+D 60's X-Sub has, on one accelerator: minutes for its 80 passes.

The clips are made in memory (random walks with NTU's lengths and as many second actors) and are trained on by the
function and the recipe of `python run.py recognize configs/recognize/pyskl.yaml`, checkpoints and all. Beside it, the
time of one step of the same network in the plain formulation (see `recognition_speed.py`) in eager float32, and the
bf16 peak that a matrix product reaches on this device.

    python bench/recognition_gpu.py [--epochs 16] [--clips 40091] [--compile]

Each of the 16 epochs shows every clip five times. With fewer epochs or clips the time of the whole is extrapolated and
said to be so. `--device cpu --clips 64 --epochs 1 --width 8 --batch 16` runs anywhere, to see that it works.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from base.config import load_config
from bench.measure import seconds, take_turns
from bench.recognition_speed import SECOND_ACTORS, Plain
from data.skeletons.layouts import NTU25
from recognition.config import RecognizeConfig
from recognition.evaluate import score
from recognition.input.batches import training_batches
from recognition.input.loading import LoadedClips
from recognition.nets.registry import build_model
from recognition.nets.stgcn import STGCN
from recognition.train import train
from training.devices import pick_device
from training.runs import open_run

CLIPS, CLASSES = 40_091, 60
RECIPE = Path(__file__).resolve().parents[1] / "configs" / "recognize" / "pyskl.yaml"


def simulated(clips: int, device: torch.device) -> LoadedClips:
    """Return clips of 84 frames on average, from 32 to 300, of which 11 in 60 have a second actor."""
    rng = np.random.default_rng(0)
    frames = np.clip(rng.lognormal(np.log(78), 0.4, clips), 32, 300).astype(np.int64)
    actors = 1 + (rng.random(clips) < SECOND_ACTORS)
    length = torch.from_numpy(np.repeat(frames, actors))
    generator = torch.Generator(device).manual_seed(0)
    joints = torch.empty(int(length.sum()), 25, 3, device=device)
    for rows in joints.split(1 << 20):
        rows.normal_(0, 0.4, generator=generator)
    return LoadedClips(
        name=np.array([f"clip{n:06d}" for n in range(clips)]),
        label=torch.from_numpy(rng.integers(0, CLASSES, clips)).to(device),
        frames=torch.from_numpy(frames).to(device),
        joints=joints,
        first_frame=torch.zeros_like(length).to(device),
        length=length.to(device),
        first_row=(length.cumsum(0) - length).to(device),
        track_of=torch.from_numpy(np.concatenate([[0], actors.cumsum()])),
        layout=NTU25,
        device=device,
        origin=1,
    )


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Return the median seconds of some calls, the device's work included."""

    def whole() -> None:
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return median(take_turns({"it": lambda: seconds(whole)}, 5, warm_up=3)["it"])


def peak(device: torch.device) -> float:
    """Return the FLOP/s of a square bfloat16 matrix product."""
    size = 8192 if device.type == "cuda" else 1024
    square = torch.randn(size, size, dtype=torch.bfloat16, device=device)
    return 2 * size**3 / seconds_of(lambda: square @ square, device)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--clips", type=int, default=CLIPS)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--compile", action="store_true")
    asked = parser.parse_args()
    device = pick_device(asked.device)
    with tempfile.TemporaryDirectory() as folder:
        words = [
            f"run.dir={folder}/run",
            f"train.epochs={asked.epochs}",
            f"train.batch={asked.batch}",
            f"train.compile={str(asked.compile).lower()}",
            f"model.width={asked.width}",
            "data.store=none",
        ]
        config = load_config(RecognizeConfig, RECIPE, words)
        clips = simulated(asked.clips, device)
        nobody = simulated(0, device)
        name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
        print(f"{name}, PyTorch {torch.__version__}; {asked.clips} clips, {len(clips.joints)} skeletons")

        torch.manual_seed(0)
        model = build_model(config.model, NTU25, 3, CLASSES).to(device)
        assert isinstance(model, STGCN)
        part = next(training_batches(clips, config.input, config.train, seed=0, epoch=0))

        def step(x: Tensor, network: torch.nn.Module, *given: object) -> None:
            F.cross_entropy(network(x, *given).float(), part.label).backward()

        with FlopCounterMode(display=False) as counter:
            step(part.x, model, part.clip, len(part.label))
        work = counter.get_total_flops() / len(part.label)
        model.zero_grad()

        def ours() -> None:
            with torch.autocast(device.type, torch.bfloat16):
                scores = model(part.x, part.clip, len(part.label))
            F.cross_entropy(scores.float(), part.label).backward()

        dense = torch.randn(len(part.label), 3, config.input.frames, 25, 2, device=device)
        plain = Plain(model).to(device).train()
        times = {
            "plain, eager, float32, empty actors too": seconds_of(lambda: step(dense, plain), device),
            "ours, eager, bf16": seconds_of(ours, device),
        }
        top = peak(device)
        print(f"bf16 peak by a matrix product: {top / 1e12:.1f} TFLOP/s")
        for what, taken in times.items():
            print(f"step of {len(part.label)} clips, {what}: {1e3 * taken:.1f} ms")
        print(f"ours against plain: {times[next(iter(times))] / times['ours, eager, bf16']:.2f} times as fast")

        run = open_run(config)
        taken = seconds(lambda: train(model, clips, nobody, config.train, config.input, run, 0))
        passes = config.train.repeat * config.train.epochs
        rate = passes * asked.clips / taken
        print(f"{passes} passes: {taken:.1f} s, {rate:.0f} clips/s, {100 * rate * work / top:.1f}% of the peak")
        if (passes, asked.clips) != (80, CLIPS):
            print(f"80 passes over {CLIPS} clips would take {80 * CLIPS / rate / 60:.1f} min (extrapolated)")
        samplings, batch = config.test.clips, 2 * asked.batch
        taken = seconds(lambda: score(model, clips, config.input, batch=batch, samplings=samplings, bf16=True))
        print(f"scoring at {samplings} samplings: {asked.clips / taken:.0f} clips/s")


if __name__ == "__main__":
    main()
