"""MediaPipe's landmarks: names, bones, groups, units."""

import numpy as np
import pytest

from data.recordings.joint_sets import BLAZEPOSE_33, HAND_21
from data.recordings.landmarks import OF_UNKNOWN_SIZE, landmark_set, measure


def numbers(count, first=0):
    return tuple(str(number) for number in range(first, first + count))


@pytest.mark.parametrize("first", [0, 1])
def test_numbers_get_names(first):
    known, groups = landmark_set([("pose", number) for number in numbers(33, first)])
    assert (known.names, known.bones, groups) == (BLAZEPOSE_33.names, BLAZEPOSE_33.bones, ())


def test_parts_follow_one_another():
    parts = {"pose": ("RIGHT_WRIST", "nose"), "world": numbers(33), "left hand": numbers(21), "face": numbers(2)}
    known, groups = landmark_set([(part, name) for part, names in parts.items() for name in names])
    assert known.names[:3] == ("right wrist", "nose", "world nose")
    assert known.names[35] == "left hand wrist"
    assert known.names[56:] == ("face 0", "face 1")
    shifted = [(a + 2, b + 2) for a, b in BLAZEPOSE_33.bones] + [(a + 35, b + 35) for a, b in HAND_21.bones]
    assert known.bones == tuple(shifted)
    assert groups == ((0, 1, *range(35, 58)), tuple(range(2, 35)))


def test_names_in_another_order_keep_their_bones():
    names = tuple(reversed(BLAZEPOSE_33.names))
    known, _ = landmark_set([("pose", name) for name in names])
    assert {frozenset(names[end] for end in bone) for bone in known.bones} == {
        frozenset(BLAZEPOSE_33.names[end] for end in bone) for bone in BLAZEPOSE_33.bones
    }


@pytest.mark.parametrize(
    ("parts", "last", "size", "wanted"),
    [
        (["pose"], 1.5, (None, None), ("", (), (OF_UNKNOWN_SIZE,))),
        (["pose"], 1.5, (640.0, None), ("", (), (OF_UNKNOWN_SIZE,))),
        (["pose"], 1.5, (640.0, 480.0), ("px", (640.0, 480.0), ())),
        (["pose"], -300, (640.0, 480.0), ("px", (), ())),
        (["world"], 1.5, (640.0, 480.0), ("m", (), ())),
        (["pose", "world"], 1.5, (640.0, 480.0), ("", (), ())),
    ],
)
def test_units_and_scales(parts, last, size, wanted):
    assert measure(np.array([[[np.nan, 0.5], [0.25, last]]]), parts, *size) == wanted


def test_depth_is_scaled_as_width_is():
    assert measure(np.full((1, 1, 3), 0.5), ["pose"], 640, 480)[1] == (640, 480, 640)
