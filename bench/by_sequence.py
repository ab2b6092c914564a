"""Differences between a study's arms with whole sequences drawn anew, where several clips are cut from each.

Clips of one sequence resemble each other, and the report's intervals, which draw clips, are too narrow then.

    python run.py ablate configs/ablate/h36m.yaml
    python bench/by_sequence.py configs/ablate/h36m.yaml
"""

import csv
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ablation.statistics import bootstrap_interval, in_points, paired_differences
from ablation.study.config import AblateConfig
from base.config import load_config
from data.skeletons.store import open_store
from recognition.scores import SeedScores, read_scores, stack_scores

Key = tuple[str, str, str]
"""Split, pairing and arm."""


def read_study(config: AblateConfig) -> dict[Key, SeedScores]:
    """Read the scores of a study of one stream, severity and share."""
    found: dict[Key, dict[str, Path]] = {}
    with (config.run.dir / "cells.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            folder = Path(row["folder"])
            path = folder / row["scores"] if row["scores"] == "scores.npz" else folder / "tested_on" / row["scores"]
            found.setdefault((row["split"], row["pairing"], row["arm"]), {})[row["seed"]] = path
    return {
        key: stack_scores({seed: read_scores(path) for seed, path in paths.items()}) for key, paths in found.items()
    }


def main(study: Annotated[Path, typer.Argument(help="A finished study of clips that `run.py cut` made.")]) -> None:
    """Print each arm's difference from the reference, by clips and by sequences."""
    config = load_config(AblateConfig, study, ())
    store = open_store(config.data.store)
    scores = read_study(config)
    for (split, pairing, arm), after in scores.items():
        before = scores[split, pairing, config.against]
        sequence = np.array([store.title(str(name)).rpartition("/")[0] for name in after.clip])
        differences = paired_differences(before, after, config.against, arm)
        ends = []
        for groups in (None, sequence):
            rng, chosen = np.random.default_rng(config.run.seed), config.statistics
            interval = bootstrap_interval(
                differences, resamples=chosen.resamples, confidence=chosen.confidence, rng=rng, people=groups
            )
            ends.append("{:+.1f} to {:+.1f}".format(*in_points(interval)))
        print(
            f"{split}, {pairing}, {arm}: {100 * after.correct.mean():.1f}, {100 * differences.mean():+.1f}, by clips "
            f"{ends[0]}, by {len(np.unique(sequence))} sequences {ends[1]}"
        )


if __name__ == "__main__":
    typer.run(main)
