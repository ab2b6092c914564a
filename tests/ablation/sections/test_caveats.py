from dataclasses import replace

import pytest

from ablation.sections.caveats import find_caveats
from ablation.verdict import judge


@pytest.mark.parametrize(
    ("seeds", "said"), [(1, "There is one seed"), (3, "3 seeds say little"), (5, None)]
)  # fmt: skip
def test_few_seeds_are_told(make, seeds, said):
    text = " ".join(find_caveats(make.study({"raw": 0, "refined": 0.1}, clips=96, seeds=seeds, resamples=100)))
    assert (said in text) if said else ("seed" not in text.replace("clips times seeds", ""))


def test_recordings_are_not_called_simulated(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    assert find_caveats(study)[0].startswith("The clips are simulated")
    recorded = make.knowing(study, clips=replace(study.clips, simulated=False))
    assert find_caveats(recorded)[0].startswith("The test clips show 8 people.")
    put_on = make.knowing(study, clips=replace(study.clips, simulated=False, errors_put_on=True))
    assert find_caveats(put_on)[0].startswith("The errors are simulated, and the clips that they were put on count as")


def test_who_learnt_from_the_simulation_is_named(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    study = make.knowing(study, arms={**study.arms, "steady": study.arms["refined"]})
    assert find_caveats(study)[0].endswith(" steady learnt from simulated errors of the same kind.")


def test_intervals_over_people_are_pointed_to(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    (found,) = study.get(judge).comparisons
    verdict = replace(study.get(judge), comparisons=[replace(found, people=(-1.0, 2.0))])
    assert not any("draw whole people anew" in one for one in find_caveats(study))
    assert any("draw whole people anew" in one for one in find_caveats(make.knowing(study, {judge: verdict})))
