"""What the scores of a study say: every arm against the reference, under every condition."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ablation.statistics import (
    ClassEffect,
    Comparison,
    Crossing,
    class_effects,
    compare,
    find_crossing,
    holm,
    paired_differences,
)
from ablation.study.grid import GridRow
from ablation.study.study import Study, common_seeds
from ablation.words import interval_text, p_cell, points
from base.tables import Column


@dataclass(frozen=True)
class Verdict:
    """What the scores of a study say.

    Parameters
    ----------
    comparisons
        Every other arm against the reference, under the first condition.
    best_filter
        The main arm against the best of the filters, if there are both.
    classes
        The main arm against the reference, class by class.
    rows
        Every arm under every condition.
    crossings
        Where the study varies the severity of the noise: above which each arm is better than the reference.
    """

    comparisons: list[Comparison]
    best_filter: Comparison | None
    classes: list[ClassEffect]
    rows: list[GridRow] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)

    def comparison(self, arm: str) -> Comparison | None:
        """Return an arm's comparison with the reference."""
        return next((found for found in self.comparisons if found.arm == arm), None)


def judge(study: Study) -> Verdict:
    """Compare the arms of a study; ask for it by `study.get(judge)`."""
    arms, against = dict(study.arms), study.against
    return Verdict(
        comparisons=compare(
            arms, [(arm, against) for arm in arms if arm != against], **study.settings, people=study.clips.people
        ),
        best_filter=_against_best_filter(study),
        classes=class_effects(arms[against], arms[study.main], **study.settings),
        rows=_rows(study),
        crossings=_crossings(study),
    )


def along(study: Study, axis: str) -> Mapping[str, list[GridRow]]:
    """Return each arm's rows whose conditions differ from the first in this axis alone, in the axis's order.

    Empty where the study has but one value of it. Severities and shares ascend.
    """
    rows = [row for row in study.get(judge).rows if row.condition.differs_in(study.condition) <= {axis}]
    if len({getattr(row.condition, axis) for row in rows}) < 2:
        return {}
    if axis in ("severity", "share"):
        rows.sort(key=lambda row: float(getattr(row.condition, axis)))
    return {arm: found for arm in study.arms if (found := [row for row in rows if row.arm == arm])}


def confirmed(study: Study, found: Comparison) -> bool:
    """Whether an arm is better or worse than the other: the p corrected by Holm's method decides, and nothing else.

    Not where there are too few clips, or where the mean over the seeds points to the other side than the scores
    averaged over them, which the test is of.
    """
    same_side = found.difference * (found.repaired - found.broken) > 0
    return found.interval is not None and same_side and found.holm_p < 1 - study.confidence


def disagree(study: Study, found: Comparison) -> bool:
    """Whether its interval says something else than the p that decides."""
    return found.interval is not None and found.significant != confirmed(study, found)


def verdict_word(study: Study, found: Comparison) -> str:
    """Say in a few words what a comparison shows: what the p beside it, corrected by Holm's method, says.

    Where it shows nothing: the smallest difference that would have been seen, with a power of 80%.
    """
    if found.interval is None:
        return "too few clips"
    if confirmed(study, found):
        return "better" if found.difference > 0 else "worse"
    if found.equivalent(study.margin):
        return f"equal within ±{study.margin:g}"
    seen = found.detectable(study.confidence)
    return f"undecided (±{seen:.1f})" if seen else "undecided"  # arms that agree on every clip say nothing of chance


def comparison_cells(study: Study, found: Comparison | None) -> tuple[object, ...]:
    """Return a comparison's cells of a table, in the order of `comparison_columns`; empty ones if there is none."""
    if found is None:
        return (None,) * 4
    return found.difference, found.interval, found.holm_p, verdict_word(study, found)


def comparison_columns(study: Study) -> tuple[Column, ...]:
    """Return the columns in which every table of accuracies shows its comparisons."""
    return (
        Column("difference", points),
        Column(f"{study.percent} interval", interval_text),
        Column("Holm p", p_cell),
        Column("verdict", numeric=False),
    )


def _against_best_filter(study: Study) -> Comparison | None:
    """Compare the main arm, if it is refined, with the most accurate filter."""
    config, arms = study.config, dict(study.arms)
    filters = [arm for arm in config.filters if arm != config.against and arm in arms]
    if not filters or config.main not in config.refined_arms:
        return None
    best = max(filters, key=lambda arm: float(arms[arm].correct.mean()))
    return compare(arms, [(config.main, best)], **study.settings)[0]


def _rows(study: Study) -> list[GridRow]:
    """Compare the arms under every condition; Holm's correction is over all of these comparisons."""
    rows: list[GridRow] = []
    for condition in study.plan.conditions:
        found = study.gathered.get(condition, {})
        for arm, (seeds, scores) in found.items():
            comparison = None
            if arm != study.against and study.against in found:
                pair, common = common_seeds({name: found[name] for name in (arm, study.against)}, seeds)
                if common:
                    (comparison,) = compare(pair, [(arm, study.against)], **study.settings)
            top1 = tuple((100 * scores.correct.mean(1)).tolist())
            rows.append(GridRow(condition, arm, seeds, top1, comparison))
    compared = [at for at, row in enumerate(rows) if row.comparison is not None]
    corrected = holm([rows[at].comparison.mcnemar_p for at in compared])  # type: ignore[union-attr]
    for at, p in zip(compared, corrected, strict=True):
        comparison = rows[at].comparison
        assert comparison is not None
        rows[at] = replace(rows[at], comparison=replace(comparison, holm_p=p))
    return rows


def _crossings(study: Study) -> list[Crossing]:
    """Find above which severity each arm is better than the reference, all else as in the first condition."""
    severities, against = sorted(study.config.grid.severities or ()), study.against
    if len(severities) < 2:
        return []
    found = [study.gathered.get(replace(study.condition, severity=severity), {}) for severity in severities]
    crossings = []
    for arm in study.config.arms:
        if arm == against or not all(arm in one and against in one for one in found):
            continue
        pairs = [common_seeds({name: one[name] for name in (arm, against)}, study.config.seeds)[0] for one in found]
        tables = [paired_differences(pair[against], pair[arm], against, arm) for pair in pairs if pair]
        if len(tables) == len(severities) and len({table.shape for table in tables}) == 1:
            crossings.append(find_crossing(arm, severities, tables, **study.settings))
    return crossings
