import numpy as np
import pytest

from base.errors import InputError
from data.skeletons.layouts import NTU25
from refine import refine
from refine.shipped.registry import load_shipped
from tests.refine.steady.ntu25.test_view import moving


def test_it_is_what_python_has():
    rng = np.random.default_rng(0)
    poses = moving(rng).astype(np.float32)
    trust = rng.choice([0, 0.5, 1], poses.shape[:2]).astype(np.float32)
    found = load_shipped("steady_ntu25").method(poses, 30.0, trust, NTU25.bones)
    expected = refine(poses, 30, trust, model="steady_ntu25")
    np.testing.assert_array_equal(found[trust > 0], expected[trust > 0])
    assert np.isfinite(found).all()


def test_it_is_for_the_kinect_alone():
    load_shipped("steady_ntu25").check_layout("ntu25", "here")
    with pytest.raises(InputError, match="coco17, and steady_ntu25 is for ntu25"):
        load_shipped("steady_ntu25").check_layout("coco17", "here")
