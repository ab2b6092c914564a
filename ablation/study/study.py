"""All that a study has when its recognisers are tested: what every section of the report is computed from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import numpy as np

from ablation.skeletons import unit
from ablation.study.config import AblateConfig
from ablation.study.grid import Condition
from ablation.study.known import OnKnown
from ablation.study.plan import Gathered, Plan
from ablation.study.stores import Made, open_truth
from base.errors import InputError
from data.ntu.actions import ACTIONS_120
from data.skeletons.labels import Labels
from data.skeletons.layouts import Layout
from data.skeletons.store import ClipStore
from recognition.scores import SeedScores

Found = TypeVar("Found")


@dataclass(frozen=True)
class ClipsTested:
    """The clips that recognisers are tested on.

    Parameters
    ----------
    people
        Who is in each of them, int64 [N], in the order of the scores.
    simulated
        Whether they are simulated.
    layout
        Their joints.
    labels
        What their owner calls them; None for NTU RGB+D's.
    errors_put_on
        Whether they are recordings that a simulated Kinect's errors were put on.
    """

    people: np.ndarray
    simulated: bool
    layout: Layout
    labels: Labels | None = None
    errors_put_on: bool = False

    @property
    def people_known(self) -> bool:
        """Whether it is known who is in them."""
        return self.labels is None or bool(self.labels.subjects)

    @property
    def performers(self) -> int:
        """How many people they show."""
        return len(np.unique(self.people))


@dataclass(frozen=True)
class Study:
    """What a study has: its scores and skeletons, and how they came about.

    Parameters
    ----------
    config, plan
        What was asked for.
    made
        The stores of the clips that the report is about, and how they were made.
    truth
        The same clips without noise, if there are any.
    gathered
        The scores of every arm under every condition.
    arms, seeds
        The scores of each arm under the first condition, in the order to show them, with the seeds that all have.
    clips
        The test clips.
    known
        What each arm does to known movements.
    failures
        One line for each recogniser that could not be trained or read; it is missing in all of the above.
    about
        What is known of how the study was made: `command`, `versions` and so on.
    memo
        What has been found in it, by the function that found it.
    """

    config: AblateConfig
    plan: Plan
    made: Made
    truth: ClipStore | None
    gathered: Gathered
    arms: Mapping[str, SeedScores]
    seeds: tuple[int, ...]
    clips: ClipsTested
    known: Mapping[str, OnKnown] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    memo: dict[Callable[["Study"], Any], Any] = field(default_factory=dict, compare=False, repr=False)

    def get(self, find: Callable[["Study"], Found]) -> Found:
        """Return what a function finds in this study. It is called once, whoever asks."""
        if find not in self.memo:
            self.memo[find] = find(self)
        return cast(Found, self.memo[find])

    @property
    def condition(self) -> Condition:
        """What the report is about: the first value of every axis of the grid."""
        return self.plan.conditions[0]

    @property
    def against(self) -> str:
        """The arm that the others are compared with."""
        return self.config.against

    @property
    def main(self) -> str:
        """The arm that the report is about."""
        return self.config.main

    @property
    def settings(self) -> dict[str, Any]:
        """How intervals are made, as the functions of `ablation.statistics` take it."""
        chosen = self.config.statistics
        return {"resamples": chosen.resamples, "confidence": chosen.confidence, "seed": self.config.run.seed}

    @property
    def confidence(self) -> float:
        """Of the intervals."""
        return self.config.statistics.confidence

    @property
    def percent(self) -> str:
        """The intervals' confidence as it is written: 95%."""
        return f"{100 * self.confidence:g}%"

    @property
    def margin(self) -> float:
        """The difference in points below which two arms count as equally good."""
        return self.config.statistics.margin

    @property
    def stores(self) -> dict[str, ClipStore]:
        """The skeletons of each arm that has scores."""
        return {arm: store for arm, store in self.made.stores.items() if arm in self.arms}

    @property
    def pictured(self) -> dict[str, ClipStore]:
        """The skeletons that are drawn: the reference's, the main arm's, and the truth if it is known."""
        arms = {arm: self.made.stores[arm] for arm in dict.fromkeys((self.against, self.main))}
        return arms | ({"oracle": self.truth} if self.truth else {})

    @property
    def names(self) -> np.ndarray:
        """The test clips' names, text [N], ascending."""
        return self.arms[self.against].clip

    @property
    def held_out(self) -> str:
        """What the epoch is chosen by, inside a sentence; empty where the last one is kept."""
        share, labels = self.config.data.validation, self.clips.labels
        if share == 0:
            return ""
        if labels is not None and labels.splits.get(self.condition.split, {}).get("validation"):
            return "the split's own validation clips"
        if not self.clips.people_known:
            return f"{share:.0%} of the training clips, held out and drawn by the seed"
        return f"{share:.0%} of the training people, held out as whole people and drawn by the seed"

    @property
    def classes(self) -> int:
        """How many actions the test clips show."""
        return len(np.unique(self.arms[self.against].label))

    @property
    def unit(self) -> str:
        """What positions are told in: mm, or px in an image."""
        return unit(self.clips.layout.dims)[0]

    @property
    def speed_unit(self) -> str:
        """What speeds are told in."""
        return "m/s" if self.clips.layout.dims == 3 else "px/s"

    def label(self, arm: str) -> str:
        """Return what readers call an arm."""
        return self.config.label(arm)

    def skeletons(self, arm: str) -> str:
        """Name an arm's skeletons inside a sentence."""
        return self.config.skeletons(arm)

    def action(self, number: int) -> str:
        """Return an action's name by its number from 1, or its number where it has none."""
        labels = self.clips.labels
        names = self.config.report.actions or (labels.actions if labels is not None else ACTIONS_120)
        return names[number - 1] if 0 < number <= len(names) else f"A{number:03d}"

    def top1(self, arm: str) -> np.ndarray:
        """Return an arm's accuracy per seed, percent, float [S]."""
        accuracy: np.ndarray = 100 * self.arms[arm].correct.mean(1)
        return accuracy


