import pytest

from ablation.study.grid import Condition, TrainedOn, parse_trained_on


def test_conditions_differ_in_axes():
    first = Condition(severity=1.0)
    assert first.differs_in(Condition(severity=1.0)) == set()
    assert first.differs_in(Condition(severity=2.0, stream="bone")) == {"severity", "stream"}
    assert first.differs_in(Condition()) == {"severity"}


@pytest.mark.parametrize(
    ("pairing", "expected"),
    [
        ("both", None),
        ("oracle", TrainedOn("oracle")),
        ("raw@0.5", TrainedOn("raw", 0.5)),
        ("raw@lab", TrainedOn("raw", None, "lab")),
        ("one_euro@ntu-2", TrainedOn("one_euro", 2.0, "ntu")),
    ],
)
def test_a_pairing_may_name_what_is_trained_on(pairing, expected):
    assert parse_trained_on(pairing) == expected


@pytest.mark.parametrize("pairing", ["", "raw@", "raw@-1", "raw@lab-", "raw@1e3", "@lab", "raw @lab", "raw@lab-1-2"])
def test_what_names_nothing_is_refused(pairing):
    with pytest.raises(ValueError, match="expected one of both, test, train, mixed"):
        parse_trained_on(pairing)
