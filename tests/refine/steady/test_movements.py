import numpy as np
import pytest

from refine.steady.material import RATES
from refine.steady.movements import make_movement


def test_people_run_and_wave():
    """Metres a second of body and hands: the plain simulator's people stand."""
    travel, hand = [], []
    for number in range(60):
        movement = make_movement(np.random.default_rng([4, number]), 30.0, 90)
        speed = np.linalg.norm(np.diff(movement.joints, axis=0), axis=-1) * 30
        travel.append(np.median(speed[:, 0]))
        hand.append(speed[:, 10].max())
        assert movement.joints[..., 2].min() >= 1.0 - 1e-9
    assert np.max(travel) > 2.5
    assert np.median(travel) < 0.3
    assert np.max(hand) > 5


def test_a_movement_does_not_depend_on_the_frame_rate():
    slow, fast = (make_movement(np.random.default_rng(12), fps, 10_000) for fps in (30.0, 120.0))
    assert max(RATES) == 240
    assert len(fast.joints) == pytest.approx(4 * len(slow.joints), abs=4)
