import numpy as np
import pytest

from ablation.sections.poses import pose_figures
from ablation.skeletons import clip_poses
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
