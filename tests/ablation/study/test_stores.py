import numpy as np
import pytest

from ablation.study.stores import list_sources, make_stores
from base.errors import InputError
from data.skeletons.store import open_store
from tests.ablation.small_study import configured, planned, write_store


def test_a_stand_in_named_by_its_whole_path_moves_with_the_severity(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = {"store": tmp_path / "sim" / "raw", "truth": tmp_path / "sim" / "truth"}
    config = configured(settings, simulate={"folder": "sim", "severity": 1}, data=data, grid={"severities": [1, 0]})
    assert [source.raw.resolve() for source in list_sources(config)] == [data["store"], tmp_path / "sim-ntu-0" / "raw"]


def test_stores_of_other_tracks_are_not_mixed(settings, tmp_path):
    write_store(tmp_path / "other", 0, performers=(1, 2, 3), actions=(2, 1), kind="truth")
    data = {**settings["data"], "truth": tmp_path / "other"}
    config = configured(settings, grid={"pairings": ["mixed"]}, arms=["raw", "oracle"], data=data)
    with pytest.raises(InputError, match=r"grid.pairings: .* have other tracks and cannot be mixed"):
        planned(config)


def test_mixed_training_takes_half_of_the_clips_of_either(settings):
    config = configured(settings, grid={"pairings": ["mixed"]}, seeds=[0], arms=["raw", "oracle"])
    made = make_stores(config, list_sources(config)[0])
    mixed = open_store(planned(config).trainings[1].config.data.store)
    assert mixed.clips.name.tolist() == made.stores["raw"].clips.name.tolist()
    same = {
        arm: [
            np.array_equal(mixed.joints[rows], store.joints[rows])
            for first, length in zip(store.tracks.first_row, store.tracks.length, strict=True)
            for rows in [slice(first, first + length)]
        ]
        for arm, store in made.stores.items()
    }
    assert sum(same["raw"]) == sum(same["oracle"]) == 9
    assert all(one != other for one, other in zip(same["raw"], same["oracle"], strict=True))
