import pytest

from ablation.sections.conditions import _table, _values, condition_value, find_conditions


@pytest.mark.parametrize(
    ("axis", "value", "said"),
    [
        ("pairing", "oracle", "test only, trained on noise-free"),
        ("pairing", "raw@lab-0.5", "test only, trained on raw (lab, severity 0.5)"),
        ("pairing", "mixed", "half of training, and test"),
        ("share", 0.5, "50%"),
        ("severity", 1.5, "1.5"),
        ("stream", "joint_motion", "joint motion"),
    ],
)
def test_places_on_an_axis_read_well(make, axis, value, said):
    study = make.study({"raw": 0, "refined": 0.1}, clips=12, resamples=100)
    assert condition_value(study, axis, value) == said


def test_the_main_arm_is_drawn_where_one_thing_differs(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100, grid=True)
    found = find_conditions(study)
    assert found.varied == ["stream", "pairing", "severity", "share"]
    assert [(row.condition.stream, row.condition.pairing) for row in found.near] == [
        ("joint", "both"), ("bone", "both"), ("joint", "test")
    ]  # fmt: skip
    assert {row.arm for row in found.near} == {"refined"}
    assert len(_table(study, found).rows) == 2 * 7
    assert _values(study, found)["first"] == (
        "split xsub, stream joint, skeletons used in training and test, noise severity 1, training clips 100%"
    )


def test_one_condition_is_no_topic(make):
    assert find_conditions(make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)) is None
