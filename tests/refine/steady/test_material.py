import numpy as np
import pytest

from refine.steady.material import RATES, make_example
from refine.steady.movements import make_movement
from refine.steady.noise import Course, draw_course, mishaps, unit_noise


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def autocorrelation(x, lag):
    return float((x[lag:] * x[:-lag]).mean() / (x * x).mean())


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("frames", [3.0, 25.0])
def test_noise_forgets_in_so_many_frames(rng, frames, smooth):
    x = unit_noise(rng, (4000, 60), frames, smooth)
    assert x.std() == pytest.approx(1, rel=0.06)
    assert autocorrelation(x, round(frames)) == pytest.approx(np.exp(-1), abs=0.15 if smooth else 0.06)
    white = unit_noise(rng, (4000, 60), 0.0)
    assert abs(autocorrelation(white, 1)) < 0.02


def test_a_slow_error_is_slow(rng):
    shape = (3000, 9, 3)
    slow = draw_course(rng, Course(0.05, 2.0), shape, 50)
    fast = draw_course(rng, Course(0.05), shape, 50)
    assert autocorrelation(slow, 5) > 0.85
    assert abs(autocorrelation(fast, 5)) < 0.1
    for error in (slow, fast):
        assert error.std() == pytest.approx(0.05, rel=0.25)


def test_mishaps_are_told_where_they_are(rng):
    for seed in range(8):
        clean = np.random.default_rng(seed).normal(size=(200, 6, 3)).cumsum(0)
        noisy = clean.copy()
        touched = mishaps(np.random.default_rng(seed), noisy, 30.0, 0.3)
        changed = (noisy != clean).any(-1)
        assert not (changed & ~touched).any()
        assert changed.sum() > 0.5 * touched.sum()


def test_examples_are_of_all_kinds_and_come_again():
    kinds, rates, dims, joints = set(), set(), set(), set()
    for number in range(60):
        example = make_example(3, number)
        kinds.add(example.kind)
        rates.add(example.fps)
        dims.add(example.noisy.shape[-1])
        joints.add(example.noisy.shape[1])
        assert example.noisy.shape == example.truth.shape
        assert np.isfinite(example.truth).all()
        missing = np.isnan(example.noisy).any(-1)
        if example.confidence is not None:
            assert example.confidence.shape == example.noisy.shape[:2]
            assert ((example.confidence >= 0) & (example.confidence <= 1)).all()
            assert (example.confidence[missing] == 0).all()
        else:
            assert not missing.any()
    assert kinds == {"kinect", "lifter", "detector", "anything", "clean"}
    assert dims == {2, 3}
    assert len(joints) > 5
    assert min(rates) <= 15
    assert max(rates) >= 100
    for number in (0, 7):
        first, second = (make_example(3, number) for _ in range(2))
        np.testing.assert_array_equal(first.noisy, second.noisy)
        np.testing.assert_array_equal(first.truth, second.truth)


def test_clean_examples_are_clean():
    off = [make_example(5, number, kind="clean") for number in range(12)]
    size = [np.nanmean(np.linalg.norm(one.noisy - one.truth, axis=-1)) for one in off]
    assert np.median(size) < 0.002
    assert max(size) < 0.02


def test_people_run_and_wave(rng):
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
