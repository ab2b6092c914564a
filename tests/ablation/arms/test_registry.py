import pytest

from ablation.arms.registry import ARMS


@pytest.mark.parametrize(
    ("arm", "label", "phrase"),
    [
        ("raw", "raw", "raw skeletons"),
        ("oracle", "noise-free", "noise-free skeletons"),
        ("one_euro", "One-Euro", "skeletons smoothed by the One-Euro filter"),
        ("refined", "SmoothNet", "skeletons refined by SmoothNet"),
        ("w64", "SmoothNet w64", "skeletons refined by SmoothNet w64"),
    ],
)
def test_arms_are_called_as_readers_know_them(make, arm, label, phrase):
    config = make.config(dict.fromkeys(("raw", "refined", "one_euro", "oracle", "w64")))
    assert config.label(arm) == label
    assert config.skeletons(arm) == phrase
    assert (arm in ARMS) == (arm != "w64")
    assert config.filters == ("one_euro",)
    assert config.refined_arms == ("refined", "w64")
