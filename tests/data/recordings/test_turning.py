import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from base.errors import InputError
from data.recordings.stored import Stored
from data.recordings.turning import Part, check_part, turning_recording


def stored(array, start=0):
    return Stored(array, start, start + array.nbytes)


def turns(frames=4, joints=2):
    matrices = Rotation.random(frames * joints, rng=np.random.default_rng(0)).as_matrix()
    return matrices.reshape(frames, joints, 3, 3)


def test_what_never_moves_is_left_out_unless_nothing_does():
    vectors = np.zeros((4, 3, 3))
    assert len(Part("axis_angles", [stored(vectors)]).moving) == 3
    vectors[2, 1] = 0.1
    part = Part("axis_angles", [stored(vectors)], ("a", "b", "c"))
    assert part.moving.tolist() == [1]
    assert part.labels == ("b x", "b y")
    assert part.joints.shape == (4, 2, 3)


def test_what_is_no_rotation_afterwards_is_not_written():
    part = Part("matrices", [stored(turns())])
    new = part.joints.copy()
    new[0, :2] = 0  # two points at the centre
    new[1, 0] = np.nan
    for _, array in part.changes(new):
        np.testing.assert_array_equal(array, part.stored[0].value)


def test_a_place_that_is_missing_changes_nothing():
    places = np.arange(12.0).reshape(4, 3)
    places[2] = np.nan
    part = Part("places", [stored(places)])
    assert not part.changes(part.joints.copy())
    new = part.joints.copy()
    new[2], new[3] = 5, np.nan
    ((_, array),) = part.changes(new)
    np.testing.assert_array_equal(array, [[0, 1, 2], [3, 4, 5], [5, 5, 5], [9, 10, 11]])


def test_rows_of_several_arrays_follow_each_other():
    whole = turns(5)
    part = Part("matrices", [stored(whole[:2]), stored(whole[2:], 1000)])
    new = part.joints.copy()
    new[3, 2:] = np.eye(3)[:, :2].T
    ((where, array),) = part.changes(new)
    assert where.start == 1000
    np.testing.assert_allclose(array[1, 1], np.eye(3), atol=1e-12)
    np.testing.assert_array_equal(array[0], whole[2])
    np.testing.assert_array_equal(array[1, 0], whole[3, 0])


@pytest.mark.parametrize("matrix", [np.eye(3) * 2, np.diag([1, 1, -1]), np.zeros((3, 3))])
def test_matrices_that_do_not_turn_are_refused(matrix):
    with pytest.raises(InputError, match="a matrix that is no rotation"):
        check_part(Part("matrices", [stored(np.array([[matrix]]))]), "a.pkl")


def test_parts_of_different_rows_are_refused():
    parts = [Part("places", [stored(np.ones((n, 3)), n)]) for n in (2, 3)]
    with pytest.raises(InputError, match=r"a: found \[2, 3\] rows"):
        turning_recording("a", parts, lambda changes: b"", frame=np.arange(2))
