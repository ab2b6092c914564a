"""Time live recognition: milliseconds an update and a decision, frames a second, and whether caching would pay.

The second table is of the network alone, a person. `window`: it runs over the last frames once more, as is done.
`cached`: every temporal convolution keeps the frames that it needs of the layer before and computes one new frame
(Hedegaard et al., "Continual spatio-temporal graph convolutional networks", 2022); this is done here only, and
compared with the whole network where no zeros at the ends are in sight.

Usage: python bench/live_recognition.py [--frames 95] [--fps 30]
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import math
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import print_table, processor, timed
from bench.steady_speed import walk
from data.skeletons.layouts import LAYOUTS
from recognition import Live
from recognition.config import InputSection, ModelSection
from recognition.nets.folding import fold
from recognition.nets.registry import build_model
from recognition.nets.stgcn import STGCN, Block
from training.weights_file import WEIGHTS, weights_bytes

ACTIONS = 60


@dataclass(frozen=True)
class Size:
    """A network's size, and the frames that it sees."""

    name: str
    width: int
    blocks: int
    frames: int
    people: tuple[int, ...]

    @property
    def section(self) -> ModelSection:
        """Its configuration."""
        return ModelSection(width=self.width, blocks=self.blocks)


SIZES = (Size("small", 24, 6, 48, (1, 2, 5)), Size("ST-GCN", 64, 10, 64, (1, 2)))
SKELETONS = ("coco17", "ntu25", "wholebody133")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=95)
    parser.add_argument("--fps", type=float, default=30.0)
    asked = parser.parse_args()
    least = math.ceil(max(size.frames for size in SIZES) * max(1.0, asked.fps / 30)) + 3
    if asked.frames < least:
        parser.error(f"--frames {asked.frames}: expected at least {least}, for a few decisions behind a full window")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"{processor()}, one thread; milliseconds of processor time\n")
    heads = ["network, joints, people", "update", "decision", "95%", "frames/s at 2 decisions/s", "at one each frame"]
    cases = [(size, layout, people) for size in SIZES for layout in SKELETONS for people in size.people]
    print_table(heads, [_live(*case, asked) for case in cases])
    print()
    heads = ["network, joints", "window MFLOP", "cached MFLOP", "window ms", "cached ms", "late s", "off by"]
    print_table(heads, [_cost(size, layout, asked.fps) for size in SIZES for layout in SKELETONS])


def _published(size: Size, layout: str, folder: Path) -> Path:
    """Write an untrained network as if it had been published."""
    joints = LAYOUTS[layout]
    flat = joints.dims == 2
    net = build_model(size.section, joints, joints.dims + flat, ACTIONS)
    about = {
        "model": size.section.model_dump(mode="json"),
        "layout": layout,
        "confidence": flat,
        "actions": list(range(1, ACTIONS + 1)),
        "input": InputSection(frames=size.frames).model_dump(mode="json"),
        "fps": 30.0,
        "image": [1920, 1080] if flat else None,
    }
    (folder / WEIGHTS).write_bytes(weights_bytes({**about, "state_dict": net.state_dict()}))
    return folder


def _live(size: Size, layout: str, people: int, asked: argparse.Namespace) -> list[object]:
    """Feed people frame by frame until their windows are full, and then with a decision after each frame."""
    joints = LAYOUTS[layout]
    poses = walk(asked.frames, len(joints.joints))[..., : joints.dims] * (200 if joints.dims == 2 else 1)
    with tempfile.TemporaryDirectory() as folder:
        model = _published(size, layout, Path(folder))
        live = Live(model, device="cpu", rate=asked.fps, least=1, tell=lambda line: None)
    updates: list[float] = []
    decisions: list[float] = []
    for number, pose in enumerate(poses):
        for person in range(people):
            found, taken = timed(partial(live.update, pose + person, number / asked.fps, person))
            (decisions if found else updates).append(1000 * taken.processor)
    update, decision = float(np.median(updates)), float(np.median(decisions[2:]))
    return [
        f"{size.name}, {len(joints.joints)}, {people}",
        f"{update:.3f}",
        f"{decision:.1f}",
        f"{np.percentile(decisions[2:], 95):.1f}",
        f"{1000 / (update * people + 2 * decision / asked.fps):.0f}",
        f"{1000 / (update * people + decision):.0f}",
    ]


