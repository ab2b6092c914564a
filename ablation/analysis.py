"""From the scores of a study to what its report tells."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ablation.findings import Findings
from ablation.scores import Scores
from ablation.sections.importance import joint_importance
from ablation.sections.movement import class_movement
from ablation.sections.poses import ClipPoses, clip_poses, pose_figures, typical_clip, unit
from ablation.sections.spectrum import joint_spectrum
from ablation.statistics import (
    Comparison,
    Crossing,
    class_effects,
    compare,
    confusion_changes,
    find_crossing,
    holm,
    paired_differences,
)
from ablation.study.config import AblateConfig
from ablation.study.grid import Condition, GridRow
from ablation.study.plan import Plan
from ablation.study.stores import Made, open_truth
from base.errors import InputError
from base.files import sha256
from data.ntu.prepare import summarise
from data.skeletons.layouts import ACTIONS
from data.skeletons.store import ClipStore

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
    pictured = {arm: stores[arm] for arm in dict.fromkeys((against, main))} | ({"oracle": truth} if truth else {})
    steady = "oracle" if truth else main
    chosen = config.report.clip or typical_clip(stores[against], names)
    why = (
        "the clip that the configuration names"
        if config.report.clip
        else "the test clip whose mean acceleration is the upper quartile of all"
    )
    clip = clip_poses(pictured, chosen)
    test = np.isin(base.clips.name, names)
    simulated = made[0].source.simulate
    classes = class_effects(reference, arms[main], **settings)
    return Findings(
        arms=arms,
        against=against,
        focus=main,
        seeds=seeds,
        comparisons=compare(
            arms, [(arm, against) for arm in arms if arm != against], **settings, people=_people(base, names)
        ),
        between=_against_best_filter(config, arms, settings),
        classes=classes,
        confusions=confusion_changes(reference, arms[main], CONFUSIONS),
        resamples=config.statistics.resamples,
        confidence=config.statistics.confidence,
        actions=dict(enumerate(config.report.actions or ACTIONS, 1)),
        split=condition.split,
        performers=len(np.unique(base.clips.performer[test])),
        poses=[pose_figures(arm, store, names, truth) for arm, store in stores.items()],
        benchmarks=made[0].benchmarks.get(main),
        clip=clip,
        data=_describe_data(made[0].stores.get("raw", base), test),
        simulated=simulated is not None and made[0].source.raw.resolve().is_relative_to(simulated.folder.resolve()),
        made={
            "arms": made[0].how,
            "validation": _validation_rule(config.data.validation),
            "clip_choice": why,
            **about,
        },
        condition=condition,
        rows=_rows(config, plan, gathered, settings),
        labels={arm: config.label(arm) for arm in config.arms},
        failures=list(failures),
        margin=config.statistics.margin,
        unit=unit(base.layout.dims)[0],
        crossings=_crossings(config, condition, gathered, settings),
        movement=class_movement(stores[against], pictured[steady], steady, names, classes),
        spectrum=joint_spectrum(pictured, names),
        importance=_importance(config, plan, arms, seeds, condition, stores),
        clips=[
            *([(why, clip)] if clip is not None else []),
            *_telling_clips(reference, arms[main], pictured, {chosen}),
        ],
    )


def _people(base: ClipStore, names: np.ndarray) -> np.ndarray:
    """Return who is in each of these clips, int64 [N]."""
    order = np.argsort(base.clips.name)
    people: np.ndarray = base.clips.performer[order[np.searchsorted(base.clips.name, names, sorter=order)]]
    return people


def _telling_clips(
    before: Scores, after: Scores, pictured: Mapping[str, ClipStore], but: set[str]
) -> list[tuple[str, ClipPoses]]:
    """Pick the clip that refining repairs most clearly, and the one that it breaks most clearly."""
    sure = [np.take_along_axis(one.score.mean(0), one.label[:, None], 1)[:, 0] for one in (before, after)]
    gain = sure[1] - sure[0]
    found = []
    for sign, said in ((1, "repaired"), (-1, "broken")):
        right, wrong = (after, before) if sign > 0 else (before, after)
        fits = (right.prediction == right.label) & (wrong.prediction != wrong.label)
        fits &= ~np.isin(before.clip, list(but))
        if not fits.any():
            continue
        at = int(np.argmax(np.where(fits, sign * gain, -np.inf)))
        poses = clip_poses(dict(pictured), str(before.clip[at]))
        if poses is not None:
            change = f"{100 * sure[0][at]:.0f}% to {100 * sure[1][at]:.0f}%"
            found.append((f"{said} most clearly: the true action's score goes from {change}", poses))
    return found


def _crossings(
    config: AblateConfig, condition: Condition, gathered: Gathered, settings: Mapping[str, Any]
) -> list[Crossing]:
    """Find above which severity each arm is better than the reference, all else as in the first condition."""
    severities = sorted(config.grid.severities or ())
    if len(severities) < 2:
        return []
    found = [gathered.get(replace(condition, severity=severity), {}) for severity in severities]
    crossings = []
    for arm in config.arms:
        if arm == config.against or not all(arm in one and config.against in one for one in found):
            continue
        pairs = [common_seeds({name: one[name] for name in (arm, config.against)}, config.seeds)[0] for one in found]
        tables = [paired_differences(pair[config.against], pair[arm], config.against, arm) for pair in pairs if pair]
        if len(tables) == len(severities) and len({table.shape for table in tables}) == 1:
            crossings.append(find_crossing(arm, severities, tables, **settings))
    return crossings


def _importance(
    config: AblateConfig,
    plan: Plan,
    arms: Mapping[str, Scores],
    seeds: Sequence[int],
    condition: Condition,
    stores: Mapping[str, ClipStore],
) -> dict[str, np.ndarray]:
    """Ask the first seed's recognisers of the reference and of the main arm which joints they decide by."""
    if not config.report.explained:
        return {}
    stream = next(iter(config.grid.ensembles.get(condition.stream, {condition.stream: 1.0})))
    wanted = (replace(condition, stream=stream), seeds[0])
    folders = {use.arm: use.cell.folder for use in plan.uses if (use.condition, use.seed) == wanted}
    found = {}
    for arm in dict.fromkeys((config.against, config.main)):
        scores = arms[arm]
        actions = scores.action[scores.label].tolist()
        tested_on = stores[config.against if condition.pairing == "train" else arm]
        found[arm] = joint_importance(
            folders[arm], tested_on, scores.clip, actions, config.report.explained, config.run.device
        )
    return found


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
