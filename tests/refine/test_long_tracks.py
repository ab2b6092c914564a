import numpy as np
import pytest

from refine import blocks
from refine.long_tracks import refine_long


@pytest.fixture
def walk(rng):
    """Somebody who walks a metre a second, at 30 frames a second, and trembles."""
    pose = rng.normal((0, 0, 3), 0.4, (1, 5, 3))
    away = np.arange(100)[:, None, None] / 30 * [1, 0, 0]
    return (pose + away + rng.normal(0, 0.003, (100, 5, 3))).astype(np.float32)


def test_a_method_sees_a_block_and_what_is_in_its_reach(walk, monkeypatch):
    monkeypatch.setattr(blocks, "FRAMES", 32)
    given = []

    def raised(motions, sizes):
        given.extend((motion, sizes) for motion in motions)
        return [motion + 1 for motion in motions]

    joints, pieces = refine_long(walk, raised, 30.0, 4, 0.7)
    assert (pieces.spans, pieces.jumps) == ([(0, 100)], 0)
    assert [len(motion) for motion, _ in given] == [36, 40, 40, 8]
    assert all(sizes == [0.7] for _, sizes in given)
    np.testing.assert_allclose(joints, walk + 1, atol=1e-6)
    moving = np.concatenate([motion for motion, _ in given])
    assert np.ptp(moving.mean(1), axis=0).max() < 0.02  # the way of three metres is taken out


def test_it_is_cut_at_jumps_and_left_to_others_where_somebody_is_elsewhere(walk):
    away, aside = walk.copy(), walk.copy()
    away[60:] += 9
    aside[60:62] += 9
    joints, pieces = refine_long(away, lambda motions, sizes: motions, 30.0, 4)
    assert (pieces.spans, pieces.jumps) == ([(0, 60), (60, 100)], 1)
    np.testing.assert_allclose(joints, away, atol=1e-5)
    assert refine_long(aside, lambda motions, sizes: motions, 30.0, 4) is None
