import numpy as np
import pytest

from refine.steady.bank import Clock
from refine.steady.features import COLUMNS, JUDGE_FEATURES, MIXER_FEATURES, SLOW, SMALL, Features


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("fps", [10.0, 30.0])
def test_the_judge_sees_the_same_wherever_and_however_a_body_stands(rng, fps, dims):
    x = rng.normal(0, 0.3, (40, dims, 5)).astype(np.float32)
    confidence = rng.uniform(0.2, 1, (40, 5)).astype(np.float32)
    strain = rng.uniform(0, 0.1, (2, 40, 5)).astype(np.float32)
    turn = np.linalg.qr(rng.normal(size=(dims, dims)))[0].astype(np.float32)
    order = rng.permutation(5)
    moved = (np.einsum("de,tej->tdj", turn, x) + np.float32(0.7))[..., order]
    features = Features(Clock(fps))
    seen = features.judge(x, confidence, strain)
    again = features.judge(moved, confidence[:, order], strain[..., order])
    assert seen.shape == (JUDGE_FEATURES, 40, 5)
    assert seen.std(axis=(1, 2))[:24].min() > 0.01  # each number differs from place to place
    np.testing.assert_allclose(again, seen[..., order], atol=2e-3)


@pytest.mark.parametrize("fps", [15.0, 60.0])
def test_a_steady_flight_has_a_speed_and_nothing_else(fps):
    """A body that flies along (3, 4) at two body sizes a second."""
    along = 2.0 * np.array([0.6, 0.8])
    start = np.array([[0.0, 0.1, 0.4], [0.0, -0.3, 0.2]])
    x = (start + along[:, None] * (np.arange(50) / fps)[:, None, None]).astype(np.float32)
    seen = Features(Clock(fps)).judge(x, np.ones((50, 3), np.float32), np.empty((0, 50, 3), np.float32))
    expected = {
        **dict.fromkeys((0, 1, 2, 3, 4, 5), np.log(SMALL)),
        **dict.fromkeys((6, 7), np.log(2 / fps + SMALL)),
        20: 1.0,
        21: np.log(2 + SLOW),
        24: np.log(fps / 30),
        25: 0.0,
    }
    for number, value in expected.items():
        np.testing.assert_allclose(seen[number], np.full((50, 3), value), atol=0.05, err_msg=str(number))


@pytest.mark.parametrize("fps", [30.0, 120.0])
@pytest.mark.parametrize("weight", [1.0, 2.5])
def test_the_mixer_sees_how_far_each_smoother_went_whatever_the_weights_are(fps, weight):
    """Smoothers that are (1, 2, 4, ...) hundredths beside a body that trembles by two from frame to frame.

    Its second differences are eight hundredths; by central differences it rests.
    """
    frames, clock = 90, Clock(fps)
    x = np.zeros((frames, 3, 2), np.float32)
    x[:, 0] = 0.02 * (-1.0) ** np.arange(frames)[:, None]
    off = 0.01 * 2.0 ** np.arange(7)
    smoothed = [x + np.float32(size) * np.array([0, 1, 0], np.float32)[:, None] for size in off]
    flat = np.ones((frames, 2), np.float32)
    strain = np.stack([0.3 * flat, 0.2 * flat])
    seen = Features(clock).mixer(x, 0.5 * flat, strain, weight * flat, -1.5 * flat, smoothed)
    places = -(-frames // clock.step)
    assert seen.shape == (MIXER_FEATURES, places + 3, 2)
    for first in (0, COLUMNS):
        part = seen[first : first + COLUMNS]
        for numbers, values in (
            (range(7), np.log(off + SMALL)),
            (range(7, 13), np.log(np.diff(off) + SMALL)),
            (range(13, 16), np.log(SLOW) * np.ones(3)),
            (range(16, 21), [np.log(0.08 + SMALL), np.log(0.2 + SMALL), np.log(weight + 0.01), 0.5, -1.5]),
        ):
            expected = np.broadcast_to(np.reshape(values, (-1, 1, 1)), (len(numbers), places + 3, 2))
            np.testing.assert_allclose(part[list(numbers)], expected, atol=2e-3)
    # Seconds to the nearer end; beyond the ends it is as there.
    at = np.clip(np.arange(-1, places + 2), 0, places - 1) * clock.step
    to_end = np.minimum(at, frames - 1 - at) / fps
    for number, fades in ((42, 0.1), (43, 0.5)):
        np.testing.assert_allclose(seen[number], np.repeat(np.exp(-to_end / fades)[:, None], 2, axis=1), rtol=1e-5)
    np.testing.assert_allclose(seen[44], np.log(fps / 30), atol=1e-6)
    assert (seen[45] == 1).all()
