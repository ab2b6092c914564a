"""The recognisers of a study, each trained once in a folder named by what determines it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from ablation.study.config import AblateConfig
from ablation.study.grid import Condition, parse_trained_on
from ablation.study.hashes import content_of, name_of
from ablation.study.stores import Made, mixed_store
from base.config import read_kept
from base.errors import InputError
from data.skeletons.division import single_splits
from data.skeletons.opening import PEOPLE
from data.skeletons.store import ClipStore, open_store
from recognition.config import RecognizeConfig
from recognition.input.streams import Stream
from recognition.scores import (
    Scores,
    SeedScores,
    add_scores,
    by_name,
    join_scores,
    read_scores,
    stack_scores,
    write_scores,
)
from recognition.stage import recognize
from recognition.use.other_skeletons import score_on
from recognition.use.recognizer import load_recognizer
from training.devices import pick_device

FORMAT = 3
"""Changes when equal configurations give other results than before, so that no study takes them over."""

NEWER: Mapping[tuple[str, str], Any] = {
    ("train", "balance"): "none",
    ("train", "frozen"): False,
    ("input", "people"): PEOPLE,
    ("data", "more"): [],
    ("data", "same_people"): False,
}
"""Sections and keys that recognisers of earlier studies had no need of."""

ELSEWHERE: Mapping[str, Any] = {"run": {"dir", "device"}, "data": {"store", "clips"}, "simulate": True}
"""What says where a recogniser is trained, and changes nothing."""


@dataclass(frozen=True)
class Training:
    """One recogniser to train, and the stores besides its own to test it on.

    Parameters
    ----------
    title
        What to call it while it is trained.
    config
        How it is trained; `run.dir` is named by the hash of all that determines it.
    others
        By the hash of its content, each other store that it is tested on.
    """

    title: str
    config: RecognizeConfig
    others: tuple[tuple[str, Path], ...] = ()

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.config.run.dir

    @property
    def finished(self) -> bool:
        """Whether it is trained, and tested on all stores."""
        return (self.folder / "results.json").is_file() and all(self.scores(name).is_file() for name, _ in self.others)

    def scores(self, other: str | None = None) -> Path:
        """Where the test scores are or will be: those on its own store, or on another."""
        return self.folder / "scores.npz" if other is None else self.folder / "tested_on" / f"{other}.npz"


@dataclass(frozen=True)
class Use:
    """Where the scores of one arm, with one seed, under one condition come from: all of them, or those of one fold."""

    condition: Condition
    arm: str
    seed: int
    training: Training
    other: str | None

    @property
    def scores(self) -> Path:
        """The file of the scores."""
        return self.training.scores(self.other)


@dataclass(frozen=True)
class Plan:
    """All that a study needs.

    Parameters
    ----------
    conditions
        The conditions to report on, the first of every axis first; those of ensembles are sums of others.
    uses
        For every condition that is no ensemble's: arm, seed and recogniser.
    trainings
        The recognisers, each once, in the order to train them: all arms with one seed, then with the next, so that a
        study can be judged early.
    """

    conditions: list[Condition]
    uses: list[Use]
    trainings: list[Training]


def plan(config: AblateConfig, made: Sequence[Made], trained: Mapping[str, ClipStore] | None = None) -> Plan:
    """List the conditions of a study and the recognisers that they need.

    Within a seed the configurations of a condition differ in the clip store alone.

    Parameters
    ----------
    config
        The study.
    made
        The stores of each kind of noise.
    trained
        The stores that only recognisers are trained on, by the pairing that names them.
    """
    grid = config.grid
    splits = grid.splits or (config.data.split,)
    shown = grid.streams or (() if grid.ensembles else (config.recognize.input.stream,))
    contents: dict[Path, str] = {}
    uses: list[Use] = []
    conditions: list[Condition] = []
    for one, split, pairing, share in product(made, splits, grid.pairings, grid.shares):
        source = one.source
        base = Condition(split, "", pairing, source.severity, source.setting, share)
        conditions += [replace(base, stream=name) for name in (*shown, *grid.ensembles)]
        for seed, stream, arm in product(config.seeds, config.streams, config.arms):
            condition = replace(base, stream=stream)
            trained_on, tested_on = _pair(config, one, arm, pairing, trained or {})
            for store in (trained_on, tested_on):
                if store.folder not in contents:
                    contents[store.folder] = content_of(store)
            for fold in single_splits(tested_on, split):
                part = replace(condition, split=fold)
                training = _training(config, part, arm, seed, stream, trained_on, contents[trained_on.folder])
                other = contents[tested_on.folder]
                if other == contents[trained_on.folder]:
                    uses.append(Use(condition, arm, seed, training, None))
                else:
                    elsewhere = replace(training, others=((other, tested_on.folder.resolve()),))
                    uses.append(Use(condition, arm, seed, elsewhere, other))
    order = sorted(range(len(uses)), key=lambda at: config.seeds.index(uses[at].seed))
    trainings: dict[Path, Training] = {}
    for at in order:
        training = uses[at].training
        known = trainings.setdefault(training.folder, training)
        trainings[training.folder] = replace(known, others=tuple(dict.fromkeys((*known.others, *training.others))))
    return Plan(conditions, uses, list(trainings.values()))


def _pair(
    config: AblateConfig, made: Made, arm: str, pairing: str, trained: Mapping[str, ClipStore]
) -> tuple[ClipStore, ClipStore]:
    """Return the stores to train and to test on."""
    mine, reference = made.stores[arm], made.stores[config.against]
    training = parse_trained_on(pairing)
    if training is not None:
        return trained[pairing] if pairing in trained else made.stores[training.arm], mine
    if pairing == "test":
        return reference, mine
    if pairing == "train":
        return mine, reference
    if pairing == "mixed" and arm != config.against:
        return mixed_store(config, reference, mine), mine
    return mine, mine


def _training(
    config: AblateConfig, condition: Condition, arm: str, seed: int, stream: Stream, store: ClipStore, content: str
) -> Training:
    recognizer = config.recognizer(stream, condition.share)
    # absolute paths: a worker on another machine may have a working folder of its own
    place = {"store": store.folder.resolve(), "split": condition.split}
    recognizer = recognizer.model_copy(
        update={
            "run": recognizer.run.model_copy(update={"seed": seed}),
            "data": recognizer.data.model_copy(update=place),
        }
    )
    what = recognizer.model_dump(mode="json", exclude=dict(ELSEWHERE))
    for (section, key), as_ever in NEWER.items():  # what all had before there was the key goes unsaid
        if what[section][key] == as_ever:
            del what[section][key]
    folder = config.shared_folder.resolve() / "cells" / name_of("cell", {"format": FORMAT, "store": content, **what})
    mixed = ["mixed"] if condition.pairing == "mixed" and arm != config.against else []
    given = parse_trained_on(condition.pairing)
    who = config.label(arm) if given is None else given.words(config.label(given.arm))
    parts = [who, *mixed, f"seed {seed}", *_particulars(config, condition)]
    run = recognizer.run.model_copy(update={"dir": folder})
    return Training(", ".join(parts), recognizer.model_copy(update={"run": run}))


def _particulars(config: AblateConfig, condition: Condition) -> Iterator[str]:
    """Name where a condition lies on the axes that a study varies."""
    grid = config.grid
    if len(grid.severities or ()) > 1:
        yield f"severity {condition.severity:g}"
    if len(grid.settings or ()) > 1:
        yield str(condition.setting)
    if len(grid.splits or ()) > 1 or condition.split not in (grid.splits or (config.data.split,)):
        yield condition.split
    if len(grid.shares) > 1:
        yield f"{condition.share:.0%} of the training clips"
    if grid.ensembles or len(grid.streams or ()) > 1:
        yield condition.stream.replace("_", " ")


def train_one(training: Training) -> dict[str, Any]:
    """Train and test a recogniser, or go on where it was interrupted, and test it on the other stores.

    Returns
    -------
    The content of its `results.json`.

    Raises
    ------
    InputError
        Its store, its folder or its results cannot be used.
    """
    folder = training.folder
    kept = folder / "results.json"
    results = read_results(kept) if kept.is_file() else recognize(training.config, again=_begun_elsewhere(training))
    missing = [(name, path) for name, path in training.others if not training.scores(name).is_file()]
    if missing:
        recognizer = load_recognizer(folder, pick_device(training.config.run.device))
        train, split = training.config.train, training.config.data.split
        for name, path in missing:
            found = score_on(recognizer, open_store(path), split, batch=2 * train.batch, bf16=train.precision == "bf16")
            training.scores(name).parent.mkdir(exist_ok=True)
            write_scores(training.scores(name), found)
    return results


def read_results(path: Path) -> dict[str, Any]:
    """Read the results of a recogniser.

    Raises
    ------
    InputError
        The file is damaged, or from another version.
    """
    try:
        found = json.loads(path.read_text())
        if missing := [key for key in ("top1", "top5", "mean_class_accuracy", "seconds") if key not in found]:
            raise ValueError(f"{missing[0]!r} is missing")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error}); delete its folder, and it is trained again") from error
    results: dict[str, Any] = found
    return results


def _begun_elsewhere(training: Training) -> bool:
    """Whether an unfinished run of the same content, but of a store at another place, is there: it cannot go on."""
    kept = training.folder / "config.yaml"
    try:
        content = read_kept(training.folder)
        places = content["data"]["store"], content["run"]["dir"]
        return places != (str(training.config.data.store), str(training.folder))
    except (ValueError, LookupError, TypeError):
        return kept.exists()


Gathered = Mapping[Condition, Mapping[str, tuple[tuple[int, ...], SeedScores]]]
"""For every condition the seeds and scores of each arm."""


def gather(config: AblateConfig, plan: Plan, failed: Mapping[Path, str]) -> tuple[Gathered, list[str]]:
    """Read the scores of every arm under every condition.

    Parameters
    ----------
    config
        The study.
    plan
        Its plan.
    failed
        Folders of recognisers that could not be trained, and why.

    Returns
    -------
    scores, failures
        For every condition the seeds and scores of each arm that has any; and a line for what is missing.
    """
    failures = dict.fromkeys(failed.values())
    folds: dict[tuple[Condition, str, int], list[Use]] = {}
    for use in plan.uses:
        folds.setdefault((use.condition, use.arm, use.seed), []).append(use)
    single: dict[tuple[Condition, str, int], Scores] = {}
    for place, found_uses in folds.items():
        if any(use.training.folder in failed for use in found_uses):
            continue
        try:
            scores = [by_name(read_scores(use.scores), str(use.scores)) for use in found_uses]
            single[place] = scores[0] if len(scores) == 1 else join_scores(scores, config.label(place[1]))
        except InputError as error:
            failures[str(error)] = None
    found: dict[Condition, dict[str, tuple[tuple[int, ...], SeedScores]]] = {}
    for condition in plan.conditions:
        summed = config.grid.ensembles.get(condition.stream, {condition.stream: 1.0})
        weights = {str(stream): weight for stream, weight in summed.items()}
        for arm in config.arms:
            seeds: dict[int, Scores] = {}
            for seed in config.seeds:
                places = {stream: (replace(condition, stream=stream), arm, seed) for stream in weights}
                if all(place in single for place in places.values()):
                    parts = {stream: single[place] for stream, place in places.items()}
                    seeds[seed] = add_scores(parts, weights)
            if seeds:
                layers = {f"{config.label(arm)}, seed {seed}": scores for seed, scores in seeds.items()}
                found.setdefault(condition, {})[arm] = (tuple(seeds), stack_scores(layers))
    return found, list(failures)
