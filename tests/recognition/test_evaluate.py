import numpy as np
import pytest

from recognition.evaluate import accuracies
from recognition.report import confusion, draw_confusion, write_confusion

LABEL = np.array([0, 0, 0, 1, 2, 6])
SCORES = np.eye(7)[[0, 0, 3, 1, 6, 6]] + 0.01 * np.arange(7)[::-1]


def test_accuracies_by_hand():
    found = accuracies(LABEL, SCORES)
    assert found["top1"] == pytest.approx(100 * 4 / 6)
    assert found["mean_class_accuracy"] == pytest.approx(100 * (2 / 3 + 1 + 0 + 1) / 4)
    assert found["top5"] == pytest.approx(100)
    worst = SCORES.copy()
    worst[0] = [0, 1, 2, 3, 4, 5, 6]
    assert accuracies(LABEL, worst)["top5"] == pytest.approx(100 * 5 / 6)


@pytest.mark.parametrize("classes", [2, 5])
def test_top5_of_few_classes_is_all(classes):
    assert accuracies(np.array([0, 1, 1]), np.eye(classes)[[0, 0, 1]])["top5"] == 100


def test_confusion(tmp_path):
    counts = confusion(LABEL, SCORES)
    assert counts.sum() == 6
    assert counts[0, 3] == 1
    assert counts[2, 6] == 1
    write_confusion(tmp_path / "confusion.csv", counts, [f"A{index + 1:03d}" for index in range(7)])
    lines = (tmp_path / "confusion.csv").read_text().splitlines()
    assert lines[0] == "true,A001,A002,A003,A004,A005,A006,A007"
    assert lines[1] == "A001,2,0,0,1,0,0,0"
    assert draw_confusion(counts, [str(index) for index in range(7)]).axes
