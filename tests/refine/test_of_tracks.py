"""Refiners by their names, for tracks that are in no store: as those of stores."""

import numpy as np
import pytest

from base.errors import InputError
from data.skeletons.store import StoreInfo, Track
from refine.filters.smoothing import released_parameters, smooth
from refine.of_tracks import refiner_of_tracks
from refine.shipped.registry import load_shipped

INFO = StoreInfo(fps=25.0)


@pytest.fixture
def track(rng):
    joints = np.cumsum(rng.normal(0, 0.01, (40, 25, 3)), 0) + rng.uniform(-0.7, 0.7, (25, 3))
    tracked = np.full((40, 25), 2, np.uint8)
    tracked[10:13, 4] = 0
    joints[10:13, 4] = 0
    return Track(1, 3, joints.astype(np.float32), tracked)


def test_a_filter_has_the_parameters_that_it_is_released_with(track):
    [refined] = refiner_of_tracks("gaussian")(INFO, [track], "a")
    parameters = released_parameters("gaussian", 25.0)
    [expected] = smooth("gaussian", [track.joints], parameters, 25.0, seen=[track.tracked > 0])
    np.testing.assert_array_equal(refined.joints, expected)
    assert (refined.actor, refined.first_frame) == (1, 3)
    assert released_parameters("butterworth", 25.0) == {"cutoff_hz": 6.0, "order": 2}


def test_a_shipped_refiner_leaves_what_was_not_seen(track):
    [refined] = refiner_of_tracks("steady")(INFO, [track], "a")
    seen = track.tracked > 0
    assert not refined.joints[~seen].any()
    poses = np.where(seen[..., None], track.joints, np.nan)
    bones = INFO.skeleton.bones
    expected = load_shipped("steady").method(poses, 25.0, seen.astype(np.float32), bones)
    np.testing.assert_allclose(refined.joints[seen], expected[seen], atol=1e-5)


def test_an_unknown_name_is_told():
    with pytest.raises(InputError, match="no such file, and no shipped refiner is called so; those that are"):
        refiner_of_tracks("nobody")
