import pytest
from pydantic import ValidationError

from refine.config import ApplySection, CompareSection, EvaluateSection, FiguresSection, TrainSection, check_source


def test_one_name_is_a_list_of_one_and_weights_are_shares():
    assert TrainSection(on="a").names == ("a",)
    assert TrainSection(on="a").shares is None
    assert TrainSection(on={"a": 1, "b": 3}).shares == (0.25, 0.75)
    assert EvaluateSection(on="all").on == "all"
    assert EvaluateSection(stride=4).strides == (4,)


@pytest.mark.parametrize(
    ("section", "given", "text"),
    [
        (EvaluateSection, {"filters": ["gaussian", "gaussian"]}, "evaluate.filters names gaussian, gaussian"),
        (EvaluateSection, {"released_filters": True}, "name the filters in evaluate.filters"),
        (CompareSection, {"kind": ["basic", "basic"]}, "kind names basic, basic; each may be named once"),
        (FiguresSection, {"frames": (5, 7)}, "one at least 3 later"),
        (ApplySection, {"input": "a"}, "apply.input and apply.output go together"),
    ],
)
def test_what_makes_no_sense_is_told(section, given, text):
    with pytest.raises(ValidationError, match=text):
        section(**given)


@pytest.mark.parametrize(
    ("given", "text"),
    [({}, "give train.on"), ({"on": ["a", "a"]}, "each may be named once"), ({"checkpoint": {}}, "name at least one")],
)
def test_a_refiner_comes_from_somewhere(given, text):
    with pytest.raises(ValueError, match=text):
        check_source(TrainSection(**given))
