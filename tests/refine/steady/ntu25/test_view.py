import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline
from scipy.spatial.transform import Rotation

from data.skeletons.layouts import NTU25
from refine.steady.ntu25.view import COLUMNS, JOINTS, TREE, Viewer, interpolate, measure_body, tells
from refine.steady.smoother import prepare, shipped

STANDING = np.array(
    [
        [0, 0, 0], [0, 0.3, 0], [0, 0.6, 0], [0, 0.75, 0],
        [0.18, 0.48, 0], [0.25, 0.2, 0], [0.28, 0, 0.05], [0.28, -0.05, 0.05],
        [-0.18, 0.48, 0], [-0.25, 0.2, 0], [-0.28, 0, 0.05], [-0.28, -0.05, 0.05],
        [0.08, 0, 0], [0.1, -0.4, 0.05], [0.1, -0.8, 0], [0.1, -0.85, 0.1],
        [-0.08, 0, 0], [-0.1, -0.4, 0.05], [-0.1, -0.8, 0], [-0.1, -0.85, 0.1],
        [0, 0.5, 0], [0.28, -0.13, 0.05], [0.25, -0.07, 0.08], [-0.28, -0.13, 0.05], [-0.25, -0.07, 0.08],
    ]
)  # fmt: skip
"""Somebody who stands at the origin and looks along z; the left hand is at larger x. Metres."""


def moving(rng, frames=80, fps=30.0, noise=0.01):
    """Somebody who waves and turns a little, measured with noise."""
    t = np.arange(frames) / fps
    x = np.repeat(STANDING[None], frames, axis=0)
    x[:, [10, 11, 23, 24], 1] += 0.2 * np.sin(2 * np.pi * t)[:, None]
    turn = Rotation.from_rotvec(0.3 * np.sin(t)[:, None] * [0.0, 1.0, 0.0]).as_matrix()
    return np.einsum("tab,tjb->tja", turn, x) + rng.normal(0, noise, x.shape)


def view_of(x, confidence=None, fps=30.0):
    body = measure_body(x, confidence)
    return body, Viewer(shipped(), fps)(prepare(x, confidence, body.size), body, tells(confidence))


def test_the_bodys_axes_are_left_up_and_forward():
    body, view = view_of(np.repeat(STANDING[None], 40, axis=0) + np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(view.axes.across, np.tile([[0.0, 1.0]], (40, 1)), atol=1e-5)  # of z and x, x
    seen = view.numbers[20, : 3 * JOINTS].reshape(3, JOINTS) * body.size
    trunk = STANDING[[0, 1, 20, 4, 8, 12, 16]].mean(0)
    np.testing.assert_allclose(seen.T, STANDING - trunk, atol=1e-5)
    assert view.numbers.shape == (40, COLUMNS)
    assert view.gate.max() < 1e-6  # there is no noise


@pytest.mark.parametrize("angles", [(0, 40, 0), (0, 180, 0), (90, 20, 0), (-90, 70, 0), (0, -10, 90), (180, 0, 0)])
def test_numbers_stay_when_a_body_is_moved_turned_and_scaled(angles):
    """About the vertical by any angle; and by right angles, if another axis is the vertical."""
    rng = np.random.default_rng(0)
    x = moving(rng)
    confidence = rng.choice([0.5, 1.0], x.shape[:2]).astype(np.float32)
    # First about the vertical, then the axes are named anew.
    vertical, right = (angles[0], 0, angles[2]), angles[1]
    turn = Rotation.from_euler("xyz", vertical, degrees=True) * Rotation.from_euler("y", right, degrees=True)
    again = 100 * (x @ turn.as_matrix().T) + [300.0, -20.0, 70.0]
    (first, one), (second, other) = view_of(x, confidence), view_of(again, confidence)
    np.testing.assert_allclose(other.numbers, one.numbers, atol=2e-3)
    np.testing.assert_allclose(other.gate, one.gate, atol=1e-3)
    assert second.size == pytest.approx(100 * first.size, rel=1e-5)
    vectors = rng.normal(size=(80, 3, 25)).astype(np.float32)
    np.testing.assert_allclose(other.axes.back(other.axes.into(vectors)), vectors, atol=1e-5)
    np.testing.assert_allclose(
        np.linalg.norm(other.axes.into(vectors), axis=1), np.linalg.norm(vectors, axis=1), rtol=1e-5
    )


def test_lengths_of_bones_are_usual_ones():
    x = moving(np.random.default_rng(0), noise=0.0)
    x[5, 3] += 1.0  # once
    body = measure_body(x, None)
    for joint, parent in NTU25.bones:
        length = np.linalg.norm(STANDING[joint] - STANDING[parent]) / body.size
        ends = joint if (parent, joint) in TREE.bones else parent
        if joint not in (9, 10, 11, 23, 24):  # whom the wave stretches
            assert np.exp(body.lengths[ends]) - 0.02 == pytest.approx(length, abs=1e-3)


def test_what_was_never_seen_has_no_length():
    x = moving(np.random.default_rng(0))
    x[:, 3] = np.nan
    body, view = view_of(x)
    assert body.lengths[3] == 0
    assert np.isfinite(view.numbers).all()
    rest = view.numbers[:, -5 - 4 * JOINTS : -5].reshape(80, 4, JOINTS)
    assert (rest[:, 2, 3] == 1).all()  # missing
    assert rest[:, 2].sum() == 80


def test_states_are_told():
    ones = np.ones((4, JOINTS), np.float32)
    assert not tells(None)
    assert not tells(ones)
    assert not tells(np.where(np.arange(JOINTS) < 3, 0, ones))
    assert tells(np.where(np.arange(JOINTS) < 3, 0.5, ones))


def test_between_frames():
    """The spline of Catmull and Rom is Hermite's with the central differences for slopes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9, 2))
    at = np.array([0.0, 1.3, 2.5, 5.0, 6.99, 8.0])
    expected = CubicHermiteSpline(np.arange(9), x, np.gradient(x, axis=0))(at)
    np.testing.assert_allclose(interpolate(x, at), expected, atol=1e-12)
    np.testing.assert_allclose(interpolate(x[:2], np.array([0.25])), x[:1] + 0.25 * (x[1:2] - x[:1]))
    np.testing.assert_allclose(interpolate(x[:1], np.zeros(3)), x[[0, 0, 0]])
