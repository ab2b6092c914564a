import pytest
from sklearn.metrics import confusion_matrix

from ablation.sections.confusions import MOST, _notes, _table, find_confusions


def test_confusions_are_those_of_scikit_learn(make):
    study = make.knowing(make.study({"raw": 0, "refined": 0.1}, resamples=100))
    del study.memo[find_confusions]
    found = study.get(find_confusions)
    assert 0 < len(found) <= MOST
    for arm, column in (("raw", "before"), ("refined", "after")):
        scores = study.arms[arm]
        counts = sum(confusion_matrix(scores.label, score.argmax(1), normalize="true") for score in scores.score)
        for one in found:
            expected = 100 * counts[one.action - 1, one.taken_for - 1] / len(scores.score)
            assert getattr(one, column) == pytest.approx(expected)
    changes = [row[-1] for row in _table(study, found).rows]
    assert changes == sorted(changes)
    assert len(_notes(study, found)["confusions"]) == len(found)


def test_equal_arms_confuse_alike(make):
    study = make.knowing(make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100))
    del study.memo[find_confusions]
    same = make.knowing(study, arms={"raw": study.arms["raw"], "refined": study.arms["raw"]})
    assert find_confusions(same) is None
    assert _notes(same, None) == {"confusions": []}
