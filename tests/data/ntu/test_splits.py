import numpy as np
import pytest

from data.ntu.names import ClipName, parse_name
from data.ntu.splits import LAST_SETUP, MISSING, TRAIN_PERFORMERS, TRAIN_PERFORMERS_120, in_training, rules_of
from data.skeletons.store import Clips, StoreInfo, StoreWriter, open_store


@pytest.fixture
def store(tmp_path):
    with StoreWriter(tmp_path / "store", StoreInfo(source="made up")) as writer:
        for name in (ClipName(1, 1, 1, 1, 1), ClipName(1, 2, 3, 1, 2), ClipName(2, 1, 3, 2, 60)):
            writer.add(name, 20, [])
    return open_store(tmp_path / "store")


def test_splits_follow_performers_and_cameras(store):
    assert in_training(store.clips, "xsub").tolist() == [True, False, False]
    assert in_training(store.clips, "xview").tolist() == [False, True, False]
    assert len(TRAIN_PERFORMERS) == 20
    assert len(MISSING) == 535
    assert sum(parse_name(name).setup <= LAST_SETUP for name in MISSING) == 302
    assert all(str(parse_name(name)) == name for name in MISSING)


def test_each_half_has_the_published_performers_and_cameras():
    """X-Sub: 20 of 40 performers train; X-View: cameras 2 and 3 of three."""
    every = [ClipName(1, camera, person, 1, 1) for camera in (1, 2, 3) for person in range(1, 41)]
    columns = np.array([[name.setup, name.camera, name.performer, name.replication, name.action, 9] for name in every])
    clips = Clips(np.array([str(name) for name in every]), *columns.T)
    testing = np.unique(clips.performer[~in_training(clips, "xsub")]).tolist()
    assert testing == [3, 6, 7, 10, 11, 12, 20, 21, 22, 23, 24, 26, 29, 30, 32, 33, 36, 37, 39, 40]
    assert np.unique(clips.performer[in_training(clips, "xsub")]).tolist() == sorted(set(range(1, 41)) - set(testing))
    assert np.unique(clips.camera[in_training(clips, "xview")]).tolist() == [2, 3]
    assert np.unique(clips.camera[~in_training(clips, "xview")]).tolist() == [1]


def test_each_half_of_the_greater_set_has_the_published_performers_and_setups():
    """NTU RGB+D 120: 53 of 106 performers train by X-Sub, the 16 even setups of 32 by X-Set."""
    every = [ClipName(setup, 1, person, 1, 1) for setup in (1, 2, 31, 32) for person in range(1, 107)]
    columns = np.array([[name.setup, name.camera, name.performer, name.replication, name.action, 9] for name in every])
    clips = Clips(np.array([str(name) for name in every]), *columns.T)
    by_person, by_setup = (in_training(clips, rules_of(clips)[rule]) for rule in ("xsub", "xset"))
    training = np.unique(clips.performer[by_person])
    assert (len(training), len(TRAIN_PERFORMERS_120)) == (53, 53)
    assert set(TRAIN_PERFORMERS) < set(training.tolist())
    assert training[20:].tolist() == [
        45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86, 89, 91, 92, 93, 94,
        95, 97, 98, 100, 103,
    ]  # fmt: skip
    assert np.unique(clips.setup[by_setup]).tolist() == [2, 32]
