import re
from pathlib import Path

import pytest

from ablation.study.config import AblateConfig
from base.config import load_config
from base.errors import InputError
from tests.ablation.small_study import configured

CONFIGS = Path(__file__).parents[3] / "configs" / "ablate"


@pytest.mark.parametrize("name", sorted(path.stem for path in CONFIGS.glob("*.yaml")))
def test_the_configurations_that_ship_are_valid(name):
    config = load_config(AblateConfig, CONFIGS / f"{name}.yaml", ())
    assert config.against == "raw"
    assert len(config.seeds) >= 3


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("arms=[raw, raw]", "each may be named once"),
        ("arms=[raw, smooth]", "arms names 'smooth', which is no arm; there are raw, refined"),
        ("arms=[raw, gausian]", "did you mean 'gaussian'"),
        ("arms=[raw]", "arms"),
        ("seeds=[1, 1]", "each may be named once"),
        ("seeds=[]", "seeds"),
        ("against=oracle arms=[raw,refined]", "not among the arms"),
        ("statistics.confidense=0.9", "confidence"),
        ("refine.evaluate.stride=99", "yaml with .*: refine: evaluate.stride 99 is more than the window of 32 frames$"),
        ("refine.train.on=[]", "refine: .*train.on"),
        ("grid.streams=[]", "grid.streams"),
        ("grid.severities=[1, 1.0]", "severities names 1.0, 1.0; each may be named once"),
        ("grid.severities=[9]", "grid.severities are from 0 to 5"),
        ("grid.shares=[0]", "greater than 0"),
        ("grid.pairings=[both, orakel]", "grid.pairings names 'orakel'; did you mean 'oracle'"),
        ("grid.pairings=['raw@home']", "expected one of both, test, train, mixed, or the arm"),
        ("grid.pairings=['raw@lab-9']", "severities are from 0 to 5"),
        ("simulate=null grid.pairings=['raw@lab']", "need simulated clips"),
        ("grid={ensembles: {joint: {bone: 1}}}", "no stream's"),
        ("simulate=null grid.severities=[1]", "need simulated clips"),
        ("refiners={raw: {}}", "refiners has 'raw'"),
        ("refiners={b: {model: {window: 1}}}", "refiners.b.model.window"),
        ("refiners={b: {}} arms=[raw, refined, b]", "refined and b are the same refiner"),
        ("report.arm=raw", "name another arm"),
        ("data.validation=0 recognize.train.patience=3", "train.patience needs validation clips"),
        ("recognize.input.frames=1 grid.streams=[joint,joint_motion]", "joint_motion would be 0 everywhere"),
        ("refine.apply.stride=64", "apply.stride 64 is more than the window of 32 frames"),
        ("grid.ensembles={two: {joint: .nan, bone: 1}}", "grid.ensembles.two.joint"),
        ("statistics.margin=.inf", "statistics.margin"),
        ("report.labels={refined: raw}", "two arms are called 'raw'"),
        ("data.store=elsewhere/raw grid.severities=[0, 1]", "elsewhere/raw, outside simulate.folder"),
    ],
)
def test_a_study_that_makes_no_sense_is_refused(override, message):
    with pytest.raises(InputError, match=message):
        load_config(AblateConfig, CONFIGS / "default.yaml", re.split(r" (?=arms|grid|recognize)", override))


def test_a_refiner_that_differs_does_not_begin_with_the_checkpoint_of_the_other(settings):
    train = {"checkpoint": "best.pt", "on": {"h36m_fcn_3D": 1}}
    refiners = {
        "w64": {"model": {"window": 64}},
        "simulated": {"train": {"on": {"ntusim_kinect_3D": 1}}},
        "applied": {"apply": {"stride": 2}},
        "given": {"train": {"checkpoint": "other.pt"}},
    }
    config = configured(settings, refine={**settings["refine"], "train": train}, refiners=refiners)
    sections = config.refiner_sections
    checkpoints = {
        name: section.train.checkpoint and section.train.checkpoint.name for name, section in sections.items()
    }
    expected = {"refined": "best.pt", "w64": None, "simulated": None, "applied": "best.pt", "given": "other.pt"}
    assert checkpoints == expected
    assert sections["simulated"].train.names == ("ntusim_kinect_3D",)
    assert sections["w64"].train.names == ("h36m_fcn_3D",)


def test_few_clips_are_shown_more_often_where_steps_are_to_be_equal():
    shipped = load_config(AblateConfig, CONFIGS / "few.yaml", ())
    assert [shipped.recognizer("joint", share).train.repeat for share in shipped.grid.shares] == [1, 3, 10, 20]
    as_ever = load_config(AblateConfig, CONFIGS / "few.yaml", ("grid.equal_steps=false",))
    found = as_ever.recognizer("joint", 0.1)
    assert (found.train.repeat, found.data.share) == (1, 0.1)
