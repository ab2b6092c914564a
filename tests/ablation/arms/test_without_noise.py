from dataclasses import replace

import numpy as np
import pytest

from ablation.arms.registry import ARMS
from ablation.study.hashes import content_of
from ablation.study.stores import list_sources
from base.errors import InputError
from data.skeletons.store import open_store
from tests.ablation.small_study import configured


@pytest.fixture
def make_oracle(settings):
    config = configured(settings)
    (source,) = list_sources(config)

    def made(**changed):
        base = open_store(source.raw)
        return ARMS["oracle"].make(config, replace(source, **changed), "oracle", base, content_of(base))

    return made


def test_it_differs_from_the_measured_clips_by_their_noise_alone(settings, make_oracle):
    """Noise of 2 cm was added to what the store of the truth holds."""
    oracle = make_oracle()
    assert oracle.store.folder == settings["data"]["truth"]
    assert str(settings["data"]["truth"]) in oracle.how
    joints = [np.load(settings["data"][key] / "joints.npy") for key in ("store", "truth")]
    np.testing.assert_array_equal(oracle.store.joints, joints[1])
    noise = joints[0] - np.asarray(oracle.store.joints)
    assert noise.std() == pytest.approx(0.02, rel=0.02)
    assert abs(noise.mean()) < 0.001


def test_clips_whose_truth_nobody_knows_have_none(make_oracle):
    with pytest.raises(InputError, match=r"arms: found 'oracle', but data\.truth is null"):
        make_oracle(truth=None)
