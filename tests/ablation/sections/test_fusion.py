import json
from dataclasses import replace

import numpy as np
import pytest

from ablation.sections.fusion import SECTIONS, find_fusion
from ablation.study.grid import Condition
from recognition.scores import SeedScores
from tests.ablation.conftest import make_arms

SECTION = SECTIONS["fusion"]


def with_scores(make, found, pairing="both"):
    """A study of these arms under the first condition, whose statistics have not been computed."""
    study = make.study({"raw": 0, "refined": 0}, clips=96, resamples=100)
    condition = Condition(severity=1.0, pairing=pairing)
    seeds = tuple(range(len(found["raw"].score)))
    config = study.config.model_copy(update={"seeds": seeds})
    plan = replace(study.plan, conditions=[condition])
    return replace(
        study, config=config, plan=plan, gathered={condition: {arm: (seeds, one) for arm, one in found.items()}}
    )


def scores(*layers):
    """Scores of 20 clips of one class, of two classes: in each seed, the score of the right one."""
    right = np.repeat(np.array(layers, float)[:, None], 20, axis=1)
    return SeedScores(
        np.array([f"S001C001P001R001A{n:03d}" for n in range(1, 21)]),
        np.zeros(20, int),
        np.stack([right, 1 - right], axis=-1),
        np.array([1, 2]),
    )


def test_the_second_network_is_of_the_next_seed_in_both_sums(make):
    # seeds alone: right, wrong, wrong; sums of a seed and the next: (.9+.2)/2 right, (.2+.3)/2 wrong, (.3+.9)/2 right
    raw = scores(0.9, 0.2, 0.3)
    # with the refined one next: (.9+.8)/2 right, (.2+.9)/2 right, (.3+.1)/2 wrong
    found = find_fusion(with_scores(make, {"raw": raw, "refined": scores(0.1, 0.8, 0.9)}))
    assert found is not None
    (one,) = found
    assert one.alone == pytest.approx(100 / 3)
    assert one.control == pytest.approx(200 / 3)
    assert one.sums[0].by_seed == (0, 100, -100)
    assert one.sums[0].difference == pytest.approx(0)


def test_two_networks_beat_one_also_where_the_skeletons_are_alike(make):
    rng = np.random.default_rng(0)
    arms = make_arms({"raw": 0}, clips=400, seeds=4)
    noisy = replace(arms["raw"], score=arms["raw"].score + rng.normal(0, 0.5, arms["raw"].score.shape))
    study = with_scores(make, {"raw": noisy, "refined": noisy})
    found = find_fusion(study)
    assert found is not None
    assert found[0].control > found[0].alone + 3
    assert found[0].sums[0].difference == 0  # what a sum gains by being a sum is not refining's
    table = SECTION.tables(study, found)[0]
    assert [row[1] for row in table.text()] == ["raw, one", "raw + raw", "raw + SmoothNet"]
    assert json.loads(json.dumps(SECTION.notes(study, found)))["fusion"][0]["sums"][0]["arm"] == "refined"


def test_the_correction_is_for_all_sums_of_the_table(make):
    study = with_scores(make, {"raw": scores(0.4, 0.4), "refined": scores(0.9, 0.9)}, "oracle")
    (gathered,) = study.gathered.values()
    study = replace(study, gathered={**study.gathered, Condition(severity=1.0): gathered})
    found = find_fusion(study)
    assert found is not None
    # each of two sums is right about 20 clips more, none less: p = 2 / 2^20, twice that corrected
    assert [one.sums[0].holm_p for one in found] == pytest.approx([4 / 2**20] * 2)
    assert SECTION.caveats(study, found) == []
    unsure = [replace(found[0], sums=[replace(found[0].sums[0], holm_p=0.5)]), found[1]]
    assert SECTION.caveats(study, unsure)[0].endswith(" for raw + SmoothNet (trained on noise-free).")


def test_one_seed_has_nothing_to_be_added_to(make):
    one = scores(0.9)
    assert find_fusion(with_scores(make, {"raw": one, "refined": one})) is None
    assert SECTION.notes(with_scores(make, {"raw": one, "refined": one}), None) == {"fusion": []}


def test_what_all_are_trained_on_is_named(make):
    found = find_fusion(with_scores(make, {"raw": scores(0.9, 0.8), "refined": scores(0.9, 0.8)}, "oracle"))
    assert found is not None
    assert found[0].trained == "noise-free"
