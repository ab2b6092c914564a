import numpy as np
import pytest

from base.errors import InputError
from data.ntu.names import parse_name
from data.skeletons.layouts import NTU25
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from refine.steady.bones import hang
from refine.steady.features import JUDGE_FEATURES, MIXER_FEATURES
from refine.steady.net import Networks
from refine.steady.smoother import refine_sequence
from refine.steady.stores import refine_store
from tests.refine.steady.test_net import random_network


@pytest.fixture
def networks():
    rng = np.random.default_rng(0)
    return Networks(random_network(rng, JUDGE_FEATURES, 8, 1), random_network(rng, MIXER_FEATURES, 8, 8))


@pytest.fixture
def store(tmp_path):
    """Write clips with two actors, one frame alone, gaps, inferred joints, and a joint that is not finite."""
    rng = np.random.default_rng(0)
    with StoreWriter(tmp_path / "raw", StoreInfo(source="test", fps=30.0)) as writer:
        for number, lengths in enumerate([(50, 20), (1,), (), (41,)], 1):
            tracks = []
            for actor, length in enumerate(lengths):
                joints = rng.normal(size=(1, 25, 3)) + rng.normal(0, 0.02, (length, 25, 3)).cumsum(0)
                joints, tracked = joints.astype(np.float32), rng.choice([1, 2], (length, 25)).astype(np.uint8)
                if length > 40:
                    joints[10:14], tracked[10:14] = 0, 0
                    tracked[:, 24] = 0
                    joints[30, 3] = np.nan
                tracks.append(Track(actor, 1, joints, tracked))
            writer.add(parse_name(f"S001C001P001R001A{number:03d}"), 60, tracks)
    return open_store(tmp_path / "raw")


@pytest.mark.parametrize("bones", [False, True])
def test_every_track_is_refined_by_itself(store, networks, tmp_path, bones):
    refine_store(store, networks, tmp_path / "out", strength=0.8, bones=bones)
    found = open_store(tmp_path / "out")
    np.testing.assert_array_equal(found.tracked, store.tracked)
    tree = hang(NTU25.bones, 25) if bones else None
    for start, length in zip(store.tracks.first_row.tolist(), store.tracks.length.tolist(), strict=True):
        rows = slice(start, start + length)
        joints, tracked = np.array(store.joints[rows]), np.array(store.tracked[rows])
        seen = (tracked > 0) & np.isfinite(joints).all(-1)
        trust = np.array([0, 0.5, 1], np.float32)[tracked]
        expected = refine_sequence(networks, joints, 30.0, trust, 0.8, tree)
        np.testing.assert_array_equal(found.joints[rows][seen], expected[seen])
        np.testing.assert_array_equal(found.joints[rows][~seen], joints[~seen])
    assert found.info.kind == "refined"
    assert found.info.refiner["kind"] == "steady"
    assert found.info.refiner["strength"] == 0.8


def test_an_existing_store_is_not_replaced(store, networks, tmp_path):
    refine_store(store, networks, tmp_path / "out")
    before = (tmp_path / "out" / "joints.npy").read_bytes()
    with pytest.raises(InputError, match="already exists"):
        refine_store(store, networks, tmp_path / "out", strength=0.0)
    assert (tmp_path / "out" / "joints.npy").read_bytes() == before
    refine_store(store, networks, tmp_path / "out", strength=0.0, replace=True)
    np.testing.assert_array_equal(open_store(tmp_path / "out").joints, store.joints)
