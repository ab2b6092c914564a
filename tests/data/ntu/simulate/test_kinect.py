import numpy as np
import pytest

from data.ntu.names import ClipName
from data.ntu.simulate import LAB, NTU, kinect_noise
from data.ntu.simulate.actions import repertoire
from data.ntu.simulate.bodies import make_performer
from data.ntu.simulate.cameras import facing, to_camera
from data.ntu.simulate.kinect import ghost, hidden, lost_frames
from data.ntu.simulate.motion import perform


@pytest.fixture(scope="module")
def clean():
    clips = []
    for index, (number, action) in enumerate(sorted(repertoire().actions.items())):
        name = ClipName(1, 1 + index % 3, 1, 1 + index // 3 % 2, number)
        people = (make_performer(0, index + 1), make_performer(0, index + 2))[: 2 if action.apart else 1]
        rng = np.random.default_rng(index)
        clips.append(to_camera(perform(action, people, facing(name), rng, rng), name)[0])
    return clips


def measure(clean, severity, seed=0):
    rng = np.random.default_rng(seed)
    return [kinect_noise(clip, rng, severity) for clip in clean]


def residual(clean, noisy):
    return np.concatenate([np.linalg.norm(n - c, axis=-1).ravel() for c, (n, _) in zip(clean, noisy, strict=True)])


def test_severity_zero_is_the_clean_skeleton(clean):
    for clip, (noisy, tracked) in zip(clean, measure(clean, 0.0), strict=True):
        np.testing.assert_array_equal(noisy, clip)
        assert (tracked == 2).all()


def test_severity_raises_the_error_and_the_share_of_inferred_joints(clean):
    runs = [measure(clean, severity) for severity in (0.3, 1.0, 2.0)]
    medians = [np.median(residual(clean, noisy)) for noisy in runs]
    shares = [np.mean([(tracked < 2).mean() for _, tracked in noisy]) for noisy in runs]
    assert medians[0] < medians[1] < medians[2]
    assert shares[0] < shares[1] < shares[2]


def test_errors_last(clean):
    errors = [joints - clip for clip, (joints, _) in zip(clean, measure(clean, 1.0), strict=True)]
    # Without the rare large jumps, which would decide the figure alone.
    errors = [np.clip(error - np.median(error, axis=0), -0.08, 0.08) for error in errors]
    variance = np.concatenate([(error**2).ravel() for error in errors]).mean()
    lagged = [np.concatenate([(e[lag:] * e[:-lag]).ravel() for e in errors]).mean() / variance for lag in (1, 5, 20)]
    assert lagged[0] > 0.5
    assert lagged[0] > lagged[1] > lagged[2]
    assert lagged[1] > 0.2


def test_error_grows_with_the_distance(clean):
    far = [clip + np.array([0, 0, 2.0]) for clip in clean]
    assert np.median(residual(far, measure(far, 1.0))) > 1.2 * np.median(residual(clean, measure(clean, 1.0)))


def test_what_stands_behind_is_hidden(clean):
    clip = clean[0][:10]
    behind = clip + np.array([0.0, 0.0, 0.8])
    alone, blocked = hidden(behind), hidden(behind, others=clip[None])
    assert (blocked >= alone).all()
    assert blocked.mean() > alone.mean() + 0.3
    assert hidden(clip, others=behind[None]) == pytest.approx(hidden(clip))


def test_the_laboratory_is_calmer(clean):
    rough, calm = ([kinect_noise(c, np.random.default_rng(0), 1.0, None, s)[0] for c in clean] for s in (NTU, LAB))
    assert np.percentile(residual(clean, [(c, 0) for c in calm]), 99) < np.percentile(
        residual(clean, [(r, 0) for r in rough]), 99
    )


def test_hidden_joints_are_inferred_and_further_off():
    clip = np.zeros((400, 25, 3)) + np.array([0.0, 0.0, 3.0])
    clip[:, :, 1] = np.linspace(-1, 1, 25)
    clip[:, 0], clip[:, 1], clip[:, 20] = [0, -0.2, 3.0], [0, 0.1, 3.0], [0, 0.4, 3.0]  # a trunk
    clip[:, [5, 6], :2] = [0.0, 0.0]
    seen, behind = clip.copy(), clip.copy()
    seen[:, [5, 6], 2], behind[:, [5, 6], 2] = 2.6, 3.5
    results = [kinect_noise(c, np.random.default_rng(0)) for c in (seen, behind)]
    shares = [(tracked[:, [5, 6]] < 2).mean() for _, tracked in results]
    errors = [np.abs(n - c)[:, [5, 6]].mean() for (n, _), c in zip(results, (seen, behind), strict=True)]
    assert shares[1] > 0.7 > shares[0]
    assert errors[1] > 1.5 * errors[0]


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_short_clips_are_measured_too(frames):
    clip = np.zeros((frames, 25, 3)) + np.array([0.0, 0.0, 3.0])
    for seed in range(30):
        rng = np.random.default_rng(seed)
        noisy, tracked = kinect_noise(clip, rng, 3.0)
        assert np.isfinite(noisy).all()
        assert tracked.shape == (frames, 25)
        assert lost_frames(frames, rng, 5.0).any()
        times, joints = ghost(frames, rng)
        assert len(times) == len(joints) <= frames


def test_bodies_are_lost_now_and_then():
    kept = [lost_frames(90, np.random.default_rng(seed)) for seed in range(400)]
    assert 0.02 < np.mean([not seen.all() for seen in kept]) < 0.12


def test_what_is_no_skeleton_is_refused():
    rng = np.random.default_rng(0)
    for wrong in (np.zeros((10, 24, 3)), np.zeros((25, 3)), np.full((10, 25, 3), np.nan)):
        with pytest.raises(ValueError, match="expected finite numbers"):
            kinect_noise(wrong, rng)
