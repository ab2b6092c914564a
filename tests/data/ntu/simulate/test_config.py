import pytest
from pydantic import ValidationError

from data.ntu.simulate.config import SimulateSection
from data.ntu.splits import TRAIN_PERFORMERS
from tests.data.ntu.simulate.sections import section


def test_mistakes_are_told(tmp_path):
    with pytest.raises(ValidationError, match="give different numbers out of"):
        section(tmp_path, actions=(1, 99))
    with pytest.raises(ValidationError, match="from 1 to 40"):
        section(tmp_path, performers=(3, 3))


@pytest.mark.parametrize("count", [2, 6, 16, 40])
def test_performers_are_taken_evenly_from_both_halves(count):
    numbers = SimulateSection(performers=count).performer_numbers()
    assert numbers == tuple(sorted(set(numbers)))
    assert len(numbers) == count
    assert len(set(numbers) & set(TRAIN_PERFORMERS)) == count // 2
    assert SimulateSection(performers=40).performer_numbers() == tuple(range(1, 41))


def test_performers_that_are_named_are_taken():
    assert SimulateSection(performers=(7, 3)).performer_numbers() == (7, 3)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("clips", 0), ("performers", 0), ("performers", 41), ("performers", ()), ("actions", ()), ("actions", (1, 1)),
        ("severity", 5.1), ("severity", -0.1), ("severity", float("nan")), ("setting", "moon"), ("seed", -1),
        ("seed", 2**63), ("colour", "red"), ("movements", ("fly",)), ("movements", ("run", "run")),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(key, value):
    with pytest.raises(ValidationError, match=f"(?m)^{key}"):
        SimulateSection(**{key: value})


def test_a_section_without_movements_says_what_it_always_said():
    """Stand-ins and runs of before there were any are those of today."""
    plain, quick = SimulateSection(), SimulateSection(movements=("fall",))
    known = {"folder", "clips", "performers", "actions", "severity", "setting", "seed", "text"}
    for mode in ("python", "json"):
        assert plain.model_dump(mode=mode).keys() == known
        assert quick.model_dump(mode=mode).keys() == known | {"movements"}
    assert SimulateSection.model_validate(quick.model_dump()) == quick
    assert plain.model_dump(exclude={"folder"}).keys() == known - {"folder"}
