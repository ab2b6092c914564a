"""Accuracy over how steady, and over how true, the skeletons are."""

import math

import pytest

from ablation.fidelity import ArmFidelity, StudyFidelity, find_fidelity
from ablation.sections.poses import PoseFigures, find_poses
from ablation.sections.reduction import _draw, find_scatters


@pytest.fixture(scope="module")
def study(make):
    return make.study({"raw": 0, "refined": 0.1, "gaussian": 0.02, "oracle": 0.2}, clips=96, resamples=100)


def knowing(make, study, steady, errors=None, left=None):
    poses = [PoseFigures(arm, value, (errors or {}).get(arm)) for arm, value in steady.items()]
    fidelity = StudyFidelity(left or {}, errors is not None, (1.0,) * 3, 9, (0,) * 3)
    return make.knowing(study, {find_poses: poses, find_fidelity: fidelity})


def test_arms_lie_at_their_acceleration_and_at_the_error_that_is_gone(make, study):
    steady = {"raw": 40.0, "refined": 10.0, "gaussian": 50.0, "oracle": 1.0}
    errors = {"raw": 80.0, "refined": 20.0, "gaussian": 100.0, "oracle": 0.0}
    steadier, truer = find_scatters(knowing(make, study, steady, errors))
    assert (steadier.places, steadier.log) == (steady, True)
    assert truer.places == {"raw": 0, "refined": 75, "gaussian": -25, "oracle": 100}
    assert (steadier.truth, truer.truth) == (None, None)  # noise-free skeletons are an arm
    drawings = _draw(study, [steadier, truer])
    assert [drawing.figure.axes[0].get_xscale() for drawing in drawings] == ["log", "linear"]
    assert "noise-free" in drawings[0].alternative


def test_noise_free_skeletons_are_drawn_where_they_are_no_arm(make):
    study = make.study({"raw": 0, "refined": 0.1, "gaussian": 0.02}, clips=96, resamples=100)
    steady, errors = {"raw": 40.0, "refined": 10.0, "gaussian": 5.0}, {"raw": 80.0, "refined": 20.0, "gaussian": 90.0}
    known = knowing(make, study, steady, errors, {"raw": ArmFidelity((1.0,) * 3, own_acceleration=8.0)})
    found = find_scatters(known)
    assert [one.truth for one in found] == [5.0, 100.0]  # 40 is eight times the truth's
    drawn = _draw(known, found)[0].figure.axes[0]
    assert [line.get_label() for line in drawn.lines if list(line.get_xdata()) == [5.0, 5.0]][:1] == ["noise-free"]


def test_without_truth_a_known_gesture_tells_how_true_skeletons_are(make, study):
    left = {
        arm: ArmFidelity(noisy_gesture_peak=peak) for arm, peak in {"raw": 0.5, "refined": 0.4, "gaussian": 0.1}.items()
    }
    known = knowing(make, study, {"raw": 40.0, "refined": 10.0, "gaussian": 5.0}, None, left)
    assert find_scatters(known)[1].places == pytest.approx({"raw": 100, "refined": 80, "gaussian": 20})


def test_ranks_go_together_over_the_ways_to_refine_alone(make):
    gains = {"raw": 0, "refined": 0.1, "one_euro": 0.2, "gaussian": 0.3, "oracle": 0.29}
    study = make.study(gains, clips=96, resamples=100, base=0.4)
    steady = {"raw": 40.0, "refined": 10.0, "one_euro": 8.0, "gaussian": 5.0, "oracle": 30.0}
    assert "over the 3 ways to refine: -1.00" in find_scatters(knowing(make, study, steady))[0].ranked


@pytest.mark.parametrize("steady", [{"raw": 0.0, "refined": 0.0}, {"raw": math.nan, "refined": 1.0}, {}])
def test_without_two_arms_to_compare_there_is_nothing_to_tell(make, study, steady):
    assert find_scatters(knowing(make, study, steady)) is None
