"""Scores of two recognisers added: one of the reference's skeletons and one of an arm's, or two of the reference's.

Two networks are better than one whatever they look at, so a sum of raw and refined scores is compared with a sum of two
seeds' raw scores. The first network is the same in both sums; the second has the same seed, and other skeletons.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ablation.sections.registry import RECOGNITION, SECTIONS, Section
from ablation.statistics import Comparison, compare, holm
from ablation.study.grid import parse_trained_on
from ablation.study.study import Study, common_seeds
from ablation.verdict import comparison_cells, comparison_columns, disagree
from ablation.words import footnote, one_decimal
from base.tables import Column, Table
from base.words import listed

NUMBERS = """
{{ table(tables["fusion"]) }}
"""


@dataclass(frozen=True)
class Fusion:
    """Sums of two recognisers' scores.

    Parameters
    ----------
    trained
        What the recognisers were trained on.
    alone
        Top-1 of single recognisers of the reference, percent, the mean over seeds.
    control
        Top-1 of two of them added.
    sums
        For each other arm, one of each added, against `control`.
    """

    trained: str
    alone: float
    control: float
    sums: list[Comparison]


def find_fusion(study: Study) -> list[Fusion] | None:
    """Add scores under the first condition, and where each arm has recognisers of its own.

    None with fewer than two seeds. Seed s is added to the seed behind it, the last to the first. Holm's correction is
    over all sums.
    """
    found = []
    for condition in dict.fromkeys((study.condition, replace(study.condition, pairing="both"))):
        arms, seeds = common_seeds(study.gathered.get(condition, {}), study.config.seeds)
        if len(seeds) < 2 or study.against not in arms:
            continue
        raw = arms[study.against]
        added = {arm: replace(raw, score=(raw.score + np.roll(one.score, -1, axis=0)) / 2) for arm, one in arms.items()}
        pairs = [(arm, study.against) for arm in arms if arm != study.against]
        given = parse_trained_on(condition.pairing)
        own = {"test": study.label(study.against), "mixed": "both, mixed"}.get(condition.pairing, "its own")
        trained = given.words(study.label(given.arm)) if given is not None else own
        alone, control = (100 * float(one.correct.mean()) for one in (raw, added[study.against]))
        found.append(Fusion(trained, alone, control, compare(added, pairs, **study.settings)))
    corrected = iter(holm([sum_.mcnemar_p for one in found for sum_ in one.sums]))
    return [replace(one, sums=[replace(sum_, holm_p=next(corrected)) for sum_ in one.sums]) for one in found] or None


def _table(study: Study, found: list[Fusion]) -> Table:
    name = study.label(study.against)
    rows: list[Any] = []
    for one in found:
        rows += [
            (one.trained, f"{name}, one", one.alone, *comparison_cells(study, None)),
            (one.trained, f"{name} + {name}", one.control, *comparison_cells(study, None)),
        ]
        for sum_ in one.sums:
            rows.append(
                (
                    one.trained,
                    f"{name} + {study.label(sum_.arm)}",
                    one.control + sum_.difference,
                    *comparison_cells(study, sum_),
                )
            )
    return Table(
        "fusion",
        f"Scores of two recognisers added, top-1 in percent: the difference is from two of {name} skeletons, the "
        "second of which has the same seed; p of McNemar's test, corrected by Holm's method for all comparisons of "
        "this table. Every seed is in two sums, so that intervals are somewhat too narrow"
        + footnote(sum_.interval for one in found for sum_ in one.sums),
        (
            Column("trained on", numeric=False),
            Column("skeletons", numeric=False),
            Column("top-1", one_decimal),
            *comparison_columns(study),
        ),
        rows,
    )


def _caveats(study: Study, found: list[Fusion]) -> list[str]:
    name = study.label(study.against)
    odd = [
        f"{name} + {study.label(sum_.arm)} (trained on {one.trained})"
        for one in found
        for sum_ in one.sums
        if disagree(study, sum_)
    ]
    return [f"Of the scores added, the interval and the corrected p disagree for {listed(odd)}."] if odd else []


def _notes(study: Study, found: list[Fusion] | None) -> dict[str, Any]:
    return {"fusion": [{**vars(one), "sums": [vars(each) for each in one.sums]} for one in found or ()]}


SECTIONS.add(
    "fusion",
    Section(
        RECOGNITION,
        60,
        lambda study: study.get(find_fusion),
        {"numbers": NUMBERS},
        tables=lambda study, found: [_table(study, found)],
        caveats=_caveats,
        notes=_notes,
    ),
)
