import numpy as np

from ablation.sections.made import describe_clips
from ablation.study.plan import plan
from ablation.study.stores import list_sources, make_stores
from ablation.study.study import assemble
from base.files import sha256
from recognition.scores import SeedScores
from tests.ablation.small_study import configured


def test_the_data_are_described(settings):
    config = configured(settings, arms=["raw", "oracle"], seeds=[0])
    (made,) = (make_stores(config, source) for source in list_sources(config))
    names = np.sort(made.stores["raw"].clips.name[made.stores["raw"].clips.performer == 3])
    scores = SeedScores(names, np.zeros(len(names), int), np.full((1, len(names), 2), 0.5), np.array([1, 2]))
    planned = plan(config, [made])
    gathered = {planned.conditions[0]: dict.fromkeys(config.arms, ((0,), scores))}
    study = assemble(config, planned, made, gathered, [], {})
    found = describe_clips(study)
    assert found["clips"] == "18, of which 6 for testing"
    assert found["frames"] == "432 at 30 a second"
    assert (found["people"], found["actions"], found["skipped"]) == (3, 2, [])
    assert found["joints.npy"] == f"SHA-256 {sha256(made.stores['raw'].folder / 'joints.npy')}"
    assert study.clips.performers == 1
    assert study.clips.people.tolist() == [3] * 6
    assert not study.clips.simulated
