"""What holds of refining as poses come, with the weights that are shipped."""

import subprocess
import sys

import numpy as np
import pytest

from base.errors import InputError
from refine import Stream

FPS = 30.0


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def walking(rng, frames=30, joints=9, dims=3):
    t = np.arange(frames)[:, None, None] / FPS
    shape = (1, joints, dims)
    swing = 0.2 * np.sin(2 * np.pi * rng.uniform(0.3, 2, shape) * t + rng.uniform(0, 6, shape))
    poses = rng.normal(0, 0.4, shape) + swing + 0.5 * t
    return poses + rng.normal(0, 0.02, poses.shape)


def run(poses, lag, times=None, confidence=None, person=0, **options):
    """Refine a sequence; returns the poses of updates and of `flush`, and their times."""
    stream = Stream(FPS, lag, **options)
    out = []
    for number, pose in enumerate(poses):
        given = None if confidence is None else confidence[number]
        out.append(stream.update(pose, given, None if times is None else times[number], person))
    assert out[:lag] == [None] * min(lag, len(poses))
    rest = stream.flush()
    assert len(rest) == min(lag, len(poses))
    out = [*out[lag:], *rest]
    return np.array([one.pose for one in out]), np.array([one.time for one in out])


@pytest.mark.parametrize(("lag", "dims"), [(0, 3), (4, 2)])
def test_moving_turning_scaling(rng, lag, dims):
    x = walking(rng, dims=dims)
    turn, _ = np.linalg.qr(rng.normal(size=(dims, dims)))
    refined, _ = run(x, lag)
    assert np.abs(refined - x).max() > 0.005  # something was done
    for scale, offset in ((1.0, 1e4), (1000.0, 5.0), (1e-3, -2.0)):
        found, _ = run(scale * (x @ turn) + offset, lag)
        np.testing.assert_allclose(found, scale * (refined @ turn) + offset, atol=2e-4 * scale)


@pytest.mark.parametrize("lag", [0, 3])
@pytest.mark.parametrize("speed", [[0.0, 0, 0], [2.0, -1.0, 3.0]])
def test_rest_and_constant_velocity_are_exact_at_uneven_times(rng, lag, speed):
    times = np.cumsum(rng.uniform(0.02, 0.08, 40)) + 1e6
    x = rng.normal(0, 0.4, (1, 7, 3)) + (times - times[0])[:, None, None] * speed
    confidence = rng.uniform(0.1, 1, (40, 7))
    refined, told = run(x, lag, times, confidence)
    np.testing.assert_allclose(refined, x, atol=2e-6)
    np.testing.assert_array_equal(told, times)


def test_every_joint_may_have_its_own_velocity(rng):
    t = np.arange(60)[:, None, None] / FPS
    x = rng.normal(0, 0.4, (1, 7, 3)) + t * rng.normal(size=(1, 7, 3))
    np.testing.assert_allclose(run(x, 2)[0][10:], x[10:], atol=2e-5)


def test_nothing_of_later_than_the_delay_is_used(rng):
    x = walking(rng)
    other = x.copy()
    other[25:] += rng.normal(size=other[25:].shape)
    one, two = (run(poses, 4)[0] for poses in (x, other))
    np.testing.assert_array_equal(one[:21], two[:21])
    assert not np.allclose(one[21], two[21])


def test_people_by_turns_are_as_people_by_themselves(rng):
    people = {"a": walking(rng), 7: walking(rng, 33, 5, 2), (1, 2): walking(rng)}
    stream, found = Stream(FPS, 3), {person: [] for person in people}
    for frame in range(40):
        for person, poses in people.items():
            if frame < len(poses):
                out = stream.update(poses[frame], time=frame / FPS, person=person)
                if out is not None:
                    found[person].append(out)
    for one in stream.flush():
        found[one.person].append(one)
    for person, poses in people.items():
        np.testing.assert_allclose([one.pose for one in found[person]], run(poses, 3)[0], atol=1e-9)
        np.testing.assert_allclose([one.time for one in found[person]], np.arange(len(poses)) / FPS)


def test_missing_joints_come_back_missing_and_do_not_count(rng):
    x = walking(rng)
    missing = rng.random(x.shape[:2]) < 0.2
    missing[:, 4] = True
    missing[:3] = True
    missing[20:26] = True
    gappy = np.where(missing[..., None], np.nan, x)
    refined, _ = run(gappy, 4)
    np.testing.assert_array_equal(np.isnan(refined), np.isnan(gappy))
    # Whether NaN or given with no confidence at all, what is written there does not matter.
    again, _ = run(np.where(missing[..., None], 77.0, x), 4, confidence=np.where(missing, 0.0, 1.0))
    np.testing.assert_array_equal(again, refined)
    half = gappy.copy()
    half[..., 1:] = np.where(missing[..., None], 5.0, x[..., 1:])
    np.testing.assert_array_equal(run(half, 4)[0], refined)


