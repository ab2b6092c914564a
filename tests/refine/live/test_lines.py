import numpy as np
import pytest

from refine.live.lines import Shape, bells, fit_lines, hesitation

SHAPE = Shape([0.5, 0.2, 0.05], [0.0, 0.1, 0.0])


def fitted(x, weight, seconds):
    return fit_lines(bells(seconds, SHAPE.sigmas), seconds, SHAPE, weight, x)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_bell_ends_at_three_sigmas():
    found = bells(np.array([0.0, 0.3, 0.6, 1.0]), np.array([0.2, 0.4]))
    np.testing.assert_allclose(
        found, [[1, 0.75**3, 0, 0], [1, (1 - 1 / 16) ** 3, 0.75**3, (1 - (1 / 1.2) ** 2) ** 3]], atol=1e-12
    )


def test_new_frames_come_in_slowly():
    found = hesitation(np.array([0.4, 0.1, 0.05]), np.array([0.2, 0.0]))
    np.testing.assert_allclose(found, [[1, 0.5, 3 / 16 - 2 / 64], [1, 1, 1]])


@pytest.mark.parametrize("ahead", [0.0, 0.2])
def test_lines_are_exact_at_uneven_times_whatever_the_weights(rng, ahead):
    seconds = np.sort(rng.uniform(-1.4, ahead, 40))
    weight = rng.uniform(0.01, 5, (40, 6))
    at, speed = rng.normal(size=(3, 6)), rng.normal(size=(3, 6))
    lines = fitted(at + speed * seconds[:, None, None], weight, seconds)
    np.testing.assert_allclose(lines.value, np.broadcast_to(at, (3, 3, 6)), atol=1e-9)
    np.testing.assert_allclose(lines.slope, np.broadcast_to(speed, (3, 3, 6)), atol=1e-8)


def test_the_coarsest_is_a_weighted_least_squares_line_pulled_to_the_body(rng):
    """With one joint there is no other speed to go to: NumPy's own fit."""
    seconds = np.linspace(-1.2, 0, 30)
    x, weight = rng.normal(size=(30, 2, 1)), rng.uniform(0.1, 1, (30, 1))
    lines = fitted(x, weight, seconds)
    kernel = (1 - (seconds / 1.5) ** 2) ** 3
    slope, value = np.polyfit(seconds, x[..., 0], 1, w=np.sqrt(kernel * weight[:, 0]))
    np.testing.assert_allclose(lines.value[0, :, 0], value, rtol=1e-7)
    np.testing.assert_allclose(lines.slope[0, :, 0], slope, rtol=1e-7)


def test_unsure_slopes_go_to_that_of_the_body(rng):
    seconds = np.linspace(-1.2, 0, 37)
    x = np.zeros((37, 3, 9)) + 2.0 * seconds[:, None, None]
    x[:, :, 0] += rng.normal(size=(37, 3))
    found = fitted(x, np.ones((37, 9)), seconds).slope[0]
    alone = fitted(x[:, :, :1], np.ones((37, 1)), seconds).slope[0]
    assert np.abs(found[:, 0] - 2).max() < 0.6 * np.abs(alone[:, 0] - 2).max()


def test_what_is_not_trusted_does_not_count_and_a_gap_is_bridged(rng):
    seconds = np.linspace(-1.4, 0, 43)
    weight = np.ones((43, 4))
    weight[30:, 2] = 0
    x = rng.normal(size=(43, 3, 4))
    wrong = x.copy()
    wrong[30:, :, 2] = 1e6
    one, other = fitted(x, weight, seconds), fitted(wrong, weight, seconds)
    np.testing.assert_allclose(one.value[..., 2], other.value[..., 2])
    # Nothing of the narrow ones' windows was seen: they say what the coarsest says.
    np.testing.assert_allclose(one.value[2, :, 2], one.value[0, :, 2], atol=1e-9)
    assert one.share[2, 2] == 0 < one.share[0, 2]


def test_one_frame_is_its_own_line():
    lines = fitted(np.full((1, 2, 3), 4.0), np.ones((1, 3)), np.zeros(1))
    np.testing.assert_allclose(lines.value, 4.0, rtol=1e-6)
    assert np.isfinite(lines.slope).all()
