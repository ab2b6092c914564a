import hashlib
from pathlib import Path

import numpy as np
import pytest

from data.ntu.simulate.clips import choose_clips, clean_clip, simulate_clip
from data.ntu.splits import MISSING, TRAIN_PERFORMERS
from data.ntu.text import write_skeleton
from tests.data.ntu.simulate.sections import section


def test_clips_are_balanced_over_actions_performers_and_both_halves(tmp_path):
    wanted = section(tmp_path, clips=500, performers=16, actions=(1, 6, 8, 23, 58))
    names = choose_clips(wanted)
    assert names == sorted(set(names))
    assert len(names) == 500
    assert not MISSING & {str(name) for name in names}
    for key in ("action", "performer", "camera", "replication"):
        _, counts = np.unique([getattr(name, key) for name in names], return_counts=True)
        assert counts.max() <= 1.3 * counts.min(), key
    share = np.mean([name.performer in TRAIN_PERFORMERS for name in names])
    assert 0.45 < share < 0.55


def test_severity_zero_is_the_truth(tmp_path):
    wanted = section(tmp_path, severity=0.0)
    clip = simulate_clip(wanted, choose_clips(wanted)[0])
    np.testing.assert_array_equal(*clip.pair)
    assert all((body.tracked == 2).all() for body in clip.skeleton.bodies)


def test_in_the_laboratory_the_same_movement_is_seen_with_less_jitter(tmp_path):
    wanted = {setting: section(tmp_path, severity=1.0, setting=setting) for setting in ("ntu", "lab")}
    names = choose_clips(wanted["ntu"])[:12]
    jitter = {}
    for setting, made_so in wanted.items():
        clips = [simulate_clip(made_so, name) for name in names]
        errors = [body.joints - body.joints.mean(0) for clip in clips for body in clip.skeleton.bodies]
        jitter[setting] = np.median(np.concatenate([np.abs(np.diff(x, 2, axis=0)).ravel() for x in errors]))
    assert 0.3 < jitter["lab"] / jitter["ntu"] < 0.8


def test_more_clips_than_there_are_names_are_refused(tmp_path):
    """Of one action by one person there are 17 setups, 3 cameras and 2 replications."""
    names = choose_clips(section(tmp_path, clips=102, performers=(3,), actions=(9,)))
    assert len({str(name) for name in names} - MISSING) == 102
    with pytest.raises(ValueError, match="at most 102 clips of 1 actions by 1 performers"):
        choose_clips(section(tmp_path, clips=103, performers=(3,), actions=(9,)))


def test_the_truth_is_what_was_performed_whatever_the_severity(tmp_path):
    for name in choose_clips(section(tmp_path))[:3]:
        clean, _ = clean_clip(section(tmp_path), name)
        np.testing.assert_array_equal(clean_clip(section(tmp_path, severity=5.0), name)[0], clean)
        performed = {joints.tobytes() for person in clean.astype(np.float32) for joints in person}
        clip = simulate_clip(section(tmp_path, severity=5.0), name)
        assert all(joints.tobytes() in performed for track in clip.truth for joints in track.joints)


def test_names_that_everybody_leaves_out_are_not_used(tmp_path):
    """Of the 102 names of performer 5 sitting down the authors' list of incomplete samples has 1."""
    wanted = {"performers": (5,), "actions": (8,)}
    names = {str(name) for name in choose_clips(section(tmp_path, clips=101, **wanted))}
    assert len(names) == 101
    assert "S001C002P005R002A008" not in names
    with pytest.raises(ValueError, match="only 101 clips"):
        choose_clips(section(tmp_path, clips=102, **wanted))


def test_today_s_clips_are_those_of_before_there_were_movements():
    """The digest was recorded then."""
    wanted = section(Path("x"), clips=6, performers=(1, 3), actions=(9, 24, 58), severity=1.5)
    texts = (write_skeleton(simulate_clip(wanted, name).skeleton) for name in choose_clips(wanted))
    digest = hashlib.sha256(b"".join(texts)).hexdigest()
    assert digest == "0ac16f8a47a757d8bfea9053093031df10ed9514a2fcf7f0d2f98763dd722a37"


def test_movements_are_made_by_some_and_change_nothing_else(tmp_path):
    plain, quick = section(tmp_path, severity=1.0), section(tmp_path, severity=1.0, movements=("run", "throw"))
    changed = []
    for name in choose_clips(plain):
        (clean, rng), (moved, other) = clean_clip(plain, name), clean_clip(quick, name)
        assert rng.random() == other.random()  # the errors are drawn alike
        assert moved.shape == clean.shape
        np.testing.assert_array_equal(moved[1:], clean[1:])  # the partner
        changed.append(not np.array_equal(moved, clean))
    assert 0.2 < np.mean(changed) < 0.9
    clip = simulate_clip(quick, choose_clips(quick)[int(np.argmax(changed))])
    measured, truth = clip.pair
    assert 0.005 < np.median(np.linalg.norm(measured - truth, axis=-1)) < 0.1
