from pathlib import Path

import pytest

from ablation.study.config import AblateConfig
from base.config import load_config
from data.ntu.prepare import PrepareConfig
from recognition.config import RecognizeConfig
from recognition.live.config import WatchConfig
from refine.benchmarks.cut import CutConfig
from refine.config import RefineConfig

CONFIGS = Path(__file__).parents[2] / "configs"
MODELS = {
    "prepare": PrepareConfig,
    "cut": CutConfig,
    "refine": RefineConfig,
    "recognize": RecognizeConfig,
    "ablate": AblateConfig,
    "watch": WatchConfig,
}


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_configuration_is_valid(path):
    load_config(MODELS[path.parent.name], path)


@pytest.mark.parametrize(("study", "stage"), [("default", "default"), ("kinect", "kinect27"), ("ntu60", "pyskl")])
def test_a_study_trains_the_recogniser_of_the_stage(study, stage):
    study = load_config(AblateConfig, CONFIGS / "ablate" / f"{study}.yaml").recognize
    stage = load_config(RecognizeConfig, CONFIGS / "recognize" / f"{stage}.yaml")
    assert (study.input, study.model, study.train, study.test) == (stage.input, stage.model, stage.train, stage.test)


def test_the_default_study_trains_the_refiner_of_the_default_stage():
    study = load_config(AblateConfig, CONFIGS / "ablate/default.yaml").refine
    stage = load_config(RefineConfig, CONFIGS / "refine/default.yaml")
    assert (study.model, study.normalise, study.train) == (stage.model, stage.normalise, stage.train)
