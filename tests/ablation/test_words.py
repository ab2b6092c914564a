import pytest

from ablation.words import p_value, points


@pytest.mark.parametrize(("value", "text"), [(1.25, "+1.2"), (-0.04, "−0.04"), (0.001, "0.0"), (-3.21, "−3.2")])
def test_points_carry_their_sign(value, text):
    assert points(value) == text


def test_p_values_read_well():
    assert [p_value(p) for p in (0.0004, 0.0123, 0.5)] == ["p < 0.001", "p = 0.012", "p = 0.50"]
