"""Jitter and speed of skeletons whose motion is known."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from ablation.sections.movement import class_movement
from ablation.statistics import ClassEffect
from tests.ablation.small_study import moving, write_clips


def effect(action, gain):
    return ClassEffect(action, 1, 50.0, 50.0 + gain, gain, (gain - 1, gain + 1), 0.5, 0.5)


def test_jitter_comes_from_the_noisy_and_speed_from_the_steady_skeletons(tmp_path):
    speeds, shakes = {1: 0.01, 2: 0.03, 3: 0.02}, {1: 0.002, 2: 0.001, 3: 0.004}
    steady = {action: moving(speed) for action, speed in speeds.items()}
    flip = np.where(np.arange(64) % 2, 1, -1)[:, None]
    noisy = {}
    for action, joints in steady.items():
        noisy[action] = joints.copy()
        noisy[action][..., 1] += shakes[action] * flip
    raw, truth = write_clips(tmp_path / "raw", noisy), write_clips(tmp_path / "truth", steady, "truth")
    effects = [effect(1, -2.0), effect(2, 5.0), effect(3, 1.0)]
    found = class_movement(raw, truth, "oracle", raw.clips.name, effects)
    np.testing.assert_allclose(found.speed, [0.3, 0.9, 0.6], rtol=1e-4)  # 30 frames a second
    np.testing.assert_allclose(found.jitter, [8, 4, 16], rtol=1e-3)  # the second difference of +-a is 4 a
    assert found.speed_rank[0] == pytest.approx(1)
    assert found.jitter_rank[0] == pytest.approx(spearmanr([8, 4, 16], [-2, 5, 1]).statistic)


@pytest.mark.parametrize(("actions", "p"), [(3, 1 / 3), (4, 1 / 12)])
def test_few_actions_in_perfect_order_are_little_evidence(tmp_path, actions, p):
    """Of n! orders, two are perfect: the exact p-value."""
    store = write_clips(tmp_path / "raw", {action: moving(0.01 * action) for action in range(1, actions + 1)})
    effects = [effect(action, float(action)) for action in range(1, actions + 1)]
    found = class_movement(store, store, "raw", store.clips.name, effects)
    assert found.speed_rank == (pytest.approx(1), pytest.approx(p))
    assert class_movement(store, store, "raw", store.clips.name, [effect(a, 1.0) for a in (1, 2, 3)]).speed_rank is None


def test_two_actions_have_no_rank_correlation(tmp_path):
    store = write_clips(tmp_path / "raw", {1: moving(0.01), 2: moving(0.02)})
    assert class_movement(store, store, "raw", store.clips.name, [effect(1, 1.0), effect(2, 2.0)]) is None
