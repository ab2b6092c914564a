"""What a recogniser's configuration may say."""

import pytest

from recognition.config import RecognizeConfig


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"streams": ["joint", "joint"]}, "each may be named once"),
        ({"streams": []}, "streams is empty"),
        ({"ensemble": {"weights": {"x": {"bone": 1}}}}, "ensemble.weights.x has 'bone'; it may have joint"),
        ({"ensemble": {"weights": {"../x": {"joint": 1}}}}, "letters, digits"),
        ({"ensemble": {"weights": {"x": {"joint": 0}}}}, "weights of at least 0"),
        ({"ensemble": {"runs": {"joint": "r"}}}, "name the run otherwise"),
        ({"input": {"frames": 1, "stream": "bone_motion"}}, "0 everywhere"),
        ({"data": {"store": "s", "validation": 0}, "train": {"patience": 2}}, "needs validation clips"),
        ({"data": {"store": "s", "same_people": True}}, "same_people is true, but there is one store; name the others"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, sections, message):
    with pytest.raises(ValueError, match=message):
        RecognizeConfig.model_validate({"run": {"dir": tmp_path}, "data": {"store": tmp_path}, **sections})


WEIGHTS = {"two": {"joint": 1, "bone": 1}, "twice": {"joint": 2}, "with_run": {"joint": 1, "other": 1}}


@pytest.mark.parametrize(
    ("sections", "trained", "kept"),
    [
        ({"streams": None}, ("joint",), {"twice", "with_run"}),
        ({"streams": None, "input": {"stream": "bone"}}, ("bone",), set()),
        ({"streams": ["joint", "bone"]}, ("joint", "bone"), {"two", "twice", "with_run"}),
    ],
    ids=["joint", "bone", "both"],
)
def test_streams_null_is_one_stream_without_the_ensembles_of_others(tmp_path, sections, trained, kept):
    runs = {"other": tmp_path / "other"}
    ensemble = {"weights": WEIGHTS, "runs": runs}
    if sections.get("input"):
        ensemble = {"weights": {"two": WEIGHTS["two"], "twice": WEIGHTS["twice"]}}
    given = {"run": {"dir": tmp_path}, "data": {"store": tmp_path}, "ensemble": ensemble, **sections}
    config = RecognizeConfig.model_validate(given)
    assert config.trained == trained
    assert set(config.ensemble.weights) == kept
    again = RecognizeConfig.model_validate(config.model_dump(mode="json"))  # as a run keeps it
    assert again == config


def test_a_name_that_is_no_stream_is_refused_whatever_is_trained(tmp_path):
    weights = {"x": {"joint": 1, "bonne": 1}}
    given = {"run": {"dir": tmp_path}, "data": {"store": tmp_path}, "streams": None, "ensemble": {"weights": weights}}
    with pytest.raises(ValueError, match="has 'bonne'"):
        RecognizeConfig.model_validate(given)


def test_a_section_that_is_null_is_as_if_left_out(tmp_path):
    given = {"run": {"dir": tmp_path}, "data": {"store": tmp_path}}
    nothing = dict.fromkeys(("input", "model", "train", "test", "ensemble", "simulate"))
    assert RecognizeConfig.model_validate(given | nothing) == RecognizeConfig.model_validate(given)
    with pytest.raises(ValueError, match="run"):
        RecognizeConfig.model_validate(given | {"run": None})  # which cannot be left out