def assemble(
    config: AblateConfig,
    plan: Plan,
    made: Made,
    gathered: Gathered,
    failures: Sequence[str],
    about: Mapping[str, Any],
    known: Mapping[str, OnKnown] | None = None,
) -> Study:
    """Put together what a study has.

    Parameters
    ----------
    config, plan
        The study.
    made
        The stores of the source that the report is about.
    gathered
        The scores.
    failures
        A line for each recogniser that is missing.
    about
        What is known of how the study was made.
    known
        What each arm does to known movements, if that has been measured.

    Raises
    ------
    InputError
        Too much is missing to compare anything.
    """
    arms, seeds = common_seeds(gathered.get(plan.conditions[0], {}), config.seeds)
    main, against = config.main, config.against
    if main not in arms or against not in arms:
        absent = main if main not in arms else against
        why = f"; the first failure: {failures[0]}" if failures else ""
        raise InputError(f"{config.run.dir}: no recogniser of {config.label(absent)} is there to compare{why}")
    base, simulate = made.stores[against], made.source.simulate
    order = np.argsort(base.clips.name)
    people = base.clips.performer[order[np.searchsorted(base.clips.name, arms[against].clip, sorter=order)]]
    ours = simulate is not None and made.source.raw.resolve().is_relative_to(simulate.folder.resolve())
    recorded = simulate is None or simulate.clean is not None
    return Study(
        config=config,
        plan=plan,
        made=made,
        truth=open_truth(made.source, base) if made.source.truth else None,
        gathered=gathered,
        arms=arms,
        seeds=seeds,
        clips=ClipsTested(people, ours and not recorded, base.layout, base.labels, ours and recorded),
        known=known or {},
        failures=tuple(failures),
        about=about,
    )


def common_seeds(
    found: Mapping[str, tuple[tuple[int, ...], SeedScores]], seeds: Sequence[int]
) -> tuple[dict[str, SeedScores], tuple[int, ...]]:
    """Keep the seeds that all arms have, so that every comparison is over the same; arms without any are left out."""
    common = tuple(seed for seed in seeds if all(seed in have for have, _ in found.values()))
    arms = {}
    for arm, (have, scores) in found.items() if common else ():
        layers = [have.index(seed) for seed in common]
        arms[arm] = replace(scores, score=scores.score[layers])
    return arms, common