@pytest.mark.parametrize("lag", [0, 2])
def test_a_stream_of_nothing(lag):
    refined, times = run(np.full((70, 5, 3), np.nan), lag)
    assert np.isnan(refined).all()
    assert refined.shape == (70, 5, 3)
    np.testing.assert_allclose(times, np.arange(70) / FPS)


@pytest.mark.parametrize("before", [0, 2, 30])
def test_who_comes_back_after_long_is_begun_anew_and_nothing_is_lost(rng, before):
    first, second = walking(rng, before), walking(rng, 35) + 50.0
    times = np.r_[np.arange(before) / FPS, 9.0 + np.arange(35) / FPS]
    refined, told = run([*first, *second], 4, times)
    np.testing.assert_array_equal(told, times)
    np.testing.assert_allclose(refined[:before], run(first, 4)[0].reshape(-1, 9, 3), atol=1e-9)
    np.testing.assert_allclose(refined[before:], run(second, 4, times[before:])[0], atol=1e-9)


def test_coming_back_twice_before_the_delay_is_over(rng):
    x = walking(rng, 5)
    times = [0.0, 5.0, 10.0, 15.0, 15.1]
    refined, told = run(x, 3, times)
    assert told.tolist() == times
    np.testing.assert_allclose(refined[:3], x[:3], atol=1e-9)


def test_a_short_absence_is_bridged(rng):
    x = walking(rng, 60)
    times = np.arange(60) / FPS
    here = np.r_[0:30, 45:60]
    refined, told = run(x[here], 2, times[here])
    np.testing.assert_array_equal(told, times[here])
    anew, _ = run(x[45:], 2, times[45:])
    assert not np.allclose(refined[30:33], anew[:3])


def test_a_new_shape_is_refused_until_it_is_flushed(rng):
    stream = Stream(FPS, 1)
    stream.update(np.ones((4, 2)), person="x")
    with pytest.raises(InputError, match=r"shape \(4, 3\), expected \(4, 2\) as person 'x'"):
        stream.update(np.ones((4, 3)), person="x")
    assert [one.pose.shape for one in stream.flush("x")] == [(4, 2)]
    assert stream.flush() == []
    assert stream.flush("nobody") == []
    assert stream.update(np.ones((4, 3)), person="x") is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"pose": [[1, 2, 3, 4]]}, "shape"),
        ({"pose": [1.0, 2.0]}, "shape"),
        ({"pose": np.zeros((0, 3))}, "shape"),
        ({"pose": "abc"}, "not an array of numbers"),
        ({"pose": [[1, 2], [3]]}, "not an array of numbers"),
        ({"pose": [[1, np.inf]]}, "infinite"),
        ({"confidence": [1.0, 1.0]}, "one number per joint"),
        ({"confidence": [-0.5]}, "from 0 to 1"),
        ({"confidence": ["much"]}, "not an array of numbers"),
        ({"time": np.nan}, "expected seconds"),
        ({"time": "now"}, "expected seconds"),
        ({"time": 1.0}, "must be later"),
        ({"time": 0.5}, "must be later"),
    ],
)
def test_what_is_refused_is_not_taken_in(given, said):
    stream = Stream(FPS, 1)
    stream.update([[0.0, 0.0]], time=1.0)
    with pytest.raises(InputError, match=said):
        stream.update(**{"pose": [[1.0, 1.0]], "time": 2.0} | given)
    assert stream.update([[0.0, 0.0]], time=1.1).time == 1.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fps": 0}, "fps"),
        ({"fps": np.nan}, "fps"),
        ({"fps": "30"}, "fps"),
        ({"lag": -1}, "lag"),
        ({"lag": 31}, r"from 0 to 30 \(a second\)"),
        ({"lag": 2.5}, "lag"),
        ({"model": "nonsense"}, "model"),
    ],
)
def test_what_a_stream_refuses(given, said):
    with pytest.raises(InputError, match=said):
        Stream(**{"fps": 30} | given)


def test_weights_of_the_other_refiner_are_refused():
    from refine.steady.smoother import WEIGHTS

    with pytest.raises(InputError, match="another refiner"):
        Stream(30, model=WEIGHTS)


def test_torch_is_not_imported():
    code = "import sys; from refine import Stream; Stream(30, 0).update([[0, 0]]); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
