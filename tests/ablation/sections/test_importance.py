import numpy as np

from ablation.sections.importance import _notes, _table, find_importance


def test_the_joints_that_matter_most_come_first(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    found = study.get(find_importance)
    rows = _table(study, found).rows
    best = int(np.argmax(found["raw"]))
    assert rows[0][:2] == (study.clips.layout.joints[best].replace("_", " "), 100 * found["raw"][best])
    for _, before, after, change in rows:
        assert change == after - before
    np.testing.assert_allclose(sum(row[1] for row in rows), 100)
    assert _notes(study, found)["importance"]["refined"] == found["refined"].tolist()


def test_none_is_asked_for(make):
    study = make.knowing(make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100, report={"explained": 0}))
    assert find_importance(study) is None
