"""How the study was done, in sentences to paste into a paper: written from its configuration and its clips."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ablation.sections.conditions import AXES, condition_value
from ablation.sections.registry import MADE, SECTIONS, Section
from ablation.study.grid import parse_trained_on
from ablation.study.study import Study
from base.words import listed, plural
from data.skeletons.division import single_splits, subjects_of
from data.skeletons.store import ClipStore
from recognition.config import TrainSection
from recognition.input.selection import select_clips
from recognition.nets.registry import build_model

LEAD = """
<h3>Methods, to paste into a paper</h3>
<blockquote class="methods">
{% for paragraph in found %}
<p>{{ paragraph }}</p>
{% endfor %}
</blockquote>
<p class="note">The same text lies beside this page as <code>methods.txt</code>.</p>
"""
PLAIN = {"raw": "as measured", "oracle": "before noise was added"}
"""How skeletons came about for which a study names a path."""
NETWORKS = {"stgcn": "ST-GCN", "stgcn++": "ST-GCN++"}
"""What papers call them."""


@dataclass(frozen=True)
class Counts:
    """What is counted for the paragraphs.

    Parameters
    ----------
    clips, frames
        Of the whole store.
    fps
        Frames a second.
    source
        What the store was made from.
    train, validation
        Clips that are learnt from, and that the epoch is chosen by, with each seed.
    people, test_people
        Who is in the clips that are learnt from or chosen by, and who in those tested; empty where that is not known.
    actions
        What the recogniser tells apart.
    parameters
        Of the recogniser.
    """

    clips: int
    frames: int
    fps: float
    source: str
    train: Sequence[int]
    validation: Sequence[int]
    people: frozenset[str]
    test_people: frozenset[str]
    actions: int
    parameters: int


def count(study: Study) -> Counts:
    """Count clips, people and parameters, under the first condition and, of several folds, in the first."""
    base: ClipStore = study.made.stores.get("raw", study.made.stores[study.against])
    config, condition = study.config, study.condition
    split = single_splits(base, condition.split)[0]
    chosen = [
        select_clips(base, split, config.data.validation, seed, condition.share) for seed in study.seeds
    ]  # fmt: skip
    who = subjects_of(base)

    def people(*rows: np.ndarray) -> frozenset[str]:
        return frozenset(np.unique(who[np.concatenate(rows)]).tolist()) - {""}

    with torch.device("meta"):  # shapes alone
        channels = base.layout.dims + (base.confidence is not None)
        net = build_model(config.recognize.model, base.layout, channels, len(chosen[0].actions))
    return Counts(
        len(base.clips),
        int(base.clips.frames.sum()),
        base.info.fps,
        base.info.source or str(base.folder.name),
        [len(one.train) for one in chosen],
        [len(one.validation) for one in chosen],
        people(*(rows for one in chosen for rows in (one.train, one.validation))),
        people(chosen[0].test),
        len(chosen[0].actions),
        sum(weights.numel() for weights in net.parameters()),
    )


def describe_methods(study: Study) -> list[str]:
    """Write the paragraphs."""
    found = study.get(count)
    return [_data(study, found), _skeletons(study), _recogniser(study, found), _statistics(study), _software(study)]


def _data(study: Study, found: Counts) -> str:
    layout, simulate = study.clips.layout, study.made.source.simulate
    label = study.arms[study.against].label
    most = 100 * np.bincount(label).max() / len(label)
    kind = "simulated clips (a stand-in for NTU RGB+D)" if study.clips.simulated else f"clips made from {found.source}"
    said = [
        f"Data: {found.clips:,} {kind}, {found.frames:,} frames of {len(layout.joints)} joints in "
        f"{layout.dims} dimensions at {found.fps:g} frames a second, of {plural(found.actions, 'action')} (chance "
        f"level {100 / found.actions:.1f}%; the most frequent action is {most:.1f}% "
        "of the test clips)."
    ]
    if simulate is not None and (study.clips.simulated or study.clips.errors_put_on):
        put = " put on them" if study.clips.errors_put_on else ""
        said.append(
            f"The simulated Kinect's errors{put} had severity {simulate.severity:g} (1 is a Kinect's as measured) in "
            f"the setting {simulate.setting}; the simulation's seed was {simulate.seed}."
        )
    share = "" if study.condition.share == 1 else f"{study.condition.share:.0%} of the training clips, "
    held = f", {_several(found.validation)} for choosing the epoch" if any(found.validation) else ""
    people = ""
    if found.test_people:
        both = len(found.people & found.test_people)
        apart = f"{both} of them in both" if both else "nobody in both"
        learnt = "training and validation" if any(found.validation) else "training"
        known = plural(len(found.people), "person", "people")
        people = f"; {known} in {learnt}, {len(found.test_people)} in testing, {apart}"
    said.append(
        f"Split {study.condition.split}: {share}{_several(found.train, ' clips')} for training{held} and "
        f"{len(study.names):,} for testing{people}."
    )
    return " ".join(said)


def _several(counts: Sequence[int], of: str = "") -> str:
    low, high = min(counts), max(counts)
    return f"{low:,}{of}" if low == high else f"{low:,} to {high:,}{of} (by seed)"


def _skeletons(study: Study) -> str:
    config = study.config
    said = []
    for arm in study.arms:
        section = config.refiner_sections.get(arm)
        how = PLAIN.get(arm) or study.made.how.get(arm, "")
        if section is not None and section.train.checkpoint is None:
            train = section.train
            how += (
                f"; {plural(train.epochs, 'epoch')} of {'all' if train.windows is None else f'{train.windows:,}'} "
                f"windows, batch {train.batch}, learning rate {train.lr:g}"
            )
        said.append(f"{study.label(arm)} ({how})" if how else study.label(arm))
    return f"Skeletons compared, {study.label(study.against)} being the reference: {'; '.join(said)}."


def _recogniser(study: Study, found: Counts) -> str:
    config, condition = study.config, study.condition
    section, model, view = config.recognize, config.recognize.model, config.recognize.input
    train = section.train
    size = f"width {model.width}, {model.blocks} blocks, temporal kernel {model.temporal_kernel}"
    size += f", {model.partition} partition"
    aside = f", dropout {model.dropout:g}" if model.dropout else ""
    said = [
        f"Recogniser: {NETWORKS.get(model.name, model.name)} ({size}{aside}; {found.parameters:,} parameters) on the "
        f"stream {condition.stream.replace('_', ' ')}, {view.frames} frames of each clip ({view.sampling} sampling). "
        + _trained_on(study),
        f"Training took {plural(train.epochs, 'epoch')} of stochastic gradient descent (Nesterov momentum "
        f"{train.momentum:g}, weight decay {train.weight_decay:g}), batch {train.batch}, learning rate {train.rate:g} "
        f"after {plural(train.warmup, 'epoch')} of warm-up, {_schedule(train)}, {_augmented(train)}, computed in "
        f"{train.precision}.",
        f"The epoch that was best on {study.held_out} was kept." if study.held_out else "The last epoch was kept.",
        f"{plural(len(study.seeds), 'seed')} ({', '.join(map(str, study.seeds))}), each with the same first weights, "
        "order of clips and augmentation for all kinds of skeletons; the test clips were scored once, after training.",
    ]
    if train.start_from is not None:
        said.insert(1, f"Training began with the weights {train.start_from.name}.")
    conditions = study.plan.conditions
    varied = [
        f"{name} ({'; '.join(condition_value(study, axis, value) for value in values)})"
        for axis, name in AXES.items()
        if len(values := list(dict.fromkeys(getattr(one, axis) for one in conditions))) > 1
    ]
    if varied:
        said.append(f"The study also varied {listed(varied)}.")
    return " ".join(said)


def _trained_on(study: Study) -> str:
    """Say what recognisers are trained on and what they are tested on, under the first condition."""
    pairing, reference = study.condition.pairing, study.skeletons(study.against)
    given = parse_trained_on(pairing)
    if given is not None:
        return f"All were trained on {given.words(study.skeletons(given.arm))} and tested on each kind."
    return {
        "both": "For each kind of skeletons others were trained on it, and tested on it.",
        "test": f"All were trained on {reference} and tested on each kind.",
        "train": f"For each kind of skeletons others were trained on it, and all were tested on {reference}.",
        "mixed": f"For each kind others were trained on it and on {reference}, half the clips each, and tested on it.",
    }[pairing]


def _schedule(train: TrainSection) -> str:
    if train.schedule == "step":
        return f"lowered tenfold at epochs {listed(list(map(str, train.steps)))}"
    return {"cosine": "falling along a cosine", "constant": "then constant"}[train.schedule]


def _augmented(train: TrainSection) -> str:
    parts = [
        *([f"rotation by up to {train.rotation:g} rad about each axis"] if train.rotation else []),
        *([f"scaling by up to {train.scaling:.0%}"] if train.scaling else []),
        *([f"swapped actors ({train.swap:.0%})"] if train.swap else []),
        *([f"label smoothing {train.label_smoothing:g}"] if train.label_smoothing else []),
        *([f"moving average of the weights ({train.ema:g})"] if train.ema else []),
    ]
    return f"with {listed(parts)}" if parts else "without augmentation"


def _statistics(study: Study) -> str:
    return (
        f"Statistics: differences in top-1 accuracy are paired by clip and seed. {study.percent} intervals are a "
        f"percentile bootstrap over test clips{' and seeds' if len(study.seeds) > 1 else ''} "
        f"({study.config.statistics.resamples:,} resamples). P-values are of McNemar's exact test on predictions from "
        "scores averaged over the seeds, with Holm's correction for all comparisons of a table; below "
        f"{1 - study.confidence:.2g} a difference counts as shown. Equality within {study.margin:g} points was "
        "tested by two one-sided tests."
    )


def _software(study: Study) -> str:
    versions = dict(study.about.get("versions", {}))
    commit = versions.pop("commit", "unknown")
    used = ", ".join(f"{name} {number}" for name, number in versions.items())
    begun = f"; begun on {study.about['begun']}" if "begun" in study.about else ""
    return f"Software: Steady Skeletons, commit {commit[:12]}{' with changes' if ' ' in commit else ''}{begun}; {used}."


SECTIONS.add(
    "methods",
    Section(
        MADE,
        5,
        describe_methods,
        {"lead": LEAD},
        texts=lambda study, found: {"methods.txt": "\n\n".join(found) + "\n"},
    ),
)
