"""Training the live `steady` on the material of the other one, frame by frame as it will be used.

    python -m refine.live.train FOLDER

It is deterministic and goes on where it was interrupted. Every sequence is learnt from at one delay, drawn from none to
a third of a second; so one file of weights serves any of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch

from base.executors.registry import Pool
from base.files import atomic_file
from refine.live.track import JUDGE_FEATURES, Track
from refine.steady.bank import Clock
from refine.steady.fitting import (
    HELD_OUT,
    HERE,
    LEARNT_FROM,
    SHARD,
    begin,
    fading_weights_are_zero,
    from_command_line,
    make_material,
)
from refine.steady.learning import (
    BLIND,
    TRAVEL,
    JudgeSample,
    MixerSample,
    Recipe,
    TorchNetwork,
    fit_judge,
    fit_mixer,
    mean_over,
    mixer_loss,
)
from refine.steady.material import Example, make_example
from refine.steady.net import Network, Networks, save_networks

DELAYS = (0.0, 0.0, 0.0, 0.033, 0.067, 0.1, 0.133, 0.133, 0.133, 0.2, 0.267, 0.333)
"""Seconds."""

LIVE = Recipe(examples=1600, judge_steps=4000, mixer_steps=3500, acceleration=10.0, gain=2.0, even=0.3)

SMALL = 3e-4


def given(example: Example) -> np.ndarray:
    """Return the confidences of an example, 0 for what is missing."""
    seen = np.isfinite(example.noisy).all(axis=-1)
    confidence = np.ones(seen.shape) if example.confidence is None else example.confidence
    return np.where(seen, confidence, 0.0)


def follow(example: Example, networks: Networks, lag: int, each: Callable[[Track, int, float], None]) -> list[float]:
    """Let a track take in an example; `each` sees it after every frame, with its number and the body's size."""
    frames, joints, dims = example.noisy.shape
    track = Track(networks, example.fps, lag, joints, dims)
    confidence = given(example)
    sizes = []
    for frame in range(frames):
        track.advance(example.noisy[frame].astype(float), confidence[frame], frame / example.fps)
        sizes.append(track.size)
        each(track, frame, sizes[-1])
    return sizes


def judge_sample(seed: int, number: int, performers: tuple[int, ...]) -> JudgeSample:
    """Make an example and what the judge shall say of it, at once and a little later."""
    example = make_example(seed, number, performers)
    frames = len(example.noisy)
    confidence = given(example)
    error = np.where(confidence[..., None] > 0, example.noisy - example.truth, 0.0)
    error = error - mean_over(Clock(example.fps), 0.8, error)
    off = np.linalg.norm(error, axis=-1)
    numbers, target, seen = [], [], []

    def each(track: Track, frame: int, size: float) -> None:
        found = track.judge_numbers()
        # Now one, now the other, as the two are of a kind with the means over joints.
        row = (frame + number) % len(track.ages)
        if frame < 2 or frame % 2 or frames < 3:
            return
        at = max(0, frame - track.ages[row])
        numbers.append(found[:, row].T)
        target.append(np.log(off[at] / size + SMALL))
        seen.append(confidence[at] > 0)

    follow(example, BLIND, 0, each)
    return JudgeSample(
        np.array(numbers, np.float16).reshape(-1, off.shape[1], JUDGE_FEATURES),
        np.array(target, np.float16).reshape(-1, off.shape[1]),
        np.array(seen, bool).reshape(-1, off.shape[1]),
    )


def mixer_sample(seed: int, number: int, performers: tuple[int, ...], judge: Network, delay: float) -> MixerSample:
    """Make an example and what each smoother makes of it, so many seconds later."""
    example = make_example(seed, number, performers)
    lag = round(delay * example.fps)
    frames, _joints, _dims = example.noisy.shape
    lag = min(lag, frames - 8)
    numbers, off = [], []

    def each(track: Track, frame: int, size: float) -> None:
        track.believe(judge(track.judge_numbers())[0])
        if frame >= lag:
            found = track.look(lag)
            numbers.append(found.numbers[:, 0].T)
            error = found.levels + (example.noisy[frame - lag] - example.truth[frame - lag]).T
            seen = np.isfinite(example.noisy[frame - lag]).all(axis=-1)
            # What was not seen is not given out.
            off.append((np.where(seen, error, 0.0) / size).transpose(2, 0, 1))

    sizes = follow(example, Networks(judge, judge), lag, each)
    kept = frames - lag
    truth = example.truth[:kept] / np.median(sizes)
    span = max(1, round(TRAVEL * example.fps))
    errors = np.array(off, np.float32)
    return MixerSample(
        np.array(numbers, np.float16),
        errors,
        (truth[span:] - truth[:-span]).astype(np.float16),
        float(np.linalg.norm(errors[:, :, 0], axis=-1).mean()),
        example.fps,
        example.kind,
    )


def _at_delays(
    seed: int, number: int, performers: tuple[int, ...], judge: Network, delays: Sequence[float]
) -> MixerSample:
    """Make one for the delays in turn."""
    return mixer_sample(seed, number, performers, judge, delays[number % len(delays)])


@fading_weights_are_zero()
def train(folder: Path, recipe: Recipe, say: Callable[[str], None] = print, pool: Pool = HERE) -> Path:
    """Train both networks; see `refine.steady.train.train`."""
    note = begin(folder, recipe, say)
    torch.manual_seed(recipe.seed)
    count = max(SHARD, recipe.examples // 2)
    of_judge = partial(judge_sample, recipe.seed, performers=LEARNT_FROM)
    made = make_material(folder, "judge", count, of_judge, note, pool)
    judge = fit_judge(folder, [one for one in made if len(one.numbers)], recipe, note)

    make = partial(_at_delays, recipe.seed + 1, performers=LEARNT_FROM, judge=judge, delays=DELAYS)
    make_held_out = partial(_at_delays, recipe.seed + 2, performers=HELD_OUT, judge=judge, delays=(0.0, 0.133))
    held_out = list(make_material(folder, "held_out", 2 * SHARD, make_held_out, note, pool))
    mixer_set = list(make_material(folder, "mixer", recipe.examples, make, note, pool))

    def write(net: TorchNetwork) -> None:
        about = {"recipe": asdict(recipe), "command": "python -m refine.live.train"}
        with atomic_file(folder / "live.safetensors") as temporary:
            temporary.write_bytes(save_networks(Networks(judge, net.plain(), about)))

    def mixed(step: int, net: TorchNetwork, value: float) -> None:
        totals = []
        for row in range(2):
            parts: dict[str, float] = {}
            chosen = held_out[row::2]
            with torch.inference_mode():
                for sample in chosen:
                    weights = net(torch.from_numpy(sample.numbers).float()).softmax(-1)
                    mixer_loss(weights, sample, recipe, parts)
            totals.append(" ".join(f"{key[:3]} {part / len(chosen):.4f}" for key, part in parts.items()))
        note(f"mixer: step {step}, loss {value:.4f}, held out at once {totals[0]}; after 0.13 s {totals[1]}")
        write(net)

    fit_mixer(folder, mixer_set, 2, lambda weights, sample: weights, recipe, mixed)
    return folder / "live.safetensors"


if __name__ == "__main__":
    from_command_line(__doc__, LIVE, train)
