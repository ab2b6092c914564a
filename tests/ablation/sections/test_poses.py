import numpy as np
import pytest

from ablation.sections.poses import pose_figures
from ablation.skeletons import clip_poses
from data.ntu.names import parse_name
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from tests.ablation.small_study import bending, write_tracks

NAMES = ("S001C001P003R001A001", "S001C001P003R001A002", "S001C001P003R002A001")


def one(frames, bend, place=0.0, actor=0, first=0):
    return actor, first, bending(frames, bend, place), np.ones((1, 1), np.uint8)


def test_acceleration_is_that_of_a_parabola_and_stays_within_tracks(tmp_path):
    made = write_tracks(
        tmp_path / "s", {NAMES[0]: [one(20, 0.002), one(30, 0.004, 5, actor=1)], NAMES[1]: [one(40, 0.5)]}
    )
    found = pose_figures("raw", made, np.array(NAMES[:1]))
    assert found.acceleration == pytest.approx((18 * 2 + 28 * 4) / 46, rel=1e-3)
    assert found.mpjpe is None
    assert found.accel is None


def test_small_blocks_give_the_same(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    tracks = {name: [(0, 0, rng.normal(size=(20, 25, 3)), np.ones((1, 1), np.uint8))] for name in NAMES}
    made = write_tracks(tmp_path / "s", tracks)
    whole = pose_figures("raw", made, np.array(NAMES))
    monkeypatch.setattr("ablation.sections.poses.ROWS", 1)
    assert pose_figures("raw", made, np.array(NAMES)).acceleration == pytest.approx(whole.acceleration)


def test_unseen_joints_do_not_count(tmp_path):
    joints = bending(20, 0.002)
    seen = np.ones((20, 25), np.uint8)
    seen[10], joints[10] = 0, 0
    made = write_tracks(tmp_path / "s", {NAMES[0]: [(0, 0, joints, seen)]})
    assert pose_figures("raw", made, np.array(NAMES[:1])).acceleration == pytest.approx(2, rel=1e-3)


def test_errors_against_the_truth_find_the_right_actor(tmp_path):
    truth = write_tracks(tmp_path / "t", {NAMES[0]: [one(25, 0.001), one(25, 0.001, 3, actor=1)]})
    bent = bending(20, 0.001, 3)[:, :] + (bending(25, 0.001)[5:] - bending(20, 0.001))  # frames 5 to 24 of actor 1
    bent[:, 4, 1] += 0.05
    measured = write_tracks(tmp_path / "m", {NAMES[0]: [(0, 5, bent, np.ones((1, 1), np.uint8))]})
    found = pose_figures("raw", measured, np.array(NAMES[:1]), truth)
    assert found.mpjpe == pytest.approx(50 / 25, rel=1e-3)  # one joint of 25 is 50 mm off
    assert found.accel == pytest.approx(0, abs=1e-3)
    picture = clip_poses({"raw": measured, "oracle": truth}, NAMES[0])
    assert picture.first_frame == 5
    offset = picture.joints["raw"] - picture.joints["oracle"]
    assert np.abs(np.delete(offset, 4, axis=1)).max() < 1e-5


@pytest.mark.parametrize(("layout", "scale", "expected"), [("ntu25", 1000, 0.0), ("coco17", 1, 5.0)])
def test_roots_are_aligned_in_space_and_not_in_an_image(tmp_path, layout, scale, expected):
    """As on the pose benchmarks: a body that is 5 px beside its place is 5 px wrong, and not at all relative to it."""
    shape = {"ntu25": (25, 3), "coco17": (17, 2)}[layout]
    rng = np.random.default_rng(0)
    true = rng.normal(0, 1, (12, *shape)).astype(np.float32)
    offset = np.zeros(shape[1], np.float32)
    offset[:2] = 3, 4
    stores = []
    for name, joints in (("truth", true), ("raw", true + offset)):
        with StoreWriter(tmp_path / name, StoreInfo(layout=layout, image=(640, 480))) as writer:
            writer.add(parse_name(NAMES[0]), 12, [Track(0, 0, joints, np.full(joints.shape[:2], 2, np.uint8))])
        stores.append(open_store(tmp_path / name))
    found = pose_figures("raw", stores[1], np.array(NAMES[:1]), stores[0])
    assert found.mpjpe == pytest.approx(expected, abs=1e-3 * scale / 1000 + 1e-5)
    assert found.accel == pytest.approx(0, abs=1e-3 * scale / 1000 + 1e-5)
