"""What explains the accuracy of an arm, by hand calculation."""

from dataclasses import replace

import pytest

from ablation.fidelity import ArmFidelity, StudyFidelity, find_fidelity
from ablation.sections.poses import PoseFigures, find_poses
from ablation.sections.why import _table, _values, find_reasons, sentence
from ablation.verdict import judge
from ablation.words import points

POSES = [
    PoseFigures("raw", 40.0, 60.0, 40.0),
    PoseFigures("refined", 2.0, 45.0, 4.0),
    PoseFigures("gaussian", 1.0, 66.0, 2.0),
    PoseFigures("oracle", 2.0, 0.0, 0.0),
]
LEFT = {
    "raw": ArmFidelity((0.93, 0.94, None), own_acceleration=20.0),
    "refined": ArmFidelity((0.9, 0.5, None), own_acceleration=1.25),
    "gaussian": ArmFidelity((0.4, 0.0, None), own_acceleration=0.53, flattens=True),
    "oracle": ArmFidelity((1.0, 1.0, None), own_acceleration=1.0),
}


@pytest.fixture(scope="module")
def study(make):
    study = make.study({"raw": 0, "gaussian": -0.05, "refined": 0.1, "oracle": 0.2}, clips=160, resamples=200)
    return make.knowing(
        study, {find_poses: POSES, find_fidelity: StudyFidelity(LEFT, True, (0.93, 0.94, None), 9, (0, 0, 9))}
    )


def test_the_main_arm_comes_first_and_the_shares_are_those_of_the_errors(study):
    main, gaussian, oracle = find_reasons(study)
    assert (main.arm, gaussian.arm, oracle.arm) == ("refined", "gaussian", "oracle")
    assert (main.error_gone, main.motion_error_gone) == (pytest.approx(0.25), pytest.approx(0.9))  # 45 of 60, 4 of 40
    assert gaussian.error_gone == pytest.approx(-0.1)
    assert (oracle.error_gone, oracle.won_back) == (1, None)
    gains = {one.arm: one.difference for one in study.get(judge).comparisons}
    assert main.won_back[0] == pytest.approx(gains["refined"] / gains["oracle"])


def corrected(make, study, **p):
    """The same study, with other corrected p-values."""
    verdict = study.get(judge)
    changed = [replace(one, holm_p=p.get(one.arm, one.holm_p)) for one in verdict.comparisons]
    return make.knowing(study, {judge: replace(verdict, comparisons=changed)})


def test_each_arm_is_explained_in_a_sentence(make, study):
    study = corrected(make, study, refined=0.001, gaussian=0.001)
    main, gaussian, _ = find_reasons(study)
    said = sentence(study, main)
    assert said.startswith(
        "took 25% of the joint error away (to 45.0 mm), left 90% and 50% of the true movement at 0.5-1.5 and 1.5-3 Hz "
        "and left 1.2 times the true acceleration; it won back "
    )
    gains = {one.arm: one.difference for one in study.get(judge).comparisons}
    assert f"it won back {gains['refined']:.1f} of the {gains['oracle']:.1f} points that noise took" in said
    said = sentence(study, gaussian)
    assert said.startswith("added 10% of joint error (to 66.0 mm), left 40% and 0% of the true movement")
    assert "left 53% of the true acceleration; it won back nothing and lost another" in said
    values = _values(study, find_reasons(study))
    assert [arm for arm, _ in values["sentences"]] == ["SmoothNet", "Gaussian"]
    assert values["opening"].startswith(f"Noise took {gains['oracle']:.1f} points of accuracy: ")
    assert values["opening"].endswith(
        "Raw skeletons are 60.0 mm from the truth (joint error), have 93% and 94% of the true movement at 0.5-1.5 and "
        "1.5-3 Hz and have 20.0 times the true acceleration."
    )


def test_what_is_undecided_is_neither_won_nor_lost(make, study):
    study = corrected(make, study, refined=0.2, gaussian=0.2)
    gains = {one.arm: one.difference for one in study.get(judge).comparisons}
    for reason in find_reasons(study)[:2]:
        said = sentence(study, reason)
        assert f"; accuracy changed by {points(gains[reason.arm])} points (" in said
        assert "% of what noise took, 95% interval " in said
        assert said.endswith(", which is undecided.")


def test_what_noise_takes_is_claimed_only_where_it_is_confirmed(make, study):
    unsure = corrected(make, study, refined=0.2, gaussian=0.2, oracle=0.2)
    reasons = find_reasons(unsure)
    assert {one.won_back for one in reasons} == {None}
    assert "accuracy changed by" in sentence(unsure, reasons[0])
    assert "Noise took" not in _values(unsure, reasons)["opening"]


def test_without_truth_the_known_gesture_tells(make, study):
    left = {
        arm: ArmFidelity(kept_of_raw=(kept, kept), noisy_gesture_peak=kept / 2) for arm, kept in
        {"raw": 1.0, "refined": 0.8, "gaussian": 0.3}.items()
    }  # fmt: skip
    blind = make.knowing(
        study,
        {
            find_poses: [PoseFigures(row.arm, row.acceleration) for row in POSES[:3]],
            find_fidelity: StudyFidelity(left, False, (1.0, 1.0), 9, (0, 0)),
        },
    )
    reasons = find_reasons(blind)
    said = sentence(blind, reasons[0])
    assert said.startswith("lowered the mean acceleration from 40.0 to 2.0 mm/frame²")
    assert "left 80% and 80% of the raw skeletons' movement and noise at 0.5-1.5 and 1.5-3 Hz" in said
    assert "left 0.40 m of a known gesture of 0.5 m" in said
    labels = [column.label for column in _table(blind, reasons).columns]
    assert "joint error gone" not in labels
    assert labels[-1] == "gesture among errors, m"
