"""From the scores of a study to what its report tells."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ablation.cells import Plan
from ablation.config import AblateConfig
from ablation.findings import Findings
from ablation.grid import Condition, GridRow
from ablation.poses import clip_poses, pose_figures, typical_clip
from ablation.scores import Scores
from ablation.statistics import Comparison, class_effects, compare, confusion_changes, holm
from ablation.stores import Made, open_truth
from data.errors import InputError
from data.files import sha256
from data.ntu.layout import ACTIONS
from data.ntu.prepare import summarise
from data.ntu.store import ClipStore

CONFUSIONS = 10
"""Pairs of classes that the report lists."""

Gathered = Mapping[Condition, Mapping[str, tuple[tuple[int, ...], Scores]]]
"""For every condition the seeds and scores of each arm."""


def find(
    config: AblateConfig,
    plan: Plan,
    made: Sequence[Made],
    gathered: Gathered,
    failures: Sequence[str],
    about: Mapping[str, Any],
) -> Findings:
    """Compute everything that the report tells.

    Parameters
    ----------
    config, plan, made
        The study.
    gathered
        The scores.
    failures
        A line for each recogniser that is missing.
    about
        What is known of how the study was made, for `Findings.made`.

    Raises
    ------
    InputError
        Too much is missing to compare anything.
    """
    settings: dict[str, Any] = {
        "resamples": config.statistics.resamples, "confidence": config.statistics.confidence, "seed": config.run.seed
    }  # fmt: skip
    condition = plan.conditions[0]
    arms, seeds = common_seeds(gathered.get(condition, {}), config.seeds)
    main, against = config.main, config.against
    if main not in arms or against not in arms:
        absent = main if main not in arms else against
        why = f"; the first failure: {failures[0]}" if failures else ""
        raise InputError(f"{config.run.dir}: no recogniser of {config.label(absent)} is there to compare{why}")
    stores = {arm: store for arm, store in made[0].stores.items() if arm in arms}
    base, reference = made[0].stores[against], arms[against]
    truth = open_truth(made[0].source, base) if made[0].source.truth else None
    names = reference.clip
    clip = config.report.clip or typical_clip(stores[against], names)
    pictured = {arm: stores[arm] for arm in dict.fromkeys((against, main))} | ({"oracle": truth} if truth else {})
    test = np.isin(base.clips.name, names)
    simulated = made[0].source.simulate
    return Findings(
        arms=arms,
        against=against,
        focus=main,
        seeds=seeds,
        comparisons=compare(arms, [(arm, against) for arm in arms if arm != against], **settings),
        between=_against_best_filter(config, arms, settings),
        classes=class_effects(reference, arms[main], **settings),
        confusions=confusion_changes(reference, arms[main], CONFUSIONS),
        resamples=config.statistics.resamples,
        confidence=config.statistics.confidence,
        actions=dict(enumerate(config.report.actions or ACTIONS, 1)),
        split=condition.split,
        performers=len(np.unique(base.clips.performer[test])),
        poses=[pose_figures(arm, store, names, truth) for arm, store in stores.items()],
        benchmarks=made[0].benchmarks.get(main),
        clip=clip_poses(pictured, clip),
        data=_describe_data(made[0].stores.get("raw", base), test),
        simulated=simulated is not None and made[0].source.raw.resolve().is_relative_to(simulated.folder.resolve()),
        made={
            "arms": made[0].how,
            "validation": _validation_rule(config.data.validation),
            "clip_choice": "the clip that the configuration names"
            if config.report.clip
            else "the test clip whose mean acceleration is the upper quartile of all",
            **about,
        },
        condition=condition,
        rows=_rows(config, plan, gathered, settings),
        labels={arm: config.label(arm) for arm in config.arms},
        failures=list(failures),
    )


def common_seeds(
    found: Mapping[str, tuple[tuple[int, ...], Scores]], seeds: Sequence[int]
) -> tuple[dict[str, Scores], tuple[int, ...]]:
    """Keep the seeds that all arms have, so that every comparison is over the same; arms without any are left out."""
    common = tuple(seed for seed in seeds if all(seed in have for have, _ in found.values()))
    arms = {}
    for arm, (have, scores) in found.items() if common else ():
        layers = [have.index(seed) for seed in common]
        arms[arm] = replace(scores, score=scores.score[layers])
    return arms, common


def _rows(config: AblateConfig, plan: Plan, gathered: Gathered, settings: Mapping[str, Any]) -> list[GridRow]:
    """Compare the arms under every condition; Holm's correction is over all of these comparisons."""
    rows: list[GridRow] = []
    for condition in plan.conditions:
        found = gathered.get(condition, {})
        for arm, (seeds, scores) in found.items():
            comparison = None
            if arm != config.against and config.against in found:
                pair, common = common_seeds({name: found[name] for name in (arm, config.against)}, seeds)
                if common:
                    (comparison,) = compare(pair, [(arm, config.against)], **settings)
            top1 = tuple((100 * scores.correct.mean(1)).tolist())
            rows.append(GridRow(condition, arm, seeds, top1, comparison))
    compared = [at for at, row in enumerate(rows) if row.comparison is not None]
    corrected = holm([rows[at].comparison.mcnemar_p for at in compared])  # type: ignore[union-attr]
    for at, p in zip(compared, corrected, strict=True):
        comparison = rows[at].comparison
        assert comparison is not None
        rows[at] = replace(rows[at], comparison=replace(comparison, holm_p=p))
    return rows


def _against_best_filter(config: AblateConfig, arms: dict[str, Scores], settings: dict[str, Any]) -> Comparison | None:
    """Compare the main arm, if it is refined, with the most accurate filter."""
    filters = [arm for arm in config.filters if arm != config.against and arm in arms]
    if not filters or config.main not in config.refined_arms:
        return None
    best = max(filters, key=lambda arm: float(arms[arm].correct.mean()))
    return compare(arms, [(config.main, best)], **settings)[0]


def _describe_data(base: ClipStore, test: np.ndarray) -> dict[str, Any]:
    summary = summarise(base)
    return {
        "clip store": summary["store"],
        "made from": base.info.source or "unknown",
        "clips": f"{summary['clips']:,}, of which {int(test.sum()):,} for testing",
        "frames": f"{summary['frames']:,} at {base.info.fps:g} a second",
        "people": summary["performers"],
        "actions": summary["actions"],
        "joints inferred": f"{summary['inferred share']:.1%} of those on record",
        "joints not seen": f"{summary['not seen share']:.1%}",
        "joints.npy": f"SHA-256 {sha256(base.folder / 'joints.npy')}",
        "skipped": summary["skipped"],
    }


def _validation_rule(share: float) -> str:
    if share == 0:
        return "Every network keeps its last epoch; the test clips are scored once, after that."
    return (
        f"Every network keeps the epoch that is most accurate on {share:.0%} of the training performers, whole people "
        "held out, drawn by the seed and the same in every arm; the test clips are scored once, after that."
    )
