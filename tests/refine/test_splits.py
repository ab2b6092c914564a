import numpy as np

from data.recordings.people import BRIDGE_S
from refine.splits import split_track

FPS = 30.0


def still(frames=60, joints=5):
    rng = np.random.default_rng(1)
    return np.repeat(rng.normal(size=(1, joints, 3)), frames, 0), np.ones((frames, joints), bool)


def test_one_motion_is_one_piece():
    joints, seen = still()
    pieces = split_track(joints, seen, np.arange(60) / FPS, 1.0)
    assert (pieces.spans, pieces.gaps, pieces.jumps, len(pieces.astray)) == ([(0, 60)], 0, 0, 0)


def test_a_gap_cuts_where_it_is_longer_than_can_be_bridged():
    joints, seen = still()
    short, long = round(BRIDGE_S * FPS) - 1, round(BRIDGE_S * FPS) + 2
    for gap, spans in ((short, [(0, 60)]), (long, [(0, 20), (20 + long, 60)])):
        there = seen.copy()
        there[20 : 20 + gap] = False
        assert split_track(joints, there, np.arange(60) / FPS, 1.0).spans == spans


def test_a_jump_cuts_and_a_jump_there_and_back_is_frames_astray():
    joints, seen = still()
    times = np.arange(60) / FPS
    away = joints.copy()
    away[30:] += 5.0
    pieces = split_track(away, seen, times, 1.0)
    assert (pieces.spans, pieces.jumps) == ([(0, 30), (30, 60)], 1)
    back = joints.copy()
    back[30:33] += 5.0
    pieces = split_track(back, seen, times, 1.0)
    assert (pieces.spans, pieces.jumps, pieces.astray.tolist()) == ([(0, 60)], 0, [30, 31, 32])


def test_of_nobody_there_is_no_piece():
    joints, seen = still(5)
    assert split_track(joints, ~seen, np.arange(5) / FPS, 1.0).spans == []
