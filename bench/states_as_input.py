"""What a recogniser reaches that is told which joints are guesses: raw skeletons with their tracking states as input.

No refiner adds anything to what was measured, so a recogniser that sees all of it, skeletons and states, says what
there is to be had by training on it. The states go in as 25 further joints, each hanging on the joint that it is about:
at the origin where that is tracked, half a metre above where it is inferred, a metre where it is not seen.

    python run.py ablate configs/ablate/shift.yaml
    python bench/states_as_input.py configs/ablate/shift.yaml

trains the study's recognisers on such skeletons, of its first severity, and compares them with those that it has
trained on raw ones, over the same seeds.
"""

import csv
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ablation.statistics import compare
from ablation.study.config import AblateConfig
from base.config import load_config
from data.ntu.names import parse_name
from data.skeletons.layouts import NTU25, Layout, content_of
from data.skeletons.store import ClipStore, StoreWriter, Track, open_store, track_of
from recognition.config import RecognizeConfig
from recognition.scores import SeedScores, read_scores, stack_scores
from recognition.stage import recognize

COUNT = len(NTU25.joints)
LAYOUT = Layout(
    "ntu25_states",
    (*NTU25.joints, *(f"state of {joint}" for joint in NTU25.joints)),
    (*NTU25.bones, *((COUNT + joint, joint) for joint in range(COUNT))),
    NTU25.centre,
    NTU25.root,
    NTU25.dims,
)
HEIGHT = np.array([1.0, 0.5, 0.0], np.float32)
"""Metres above the origin, by state."""


def with_states(track: Track, origin: np.ndarray) -> Track:
    """Return a track with a joint for each state; `origin` [3] is where recognisers put the clip's zero."""
    shown = np.repeat(origin[None, None], len(track.joints), axis=0).repeat(COUNT, axis=1)
    shown[..., 1] += HEIGHT[track.tracked]
    states = np.concatenate([track.tracked, np.full_like(track.tracked, 2)], axis=1)
    return Track(
        track.actor, track.first_frame, np.concatenate([track.joints, shown], axis=1), states, frames=track.frames
    )


def make_store(raw: ClipStore, folder: Path) -> None:
    """Write the clips of a store of NTU RGB+D's joints with their states."""
    info = raw.info.model_copy(update={"layout": LAYOUT.name, "own_layout": content_of(LAYOUT), "skipped": []})
    with StoreWriter(folder, info) as writer:
        for row, name in enumerate(raw.clips.name):
            tracks = [track_of(raw, int(track)) for track in raw.tracks_of(row)]
            first = tracks[0]
            origin = first.joints[np.argmax(first.tracked[:, NTU25.centre] > 0), NTU25.centre]
            parsed = parse_name(str(name))
            writer.add(parsed, int(raw.clips.frames[row]), [with_states(track, origin) for track in tracks])


def trained(config: AblateConfig, store: Path, folder: Path) -> SeedScores:
    """Train the study's recogniser on a store with each of its seeds."""
    found = {}
    for seed in config.seeds:
        one = config.recognizer("joint")
        values = one.model_dump() | {"run": {"dir": folder / str(seed), "seed": seed, "device": config.run.device}}
        values["data"] |= {"store": store, "split": config.data.split}
        run = RecognizeConfig.model_validate(values)
        if not (run.run.dir / "results.json").is_file():
            recognize(run)
        found[f"seed {seed}"] = read_scores(run.run.dir / "scores.npz")
    return stack_scores(found)


def of_study(config: AblateConfig, arm: str) -> SeedScores:
    """Return the scores of recognisers that a study has trained and tested on an arm, of its first severity."""
    severity = (config.grid.severities or (None,))[0]
    with (config.run.dir / "cells.csv").open(newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if (row["arm"], row["pairing"], row["severity"]) == (arm, "both", "" if severity is None else str(severity))
        ]
    return stack_scores({row["seed"]: read_scores(Path(row["folder"]) / row["scores"]) for row in rows})


def main(
    study: Annotated[Path, typer.Argument(help="A finished study with the pairing `both`.")],
    folder: Annotated[Path, typer.Option(help="Where its own store and recognisers go.")] = Path("runs/states"),
) -> None:
    """Train on skeletons with states, and compare with the study's arms."""
    config = load_config(AblateConfig, study, ())
    if not (folder / "store").exists():
        make_store(open_store(config.data.store), folder / "store")
    scores = {"raw + states": trained(config, folder / "store", folder)}
    scores |= {arm: of_study(config, arm) for arm in config.arms}
    chosen = config.statistics
    settings = {"resamples": chosen.resamples, "confidence": chosen.confidence, "seed": config.run.seed}
    pairs = [(arm, config.against) for arm in scores if arm != config.against]
    for name, one in scores.items():
        print(f"{name}: top-1 {', '.join(f'{value:.1f}' for value in 100 * one.correct.mean(1))}")
    for found in compare(scores, pairs, **settings):  # type: ignore[arg-type]
        low, high = found.interval or (np.nan, np.nan)
        print(f"{found.arm} less {found.against}: {found.difference:+.1f} ({low:+.1f} to {high:+.1f})")


if __name__ == "__main__":
    typer.run(main)
