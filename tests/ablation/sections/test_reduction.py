import pytest

from ablation.sections.poses import PoseFigures, find_poses
from ablation.sections.reduction import find_reductions


def test_the_share_of_acceleration_that_is_gone(make):
    study = make.study({"raw": 0, "refined": 0.1, "gaussian": 0.02, "oracle": 0.2}, clips=96, resamples=100)
    steady = {"raw": 40.0, "refined": 10.0, "gaussian": 50.0, "oracle": 1.0}
    study = make.knowing(study, {find_poses: [PoseFigures(arm, value) for arm, value in steady.items()]})
    assert find_reductions(study) == {"refined": pytest.approx(75), "gaussian": pytest.approx(-25)}


@pytest.mark.parametrize("steady", [{"raw": 0.0, "refined": 1.0}, {"raw": float("nan"), "refined": 1.0}, {}])
def test_without_an_acceleration_to_lower_there_is_nothing_to_tell(make, steady):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    study = make.knowing(study, {find_poses: [PoseFigures(arm, value) for arm, value in steady.items()]})
    assert find_reductions(study) is None
