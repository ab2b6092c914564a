import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, top_k_accuracy_score

from ablation.sections.accuracy import accuracy_table
from ablation.verdict import judge


def test_the_table_has_the_accuracies_that_scikit_learn_finds(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=240, resamples=100)
    table = accuracy_table(study, study.get(judge))
    labels = [column.label for column in table.columns]
    for row, (arm, scores) in zip(table.rows, study.arms.items(), strict=True):
        cells = dict(zip(labels, row, strict=True))
        classes = np.arange(scores.score.shape[-1])
        top5 = [top_k_accuracy_score(scores.label, score, k=5, labels=classes) for score in scores.score]
        mean = [balanced_accuracy_score(scores.label, score.argmax(1)) for score in scores.score]
        low, high = cells["top-1, 95%"]
        right = np.mean([score.argmax(1) == scores.label for score in scores.score])
        root = 1.959964 * np.sqrt(right * (1 - right) / 240 + 1.959964**2 / 4 / 240**2)  # Wilson's
        assert high - low == pytest.approx(200 * root / (1 + 1.959964**2 / 240), abs=1e-4)
        assert low < cells["top-1"] < high
        assert cells["skeletons"] == study.label(arm)
        assert cells["top-5"] == pytest.approx(100 * np.mean(top5))
        assert cells["mean class"] == pytest.approx(100 * np.mean(mean))
        assert cells["by seed"] == pytest.approx([100 * np.mean(s.argmax(1) == scores.label) for s in scores.score])
    assert table.rows[0][labels.index("verdict")] is None
    assert table.rows[1][labels.index("Holm p")] == study.get(judge).comparisons[0].holm_p
    assert "McNemar p" not in labels


def test_top5_is_left_out_where_all_arms_have_it(make):
    """Of five actions the first five are all of them; with six, a wrong guess may be farther down."""
    for classes, there in ((5, False), (16, True)):
        study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100, classes=classes)
        labels = [column.label for column in accuracy_table(study, study.get(judge)).columns]
        assert ("top-5" in labels) == there
