import numpy as np
import pytest

from data.skeletons.layouts import NTU25
from refine import refine
from refine.shipped.registry import load_shipped


@pytest.fixture
def poses(rng):
    swing = 0.2 * np.sin(np.arange(60)[:, None, None] / 8 + rng.uniform(0, 6, (25, 3)))
    return (rng.normal(0, 0.4, (25, 3)) + swing + rng.normal(0, 0.02, (60, 25, 3))).astype(np.float32)


@pytest.mark.parametrize("dims", [2, 3])
def test_it_is_what_python_has(poses, rng, dims):
    poses, trust = poses[..., :dims], rng.choice([0, 0.5, 1], (60, 25)).astype(np.float32)
    found = load_shipped("steady").method(poses, 30.0, trust, NTU25.bones)
    expected = refine(poses, 30, trust, skeleton="ntu25")
    np.testing.assert_array_equal(found[trust > 0], expected[trust > 0])
    assert np.isfinite(found).all()


def test_bones_matter_in_space_alone(poses):
    method = load_shipped("steady").method
    assert np.abs(method(poses, 30.0, None, NTU25.bones) - method(poses, 30.0, None, ())).max() > 1e-3
    flat = poses[..., :2]
    np.testing.assert_array_equal(method(flat, 30.0, None, NTU25.bones), method(flat, 30.0, None, ()))
