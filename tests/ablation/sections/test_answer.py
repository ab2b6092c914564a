"""The sentences that the report opens with."""

import re
from dataclasses import replace

import pytest

from ablation.sections.answer import answer
from ablation.study.plan import Plan
from ablation.verdict import judge


def compared(make, study, *comparisons):
    """The same study with other comparisons."""
    return make.knowing(study, {judge: replace(study.get(judge), comparisons=list(comparisons))})


def test_a_gain_is_called_a_gain(make):
    sentences = answer(make.study({"raw": 0, "refined": 0.1, "gaussian": 0.02, "oracle": 0.2}))
    assert re.match(
        r"Recognising skeletons refined by SmoothNet instead of raw skeletons raised accuracy from \d+\.\d% to "
        r"\d+\.\d%: \+\d+\.\d points \(95% interval \+.* to \+.*; corrected p < 0\.001\), over 480 test clips and 3 "
        r"seeds\.",
        sentences[0],
    )
    assert "The best of the classical filters, Gaussian" in sentences[1]
    assert re.search(r"points more", sentences[1])
    assert re.search(r"skeletons refined by SmoothNet closed \d+% of that gap", sentences[2])
    assert len(sentences) == 3


def test_a_loss_is_called_a_loss(make):
    sentences = answer(make.study({"raw": 0, "refined": -0.1, "oracle": 0.2}))
    assert "lowered accuracy" in sentences[0]
    assert re.search(r": −\d+\.\d points", sentences[0])
    assert "so much was there to gain" in sentences[1]


def test_no_difference_is_called_no_significant_difference(make):
    study = make.study({"raw": 0, "refined": 0, "gaussian": 0}, seed=2)
    sentences = answer(study)
    assert sentences[0].startswith("No significant difference: ")
    assert "cannot be told apart" in sentences[1]
    assert "mean acceleration fell from 30.0 to 15.0 mm/frame²" in sentences[2]


def test_the_accuracies_in_the_answer_are_those_of_the_scores(make):
    study = make.study({"raw": 0, "refined": 0.1})
    assert f"from {study.top1('raw').mean():.1f}% to {study.top1('refined').mean():.1f}%" in answer(study)[0]


def test_without_a_refined_arm_the_first_other_arm_is_the_subject(make):
    sentences = answer(make.study({"raw": 0, "gaussian": 0.1}))
    assert "skeletons smoothed by the Gaussian filter" in sentences[0]
    assert len(sentences) == 2


def test_equality_is_said_only_where_it_is_shown(make):
    alike = make.study({"raw": 0, "refined": 0}, seed=2)
    wide = make.study({"raw": 0, "refined": 0}, seed=2, statistics={"margin": 20})
    assert "neither a gain nor a loss of more than 0.5 points is ruled out" in answer(alike)[0]
    assert "rule out a difference of more than 20 points either way" in answer(wide)[0]
    (found,) = alike.get(judge).comparisons
    lost = compared(make, alike, replace(found, interval=(-3.0, 0.1), tested=(-2.6, 0.0)))
    assert "a gain of more than 0.5 points is ruled out, a loss is not" in answer(lost)[0]


def test_a_test_that_disagrees_with_the_interval_is_not_kept_quiet(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    found = replace(study.get(judge).comparisons[0], interval=(0.2, 4.0), tested=(0.3, 3.8), difference=2.0)
    found = replace(found, repaired=30, broken=10)
    unsure = answer(compared(make, study, replace(found, holm_p=0.06, mcnemar_p=0.02)))[0]
    assert unsure.startswith("No significant difference, though the interval leaves zero out: ")
    assert "corrected p = 0.060" in unsure
    wide = answer(compared(make, study, replace(found, interval=(-0.2, 4.0), holm_p=0.02)))[0]
    assert "raised accuracy" in wide
    assert "though the interval, which counts the chance in training too, includes zero" in wide


def test_no_ceiling_is_claimed_that_the_clips_cannot_show(make):
    study = make.study({"raw": 0, "refined": 0.1, "oracle": 0.2})
    refined, ceiling = study.get(judge).comparisons
    unsure = replace(ceiling, difference=3.3, interval=(-2.1, 8.5), tested=(-1.5, 8.0), holm_p=0.3)
    assert "cannot tell from none" in answer(compared(make, study, refined, unsure))[1]
    flat = replace(ceiling, difference=0.0, interval=(-0.3, 0.3), tested=(-0.2, 0.2), holm_p=1.0)
    assert "hardly anything to gain" in answer(compared(make, study, refined, flat))[1]
    beyond = replace(refined, difference=ceiling.difference + 1)
    assert "%" not in answer(compared(make, study, beyond, ceiling))[1].partition("): ")[2]


@pytest.mark.parametrize(
    ("pairing", "said"),
    [
        ("test", "skeletons refined by SmoothNet after training on raw skeletons instead of raw skeletons"),
        ("train", "raw skeletons after training on skeletons refined by SmoothNet instead of raw skeletons"),
    ],
)
def test_the_answer_says_where_the_skeletons_were_used(make, pairing, said):
    study = make.study({"raw": 0, "refined": 0.1})
    condition = replace(study.condition, pairing=pairing)
    assert said in answer(make.knowing(study, plan=Plan([condition], [], [])))[0]


def test_where_refining_begins_to_pay_is_in_the_answer(make):
    study = make.study({"raw": 0, "refined": 0.1}, grid=True)
    assert re.search(
        r"begins to gain at severity 0\.\d of the noise \(95% interval 0\.\d to 0\.\d, where a", answer(study)[1]
    )


def test_what_all_were_trained_on_is_said_first(make):
    study = make.study({"raw": 0, "refined": 0.1, "oracle": 0.2})
    study = replace(study, plan=replace(study.plan, conditions=[replace(study.condition, pairing="oracle")]))
    assert answer(study)[0].startswith(
        "After training on noise-free skeletons, recognising skeletons refined by SmoothNet instead of raw skeletons "
        "raised"
    )
