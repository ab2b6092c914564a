"""What is said of comparisons."""

from dataclasses import replace

import pytest

from ablation.verdict import judge, verdict_word


@pytest.mark.parametrize("interval", [(0.4, 3.6), (-0.4, 3.6)])
@pytest.mark.parametrize(
    ("p", "repaired", "said"),
    [(0.049, 30, "better"), (0.051, 30, "undecided"), (0.2, 30, "undecided"), (0.049, 5, "undecided")],
)
def test_the_corrected_p_decides_the_verdict_whatever_the_interval_says(make, interval, p, repaired, said):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    found = replace(study.get(judge).comparisons[0], difference=2.0, interval=interval, tested=interval)
    found = replace(found, holm_p=p, mcnemar_p=0.001, repaired=repaired, broken=10)
    assert verdict_word(study, found).split(" (")[0] == said
    other = replace(found, difference=-2.0, repaired=10, broken=repaired)
    assert verdict_word(study, other).split(" (")[0] == said.replace("better", "worse")


def test_what_is_not_decided_says_what_could_have_been_seen(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    found = replace(study.get(judge).comparisons[0], holm_p=0.3)
    undecided = replace(found, interval=(-2.96, 0.96), tested=(-2.0, 0.4))
    assert verdict_word(study, undecided) == "undecided (±2.8)"  # of a standard error of 1, as in textbooks
    assert verdict_word(study, replace(found, interval=(0.0, 0.0), tested=(-1.0, 1.0))) == "undecided"
    assert verdict_word(study, replace(found, interval=(-0.4, 0.4), tested=(-0.3, 0.3))) == "equal within ±0.5"
    assert verdict_word(study, replace(found, interval=None, holm_p=0.001)) == "too few clips"
