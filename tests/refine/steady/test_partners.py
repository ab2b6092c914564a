import numpy as np
import pytest

from refine.steady.partners import find_partners


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def two_bodies(rng, frames=60):
    """Two rigid bodies of four points that move about by themselves, [T, D, J]; points 0 to 3 and 4 to 7."""
    shape = rng.normal(size=(8, 3))
    x = np.zeros((frames, 8, 3))
    for body in (slice(0, 4), slice(4, 8)):
        angle = np.cumsum(rng.normal(0, 0.2, frames))
        turn = np.stack([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
        x[:, body] = shape[body]
        x[:, body, :2] = np.einsum("tij,nj->tni", turn, shape[body, :2])
        x[:, body] += np.cumsum(rng.normal(0, 0.3, (frames, 1, 3)), axis=0)
    return x.transpose(0, 2, 1)


def test_points_of_a_rigid_body_are_partners(rng):
    x = two_bodies(rng)
    partners = find_partners(x, np.ones((60, 8), bool))
    for joint in range(8):
        own = set(range(4)) if joint < 4 else set(range(4, 8))
        assert set(partners.index[joint, :3]) == own - {joint}
        distance = np.linalg.norm(x[0, :, joint] - x[0, :, partners.index[joint, 0]])
        assert partners.usual[joint, 0] == pytest.approx(distance, rel=1e-5)
    np.testing.assert_allclose(partners.strain(x)[:3], 0, atol=1e-5)


def test_whoever_goes_astray_is_found_out(rng):
    x = two_bodies(rng)
    x[20:40, 1, 2] += 0.7
    partners = find_partners(x, np.ones((60, 8), bool))
    least = partners.strain(x)[:3].min(axis=0)
    assert least[20:40, 2].min() > 0.03
    assert least[20:40, [0, 1, 3]].max() < 1e-5
    assert least[:20].max() < 1e-5


def test_unseen_joints_tell_nothing(rng):
    x = two_bodies(rng)
    seen = np.ones((60, 8), bool)
    seen[10:50, 3] = False
    seen[:, 5] = False
    expected = find_partners(x, seen)
    x[10:50, :, 3] = 99
    x[:, :, 5] = -99
    found = find_partners(x, seen)
    assert (found.index[[0, 1, 2, 3, 4, 6, 7]] == expected.index[[0, 1, 2, 3, 4, 6, 7]]).all()
    assert set(found.index[0, :3]) == {1, 2, 3}
    assert set(found.index[4, :2]) == {6, 7}
    assert np.isfinite(found.usual).all()


@pytest.mark.parametrize("joints", [1, 2, 3])
def test_few_joints(rng, joints):
    x = rng.normal(size=(9, 2, joints))
    partners = find_partners(x, np.ones((9, joints), bool))
    assert partners.strain(x).shape == (joints - 1, 9, joints)
