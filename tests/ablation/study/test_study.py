import numpy as np
import pytest

from ablation.study.study import assemble, common_seeds
from base.errors import InputError


def test_only_seeds_that_all_arms_have_are_compared(make):
    arms = make.arms({"raw": 0, "refined": 0.1}, clips=32, seeds=3)
    found = {"raw": ((0, 1, 2), arms["raw"]), "refined": ((2, 0, 5), arms["refined"])}
    kept, seeds = common_seeds(found, (0, 1, 2, 5))
    assert seeds == (0, 2)
    np.testing.assert_array_equal(kept["raw"].score, arms["raw"].score[[0, 2]])
    np.testing.assert_array_equal(kept["refined"].score, arms["refined"].score[[1, 0]])
    assert common_seeds({**found, "oracle": ((7,), arms["raw"])}, (0, 1)) == ({}, ())


def test_a_study_without_its_main_arm_says_which_is_missing(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=32, resamples=100)
    gathered = {study.condition: {"raw": ((0, 1, 2), study.arms["raw"])}}
    with pytest.raises(InputError, match="no recogniser of SmoothNet is there to compare; the first failure: no disk"):
        assemble(study.config, study.plan, study.made, gathered, ["no disk"], {})


def test_actions_have_names_or_numbers(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=32, resamples=100, report={"actions": ["wave", "sit"]})
    assert [study.action(number) for number in (1, 2, 3)] == ["wave", "sit", "A003"]
    known = make.study({"raw": 0, "refined": 0.1}, clips=32, resamples=100)
    assert [known.action(number) for number in (1, 60, 61, 121)] == [
        "drink water", "walking apart", "put on headphone", "A121",
    ]  # fmt: skip
