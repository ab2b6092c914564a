import numpy as np
import pytest

from data.ntu.simulate.motion import MIRROR
from data.skeletons.layouts import NTU25
from refine.steady.ntu25.material import TRUST, conventions, make_recording, make_sample, mirrored, reshaped
from refine.steady.ntu25.view import COLUMNS, JOINTS, Viewer, measure_body
from refine.steady.smoother import prepare, shipped
from tests.refine.steady.ntu25.test_view import STANDING, moving


def test_recordings_depend_on_their_numbers_alone():
    one, again, other = make_recording(1, 5), make_recording(1, 5), make_recording(1, 6)
    np.testing.assert_array_equal(one.noisy, again.noisy)
    assert one.truth.shape != other.truth.shape or (one.truth != other.truth).any()


def test_recordings_are_of_all_kinds():
    found = [make_recording(2, number) for number in range(40)]
    off = [np.nanmean(np.linalg.norm(one.noisy - one.truth, axis=-1)) for one in found]
    assert min(off) < 0.004  # metres: near-clean
    assert max(off) > 0.08
    told = [one.confidence is not None for one in found]
    assert 0.5 < np.mean(told) < 0.9
    assert {one.every for one in found} > {1}
    assert 0.02 < np.mean([np.isnan(one.noisy).any() for one in found]) < 0.6
    for one in found:
        assert one.noisy.shape == one.truth.shape == (len(one.truth), 25, 3)
        assert np.isfinite(one.truth).all()
        if one.confidence is not None:
            assert set(np.unique(one.confidence)) <= set(TRUST.tolist())


def test_bones_become_longer_or_shorter_and_keep_their_directions():
    rng = np.random.default_rng(0)
    x = moving(rng, frames=5)
    factors = rng.uniform(0.8, 1.2, JOINTS)
    found = reshaped(x, factors)
    ratios = []
    for joint, parent in NTU25.bones:
        before, after = (y[:, joint] - y[:, parent] for y in (x, found))
        ratio = np.linalg.norm(after, axis=-1) / np.linalg.norm(before, axis=-1)
        np.testing.assert_allclose(after, ratio[:, None] * before, atol=1e-12)
        np.testing.assert_allclose(ratio, ratio[0])
        ratios.append(ratio[0])
    assert sorted(ratios) == pytest.approx(sorted(np.delete(factors, 20)))  # the middle of the tree


def test_other_conventions_turn_with_the_body():
    rng = np.random.default_rng(3)
    clean = np.repeat(STANDING[None], 60, axis=0)
    still = conventions(np.random.default_rng(3), clean)
    np.testing.assert_allclose(still, np.repeat(still[:1], 60, axis=0))
    assert 0.002 < np.abs(still).mean() < 0.1
    back = clean * [-1.0, 1.0, -1.0]  # turned about
    np.testing.assert_allclose(conventions(np.random.default_rng(3), back), still * [-1.0, 1.0, -1.0], atol=1e-12)
    walked = clean + np.arange(60)[:, None, None] * rng.normal(size=3)
    np.testing.assert_allclose(conventions(np.random.default_rng(3), walked), still, atol=1e-12)


def test_a_sample_says_how_far_off_steady_is():
    networks = shipped()
    for number in range(40):
        recording = make_recording(4, number)
        if recording.every == 1 and np.isfinite(recording.noisy).all():
            break
    sample = make_sample(networks, 4, number)
    frames = len(recording.truth)
    body = measure_body(recording.noisy, recording.confidence)
    given = prepare(recording.noisy, recording.confidence, body.size)
    base = Viewer(networks, 30.0)(given, body, False).base.transpose(0, 2, 1)
    expected = np.linalg.norm(base * body.size + given.centre - recording.truth, axis=-1)
    found = np.linalg.norm(sample.error.astype(np.float64).reshape(frames, 3, JOINTS), axis=1) * body.size
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert sample.numbers.shape == (frames, COLUMNS)
    assert sample.known.all()
    raw = np.linalg.norm(recording.noisy - recording.truth, axis=-1).mean()
    assert sample.raw * body.size == pytest.approx(raw, rel=1e-3)


def test_in_a_mirror_left_is_right():
    rng = np.random.default_rng(0)
    x = moving(rng)
    confidence = rng.choice([0.5, 1.0], x.shape[:2]).astype(np.float32)
    views = []
    for one, sure in ((x, confidence), (x[:, MIRROR] * [-1.0, 1.0, 1.0], confidence[:, MIRROR])):
        body = measure_body(one, sure)
        views.append(Viewer(shipped(), 30.0)(prepare(one, sure, body.size), body, True))
    np.testing.assert_allclose(mirrored(views[0].numbers), views[1].numbers, atol=2e-3)
    np.testing.assert_array_equal(mirrored(mirrored(views[0].numbers)), views[0].numbers)
    error = rng.normal(size=(4, len(x), 75))
    away = mirrored(error)
    np.testing.assert_array_equal(away[..., 4], -error[..., 8])  # across, the left shoulder
    np.testing.assert_array_equal(away[..., JOINTS + 4], error[..., JOINTS + 8])  # up
