"""The extent of bodies tells the unit of positions."""

import numpy as np
import pytest

from base.errors import InputError
from data.ntu.text import read_skeleton
from data.skeletons.units import body_extent, check_metres
from tests.data.formats.made_files import as_text


def test_the_extent_of_a_body_is_the_longest_side_of_the_median_frame():
    joints = np.zeros((3, 25, 3))
    joints[:, 3, 1], joints[:, 15, 1] = [0.9, 0.9, 50], [-0.8, -0.9, -0.8]
    seen = np.ones((3, 25), bool)
    assert body_extent(joints, seen) == pytest.approx(1.8)
    seen[2, 3] = False  # what is not seen may hold anything
    seen[0, 3] = False
    assert body_extent(joints, seen) == pytest.approx(0.8)
    long = np.repeat(joints[:1], 1000, 0) * np.linspace(0.5, 1.5, 1000)[:, None, None]
    assert body_extent(long, np.ones((1000, 25), bool)) == pytest.approx(1.7, rel=0.15)
    assert body_extent(joints, np.zeros((3, 25), bool)) == 0
    check_metres(np.ones((3, 25, 3)), seen, "all joints at one place tell nothing of the unit")


def test_a_file_in_metres_reads_the_same_with_and_without_the_unit():
    ours = read_skeleton(as_text(), "clip")
    np.testing.assert_array_equal(ours.bodies[0].joints, read_skeleton(as_text(), "clip", "m").bodies[0].joints)
    far = as_text().replace(b"\r\n25\r\n", b"\r\n25\r\n9999", 1)  # one joint of one frame is no matter of the unit
    with pytest.raises(InputError, match="found a position beyond 1000 m"):
        read_skeleton(far, "clip")
