"""What the weights that are shipped do, to people who were not learnt from."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from data.ntu.names import ClipName
from data.ntu.simulate.clips import clean_clip
from data.ntu.simulate.config import SimulateSection
from data.ntu.simulate.kinect import kinect_noise
from refine import refine
from refine.steady.ntu25.net import shapes
from refine.steady.ntu25.refiner import WEIGHTS, shipped

TRUST = np.array([0.0, 0.5, 1.0])


def clip(action, performer=3):
    """Clean joints of a test performer."""
    return clean_clip(SimulateSection(seed=1), ClipName(1, 2, performer, 1, action))[0][0]


def noisy_clips():
    for number, action in enumerate((7, 10, 23, 24, 26, 51)):
        truth = clip(action, performer=(3, 6, 7)[number % 3])
        yield truth, *kinect_noise(truth, np.random.default_rng(number), 1.5)


def off(poses, truth):
    """Mean distance from the truth after the first joints were brought together."""
    difference = poses - truth
    return np.linalg.norm(difference - difference[:, :1], axis=-1).mean()


def test_the_file_is_small_and_says_how_it_was_made():
    assert WEIGHTS.stat().st_size < 2_000_000
    network = shipped()
    assert network.about["command"] == "python -m refine.steady.ntu25.train"
    recipe = network.about["recipe"]
    expected = shapes(recipe["own"], recipe["width"])
    assert {name: array.shape for name, array in network.arrays.items()} == expected
    assert network.parameters == sum(int(np.prod(expected[name])) for name in expected) - 2 * 405


def test_joints_come_nearer_to_where_they_are_than_by_smoothing():
    raw, smooth, told, untold = [], [], [], []
    for truth, noisy, tracked in noisy_clips():
        raw.append(off(noisy, truth))
        smooth.append(off(refine(noisy, 30, TRUST[tracked]), truth))
        told.append(off(refine(noisy, 30, TRUST[tracked], model="steady_ntu25"), truth))
        untold.append(off(refine(noisy, 30, model="steady_ntu25"), truth))
    assert np.mean(told) < 0.65 * np.mean(raw)
    assert np.mean(told) < 0.85 * np.mean(smooth)
    assert np.mean(untold) < 0.9 * np.mean(smooth)


@pytest.mark.parametrize("fps", [15, 60])
def test_other_rates(fps):
    raw, refined = [], []
    for truth, noisy, _ in noisy_clips():
        times = np.arange(0, len(truth) - 0.99, 30 / fps)
        there, seen = (CubicSpline(np.arange(len(x)), x)(times) for x in (truth, noisy))
        raw.append(off(seen, there))
        refined.append(off(refine(seen, fps, model="steady_ntu25"), there))
    assert np.mean(refined) < 0.6 * np.mean(raw)


@pytest.mark.parametrize("action", [8, 23, 27])
def test_clean_people_are_left_alone(action):
    x = clip(action)
    assert np.linalg.norm(refine(x, 30, model="steady_ntu25") - x, axis=-1).mean() < 0.002


def test_travel_stays():
    x = np.repeat(clip(23)[30:31], 90, axis=0) + np.arange(90)[:, None, None] / 30 * [2.0, 0.1, 1.0]
    np.testing.assert_allclose(refine(x, 30, model="steady_ntu25"), x, atol=1e-5)


def test_other_proportions_are_no_error():
    """Joints that another sensor puts elsewhere, all along and in the body's own axes, stay there for the most part."""
    rng = np.random.default_rng(0)
    shift = rng.normal(0, 0.03, (25, 3))
    moved, there = [], []
    for _, noisy, _ in noisy_clips():
        plain, shifted = (refine(x, 30, model="steady_ntu25") for x in (noisy, noisy + shift))
        moved.append((shifted - plain).mean(axis=0))
        there.append(shift)
    kept = (np.concatenate(moved) * np.concatenate(there)).sum() / np.square(np.concatenate(there)).sum()
    assert 0.6 < kept < 1.1
