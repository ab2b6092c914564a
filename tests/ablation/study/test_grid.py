from ablation.study.grid import Condition


def test_conditions_differ_in_axes():
    first = Condition(severity=1.0)
    assert first.differs_in(Condition(severity=1.0)) == set()
    assert first.differs_in(Condition(severity=2.0, stream="bone")) == {"severity", "stream"}
    assert first.differs_in(Condition()) == {"severity"}
