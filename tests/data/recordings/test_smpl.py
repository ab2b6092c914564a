import numpy as np
import pytest

from base.errors import InputError
from data.recordings.smpl import JOINTS, smpl_part
from data.recordings.stored import Stored


@pytest.mark.parametrize(
    ("key", "shape", "kind", "first"),
    [
        ("trans_world", (4, 3), "places", "trans_world"),
        ("pose", (4, 72), "axis_angles", JOINTS[0]),
        ("pose", (4, 23, 3), "axis_angles", JOINTS[1]),
        ("body_pose", (4, 63), "axis_angles", JOINTS[1]),
    ],
)
def test_the_key_and_the_shape_tell_what_an_array_is(key, shape, kind, first):
    array = np.random.default_rng(0).random(shape)
    part = smpl_part(key, [Stored(array, 0, array.nbytes)], "a")
    assert part.kind == kind
    assert part.labels[0].removesuffix(" x") == first


@pytest.mark.parametrize("shape", [(4, 71), (4, 24, 6), (4, 2, 2), (4,)])
def test_other_shapes_are_refused(shape):
    array = np.zeros(shape)
    with pytest.raises(InputError, match="a: found shape"):
        smpl_part("pose", [Stored(array, 0, array.nbytes)], "a")
