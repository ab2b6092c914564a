import numpy as np
import pytest

from refine.live import bodies
from refine.live.bodies import Body


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def two_rods(rng, frames):
    """Two rods of two joints each, the length 1 and 2, that go where they want."""
    out = np.zeros((frames, 3, 4))
    for rod, length in enumerate((1.0, 2.0)):
        direction = rng.normal(size=(frames, 3))
        direction *= length / np.linalg.norm(direction, axis=1, keepdims=True)
        middle = 10 * rng.normal(size=(frames, 3))
        out[:, :, 2 * rod], out[:, :, 2 * rod + 1] = middle, middle + direction
    return out


@pytest.mark.parametrize("pairs", [2048, 8])  # all at once, or two rows a frame in turn
def test_who_keeps_a_distance_is_found_and_who_breaks_it(rng, monkeypatch, pairs):
    monkeypatch.setattr(bodies, "PAIRS", pairs)
    monkeypatch.setattr(bodies, "COUNT", 1)
    body = Body(4, 30.0)
    seen = np.ones(4, bool)
    x = two_rods(rng, 120)
    for frame in x:
        body.learn(frame, seen)
    frame = two_rods(rng, 1)[0]
    np.testing.assert_allclose(body.strain(frame, seen)[0], 0, atol=1e-9)
    frame[:, 1] = frame[:, 0] + [0.0, 0.0, 1.5]
    np.testing.assert_allclose(body.strain(frame, seen), [[0.5, 0.5, 0, 0]] * 2, atol=1e-9)
    np.testing.assert_allclose(body.strain(frame, np.array([True, False, True, True])), 0, atol=1e-9)


def test_the_size_is_the_usual_distance_from_the_middle(rng):
    body = Body(4, 30.0)
    square = np.array([[1, -1, 0, 0], [0, 0, 1, -1]], float)
    for scale in (2.0, 4.0):
        body.learn(scale * square + rng.normal(size=(2, 1)), np.ones(4, bool))
    assert body.size == pytest.approx(3.0)


def test_a_single_joint_is_as_large_as_its_way(rng):
    sizes = []
    path = rng.normal(size=(50, 2, 1))
    for scale in (1.0, 7.0):
        body = Body(1, 30.0)
        assert body.strain(path[0], np.ones(1, bool)).shape == (2, 1)
        for x in path:
            body.learn(scale * x, np.ones(1, bool))
        sizes.append(body.size)
    assert sizes[1] == pytest.approx(7 * sizes[0])
    assert sizes[0] > 0.1
