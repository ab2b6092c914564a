"""Training `steady` on simulated material: first the judge of observations, then the mixer of smoothers.

    python -m refine.steady.train FOLDER

makes the material, trains both, and writes `FOLDER/steady.safetensors`. It is deterministic, goes on where it was
interrupted, and takes less than an hour on two processor cores.
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from base.executors.registry import Pool
from base.files import atomic_file
from refine.steady.bank import Clock
from refine.steady.features import SMALL
from refine.steady.fitting import (
    HELD_OUT,
    HERE,
    LEARNT_FROM,
    SHARD,
    begin,
    fading_weights_are_zero,
    from_command_line,
    make_material,
    spread,
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
from refine.steady.material import make_example
from refine.steady.net import Network, Networks, save_networks
from refine.steady.smoother import Steady, measure, prepare

JUDGE_EVERY = 3
"""Every so many frames the judge learns from."""


def judge_sample(seed: int, number: int, performers: tuple[int, ...]) -> JudgeSample:
    """Make an example and what the judge shall say of it."""
    example = make_example(seed, number, performers)
    partners = measure(example.noisy, example.confidence)
    size, partners = partners.size, partners.scaled()
    given = prepare(example.noisy, example.confidence, size)
    clock = Clock(example.fps)
    steady = Steady(BLIND, example.fps)
    numbers = steady.features.judge(given.x, given.confidence, partners.strain(given.x)).transpose(1, 2, 0)
    error = np.where(given.confidence[..., None] > 0, example.noisy - example.truth, 0.0) / size
    # What stays for long cannot be told, and does not matter to a smoother: it is the same for all frames around.
    usual = mean_over(clock, 0.8, error)
    off = np.linalg.norm(error - usual, axis=-1)
    rows = slice(number % JUDGE_EVERY, None, JUDGE_EVERY)
    return JudgeSample(
        numbers[rows].astype(np.float16),
        np.log(off[rows] + SMALL).astype(np.float16),
        given.confidence[rows] > 0,
    )


def mixer_sample(seed: int, number: int, performers: tuple[int, ...], judge: Network) -> MixerSample:
    """Make an example and what each smoother makes of it."""
    example = make_example(seed, number, performers)
    partners = measure(example.noisy, example.confidence)
    size, partners = partners.size, partners.scaled()
    given = prepare(example.noisy, example.confidence, size)
    steady = Steady(Networks(judge, judge), example.fps)
    found = steady.smooth(given.x, given.confidence, partners)
    truth = (example.truth - given.centre) / size
    off = np.stack([level.transpose(0, 2, 1) - truth for level in found.levels], axis=2)
    lag = max(1, round(TRAVEL * example.fps))
    raw = float(np.linalg.norm(off[:, :, 0], axis=-1).mean())
    travel = truth[lag:] - truth[:-lag]
    return MixerSample(
        steady.features.mixer(*found.seen).transpose(1, 2, 0).astype(np.float16),
        off.astype(np.float32),
        travel.astype(np.float16),
        raw,
        example.fps,
        example.kind,
    )


@fading_weights_are_zero()
def train(folder: Path, recipe: Recipe, say: Callable[[str], None] = print, pool: Pool = HERE) -> Path:
    """Train both networks.

    Parameters
    ----------
    folder
        Where material, checkpoints and weights are written.
    recipe
        How.
    say
        Told how it goes.
    pool
        Who makes the material.

    Returns
    -------
    Path
        Of the weights.

    Raises
    ------
    InputError
        Something else was begun in the folder.
    """
    note = begin(folder, recipe, say)
    torch.manual_seed(recipe.seed)
    count = max(SHARD, recipe.examples // 2)
    of_judge = partial(judge_sample, recipe.seed, performers=LEARNT_FROM)
    judge_set = list(make_material(folder, "judge", count, of_judge, note, pool))
    judge = fit_judge(folder, judge_set, recipe, note)
    del judge_set

    make = partial(mixer_sample, recipe.seed + 1, performers=LEARNT_FROM, judge=judge)
    make_held_out = partial(mixer_sample, recipe.seed + 2, performers=HELD_OUT, judge=judge)
    held_out = list(make_material(folder, "held_out", 2 * SHARD, make_held_out, note, pool))
    mixer_set = list(make_material(folder, "mixer", recipe.examples, make, note, pool))

    def weigh(at_places: Tensor, sample: MixerSample) -> Tensor:
        spread_out = spread(at_places.flatten(1), len(sample.off), Clock(sample.fps).step)
        return spread_out.unflatten(1, at_places.shape[1:])

    def mixed(step: int, net: TorchNetwork, value: float) -> None:
        parts: dict[str, dict[str, float]] = {}
        raw: dict[str, float] = {}
        number: dict[str, int] = {}
        with torch.inference_mode():
            for sample in held_out[:: 1 if step % 1000 == 0 else 4]:
                places = net(torch.from_numpy(sample.numbers).float()).softmax(-1)
                mixer_loss(weigh(places, sample), sample, recipe, parts.setdefault(sample.kind, {}))
                raw[sample.kind] = raw.get(sample.kind, 0.0) + sample.raw
                number[sample.kind] = number.get(sample.kind, 0) + 1
        said = "; ".join(
            f"{kind} raw {raw[kind] / n:.4f} "
            + " ".join(f"{key[:3]} {value / n:.4f}" for key, value in parts[kind].items())
            for kind, n in sorted(number.items())
        )
        total = sum(one["total"] for one in parts.values()) / sum(number.values())
        note(f"mixer: step {step}, loss {value:.4f}, held out {total:.4f}; {said}")
        write(net)

    def write(net: TorchNetwork) -> None:
        about = {"recipe": asdict(recipe), "command": "python -m refine.steady.train"}
        with atomic_file(folder / "steady.safetensors") as temporary:
            temporary.write_bytes(save_networks(Networks(judge, net.plain(), about)))

    fit_mixer(folder, mixer_set, 3, weigh, recipe, mixed)
    return folder / "steady.safetensors"


if __name__ == "__main__":
    from_command_line(__doc__, Recipe(), train)
