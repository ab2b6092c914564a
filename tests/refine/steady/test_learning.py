import numpy as np
import pytest
import torch

from refine.steady.learning import MixerSample, Recipe, mixer_loss


def sample(rng, off, fps=30.0):
    truth = np.cumsum(rng.normal(0, 0.1, off.shape[:2] + off.shape[3:]), axis=0)
    travel = truth[3:] - truth[:-3]
    raw = float(np.linalg.norm(off[:, :, 0], axis=-1).mean())
    return MixerSample(np.zeros(1), off.astype(np.float32), travel.astype(np.float32), raw, fps, "kinect"), truth


def test_loss_is_that_of_the_mixture():
    rng = np.random.default_rng(0)
    off = rng.normal(size=(40, 5, 8, 3))
    one, _ = sample(rng, off)
    weights = rng.dirichlet(np.ones(8), (40, 5))
    recipe = Recipe(root=0.0, velocity=2.0, acceleration=3.0, gain=0.0, even=1.0)
    error = np.einsum("tjk,tjkd->tjd", weights, off)
    length = [np.linalg.norm(np.diff(error, order, axis=0), axis=-1).mean() for order in range(3)]
    expected = (length[0] + 2 * length[1] + 3 * length[2]) / (one.raw + 0.02)
    found = mixer_loss(torch.from_numpy(weights).float(), one, recipe)
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_lost_movement_is_paid_for_but_not_what_was_never_there():
    rng = np.random.default_rng(0)
    off = np.zeros((60, 4, 8, 3))
    _, truth = sample(rng, off)
    off[:, :, 0] = -0.2 * truth[:, :, :]  # the observation shows 80% of the movement
    off[:, :, 1] = -0.5 * truth
    one, _ = sample(np.random.default_rng(0), off)
    recipe = Recipe(root=0.0, velocity=0.0, acceleration=0.0, gain=1.0, even=0.0)
    paid = []
    for level in (0, 1, 2):
        weights = torch.zeros(60, 4, 8)
        weights[..., level] = 1
        parts = {}
        mixer_loss(weights, one, recipe, parts)
        paid.append(parts["total"] - parts["position"])
        assert parts["gain"] == pytest.approx((0.8, 0.5, 1.0)[level], abs=0.02)
    assert paid[0] == pytest.approx(0, abs=1e-6)
    assert paid[1] == pytest.approx(0.3**2, abs=0.01)
    assert paid[2] == pytest.approx(0, abs=1e-6)