class Cached:
    """A block of a folded network that computes one frame at a time, as late as half of its kernel."""

    def __init__(self, block: Block) -> None:
        assert isinstance(block.temporal, nn.Conv2d)
        self.block, self.temporal = block, block.temporal
        kernel, self.stride = self.temporal.kernel_size[0], self.temporal.stride[0]
        self.rows: deque[Tensor] = deque(maxlen=kernel)
        self.given: deque[Tensor] = deque(maxlen=kernel // 2 + 1)
        self.seen = 0

    def step(self, x: Tensor) -> Tensor | None:
        """Take in a frame [A, 1, V, C]; return one of the next block's, or None if none is due."""
        self.rows.append(F.relu(self.block.spatial(x)).permute(0, 3, 1, 2))
        self.given.append(x.permute(0, 3, 1, 2))
        self.seen += 1
        late = self.seen - len(self.given)  # the frame in the middle of the kernel
        if len(self.rows) < self.rows.maxlen or late % self.stride:  # type: ignore[operator]
            return None
        y = F.conv2d(torch.cat(tuple(self.rows), 2), self.temporal.weight, self.temporal.bias)
        if self.block.residual is not None:
            residual = self.block.residual
            part = residual[0] if isinstance(residual, nn.Sequential) else None
            same = self.given[0]
            # the frame is chosen already: no stride
            y = y + (F.conv2d(same, part.weight, part.bias) if isinstance(part, nn.Conv2d) else same)
        return F.relu(y).permute(0, 2, 3, 1)


def _cached(net: STGCN) -> Callable[[Tensor], Tensor | None]:
    blocks = [Cached(block) for block in net.blocks if isinstance(block, Block)]

    def step(x: Tensor) -> Tensor | None:
        """Take in a frame [A, V, C]; return the last block's newest frame if there is one."""
        found: Tensor | None = net.input_norm(x.flatten(1)).view(x.shape).unsqueeze(1)
        for block in blocks:
            if found is None:
                break
            found = block.step(found)
        return found

    return step


@torch.inference_mode()
def _cost(size: Size, layout: str, fps: float) -> list[object]:
    """Compare a window's run with one cached step; both of one person."""
    joints = LAYOUTS[layout]
    channels = joints.dims + (joints.dims == 2)
    net = fold(build_model(size.section, joints, channels, ACTIONS).eval())
    assert isinstance(net, STGCN)
    # how many frames one value of the last block sees, and so how late it is
    convolutions = [block.temporal for block in net.blocks if isinstance(block, Block)]
    kernels = [one.kernel_size[0] for one in convolutions if isinstance(one, nn.Conv2d)]
    strides = np.cumprod([one.stride[0] for one in convolutions if isinstance(one, nn.Conv2d)])
    before = [1, *strides[:-1].tolist()]
    sees = 1 + sum((kernel - 1) * step for kernel, step in zip(kernels, before, strict=True))
    window = torch.randn(1, size.frames, len(joints.joints), channels)
    one = torch.zeros(1, dtype=torch.int64)
    frames = torch.randn(sees + 64, 1, len(joints.joints), channels)
    step = _cached(net)
    last: list[Tensor] = [found for x in frames if (found := step(x)) is not None]
    whole = net.blocks(net.input_norm(frames.flatten(1)).view(1, len(frames), *frames.shape[2:]))
    first = sees // 2 // int(strides[-1])
    gap = max(float((found[:, 0] - whole[:, first + number]).abs().max()) for number, found in enumerate(last))
    every = int(strides[-1])  # frames after which everything repeats

    def rerun() -> None:
        net(window, one, 1)

    def cached() -> None:
        for x in frames[:every]:
            found = step(x)
        net.classifier(found.mean((1, 2)) if found is not None else torch.zeros(1, net.classifier.in_features))

    return [
        f"{size.name}, {len(joints.joints)}",
        f"{_flops(rerun):.1f}",
        f"{_flops(cached) / every:.2f}",
        f"{_milliseconds(rerun, 15):.2f}",
        f"{_milliseconds(cached, 15) / every:.2f}",
        f"{(sees // 2) / fps:.2f}",
        f"{gap / float(whole.abs().max()):.0e}",
    ]


def _flops(work: Callable[[], None]) -> float:
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() / 1e6


def _milliseconds(work: Callable[[], None], repeats: int) -> float:
    taken = [1000 * timed(work)[1].processor for _ in range(repeats)]
    return float(np.median(taken[repeats // 4 :]))


if __name__ == "__main__":
    main()
