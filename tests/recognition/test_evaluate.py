import numpy as np
import pytest

from recognition.evaluate import accuracies

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
