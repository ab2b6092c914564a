"""What is said of comparisons."""

from dataclasses import replace

from ablation.verdict import judge, verdict_word


def test_a_verdict_takes_the_interval_and_the_corrected_test(make):
    study = make.study({"raw": 0, "refined": 0.1})
    (found,) = study.get(judge).comparisons
    assert verdict_word(study, found) == "better"
    assert verdict_word(study, replace(found, holm_p=0.2)) == "leans better"
    assert verdict_word(study, replace(found, interval=(-3.0, -1.0), difference=-2.0, holm_p=0.2)) == "leans worse"
    undecided = replace(found, interval=(-2.96, 0.96), tested=(-2.0, 0.4))
    assert verdict_word(study, undecided) == "undecided (±2.8)"  # of a standard error of 1, as in textbooks
    assert verdict_word(study, replace(found, interval=(-0.4, 0.4), tested=(-0.3, 0.3))) == "equal within ±0.5"
