import numpy as np
import pytest

from base.errors import InputError
from data.recordings.array_layout import fits, read_layout, without_missing


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((9, 5, 3), True),
        ((1, 1, 3), False),
        ((9, 5), False),
        ((9, 5, 6), False),
        ((2, 9, 5, 2), True),
        ((0, 5, 3), False),
    ],
)
def test_shapes_of_poses(shape, wanted):
    assert fits(shape) == wanted


@pytest.mark.parametrize(("shape", "kind"), [((7, 5, 2), "TJC"), ((2, 7, 5, 3), "NTJC"), ((7, 2, 5, 3), "TNJC")])
def test_people_are_seen_first_whatever_the_order(shape, kind):
    array = np.random.default_rng(0).normal(0, 1, shape)
    layout = read_layout(array, "a")
    assert layout.kind == kind
    assert layout.people(array).shape == ((1, 7, 5, 2) if kind == "TJC" else (2, 7, 5, 3))
    assert np.shares_memory(layout.people(array), array)


def test_st_gcns_order_is_not_taken_for_people():
    with pytest.raises(InputError, match="as well as ST-GCN's"):
        read_layout(np.ones((3, 300, 25, 2)), "a")


def test_a_zero_is_missing_unless_its_score_says_that_it_is_there():
    joints = np.array([[[0.0, 0.0], [5, 5]], [[1, 1], [6, 6]], [[np.inf, 1], [7, 7]]])
    found = without_missing(joints, np.array([[0.1, 1], [1, 1], [1, 1]]))
    assert np.isnan(found[0, 0]).all()
    assert np.isinf(found[2, 0, 0])  # to be refused
    assert not np.isnan(without_missing(joints, np.full((3, 2), 0.9))).any()
