import numpy as np
import pytest

from data.errors import InputError
from data.ntu.names import parse_name
from data.ntu.store import StoreInfo, StoreWriter, Track, open_store
from refine import apply
from refine.apply import apply_filter, apply_refiner, fill_gaps
from refine.normalise import body_size
from refine.refiner import refine_poses
from tests.refine.conftest import make_refiner


@pytest.fixture
def store(tmp_path, rng):
    """Write clips with two actors, short tracks, gaps, inferred joints, and a joint that is not finite."""
    with StoreWriter(tmp_path / "raw", StoreInfo(source="test", fps=30.0)) as writer:
        for number, lengths in enumerate([(50, 20), (3,), (), (41,)], 1):
            tracks = []
            for actor, length in enumerate(lengths):
                joints = rng.normal(size=(1, 25, 3)) + rng.normal(0, 0.02, (length, 25, 3)).cumsum(0) + [0, 0, 3]
                tracked = rng.choice([1, 2], (length, 25)).astype(np.uint8)
                if length > 40:
                    joints[10:14], tracked[10:14] = 0, 0
                    joints[20:22, 7], tracked[20:22, 7] = 0, 0
                    tracked[:, 24] = 0
                    joints[30, 3] = np.nan
                tracks.append(Track(actor, 1, joints.astype(np.float32), tracked))
            writer.add(parse_name(f"S001C001P001R001A{number:03d}"), max(lengths, default=4) + 2, tracks)
    return open_store(tmp_path / "raw")


def unseen(store):
    return (np.asarray(store.tracked) == 0) | ~np.isfinite(store.joints).all(-1)


def assert_only_seen_joints_differ(before, after):
    hidden = unseen(before)
    assert 0 < hidden.sum() < hidden.size / 2
    np.testing.assert_array_equal(after.joints[hidden], before.joints[hidden])
    assert (np.asarray(after.joints)[~hidden] != np.asarray(before.joints)[~hidden]).any(-1).mean() > 0.99
    assert np.isfinite(np.asarray(after.joints)[~hidden]).all()
    assert after.joints.dtype == np.float32
    np.testing.assert_array_equal(after.tracked, before.tracked)
    for table in ("tracks", "clips"):
        for name, column in vars(getattr(before, table)).items():
            np.testing.assert_array_equal(getattr(getattr(after, table), name), column)


def test_nothing_but_what_was_seen_changes(tmp_path, store):
    refiner = make_refiner(fps=50.0)
    apply_refiner(store, refiner, tmp_path / "refined", origin={"run": "runs/a"})
    refined = open_store(tmp_path / "refined")
    assert_only_seen_joints_differ(store, refined)
    assert (refined.info.kind, refined.info.source) == ("refined", str(store.folder))
    assert refined.info.refiner == {**refiner.describe(), "stride": 1, "match_rate": True, "run": "runs/a"}
    apply_filter(store, "one_euro", {"min_cutoff_hz": 1.0, "beta": 1.0}, tmp_path / "filtered")
    filtered = open_store(tmp_path / "filtered")
    hidden = unseen(store)
    np.testing.assert_array_equal(filtered.joints[hidden], store.joints[hidden])
    assert filtered.info.refiner == {"filter": "one_euro", "parameters": {"min_cutoff_hz": 1.0, "beta": 1.0}}


def test_each_track_is_refined_by_itself(tmp_path, store, monkeypatch):
    refiner = make_refiner(fps=50.0)
    for rows, name in ((apply.ROWS, "at once"), (1, "one by one")):
        monkeypatch.setattr(apply, "ROWS", rows)
        apply_refiner(store, refiner, tmp_path / name, stride=2)
        refined = open_store(tmp_path / name)
        second = slice(50, 70)
        track = np.array(store.joints[second])
        [expected] = refine_poses(refiner, [track], root=(0,), stride=2, fps=30.0, sizes=[body_size(track)])
        np.testing.assert_allclose(refined.joints[second], expected, atol=1e-5)


def test_an_existing_store_stays(tmp_path, store):
    with pytest.raises(InputError, match="already exists"):
        apply_refiner(store, make_refiner(), store.folder)
    apply_refiner(store, make_refiner(), tmp_path / "refined")
    apply_refiner(store, make_refiner(seed=1), tmp_path / "refined", replace=True)


def test_gaps(rng):
    joints = np.arange(10.0)[:, None, None] * np.ones((1, 4, 3)) + np.arange(4)[:, None]
    seen = np.ones((10, 4), bool)
    seen[:3, 1] = seen[4:7, 1] = seen[8:, 2] = seen[:, 3] = False
    seen[5] = False
    damaged = np.where(seen[..., None], joints, np.nan)
    filled = fill_gaps(damaged, seen)
    np.testing.assert_allclose(filled[:, 0], joints[:, 0])
    np.testing.assert_allclose(filled[:, 1, 0], [4, 4, 4, 4, 5, 6, 7, 8, 9, 10])
    np.testing.assert_allclose(filled[:, 2, 0], [2, 3, 4, 5, 6, 7, 8, 9, 9, 9])
    assert (filled[:, 3] == np.median(joints[seen], 0)).all()
