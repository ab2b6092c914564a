import pytest

from recognition.config import TrainSection
from recognition.train import learning_rate


def test_warm_up_then_cosine():
    factor = learning_rate(TrainSection(epochs=10, warmup=2, schedule="cosine"))
    values = [factor(epoch) for epoch in range(10)]
    assert values[:3] == pytest.approx([1 / 3, 2 / 3, 1])
    assert values[6] == pytest.approx(0.5)
    assert values[2:] == sorted(values[2:], reverse=True)
    assert 0 < values[9] < 0.05


def test_steps():
    factor = learning_rate(TrainSection(epochs=10, warmup=0, schedule="step", steps=(4, 8)))
    assert [factor(epoch) for epoch in (0, 3, 4, 7, 8, 9)] == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
